"""The kill matrix: which deliberately broken controls the drills noticed.

A plain value, like the report of a game day: `render_kills` writes it as `kill-matrix.json`,
`load_kills` reads it back, `render_kills_text` shows it in a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from reports.codec import CAUSE, Json, decode, encode, wrong
from reports.errors import ReportError
from reports.untrusted import shown

KILLS_VERSION = "1.0"
"""Version of `kill-matrix.json`. A reader takes its own first number and no key it does not
know."""
INDENT = " " * 6
WORDS_SHOWN = 240
"""Characters of one reason in the text; the JSON has all of them."""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    """A drill broke because of it."""
    SURVIVED = "survived"
    """It acted differently from the control, and no drill said so."""
    NOT_EXERCISED = "not exercised"
    """It never acted differently from the control: the drills do not reach what was changed."""
    VOID = "void"
    """The run crashed, or broke without it: nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One mutant in one drill."""

    drill: str
    rows: int
    """How many rows the game day had."""
    fate: Fate
    differed: int
    """How often it acted differently from the control."""
    check: str
    """The first check that broke; empty if none did."""
    says: str
    """What that check says, or why nothing is known. Untrusted: may quote a row."""


@dataclass(frozen=True, slots=True)
class MutantReport:
    """One mutant, and what became of it."""

    control: str
    """The control that it is a broken form of, e.g. `Requeue`."""
    name: str
    kind: str
    """How it is broken, e.g. `off by one`."""
    story: str
    """What it does wrong, in one line."""
    fate: Fate
    trials: tuple[Trial, ...]
    """In the order in which the drills were run."""

    @property
    def title(self) -> str:
        """How it is named in lists."""
        return f"{self.control}.{self.name}"


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """All mutants of a run, by control and name."""

    seed: int
    command: str
    """What repeats this run."""
    drills: tuple[str, ...]
    """The columns: every drill that could be run."""
    mutants: tuple[MutantReport, ...]
    """The rows."""

    def count(self, fate: Fate) -> int:
        """How many mutants met this fate."""
        return sum(mutant.fate is fate for mutant in self.mutants)

    def of(self, fate: Fate) -> tuple[MutantReport, ...]:
        """The mutants that met this fate."""
        return tuple(mutant for mutant in self.mutants if mutant.fate is fate)


def fate_of(trials: tuple[Trial, ...]) -> Fate:
    """What became of a mutant: the word of the drill that says most about it."""
    fates = {trial.fate for trial in trials}
    weight = (Fate.KILLED, Fate.SURVIVED, Fate.VOID)
    return next((fate for fate in weight if fate in fates), Fate.NOT_EXERCISED)


def render_kills(matrix: KillMatrix) -> str:
    """The matrix as JSON, the same bytes for the same matrix; hidden characters are escaped."""
    head: dict[str, Json] = {"schema_version": KILLS_VERSION, "counts": _counts(matrix)}
    body = cast("dict[str, Json]", encode(matrix))
    return json.dumps(head | body, indent=2, allow_nan=False) + "\n"


def check_kills(matrix: KillMatrix) -> None:
    """Nothing, if each fate follows from the trials.

    Raises:
        ReportError: one does not.
    """
    for place, mutant in enumerate(matrix.mutants):
        if mutant.fate is not fate_of(mutant.trials):
            raise ReportError(
                f"The fate {mutant.fate.value!r} does not follow from the trials.",
                where=f"mutants[{place}].fate",
                fix=CAUSE,
            )


def load_kills(text: str) -> KillMatrix:
    """The matrix that a `kill-matrix.json` holds, judged again.

    Raises:
        ReportError: it is none, or does not follow from its own content.
    """
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ReportError("This is not a kill matrix of gameday.", fix=CAUSE) from None
    if not isinstance(document, dict):
        raise wrong("an object", document, "the top of the file")
    version = document.pop("schema_version", None)
    ours, _, _ = KILLS_VERSION.partition(".")
    if not isinstance(version, str) or version.partition(".")[0] != ours:
        raise wrong(f"schema {KILLS_VERSION}", version, "schema_version")
    said = document.pop("counts", None)
    matrix = decode(KillMatrix, document, "")
    assert isinstance(matrix, KillMatrix)
    check_kills(matrix)
    if said != _counts(matrix):
        raise ReportError("The counts do not follow from the mutants.", where="counts", fix=CAUSE)
    return matrix


def _counts(matrix: KillMatrix) -> dict[str, Json]:
    return {fate.value: matrix.count(fate) for fate in Fate}


SIGNS = {Fate.KILLED: "K", Fate.SURVIVED: "s", Fate.NOT_EXERCISED: ".", Fate.VOID: "!"}
"""How a trial is written in the matrix; a blank is a drill that was not run."""


def render_kills_text(matrix: KillMatrix) -> str:
    """The matrix for a terminal: a line per mutant and a column per drill, then whatever was not
    killed, then the sum."""
    tried = {trial.drill for mutant in matrix.mutants for trial in mutant.trials}
    drills = [name for name in matrix.drills if name in tried]
    head = f"Kill matrix: {len(matrix.mutants)} mutants against {len(drills)} drills"
    return "\n".join([head, "", *_table(matrix, drills), *_troubles(matrix), _sum(matrix)]) + "\n"


def _table(matrix: KillMatrix, drills: list[str]) -> Iterator[str]:
    """Control by control: what each drill said of each mutant, and which check said so first."""
    names = max((len(shown(mutant.name)) for mutant in matrix.mutants), default=0)
    for row in zip(*(f"{place:>2}" for place in range(1, len(drills) + 1)), strict=True):
        yield f"  {'':<{names}}  {''.join(row)}"
    control = ""
    for mutant in matrix.mutants:
        if mutant.control != control:
            control = mutant.control
            yield shown(control)
        cells = "".join(_sign(mutant, drill) for drill in drills)
        killer = next((trial for trial in mutant.trials if trial.fate is Fate.KILLED), None)
        by = shown(killer.check) if killer else mutant.fate.value.upper()
        yield f"  {shown(mutant.name):<{names}}  {cells}  {by}"
    yield ""
    for place, drill in enumerate(drills, 1):
        yield f"{place:>4}  {shown(drill)}"
    signs = ", ".join(f"{sign} {fate.value}" for fate, sign in SIGNS.items())
    yield f"      {signs}, blank not run"
    yield ""


def _sign(mutant: MutantReport, drill: str) -> str:
    trials = tuple(trial for trial in mutant.trials if trial.drill == drill)
    return SIGNS[fate_of(trials)] if trials else " "


def _troubles(matrix: KillMatrix) -> Iterator[str]:
    """Every mutant that was not killed, with its story and what its trials came to."""
    for fate in (Fate.SURVIVED, Fate.NOT_EXERCISED, Fate.VOID):
        for mutant in matrix.of(fate):
            yield f"{fate.value.upper()}  {shown(mutant.title)} ({shown(mutant.kind)})"
            yield f"{INDENT}{shown(mutant.story)}"
            for trial in mutant.trials:
                if trial.fate is fate and fate is not Fate.NOT_EXERCISED:
                    yield f"{INDENT}- {_tried(trial)}"
            yield ""


def _tried(trial: Trial) -> str:
    times = f"acted differently {trial.differed:,} times" if trial.differed else ""
    says = shown(trial.says, WORDS_SHOWN)
    return f"{shown(trial.drill)}: {'; '.join(filter(None, (times, says)))}"


def _sum(matrix: KillMatrix) -> str:
    total, killed = len(matrix.mutants), matrix.count(Fate.KILLED)
    others = [
        f"{matrix.count(fate):,} {fate.value}"
        for fate in (Fate.SURVIVED, Fate.NOT_EXERCISED, Fate.VOID)
        if matrix.count(fate)
    ]
    controls = len({mutant.control for mutant in matrix.mutants})
    rest = f"; {', '.join(others)}" if others else ""
    return (
        f"{killed:,} of {total:,} mutants of {controls} controls were killed{rest}. "
        f"Seed {matrix.seed}."
    )
