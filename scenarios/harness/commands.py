"""The commands. Reports go to stdout or files, progress and complaints to stderr.

Exit codes: 0 all passed; 1 something failed; 2 the command or its input was wrong; 3 nothing
failed but something proved nothing; 4 the harness broke; 130 and 143 interrupted.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.harness import serving
from scenarios.harness.pipeline.command import verify as verify_pipeline
from scenarios.harness.voice import NoColor, Quiet, set_voice

if TYPE_CHECKING:
    from scenarios.harness.drill import Drill

EPILOG = (
    "Exit codes: 0 all passed; 1 something failed; 2 the command or its input was wrong; "
    "3 nothing failed but something proved nothing; 4 the harness broke; "
    "130 and 143 interrupted by SIGINT or SIGTERM."
)
EXIT_BY_VERDICT = (0, 3, 1, 4)
"""Exit code by verdict: PASS, INCONCLUSIVE, FAIL, ERROR."""
BROKEN_CHAIN = 1
DEFAULT_OUT = Path("gameday-report")
FUZZ_OUT = Path("gameday-fuzz")


app = typer.Typer(
    help="Rehearse the failures of the Message Batches API before they happen.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


journals = typer.Typer(help="Look at a journal.jsonl.", no_args_is_help=True)
app.add_typer(journals, name="journal")
app.command("verify")(verify_pipeline)


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
def list_drills(
    coverage: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option("--coverage", help="The matrix instead: fault, moment, control, and holes."),
    ] = False,
) -> None:
    """List the drills by the failure mode they defend against."""
    from itertools import groupby  # noqa: PLC0415 - after the shadow check

    from scenarios.harness.discovery import all_drills  # noqa: PLC0415

    if coverage:
        from reports import coverage_lines  # noqa: PLC0415
        from scenarios.harness.coverage import coverage_of  # noqa: PLC0415

        typer.echo("\n".join(coverage_lines(coverage_of(all_drills()))))
        return
    mode = ""
    for family, group in groupby(all_drills(), key=lambda drill: drill.family):
        drills = list(group)
        if drills[0].defends_against != mode:
            mode = drills[0].defends_against
            typer.echo(f"{mode}")
        slow = "  (slow: only when named or with --slow)" if drills[0].slow else ""
        typer.echo(f"  {family}{slow}\n      {drills[0].claim}")
        if variants := ", ".join(f".{drill.variant}" for drill in drills if drill.variant):
            typer.echo(fill(variants, 96, initial_indent=" " * 6, subsequent_indent=" " * 6))


@app.command()
def show(drill: Annotated[str, typer.Argument(help="A drill's name, or a .py file.")]) -> None:
    """Show a drill: its claim and story, what goes wrong, what holds, and what is checked."""
    from itertools import groupby  # noqa: PLC0415 - after the shadow check

    from scenarios.harness.discovery import select  # noqa: PLC0415

    for _, group in groupby(select([drill]), key=lambda drill: (drill.file, drill.family)):
        drills = list(group)
        chosen = drills[0]
        named = [kind.__name__ for kind in chosen.control_types]
        name = chosen.family if len(drills) > 1 else chosen.name
        typer.echo(f"{name}\n\n{chosen.claim}\n\n{chosen.story}\n")
        typer.echo(f"defends against: {chosen.defends_against}")
        for one in drills:
            variant = f".{one.variant}: " if len(drills) > 1 else ""
            typer.echo(f"goes wrong:      {variant}{_what_goes_wrong(one)}")
        typer.echo(f"must hold:       {', '.join(named)}{' (bare too)' if chosen.borne else ''}")
        typer.echo(f"checked:         {', '.join(repr(check) for check in chosen.checks)}")
        typer.echo(f"run it:          {chosen.replay if len(drills) == 1 else _replay(chosen)}")


def _what_goes_wrong(drill: Drill) -> str:
    injected = [fault.describe() for fault in drill.faults]
    injected += [repr(act) for act in drill.sabotage]
    bare = [type(part).__name__ for part in drill.instead]
    return ", ".join(injected) + (f"; bare: {', '.join(bare)}" if bare else "")


def _replay(drill: Drill) -> str:
    return shlex.join(["gameday", "run", drill.file or drill.family])


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
    kills: Annotated[
        Path | None, typer.Option(help="A kill-matrix.json of gameday prove, for the report.")
    ] = None,
    owners: Annotated[
        Path | None, typer.Option(help="Who closes which gap, by when (TOML), for the report.")
    ] = None,
    quiet: Quiet = False,  # noqa: FBT002 - a flag
    no_color: NoColor = False,  # noqa: FBT002 - a flag
) -> None:
    """Run drills, each in three arms, and write the report."""
    from reports import Style, render_text  # noqa: PLC0415
    from scenarios.harness.conduct import conduct  # noqa: PLC0415
    from scenarios.harness.discovery import select  # noqa: PLC0415
    from scenarios.harness.game import open_game, plan  # noqa: PLC0415
    from scenarios.harness.github import tell_github  # noqa: PLC0415
    from scenarios.harness.interruption import Interruptions  # noqa: PLC0415
    from scenarios.harness.output import beside, open_folder  # noqa: PLC0415
    from scenarios.harness.reporting import (  # noqa: PLC0415
        read_kills,
        read_owners,
        tell_unmatched,
    )

    told = set_voice(quiet=quiet, no_color=no_color)
    with Interruptions() as interruptions:
        with interruptions.welcome():
            chosen = select(drills or [], slow=slow)
            left_out = [] if drills else [d for d in select([], slow=True) if d not in chosen]
            game = open_game(rows, job, seed)
            matrix = None if kills is None else read_kills(kills)
            assigned = () if owners is None else read_owners(owners)
        flags = ["--slow"] if slow else []
        flags += [] if kills is None else ["--kills", str(kills)]
        flags += [] if owners is None else ["--owners", str(owners)]
        command = shlex.join(["gameday", "run", *(drills or []), "--seed", str(seed), *flags])
        inputs = [Path(drill.file) for drill in chosen if drill.file]
        folder = open_folder(out, [*inputs, *filter(None, (rows, job, kills, owners))])
        report, page = conduct(
            replace(plan(chosen, game, left_out), kills=matrix, owners=assigned),
            game,
            workers,
            command + game.options,
            folder,
            interruptions,
        )
    told.say(render_text(report, Style.COLOUR if told.colour else Style.PLAIN))
    typer.echo(f"\nreport: {page} (beside it {beside()})")
    tell_unmatched(report, owners)
    for line in tell_github(report, os.environ):
        typer.echo(line)
    raise typer.Exit(EXIT_BY_VERDICT[report.verdict])


@app.command()
def prove(
    controls: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of controls, Control.mutant, or .py files with mutants and drills of your "
            "own; all controls when none is given."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same matrix.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the kill matrix.")] = DEFAULT_OUT,
    workers: Annotated[int, typer.Option(min=1, help="Mutants tried at the same time.")] = (
        os.cpu_count() or 1
    ),
    fill: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--all", help="Run every drill, also after the first kill.")
    ] = False,
    quiet: Quiet = False,  # noqa: FBT002 - a flag
    no_color: NoColor = False,  # noqa: FBT002 - a flag
) -> None:
    """Break every control on purpose, and see whether the drills say so."""
    from reports.kills import render_kills_text  # noqa: PLC0415
    from scenarios.harness.interruption import Interruptions  # noqa: PLC0415
    from scenarios.harness.output import MATRIX_MARKS, open_folder, write_matrix  # noqa: PLC0415
    from scenarios.harness.prove import conduct, exit_code, open_proof  # noqa: PLC0415

    told = set_voice(quiet=quiet, no_color=no_color)
    with Interruptions() as interruptions:
        with interruptions.welcome():
            proof = open_proof(controls or [], seed, fill=fill)
        flags = ["--all"] if fill else []
        command = shlex.join(["gameday", "prove", *(controls or []), "--seed", str(seed), *flags])
        folder = open_folder(out, [], MATRIX_MARKS)
        matrix = conduct(proof, workers, command, interruptions)
        place = write_matrix(matrix, folder)
    told.say(render_kills_text(matrix))
    typer.echo(f"\nkill matrix: {place} (beside it the same as text)")
    raise typer.Exit(exit_code(matrix))


@app.command()
def fuzz(
    plans: Annotated[int, typer.Option(min=1, help="How many.")] = 1_000,
    seed: Annotated[int, typer.Option(help="The same seed draws the same plans.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Plans played at the same time.")] = (
        os.cpu_count() or 1
    ),
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, to play them on its cluster.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Your rows: CSV, JSON Lines or a JSON array.")
    ] = None,
    job: Annotated[Path | None, typer.Option(help="The job type they run under (TOML).")] = None,
    out: Annotated[Path, typer.Option(help="Folder for report and failures.")] = FUZZ_OUT,
    quiet: Quiet = False,  # noqa: FBT002 - a flag
    no_color: NoColor = False,  # noqa: FBT002 - a flag
) -> None:
    """Play random plans of faults, kills and people's acts, judged by the eleven invariants."""
    from scenarios.harness.fuzz.conduct import conduct  # noqa: PLC0415 - after the shadow check
    from scenarios.harness.fuzz.outcome import (  # noqa: PLC0415
        as_text,
        open_fuzz_folder,
        write_result,
    )
    from scenarios.harness.fuzz.spread import on_cores  # noqa: PLC0415
    from scenarios.harness.game import open_game  # noqa: PLC0415
    from scenarios.harness.interruption import Interruptions  # noqa: PLC0415

    told = set_voice(quiet=quiet, no_color=no_color)
    with Interruptions() as interruptions:
        with interruptions.welcome():
            game = open_game(rows, job, 0)
            folder = open_fuzz_folder(out)
            if scheduler is None:
                spread = on_cores(workers)
            else:
                from scenarios.harness.fuzz.cluster import on_cluster  # noqa: PLC0415 - an extra

                spread = on_cluster(scheduler)
        result = conduct(game, seed, plans, spread, interruptions)
        with interruptions.welcome():
            written = write_result(result, folder)
    told.say(as_text(result, written))
    raise typer.Exit(EXIT_BY_VERDICT[result.verdict])


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A plan (TOML) that gameday fuzz has written.")],
    rows: Annotated[Path | None, typer.Option(help="The rows that it was found on.")] = None,
    job: Annotated[Path | None, typer.Option(help="The job type that it was found with.")] = None,
) -> None:
    """Play one plan again. Exit code 1 if an invariant still breaks, 0 if all hold now."""
    from scenarios.harness.fuzz.replaying import replayed  # noqa: PLC0415

    said, broke = replayed(file, rows, job)
    typer.echo(said, nl=False)
    raise typer.Exit(int(broke))


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
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="html, json, junit, ctrf, markdown, csv or text; with --against html, json, "
            "markdown or text.",
        ),
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to stdout.")] = None,
    kills: Annotated[
        Path | None, typer.Option(help="A kill-matrix.json of gameday prove, to be part of it.")
    ] = None,
    owners: Annotated[
        Path | None, typer.Option(help="Who closes which gap, by when (TOML), to be part of it.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="An older report.json: tell what changed since.")
    ] = None,
    strict: Annotated[  # noqa: FBT002 - a flag
        bool,
        typer.Option("--fail-on-regression", help="With --against: exit code 1 if it got worse."),
    ] = False,
) -> None:
    """Render a report.json again, in any format, or tell what changed since an older one.

    The exit code is that of the report; with --against it is 0, or 1 for a regression if asked.
    """
    from scenarios.harness import reporting  # noqa: PLC0415 - after the shadow check

    if against is None:
        judged = reporting.rendered(file, form, kills, owners, out)
        raise typer.Exit(EXIT_BY_VERDICT[judged.verdict])
    raise typer.Exit(reporting.compared(file, against, form, out, strict=strict))


@app.command()
def history(
    folder: Annotated[Path, typer.Argument(help="A folder with reports, each in a folder below.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("history.html"),
) -> None:
    """Draw how the verdicts went, over all report.json of a folder, in the order of their paths."""
    from scenarios.harness import reporting  # noqa: PLC0415 - after the shadow check

    read, unread = reporting.history(folder, out)
    left = f", {unread:,} files were none" if unread else ""
    typer.echo(f"{out}: {read:,} reports{left}")


@journals.callback()
def journal() -> None:
    """Look at a journal.jsonl."""


@journals.command()
def verify(file: Annotated[Path, typer.Argument(help="A journal.jsonl of any run.")]) -> None:
    """Follow the chain of a journal, and compare the report.json beside it with what it names.

    Exit code 1 if a line of the journal was edited, or the report is not what the run wrote.
    """
    from reports import Format, verify_journal  # noqa: PLC0415
    from reports.journal import Beside, report_beside  # noqa: PLC0415
    from scenarios.harness.output import FILES  # noqa: PLC0415
    from scenarios.harness.telling import say_beside, say_end  # noqa: PLC0415

    state = verify_journal(file)
    if not state.events:
        typer.echo(f"{file}: line 1 is not the header of a journal")
        raise typer.Exit(BROKEN_CHAIN)
    if not state.intact:
        typer.echo(f"{file}: line {state.bad_line} is not what was written: {state.why}")
        raise typer.Exit(BROKEN_CHAIN)
    typer.echo(f"{file}: {state.events:,} events in an unbroken chain; {say_end(state)}")
    report = file.parent / FILES[Format.JSON]
    found = report_beside(state, report)
    typer.echo(say_beside(found, report))
    raise typer.Exit(BROKEN_CHAIN if found is Beside.CHANGED else 0)


LIGHT = frozenset(
    {
        "list",
        "show",
        "run",
        "verify",
        "prove",
        "fuzz",
        "replay",
        "report",
        "history",
        "journal",
        "--version",
    }
)
"""First words that need none of the commands for production."""


def all_commands() -> typer.Typer:
    """With the commands for production, which take the database and the client to import."""
    from scenarios.harness import operations  # noqa: PLC0415

    if not any(group.name == "audit" for group in app.registered_groups):
        operations.mount(app)
    return app
