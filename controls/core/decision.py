"""What a control can say, and which word counts when several have spoken.

Every decision but `Proceed` carries `why`: a clause that reads well in a report; `Proceed` may
carry a note. The strictest
wins: Proceed < Warn < Split < Resubmit < SendAgain < LookAgain < Redownload < Wait < Adopt
< AskApproval < Withhold < Halt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Proceed:
    """Nothing speaks against going on. The neutral member."""

    note: str = ""
    """What was found in order, and what could not be ruled out, for the report."""


@dataclass(frozen=True, slots=True)
class Warn:
    """Go on, and tell the owner."""

    why: str


@dataclass(frozen=True, slots=True)
class Split:
    """Send these rows first and judge them before the others follow."""

    first: tuple[int, ...]
    """Ordinals of the rows of the first slice."""
    why: str
    ramp: tuple[float, ...] = ()
    """Shares of all rows, ascending, at which the rest stops again to be judged."""


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Send these rows again in a new batch; give those up with a reason code."""

    again: tuple[int, ...]
    give_up: tuple[tuple[int, str], ...]
    """Ordinal and reason code of every row that will not be sent again."""
    why: str


@dataclass(frozen=True, slots=True)
class SendAgain:
    """The create call did not take effect: repeat it after waiting."""

    why: str
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LookAgain:
    """It is not known yet whether the create call took effect: wait, list the batches again."""

    why: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Redownload:
    """The results do not balance: read them once more."""

    why: str
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: ask again after waiting. Nothing is lost, nothing is sent meanwhile."""

    why: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Adopt:
    """The create call did take effect: go on with the batch that it made."""

    batch_id: str
    why: str
    cancel: tuple[str, ...] = ()
    """Batches with the same requests: paid for nothing, so they are canceled."""


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Stop until a person has agreed."""

    why: str
    usd: str = field(default="")
    """The amount to agree to, when it is about money."""


@dataclass(frozen=True, slots=True)
class Withhold:
    """Keep these rows back and ask again about the others: what was said of all holds no more."""

    rows: tuple[tuple[int, str], ...]
    """Ordinal and reason code of every row that may not be sent, in the order of ordinals."""
    why: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop all spending and all writing of this job, and page the owner."""

    why: str


Decision = (
    Proceed
    | Warn
    | Split
    | Resubmit
    | SendAgain
    | LookAgain
    | Redownload
    | Wait
    | Adopt
    | AskApproval
    | Withhold
    | Halt
)

STRICTNESS: tuple[type[Decision], ...] = (
    Proceed,
    Warn,
    Split,
    Resubmit,
    SendAgain,
    LookAgain,
    Redownload,
    Wait,
    Adopt,
    AskApproval,
    Withhold,
    Halt,
)


def merge(left: Decision, right: Decision) -> Decision:
    """The stricter of two; two of the same kind keep both reasons or the union of rows."""
    if isinstance(left, Proceed) and isinstance(right, Proceed):
        return Proceed("; ".join(filter(None, (left.note, right.note))))
    if isinstance(left, Halt) and isinstance(right, Halt):
        return Halt(f"{left.why}; {right.why}")
    if isinstance(left, Warn) and isinstance(right, Warn):
        return Warn(f"{left.why}; {right.why}")
    if isinstance(left, Wait) and isinstance(right, Wait):
        return max(left, right, key=lambda wait: wait.after_seconds)
    if isinstance(left, Resubmit) and isinstance(right, Resubmit):
        given_up = dict(left.give_up) | dict(right.give_up)
        again = (set(left.again) | set(right.again)) - given_up.keys()
        return Resubmit(
            tuple(sorted(again)), tuple(sorted(given_up.items())), f"{left.why}; {right.why}"
        )
    if isinstance(left, Withhold) and isinstance(right, Withhold):
        rows = dict(right.rows) | dict(left.rows)
        return Withhold(tuple(sorted(rows.items())), f"{left.why}; {right.why}")
    return left if STRICTNESS.index(type(left)) >= STRICTNESS.index(type(right)) else right


def strictest(decisions: Iterable[Decision]) -> Decision:
    """The decision to follow when several controls have spoken."""
    worst: Decision = Proceed()
    for decision in decisions:
        worst = merge(worst, decision)
    return worst
