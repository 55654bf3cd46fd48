"""The command `gameday`: from its first word to an exit code, with one line on stderr if it fails.

`serve` has a parser of its own (`serving.py`), because Typer takes longer to import than the
server takes to start; all other commands are in `commands.py`.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path

WRONG_INPUT, BROKEN_HARNESS, INTERRUPTED = 2, 4, 130


def main() -> None:
    """The command `gameday`. Ctrl-C is one line and exit code 130, wherever it comes."""
    try:
        _main()
    except KeyboardInterrupt:
        complain("interrupted")
        raise SystemExit(INTERRUPTED) from None


def _main() -> None:
    check_rooms()
    from scenarios.harness.interruption import Interrupted  # noqa: PLC0415 - after the check

    try:
        _run(sys.argv[1:])
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


def _run(arguments: list[str]) -> None:
    if arguments[:1] == ["serve"]:
        from scenarios.harness.serving import serve  # noqa: PLC0415 - after the shadow check

        serve(arguments[1:])
        return
    gc.set_threshold(100_000, 50, 100)  # imports and rows make many objects and few cycles
    from scenarios.harness.commands import LIGHT, all_commands, app  # noqa: PLC0415 - slow to import

    command = app if LIGHT.intersection(arguments[:1]) else all_commands()
    try:
        command(arguments, prog_name="gameday")
    except SystemExit as end:
        if end.code == INTERRUPTED:  # Typer has caught it and says nothing
            raise KeyboardInterrupt from None
        raise


def complain(what: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"gameday: {what}\n")


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


if __name__ == "__main__":
    main()
