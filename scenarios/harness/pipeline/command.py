"""`gameday verify`: its options."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack, closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.harness.voice import NoColor, Quiet, set_voice

if TYPE_CHECKING:
    from scenarios.harness.pipeline.trial import Trial

DEFAULT_OUT = Path("gameday-report")
EXIT_BY_VERDICT = (0, 3, 1, 4)
"""Exit code by verdict: PASS, INCONCLUSIVE, FAIL, ERROR."""

PIPELINE = "Your pipeline: a command for the shell, or MODULE:FUNCTION."
SINK = "Where its results end up: an SQLAlchemy URL, or a JSON Lines file. Every arm has a copy."


def verify(
    pipeline: Annotated[str, typer.Option(help=PIPELINE)],
    rows: Annotated[Path, typer.Option(help="Its rows: CSV, JSON Lines or a JSON array.")],
    key: Annotated[str, typer.Option(help="The column of the rows that names each of them.")],
    sink: Annotated[str, typer.Option(help=SINK)],
    table: Annotated[str | None, typer.Option(help="The table of the sink.")] = None,
    sink_key: Annotated[
        str | None, typer.Option(help="The sink's column with the rows' keys; --key without it.")
    ] = None,
    quarantine: Annotated[
        str | None, typer.Option(help="Where rows go that it keeps back: URL#TABLE, or a file.")
    ] = None,
    quarantine_key: Annotated[
        str | None, typer.Option(help="Its column with the rows' keys; that of the sink without.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="JSON Schema of an accepted value, by the sink's columns.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="What was approved, in USD.")] = None,
    text: Annotated[
        str | None, typer.Option(help="The column that the prompts carry; the longest without it.")
    ] = None,
    drills: Annotated[
        list[str] | None, typer.Option(help="Names or .py files, several times; all without it.")
    ] = None,
    crash_sweep: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--crash-sweep", help="Not the drills: kill it at each of its calls.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one run of it.")] = 60.0,
    workers: Annotated[int, typer.Option(min=1, help="Arms run at the same time.")] = (
        os.cpu_count() or 1
    ),
    seed: Annotated[int, typer.Option(help="The same seed makes the same service.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = DEFAULT_OUT,
    slow: Annotated[bool, typer.Option("--slow", help="Also run the slow drills.")] = False,  # noqa: FBT002 - a flag
    quiet: Quiet = False,  # noqa: FBT002 - a flag
    no_color: NoColor = False,  # noqa: FBT002 - a flag
) -> None:
    """Put your own pipeline, in any language, through the drills, and judge it from outside.

    It gets ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY, GAMEDAY_ROWS, GAMEDAY_SINK, GAMEDAY_TABLE,
    GAMEDAY_QUARANTINE, GAMEDAY_STATE, GAMEDAY_SEED, GAMEDAY_DRILL and GAMEDAY_ARM. Exit code 0
    says that it believes itself done, any other that it stopped. See docs/verify.md.
    """
    from reports import Journal, Style, render_text  # noqa: PLC0415 - help needs none
    from scenarios.harness.conduct import conduct_drills  # noqa: PLC0415
    from scenarios.harness.discovery import select  # noqa: PLC0415
    from scenarios.harness.github import tell_github  # noqa: PLC0415
    from scenarios.harness.interruption import Interruptions  # noqa: PLC0415
    from scenarios.harness.output import JOURNAL, beside, open_folder  # noqa: PLC0415
    from scenarios.harness.pipeline.day import Day  # noqa: PLC0415
    from scenarios.harness.pipeline.sweep import Mode, drill_of  # noqa: PLC0415

    told = set_voice(quiet=quiet, no_color=no_color)
    with Interruptions() as interruptions, ExitStack() as stack:
        with interruptions.welcome():
            chosen = tuple(map(drill_of, Mode)) if crash_sweep else select(drills or [], slow=slow)
            trial = opened(
                pipeline,
                rows,
                key,
                sink,
                table,
                sink_key,
                quarantine,
                quarantine_key,
                schema,
                budget,
                text,
                timeout,
                seed,
            )
            inputs = [Path(drill.file) for drill in chosen if drill.file]
            files = [Path(place) for place in (sink, quarantine) if place and "://" not in place]
            folder = open_folder(out, [*inputs, *files, *filter(None, (rows, schema))])
            day = stack.enter_context(closing(Day(trial, chosen)))
            day.begin(workers)
        flags = [*(["--slow"] if slow else []), *(["--crash-sweep"] if crash_sweep else [])]
        asked = [f"--drills {shlex.quote(name)}" for name in drills or []]
        command = " ".join([f"gameday verify{trial.options}", *asked, *flags])
        report, page = conduct_drills(
            list(day.fitted),
            lambda: day.sweep(workers) if crash_sweep else day.finish(workers),
            lambda reports: day.report(reports, command),
            Journal(folder / JOURNAL, command=command, seed=seed),
            folder,
            interruptions,
        )
    told.say(render_text(report, Style.COLOUR if told.colour else Style.PLAIN))
    typer.echo(f"\nreport: {page} (beside it {beside()})")
    for line in tell_github(report, os.environ):
        typer.echo(line)
    raise typer.Exit(EXIT_BY_VERDICT[report.verdict])


def opened(
    pipeline: str,
    rows: Path,
    key: str,
    sink: str,
    table: str | None = None,
    sink_key: str | None = None,
    quarantine: str | None = None,
    quarantine_key: str | None = None,
    schema: Path | None = None,
    budget: str | None = None,
    text: str | None = None,
    timeout: float = 60.0,
    seed: int = 0,
) -> Trial:
    """The trial that these options describe.

    Raises:
        UsageError: one of them is wrong, or they cannot go together.
    """
    from scenarios.harness.errors import UsageError  # noqa: PLC0415
    from scenarios.harness.pipeline.origin import (  # noqa: PLC0415
        facts_of,
        without_password,
        without_passwords,
    )
    from scenarios.harness.pipeline.places import place_of  # noqa: PLC0415
    from scenarios.harness.pipeline.trial import Trial, job_of, read_schema  # noqa: PLC0415

    if not pipeline.strip():
        raise UsageError("--pipeline is empty.", fix="Give a command, or MODULE:FUNCTION.")
    agreed = None if schema is None else read_schema(schema)
    approved = None if budget is None else dollars(budget)
    job, rowset = job_of(rows, key, text, agreed, approved)
    given = {
        "pipeline": without_passwords(pipeline),
        "rows": str(rows),
        "key": key,
        "sink": without_password(sink),
        "table": table,
        "sink-key": sink_key,
        "quarantine": quarantine and without_password(quarantine),
        "quarantine-key": quarantine_key,
        "schema": schema and str(schema),
        "budget": budget,
        "text": text,
        "timeout": f"{timeout:g}",
        "seed": str(seed),
    }
    return Trial(
        pipeline=pipeline,
        job=job,
        rowset=rowset,
        rows_file=rows,
        sink=place_of(sink, "--sink", table),
        sink_key=sink_key or key,
        quarantine=None if quarantine is None else place_of(quarantine, "--quarantine"),
        quarantine_key=quarantine_key or sink_key or key,
        schema=agreed,
        budget=approved,
        timeout=timeout,
        seed=seed,
        options="".join(f" --{name} {shlex.quote(v)}" for name, v in given.items() if v),
        facts=tuple(facts_of(pipeline, sink, table, quarantine, schema)),
    )


def dollars(given: str) -> Decimal:
    """The amount of an option.

    Raises:
        UsageError: it is none.
    """
    from scenarios.harness.errors import UsageError  # noqa: PLC0415

    try:
        amount = Decimal(given.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount >= 0):
        raise UsageError(f"--budget {given[:20]!r} is no amount.", fix="Example: --budget 2.50")
    return amount
