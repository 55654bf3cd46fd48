"""The commands. Reports go to stdout or files, progress and complaints to stderr.

Exit codes: 0 all passed; 1 something failed; 2 the command or its input was wrong; 3 nothing
failed but something proved nothing; 4 the harness broke; 130 and 143 interrupted.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from scenarios.harness import serving

EPILOG = (
    "Exit codes: 0 all passed; 1 something failed; 2 the command or its input was wrong; "
    "3 nothing failed but something proved nothing; 4 the harness broke; "
    "130 and 143 interrupted by SIGINT or SIGTERM."
)
EXIT_BY_VERDICT = (0, 3, 1, 4)
"""Exit code by verdict: PASS, INCONCLUSIVE, FAIL, ERROR."""
BROKEN_CHAIN = 1
DEFAULT_OUT = Path("gameday-report")


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
    from scenarios.harness.github import tell_github  # noqa: PLC0415
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
    colour = sys.stdout.isatty() and not os.environ.get(
        "NO_COLOR"
    )  # empty means unset: no-color.org
    typer.echo(render_text(report, Style.COLOUR if colour else Style.PLAIN), nl=False)
    typer.echo(
        f"\nreport: {page} (beside it {FILES[Format.JSON]}, {FILES[Format.JUNIT]}, {JOURNAL})"
    )
    for line in tell_github(report, os.environ):
        typer.echo(line)
    raise typer.Exit(EXIT_BY_VERDICT[report.verdict])


@app.command(
    help=serving.SUMMARY,
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def serve(context: typer.Context) -> None:
    """Listed here for `gameday --help`; `serving.py` reads its options and does the work."""
    serving.serve(context.args)


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


LIGHT = frozenset({"list", "show", "run", "report", "journal", "--version"})
"""First words that need none of the commands for production."""


def all_commands() -> typer.Typer:
    """With the commands for production, which take the database and the client to import."""
    from scenarios.harness import operations  # noqa: PLC0415

    if not any(group.name == "audit" for group in app.registered_groups):
        operations.mount(app)
    return app
