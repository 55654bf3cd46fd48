"""What a campaign leaves behind: a text, `fuzz.json`, and a plan and a drill for each failure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reports import Verdict
from reports.untrusted import shown
from scenarios.harness.errors import UsageError
from scenarios.harness.fuzz.campaign import Shrunk, Tally
from scenarios.harness.fuzz.drillfile import drill_file
from scenarios.harness.fuzz.writing import to_toml
from scenarios.harness.invariants import INVARIANTS
from scenarios.harness.output import write_whole
from scenarios.harness.world import Game

SCHEMA = "gameday-fuzz/1"
REPORT, FAILURES = "fuzz.json", "failures"
MARK = "written by gameday fuzz"
"""Stands in the first line of every plan and drill that we write, and hardly in another file."""
LISTED = 20


@dataclass(frozen=True, slots=True)
class Written:
    """The files of one failure."""

    shrunk: Shrunk
    plan: Path
    drill: Path


@dataclass(frozen=True, slots=True)
class Result:
    """A campaign and what became of its failures."""

    game: Game
    seed: int
    tally: Tally
    shrunk: tuple[Shrunk, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst that can be said."""
        if self.tally.problems:
            return Verdict.ERROR
        if self.tally.failures:
            return Verdict.FAIL
        proved = self.tally.struck or self.tally.sabotaged or self.tally.killed
        return Verdict.PASS if proved and not self.tally.never_asked else Verdict.INCONCLUSIVE


def open_fuzz_folder(folder: Path) -> Path:
    """The folder, made and found writable; what a former campaign left there is removed.

    Raises:
        UsageError: it cannot be made or written, or its `fuzz.json` is not ours.
    """
    report = folder / REPORT
    try:
        (folder / FAILURES).mkdir(parents=True, exist_ok=True)
        if report.exists() and SCHEMA not in report.read_text("utf-8", "replace")[:200]:
            raise UsageError(
                f"{report} would be replaced, and is not a report of gameday fuzz.",
                fix="Move it, or choose another --out DIR.",
            )
        report.unlink(missing_ok=True)
        for path in sorted((folder / FAILURES).iterdir()):
            if path.suffix in {".toml", ".py"} and MARK in _first_line(path):
                path.unlink()
    except OSError as error:
        raise UsageError(
            f"The output folder {folder} cannot be written: {error.strerror}.",
            fix="Choose another with --out DIR.",
        ) from None
    return folder


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def write_result(result: Result, folder: Path) -> tuple[Written, ...]:
    """All files of a campaign."""
    written = tuple(_write(result, shrunk, folder) for shrunk in result.shrunk)
    document = msgspec.json.encode(as_document(result, written, folder))
    write_whole(folder / REPORT, msgspec.json.format(document, indent=2).decode() + "\n")
    if not written:
        with suppress(OSError):
            (folder / FAILURES).rmdir()
    return written


def _write(result: Result, shrunk: Shrunk, folder: Path) -> Written:
    name = f"{shrunk.invariant}-{result.seed}-{shrunk.number}"
    plan = folder / FAILURES / f"{name}.toml"
    drill = folder / FAILURES / f"{name.replace('-', '_')}.py"
    says = next(each.says for each in INVARIANTS if each.name == shrunk.invariant)
    replay = f"gameday replay {plan.name}{result.game.options}"
    comment = (
        f"{name}, {MARK}: plan {shrunk.number} of seed {result.seed}, shrunk\n"
        f"{shrunk.invariant}: {shown(shrunk.finding.says)}\n{replay}"
    )
    write_whole(plan, to_toml(shrunk.plan, result.game.rowset.digest, comment))
    write_whole(drill, drill_file(name, shrunk.invariant, says, shrunk.plan, replay))
    return Written(shrunk, plan, drill)


def as_document(result: Result, written: Sequence[Written], folder: Path) -> dict[str, object]:
    """The campaign as JSON: the same for the same seed, whoever played it."""
    tally = result.tally
    files = {one.shrunk.number: one for one in written}
    return {
        "schema": SCHEMA,
        "verdict": result.verdict.name,
        "seed": result.seed,
        "plans": tally.plans,
        "rows": {"source": result.game.rowset.source, "digest": result.game.rowset.digest},
        "ended": _sorted(tally.ended),
        "invariants": [
            {
                "name": each.name,
                "says": each.says,
                "held": tally.held[each.name],
                "broke": tally.broke[each.name],
            }
            for each in INVARIANTS
        ],
        "families": {
            name: {"struck": struck, "faults": faults}
            for name, (struck, faults) in tally.families.items()
        },
        "faults": {
            name: {"planned": planned, "struck": tally.struck[name]}
            for name, planned in sorted(tally.planned.items())
        },
        "sabotage": _sorted(tally.sabotaged),
        "acts": _sorted(tally.acts),
        "kills": {"planned": tally.kills, "struck": tally.killed},
        "steps": tally.steps,
        "rows_in_jobs": tally.rows,
        "calls": tally.calls,
        "failures": [
            {
                "plan": failure.number,
                "findings": [
                    {"invariant": f.check, "says": f.says, "evidence": list(f.evidence)}
                    for f in failure.findings
                ],
                **_files(files.get(failure.number), folder),
            }
            for failure in tally.failures
        ],
        "problems": {str(number): problem for number, problem in tally.problems.items()},
    }


def _files(written: Written | None, folder: Path) -> dict[str, object]:
    if written is None:
        return {}
    return {
        "shrunk": {
            "invariant": written.shrunk.invariant,
            "parts": written.shrunk.plan.parts,
            "attempts": written.shrunk.attempts,
            "plan": written.plan.relative_to(folder).as_posix(),
            "drill": written.drill.relative_to(folder).as_posix(),
        }
    }


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def as_text(result: Result, written: Sequence[Written]) -> str:
    """The campaign for a person."""
    return "\n".join(_lines(result, written)) + "\n"


def _lines(result: Result, written: Sequence[Written]) -> Iterator[str]:
    tally = result.tally
    ended = ", ".join(f"{count:,} {how}" for how, count in tally.ended.most_common())
    yield f"{tally.plans:,} plans of seed {result.seed}: {ended or 'none ended'}"
    struck = sum(count for count, _ in tally.families.values())
    faults = sum(count for _, count in tally.families.values())
    yield (
        f"{struck} of {faults} faults struck, {tally.killed:,} of {tally.kills:,} kills, "
        f"{sum(tally.acts.values()):,} acts of people, {sum(tally.sabotaged.values()):,} accidents"
    )
    families = (f"{name} {one}/{of}" for name, (one, of) in tally.families.items())
    yield f"  {', '.join(families)}"
    yield ""
    for each in INVARIANTS:
        held, broke = tally.held[each.name], tally.broke[each.name]
        word = "BROKE" if broke else "held" if held else "never asked"
        counts = f"{broke:,} of {held + broke:,}" if broke else f"{held:,}" if held else ""
        yield f"{word:>11} {counts:>12}  {each.name}: {each.says}"
    for failure in tally.failures[:LISTED]:
        yield ""
        for finding in failure.findings:
            first = f", first {shown(finding.evidence[0], 200)}" if finding.evidence else ""
            yield f"plan {failure.number} broke {finding.check}: {shown(finding.says)}{first}"
    if len(tally.failures) > LISTED:
        yield f"\n… and {len(tally.failures) - LISTED:,} plans more, all in {REPORT}"
    for one in written:
        yield ""
        yield (
            f"plan {one.shrunk.number}, shrunk to {one.shrunk.plan.parts} parts in "
            f"{one.shrunk.attempts} attempts: {shown(one.shrunk.finding.says)}"
        )
        yield f"  again: gameday replay {shlex.quote(str(one.plan))}{result.game.options}"
        yield f"  drill: {one.drill}"
    for number, problem in list(tally.problems.items())[:LISTED]:
        yield f"plan {number}: the harness broke: {shown(problem)}"
    if result.verdict is Verdict.INCONCLUSIVE:
        yield "\nnothing broke, but not all was proved: give more plans"
