"""What goes wrong on the user's side: a wrong column, a runaway join, a column that rides along.

A sabotage is a value that changes the task of the bare and the guarded arm, and proves that it
did. Neutral member: `NoSabotage`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import cycle, islice
from math import ceil
from random import Random
from typing import Protocol

import msgspec

from controls import Row
from controls.secrets import sensitive
from scenarios.harness.costs import least_usd
from scenarios.harness.injections import INSTRUCTIONS
from scenarios.harness.task import RowSource, Spoiled, Task

PLACES = 5
"""How many changed places a sabotage names."""
BEYOND = Decimal("1.05")
"""Of the ceiling: what a runaway is to cost at least."""
_ADDRESS = "anna.example@example.org"
SECRETS = (
    "My card is 4111 1111 1111 1111.",
    "Pay to de89 3704 0044 0532 0130 00, please.",
    "IBAN DE89370400440532013000",
    f"key: sk-ant-{'api03-' + 'x' * 24}",
    f"Write to {_ADDRESS}!",
    f"Write to {_ADDRESS.upper()}!",
    f"https://example.com/?mail={_ADDRESS.replace('@', '%40')}",
    f"[{b64encode(_ADDRESS.encode()).decode()}]",
    f"blob {b64encode(b'card=4111-1111-1111-1111;').decode()}",
    "Call +49 30 123456 78",
    f"From {_ADDRESS} and bert.example@example.org",
)
REFUSED = frozenset({*SECRETS[:4], SECRETS[8]})
"""Cards, accounts and keys: a row that has one is not sent at all, not even with a mark."""
"""None of them belongs to anybody: the card and the account are those of the documentation."""


class Sabotage(Protocol):
    """Changes a task the way an accident would."""

    def applies_to(self, task: Task) -> str:
        """Why this task cannot be spoiled in this way; empty when it can."""
        ...

    def spoil(self, task: Task, dice: Random) -> Spoiled:
        """The task after the accident."""
        ...

    def planned(self) -> str:
        """How much is meant to change."""
        ...


@dataclass(frozen=True, slots=True)
class NoSabotage:
    """Nothing goes wrong. The neutral member."""

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - it fits everything
        return ""

    def planned(self) -> str:
        return "nothing"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        return Spoiled(task, 0, ())


@dataclass(frozen=True, slots=True)
class WrongColumn:
    """A changed query puts the record's number where the text belongs."""

    def applies_to(self, task: Task) -> str:
        column, labels = task.job_type.rows.label_column, task.job_type.labels
        if column is None or not any(row.fields[column] for row in task.rows):
            return "the rows have no known answers, and nothing else tells a guess from an answer"
        return "the schema admits one label only: no guess is wrong" if len(labels) == 1 else ""

    def planned(self) -> str:
        return "the text of every row"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        name = task.job_type.text_field
        rows = tuple(
            replace(row, fields={**row.fields, name: f"record {row.ordinal + 1}"})
            for row in task.rows
        )
        return Spoiled(replace(task, rows=rows), len(rows), (f"{name!r} holds the row's number",))


@dataclass(frozen=True, slots=True)
class BrokenDelimiter:
    """A lost delimiter swallows the instructions: what remains of the prompt is the data."""

    def applies_to(self, task: Task) -> str:
        return "" if task.job_type.prompt.system.strip() else "the job type has no system prompt"

    def planned(self) -> str:
        return "the system prompt"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        prompt = task.job_type.prompt
        head = prompt.system.strip()[:12]
        broken = msgspec.structs.replace(prompt, system=f'{head}"')
        job_type = msgspec.structs.replace(task.job_type, prompt=broken)
        return Spoiled(
            replace(task, job_type=job_type),
            1,
            (f"the system prompt ends after {len(head)} of {len(prompt.system)} characters",),
        )


@dataclass(frozen=True, slots=True)
class TeamRenamed:
    """A team takes a name with characters that no `custom_id` may have."""

    name: str

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - every job has a team
        return ""

    def planned(self) -> str:
        return "the name of the team"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        job_type = msgspec.structs.replace(task.job_type, team=self.name)
        return Spoiled(replace(task, job_type=job_type), 1, (f"the team is {self.name!r} now",))


@dataclass(frozen=True, slots=True)
class RunawayJoin:
    """A join without its condition multiplies the rows."""

    rows: int | None = None
    """After it; None: so many that they cost more than the ceiling of the job."""

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - any rows can be multiplied
        return ""

    def planned(self) -> str:
        return "rows beyond the ceiling" if self.rows is None else f"{self.rows:,} rows"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        count, wanted = len(task.rows), self.rows or _beyond_the_ceiling(task)
        rows = task.rows + tuple(
            Row(ordinal, f"{row.key}/{ordinal // count}", row.fields)
            for ordinal, row in enumerate(islice(cycle(task.rows), max(wanted - count, 0)), count)
        )
        return Spoiled(
            replace(task, rows=rows, source=RowSource(rows)),
            len(rows) - count,
            (f"{count:,} rows before",),
        )


def _beyond_the_ceiling(task: Task) -> int:
    """How many rows like these cost more than the job may."""
    each = least_usd(task.job_type, task.rows) / len(task.rows)
    return ceil(BEYOND * task.job_type.spend.ceiling_usd / each)


@dataclass(frozen=True, slots=True)
class UncappedOutput:
    """Somebody raises `max_tokens` so that no answer is ever cut off again."""

    max_tokens: int = 8_192

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - every request has max_tokens
        return ""

    def planned(self) -> str:
        return f"max_tokens = {self.max_tokens:,}"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        was = task.job_type.prompt.max_tokens
        prompt = msgspec.structs.replace(task.job_type.prompt, max_tokens=self.max_tokens)
        job_type = msgspec.structs.replace(task.job_type, prompt=prompt)
        return Spoiled(replace(task, job_type=job_type), 1, (f"max_tokens was {was}",))


@dataclass(frozen=True, slots=True)
class OversizePrompt:
    """Every prompt carries its whole history along."""

    kilobytes: int = 12

    @property
    def history(self) -> str:
        """What they carry."""
        return "\n> earlier message in this thread" * (self.kilobytes * 32)

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - every row has a text
        return ""

    def planned(self) -> str:
        return f"{self.kilobytes} kB more in every prompt"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        name = task.job_type.text_field
        rows = tuple(
            replace(row, fields={**row.fields, name: row.fields[name] + self.history})
            for row in task.rows
        )
        return Spoiled(replace(task, rows=rows), len(rows), (f"in {name!r} of every row",))


@dataclass(frozen=True, slots=True)
class ColumnRidesAlong:
    """A convenient `SELECT *` puts every column of the row into the prompt."""

    plain: bool = False
    """Only columns of which no value looks sensitive to a detector."""

    def applies_to(self, task: Task) -> str:
        if self._columns(task):
            return ""
        what = "that no detector knows " if self.plain else ""
        return f"every column {what}of these rows is allowed"

    def planned(self) -> str:
        return f"every{' plain' if self.plain else ''} column in every prompt"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - nothing is drawn
        columns = self._columns(task)
        record = "".join(f"\n{_literal(name)}: {{{name}}}" for name in columns)
        prompt = task.job_type.prompt
        wider = msgspec.structs.replace(prompt, template=prompt.template + record)
        job_type = msgspec.structs.replace(task.job_type, prompt=wider)
        return Spoiled(
            replace(task, job_type=job_type), len(columns), tuple(map(repr, columns[:PLACES]))
        )

    def _columns(self, task: Task) -> list[str]:
        return [
            name
            for name in forbidden_columns(task)
            if not (self.plain and any(sensitive(row.fields[name]) for row in task.rows))
        ]


def forbidden_columns(task: Task) -> list[str]:
    """The columns that the job type does not allow and that a template could name."""
    allowed = task.job_type.rows.allowed_fields
    columns = task.rows[0].fields if task.rows else {}
    return [name for name in columns if name not in allowed and not set(name) & set("{}[].!:")]


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@dataclass(frozen=True, slots=True)
class PlantedInstructions:
    """Some rows carry an instruction to the model in their text."""

    share: float = 0.08
    instructions: Sequence[str] = ()
    """Planted once each in place of a row's text; without any, our own behind the text."""

    def applies_to(self, task: Task) -> str:
        enough = len(task.rows) >= len(self.instructions)
        return "" if enough else f"{len(self.instructions)} instructions need as many rows"

    def planned(self) -> str:
        if self.instructions:
            return f"{len(self.instructions)} instructions, one row each"
        return f"{self.share:.0%} of the rows"

    def spoil(self, task: Task, dice: Random) -> Spoiled:
        name = task.job_type.text_field
        count = len(self.instructions) or round(self.share * len(task.rows))
        chosen = dice.sample(range(len(task.rows)), count)
        rows = list(task.rows)
        planted: dict[str, str] = {}
        for number, ordinal in enumerate(chosen):
            row = rows[ordinal]
            if self.instructions:
                text = instruction = self.instructions[number]
            else:
                instruction = INSTRUCTIONS[number % len(INSTRUCTIONS)]
                text = f"{row.fields[name]}\n\n{instruction}"
            rows[ordinal] = replace(row, fields={**row.fields, name: text})
            planted[row.key] = instruction
        first = tuple(rows[ordinal].key for ordinal in chosen[:PLACES])
        spoiled = replace(task, rows=tuple(rows), source=RowSource(tuple(rows)), planted=planted)
        return Spoiled(spoiled, count, first)


@dataclass(frozen=True, slots=True)
class SecretsInTheText:
    """Customers type what nobody asked for into some rows: cards, accounts, keys and addresses, as
    they are written, and as programs write them."""

    share: float = 0.15

    def applies_to(self, task: Task) -> str:
        return "" if len(task.rows) >= len(SECRETS) else f"{len(SECRETS)} secrets need as many rows"

    def planned(self) -> str:
        return f"{self.share:.0%} of the rows"

    def spoil(self, task: Task, dice: Random) -> Spoiled:
        name = task.job_type.text_field
        count = max(len(SECRETS), round(self.share * len(task.rows)))
        rows, secrets = list(task.rows), dict[str, str]()
        for number, ordinal in enumerate(sorted(dice.sample(range(len(rows)), count))):
            row, secret = rows[ordinal], SECRETS[number % len(SECRETS)]
            text = f"{row.fields[name]} {secret}"
            rows[ordinal] = replace(row, fields={**row.fields, name: text})
            secrets[row.key] = secret
        spoiled = replace(task, rows=tuple(rows), source=RowSource(tuple(rows)), secrets=secrets)
        return Spoiled(spoiled, count, tuple(secrets)[:PLACES])


@dataclass(frozen=True, slots=True)
class RowsReordered:
    """The row source has no ORDER BY: read again at collection, it yields another order."""

    def applies_to(self, task: Task) -> str:
        return "" if len(task.rows) > 1 else "one row has one order"

    def planned(self) -> str:
        return "the order of all rows at the second reading"

    def spoil(self, task: Task, dice: Random) -> Spoiled:
        order = list(range(len(task.rows)))
        dice.shuffle(order)
        again = tuple(
            replace(task.source.rows[place], ordinal=ordinal) for ordinal, place in enumerate(order)
        )
        moved = sum(ordinal != place for ordinal, place in enumerate(order))
        source = RowSource(again)
        where = (f"{again[0].key} comes first",)
        return Spoiled(replace(task, source=source), moved, where, source)
