"""The command line. Reports go to stdout or files, progress and complaints to stderr.

Exit codes: 0 all passed; 1 something failed; 2 the command or its input was wrong; 3 nothing
failed but something proved nothing; 4 the harness broke; 130 and 143 interrupted.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from enum import StrEnum
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.faults import Fault

EPILOG = (
    "Exit codes: 0 all passed; 1 something failed; 2 the command or its input was wrong; "
    "3 nothing failed but something proved nothing; 4 the harness broke; "
    "130 and 143 interrupted by SIGINT or SIGTERM."
)
EXIT_BY_VERDICT = (0, 3, 1, 4)
"""Exit code by verdict: PASS, INCONCLUSIVE, FAIL, ERROR."""
BROKEN_CHAIN, WRONG_INPUT, BROKEN_HARNESS = 1, 2, 4
DEFAULT_OUT = Path("gameday-report")


class ClockPolicy(StrEnum):
    """What moves the time of a served API."""

    POLL = "poll"
    REAL = "real"
    VIRTUAL = "virtual"


class Model(StrEnum):
    """What the simulated model of a served API says."""

    ECHO = "echo"
    GULLIBLE = "gullible"


app = typer.Typer(
    help="Rehearse the failures of the Message Batches API before they happen.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


journals = typer.Typer(help="Look at a journal.jsonl.", no_args_is_help=True)
app.add_typer(journals, name="journal")


def say_version(asked: bool) -> None:  # noqa: FBT001 - so an option calls back
    """Print the version of the distribution, and end."""
    if asked:
        typer.echo(f"gameday {version('batch-gameday')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=say_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Rehearse the failures of the Message Batches API before they happen."""


@app.command("list")
def list_drills() -> None:
    """List the drills by the failure mode they defend against."""
    from scenarios.harness.discovery import all_drills  # noqa: PLC0415 - after the shadow check

    mode = ""
    for drill in all_drills():
        if drill.defends_against != mode:
            mode = drill.defends_against
            typer.echo(f"{mode}")
        slow = "  (slow: only when named or with --slow)" if drill.slow else ""
        typer.echo(f"  {drill.name}{slow}\n      {drill.claim}")


@app.command()
def show(drill: Annotated[str, typer.Argument(help="A drill's name, or a .py file.")]) -> None:
    """Show a drill: its claim and story, what goes wrong, what holds, and what is checked."""
    from scenarios.harness.discovery import select  # noqa: PLC0415

    for chosen in select([drill]):
        injected = [fault.describe() for fault in chosen.faults]
        injected += [repr(act) for act in chosen.sabotage]
        named = [kind.__name__ for kind in chosen.control_types]
        typer.echo(f"{chosen.name}\n\n{chosen.claim}\n\n{chosen.story}\n")
        typer.echo(f"defends against: {chosen.defends_against}")
        typer.echo(f"goes wrong:      {', '.join(injected)}")
        typer.echo(f"must hold:       {', '.join(named)}")
        typer.echo(f"checked:         {', '.join(repr(check) for check in chosen.checks)}")
        typer.echo(f"run it:          {chosen.replay}")


@app.command()
def run(
    drills: Annotated[
        list[str] | None, typer.Argument(help="Names or .py files; all when none is given.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Your rows: CSV, JSON Lines or a JSON array.")
    ] = None,
    job: Annotated[Path | None, typer.Option(help="The job type they run under (TOML).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same report.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = DEFAULT_OUT,
    workers: Annotated[int, typer.Option(min=1, help="Drills run at the same time.")] = (
        os.cpu_count() or 1
    ),
    slow: Annotated[bool, typer.Option("--slow", help="Also run the slow drills.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Run drills, each in three arms, and write the report."""
    from reports import Format, Style, render_text  # noqa: PLC0415
    from scenarios.harness.conduct import conduct  # noqa: PLC0415
    from scenarios.harness.discovery import select  # noqa: PLC0415
    from scenarios.harness.game import open_game, plan  # noqa: PLC0415
    from scenarios.harness.interruption import Interruptions  # noqa: PLC0415
    from scenarios.harness.output import FILES, JOURNAL, open_folder  # noqa: PLC0415

    with Interruptions() as interruptions:
        with interruptions.welcome():
            chosen = select(drills or [], slow=slow)
            game = open_game(rows, job, seed)
        flags = ["--slow"] if slow else []
        command = shlex.join(["gameday", "run", *(drills or []), "--seed", str(seed), *flags])
        inputs = [Path(drill.file) for drill in chosen if drill.file]
        folder = open_folder(out, [*inputs, *filter(None, (rows, job))])
        report, page = conduct(
            plan(chosen, game), game, workers, command + game.options, folder, interruptions
        )
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(render_text(report, Style.COLOUR if colour else Style.PLAIN), nl=False)
    typer.echo(
        f"\nreport: {page} (beside it {FILES[Format.JSON]}, {FILES[Format.JUNIT]}, {JOURNAL})"
    )
    raise typer.Exit(EXIT_BY_VERDICT[report.verdict])


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    clock: Annotated[
        ClockPolicy, typer.Option(help="poll: looking moves time on; real; virtual: by admin call.")
    ] = ClockPolicy.POLL,
    speed: Annotated[float, typer.Option(help="With --clock real: how fast time runs.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed and calls make the same answers.")] = 0,
    responder: Annotated[
        Model, typer.Option(help="What the model says: its prompt, or what the prompt orders.")
    ] = Model.ECHO,
    faults: Annotated[
        Path | None, typer.Option(help="A TOML plan of what goes wrong; see docs/write-a-fault.md.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A ready plan: 'realistic', 'bad day' or 'worst day'.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(help="Accept only this key; any key without it.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="For /_gameday/ from other machines; loopback needs none.")
    ] = None,
) -> None:
    """Serve the Message Batches API over a socket, for any client in any language."""
    from simulator import Api, Clock, PollClock, RealClock, VirtualClock  # noqa: PLC0415
    from simulator.responder import Echo, Gullible  # noqa: PLC0415
    from simulator.server import serve as serve_api  # noqa: PLC0415

    clocks: dict[ClockPolicy, Callable[[], Clock]] = {
        ClockPolicy.POLL: PollClock,
        ClockPolicy.REAL: lambda: RealClock(speed=speed),
        ClockPolicy.VIRTUAL: VirtualClock,
    }
    api = Api(
        seed=seed,
        clock=clocks[clock](),
        responder=Gullible(Echo()) if responder is Model.GULLIBLE else Echo(),
        faults=served_faults(preset, faults),
        keys=None if api_key is None else {api_key: "wrkspc_01gameday"},
    )

    def ready(url: str) -> None:
        typer.echo(f"gameday: serving the Message Batches API on {url}")
        sys.stdout.flush()

    serve_api(api, host=host, port=port, token=token, ready=ready)


def served_faults(preset: str | None, plan: Path | None) -> tuple[Fault, ...]:
    """The faults of a preset and of a TOML plan, together."""
    if preset is None and plan is None:
        return ()  # a server without faults starts faster by what the catalogue takes to import
    from simulator.faults.presets import preset as ready_plan  # noqa: PLC0415
    from simulator.faults.toml import load_plan  # noqa: PLC0415

    return (ready_plan(preset) if preset else ()) + (load_plan(plan) if plan else ())


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="A report.json of any earlier run.")],
    form: Annotated[str, typer.Option("--format", help="html, json, junit or text.")] = "text",
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to stdout.")] = None,
) -> None:
    """Render a report.json again, in any format. The exit code is that of the report."""
    from reports import Format, ReportError, load, render  # noqa: PLC0415
    from scenarios.harness.errors import UsageError  # noqa: PLC0415
    from scenarios.harness.output import write_whole  # noqa: PLC0415

    if form not in {known.value for known in Format}:
        known = ", ".join(known.value for known in Format)
        raise UsageError(f"There is no format {form!r}.", fix=f"The formats are: {known}.")
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"The report {file} cannot be read: {why}.", fix="Check it.") from None
    try:
        loaded = load(text)
    except ReportError as error:
        place = f" At {error.where}." if error.where else ""
        raise UsageError(f"{file}: {error.what}{place}", fix=error.fix) from None
    rendered = render(loaded, Format(form))
    if out is not None and out.exists() and out.samefile(file):
        raise UsageError(f"{out} is the report itself.", fix="Give the name of another file.")
    if out is None:
        sys.stdout.buffer.write(rendered.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    else:
        write_whole(out, rendered)
    raise typer.Exit(EXIT_BY_VERDICT[loaded.verdict])


@journals.callback()
def journal() -> None:
    """Look at a journal.jsonl."""


@journals.command()
def verify(file: Annotated[Path, typer.Argument(help="A journal.jsonl of any run.")]) -> None:
    """Follow the chain of a journal. Exit code 0 when no line of it was edited."""
    from reports import verify_journal  # noqa: PLC0415
    from scenarios.harness.telling import say_end  # noqa: PLC0415

    state = verify_journal(file)
    if not state.events:
        typer.echo(f"{file}: line 1 is not the header of a journal")
        raise typer.Exit(BROKEN_CHAIN)
    if not state.intact:
        typer.echo(f"{file}: line {state.bad_line} is not what was written: {state.why}")
        raise typer.Exit(BROKEN_CHAIN)
    typer.echo(f"{file}: {state.events:,} events in an unbroken chain; {say_end(state)}")


def complain(what: str) -> None:
    """One line on stderr."""
    typer.echo(f"gameday: {what}", err=True)


def check_rooms() -> None:
    """Say so when another package shadows one of ours: the four names are general words.

    Raises:
        SystemExit: with code 2 and the path that shadows.
    """
    home = Path(__file__).resolve().parents[2]
    for room in ("simulator", "controls", "reports", "scenarios"):
        spec = find_spec(room)
        places = list(spec.submodule_search_locations or []) if spec else []
        if not places or Path(places[0]).resolve().parent != home:
            shadow = places[0] if places else "nothing"
            complain(
                f"the package {room!r} is shadowed by {shadow}; ours is in {home}. "
                "Rename yours, or start gameday from another folder."
            )
            raise SystemExit(WRONG_INPUT)


def main() -> None:
    """The command `gameday`."""
    check_rooms()
    from scenarios.harness.interruption import Interrupted  # noqa: PLC0415 - after the check

    try:
        app(prog_name="gameday")
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(WRONG_INPUT) from None
    except Interrupted as stop:
        from reports.untrusted import shown  # noqa: PLC0415 - only when there is something to say

        complain(shown(str(stop)))
        raise SystemExit(stop.exit_code) from None
    except Exception as error:
        if "GAMEDAY_TRACEBACK" in os.environ:
            raise
        from reports.untrusted import shown  # noqa: PLC0415

        if hasattr(error, "fix"):  # the user errors of all four rooms say how to mend it
            complain(shown(str(error)))
            raise SystemExit(WRONG_INPUT) from None
        complain(
            f"the harness broke: {type(error).__name__}: {shown(str(error))}. This is a defect of "
            "ours; GAMEDAY_TRACEBACK=1 shows where."
        )
        raise SystemExit(BROKEN_HARNESS) from None


if __name__ == "__main__":
    main()
