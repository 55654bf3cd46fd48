"""`gameday serve`: its options, and nothing imported that its first answer does not need."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from scenarios.harness.errors import UsageError

if TYPE_CHECKING:
    from simulator.clock import Clock
    from simulator.faults import Fault
    from simulator.server import Wrap

SUMMARY: Final = "Serve the Message Batches API over a socket, for any client in any language."
DEFAULT: Final = "[default: %(default)s]"
HIGHEST_PORT: Final = 65_535


class Parser(argparse.ArgumentParser):
    """Wrong options are one line on stderr, as everywhere else."""

    def error(self, message: str) -> NoReturn:
        """Refuse, and say where the options are told.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"serve: {message.removesuffix('.')}.", fix="See `gameday serve --help`.")


def parser() -> Parser:
    """The one place where the options of `serve` are written down."""
    made = Parser(prog="gameday serve", description=SUMMARY, allow_abbrev=False)
    add = made.add_argument
    add("--host", default="127.0.0.1", help=f"address to listen on {DEFAULT}")
    add("--port", type=a_port, default=8080, help=f"0 takes a free one {DEFAULT}")
    add(
        "--clock",
        choices=("poll", "real", "virtual"),
        default="poll",
        help=f"poll: looking moves time on; real; virtual: by admin call {DEFAULT}",
    )
    add(
        "--speed",
        type=float,
        default=1.0,
        help=f"with --clock real: how fast time runs {DEFAULT}",
    )
    add(
        "--seed",
        type=int,
        default=0,
        help=f"the same seed and calls make the same answers {DEFAULT}",
    )
    add(
        "--responder",
        choices=("echo", "gullible"),
        default="echo",
        help=f"what the model says: its prompt, or what the prompt orders {DEFAULT}",
    )
    add("--faults", type=Path, metavar="FILE", help="a TOML plan; see docs/write-a-fault.md")
    add("--preset", help="a ready plan: 'realistic', 'bad day' or 'worst day'")
    add("--api-key", help="accept only this key; any key without it")
    add("--token", help="for /_gameday/ from other machines; loopback needs none")
    add(
        "--console",
        action="store_true",
        default=None,
        help="a page for a live game day with people; see docs/console.md",
    )
    add("--facilitator-token", help="opens the console, also from other machines; else made up")
    add("--observer-token", help="the same for those who may look and write notes")
    add(
        "--console-name",
        action="append",
        metavar="NAME",
        help="a name of this machine under which others open the console",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="records of the live game day; a fresh folder gameday-live without it",
    )
    return made


def a_port(text: str) -> int:
    """The number of a port.

    Raises:
        ArgumentTypeError: if it is none.
    """
    if text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST_PORT)):
        port = int(text)
        if port <= HIGHEST_PORT:
            return port
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {HIGHEST_PORT}")


def serve(arguments: Sequence[str]) -> None:
    """Serve until interrupted.

    Raises:
        UsageError: if the options are wrong.
    """
    chosen = parser().parse_args(arguments)
    check_console(chosen)
    gc.disable()  # while importing there is no garbage, and looking for it costs milliseconds
    from simulator import Api, PollClock, RealClock, VirtualClock  # noqa: PLC0415 - help needs none
    from simulator.responder import Echo, Gullible  # noqa: PLC0415
    from simulator.server import serve as serve_api  # noqa: PLC0415

    clocks: dict[str, Callable[[], Clock]] = {
        "poll": PollClock,
        "real": lambda: RealClock(speed=chosen.speed),
        "virtual": VirtualClock,
    }
    api = Api(
        seed=chosen.seed,
        clock=clocks[chosen.clock](),
        responder=Gullible(Echo()) if chosen.responder == "gullible" else Echo(),
        faults=served_faults(chosen.preset, chosen.faults),
        keys=None if chosen.api_key is None else {chosen.api_key: "wrkspc_01gameday"},
    )

    def ready(url: str, besides: str = "") -> None:
        sys.stdout.write(f"gameday: serving the Message Batches API on {url}\n{besides}")
        sys.stdout.flush()
        gc.freeze()
        gc.enable()

    if not chosen.console:
        serve_api(api, host=chosen.host, port=chosen.port, token=chosen.token, ready=ready)
        return
    from scenarios.harness.console.opening import serve_console  # noqa: PLC0415 - it needs a lot

    def serve_with(wrap: Wrap, token: str, says: str) -> None:
        serve_api(
            api,
            host=chosen.host,
            port=chosen.port,
            token=chosen.token or token,
            ready=lambda url: ready(url, says.format(url=url)),
            wrap=wrap,
        )

    serve_console(
        api,
        arguments,
        facilitator=chosen.facilitator_token,
        observer=chosen.observer_token,
        names=chosen.console_name or (),
        out=chosen.out,
        serve=serve_with,
    )


def check_console(chosen: argparse.Namespace) -> None:
    """Refuse options of a console that nobody asked for.

    Raises:
        UsageError: one was given.
    """
    if chosen.console:
        return
    given = ("facilitator_token", "observer_token", "console_name", "out")
    for name in given:
        if getattr(chosen, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"serve: {option} is for the console.", fix="Add --console.")


def served_faults(preset: str | None, plan: Path | None) -> tuple[Fault, ...]:
    """The faults of a preset and of a TOML plan, together."""
    if preset is None and plan is None:
        return ()  # a server without faults starts faster by what the catalogue takes to import
    from simulator.faults.presets import preset as ready_plan  # noqa: PLC0415
    from simulator.faults.toml import load_plan  # noqa: PLC0415

    return (ready_plan(preset) if preset else ()) + (load_plan(plan) if plan else ())
