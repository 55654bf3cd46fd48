"""Laws that every control and every gate in the package keeps, found by looking, not by listing."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from inspect import getmembers, isclass, isfunction
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import controls
from controls import (
    Approval,
    ControlError,
    CostCeiling,
    JobType,
    Quarantine,
    Row,
    Staging,
    open_store,
)
from controls.core.answer import Accepted, Answer, Quarantined, Verdict, read_line
from controls.core.control import Control
from controls.core.decision import Decision, Halt, Proceed
from controls.core.moment import AfterCanary, BeforeSubmit, Estimate, Moment
from controls.policy import SpendPolicy
from controls.stack import default_stack
from tests.controls.builders import (
    NOW,
    SCHEMA,
    a_dresser,
    a_job_type,
    a_line,
    a_record,
    after_canary,
)

MOMENTS = get_args(Moment)
JOB_TYPES = (
    a_job_type(),
    a_job_type(max_tokens=None, ceiling="0.01", approvable="3"),
    a_job_type(max_tokens=100_000, labels_in="truth"),
    a_job_type(
        spend=SpendPolicy(
            ceiling_usd=Decimal(10**6), max_tokens_cap=128, team_usd_per_day=Decimal(10**6)
        )
    ),
)
NAMES = st.text("abcxyz-_ '\u00e9", max_size=12)
WHOLE = st.integers(0, 60) | st.integers(0, 10**12)
USD = st.decimals(0, 10**6, places=6)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    bytes: st.binary(max_size=30),
    int: WHOLE,
    float: st.floats(0.0, 1.0),
    str: NAMES,
    Decimal: USD,
    datetime: st.integers(0, 40 * 86_400).map(lambda late: NOW + timedelta(seconds=late)),
    JobType: st.sampled_from(JOB_TYPES),
    Approval: st.builds(
        Approval, NAMES, USD | st.sampled_from([Decimal("NaN"), Decimal("Infinity")])
    ),
}
"""What stands for a value of this type; every other type is built from its annotations."""


@cache
def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that an annotation of a moment admits. A new kind of field fails here, loudly."""
    if hint in BY_TYPE:
        return BY_TYPE[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return built(hint)
    origin, given_types = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of(*(st.none() if one is NoneType else of_type(one) for one in given_types))
    if origin is tuple:
        return st.lists(of_type(given_types[0]), max_size=4).map(tuple)
    if origin is Sequence:
        return st.lists(of_type(given_types[0]), max_size=4)
    if origin is Mapping:
        return st.dictionaries(of_type(given_types[0]), of_type(given_types[1]), max_size=4)
    raise NotImplementedError(f"say in BY_TYPE what a {hint} looks like")


@cache
def built(kind: Any) -> st.SearchStrategy[Any]:
    """A moment, or a part of one, with any values that its annotations admit."""
    if kind is BeforeSubmit:
        return before_submits()
    hints = get_type_hints(kind)
    return st.builds(kind, **{part.name: of_type(hints[part.name]) for part in fields(kind)})


@st.composite
def before_submits(draw: st.DrawFn) -> BeforeSubmit:
    """The one moment that holds functions: rows are numbered, dressed and estimated."""
    job_type = draw(BY_TYPE[JobType])
    columns = st.fixed_dictionaries({"text": NAMES}, optional={"email": NAMES, "truth": NAMES})
    rows = [
        Row(ordinal, f"key-{ordinal}", row)
        for ordinal, row in enumerate(draw(st.lists(columns, min_size=1, max_size=8)))
    ]
    dresser = a_dresser(job_type)
    guess: Estimate | None = draw(st.none() | of_type(Estimate))

    def estimate() -> Estimate:
        if guess is None:
            raise ControlError("The service does not count.", fix="Try again.")
        return guess

    hints = get_type_hints(BeforeSubmit)
    functions = {
        "job_type": job_type,
        "rows": rows,
        "dress": lambda row: dresser.dress(row),  # noqa: PLW0108 - a function is copied as it is
        "estimate": estimate,
        "template": draw(st.sampled_from([b"", dresser.template])),
    }
    rest = {
        part.name: draw(of_type(hints[part.name]))
        for part in fields(BeforeSubmit)
        if part.name not in functions
    }
    return BeforeSubmit(**functions, **rest)


def found(method: str) -> list[type]:
    """Every class of the package that has this method, protocols aside."""
    kinds: dict[str, type] = {}
    for info in pkgutil.walk_packages(controls.__path__, "controls."):
        module = importlib.import_module(info.name)
        for name, kind in getmembers(module, isclass):
            mine = kind.__module__ == info.name and not getattr(kind, "_is_protocol", False)
            if mine and isfunction(getattr(kind, method, None)):
                kinds[f"{info.name}.{name}"] = kind
    return [kinds[name] for name in sorted(kinds)]


@cache
def a_sink() -> Staging:
    """Somewhere to stage."""
    return Staging(open_store("sqlite://"), a_record())


MADE: dict[type, Callable[[JobType], Any]] = {Quarantine: lambda _: Quarantine(SCHEMA)}
"""How to make what neither `of(job_type)`, its defaults nor the default stack can make."""


@cache
def made(kind: Any, number: int) -> Any:
    """One control or gate, as a job of the type of this number would have it."""
    job_type = JOB_TYPES[number]
    if kind in MADE:
        return MADE[kind](job_type)
    if hasattr(kind, "of"):
        return kind.of(job_type)
    stack = default_stack(job_type, a_sink())
    for part in (*stack.controls, stack.gate, stack.identity):
        if type(part) is kind:
            return part
    needed = [
        part.name
        for part in (fields(kind) if is_dataclass(kind) else ())
        if part.default is MISSING and part.default_factory is MISSING
    ]
    assert not needed, f"say in MADE how to make a {kind.__name__}"
    return kind()


def named(kind: type) -> str:
    """How a class is called in the list of tests."""
    return kind.__name__


@pytest.mark.parametrize(
    "module", [info.name for info in pkgutil.iter_modules(controls.__path__) if not info.ispkg]
)
def test_every_control_says_what_it_is_for(module: str) -> None:
    """What it protects from, where it is weak, and which neighbour stands beside it."""
    said = " ".join((importlib.import_module(f"controls.{module}").__doc__ or "").split())

    assert [] == [word for word in ("rotects from ", "Weakness: ", "eighbour") if word not in said]


@pytest.mark.parametrize("moment_type", MOMENTS, ids=named)
@pytest.mark.parametrize("kind", found("decide"), ids=named)
@settings(max_examples=25)
@given(data=st.data())
def test_decide_is_pure_and_total(kind: type, moment_type: type, data: st.DataObject) -> None:
    """Any moment brings a decision with a reason; asking again, or asking a control that has never
    been asked, brings the same; the moment stays as it was."""
    control = made(kind, data.draw(st.integers(0, len(JOB_TYPES) - 1)))

    obeys_the_law(control, data.draw(built(moment_type)))


def obeys_the_law(unasked: Control, moment: Moment) -> None:
    """A decision with a reason, twice the same, from a fresh control too, and nothing changed."""
    before, control = deepcopy(moment), deepcopy(unasked)

    decision = control.decide(moment)

    assert isinstance(decision, Decision)
    assert isinstance(decision, Proceed) or decision.why
    assert decision == control.decide(moment)
    assert decision == deepcopy(unasked).decide(moment)
    assert before == moment


@dataclass
class Remembers:
    """Lets the first moment pass and no other."""

    asked: int = 0

    def decide(self, moment: Moment, /) -> Decision:
        """Its memory is its own, and not in the ledger."""
        self.asked += 1
        return Halt("asked before") if self.asked > 1 else Proceed()


class Meddles:
    """Changes what it looks at."""

    def decide(self, moment: Moment, /) -> Decision:
        """One reason fewer."""
        assert isinstance(moment, AfterCanary)
        assert isinstance(moment.grades.bad_reasons, dict)
        moment.grades.bad_reasons.clear()
        return Proceed()


class Mute:
    """Stops a job and does not say why."""

    def decide(self, moment: Moment, /) -> Decision:
        """No reason."""
        return Halt("")


@pytest.mark.parametrize(
    "lawless", [Remembers(), Meddles(), Mute()], ids=lambda one: type(one).__name__
)
def test_the_law_sees_who_breaks_it(lawless: Control) -> None:
    """A control with a memory, one that changes the moment, one without a reason."""
    with pytest.raises(AssertionError):
        obeys_the_law(lawless, after_canary(bad_reasons={"lost": 1}))


@pytest.mark.parametrize("kind", found("examine"), ids=named)
@settings(max_examples=300)
@given(
    raw=st.binary(max_size=80)
    | st.text('{}[]":,refabc01\\u\ud800', max_size=40).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    stop_reason=NAMES | st.none(),
    reference=st.text("0123456789abcdef", max_size=10),
)
def test_no_bytes_make_a_gate_raise(
    kind: type, raw: bytes, stop_reason: str | None, reference: str
) -> None:
    """Whatever a model says, in whichever way it is decoded: accepted, or kept back with a code;
    examining it again brings the same."""
    gate = made(kind, 0)

    for errors in ("surrogateescape", "surrogatepass", "replace", "ignore"):
        try:
            text = raw.decode("utf-8", errors)
        except UnicodeDecodeError:
            continue
        answer = Answer(text, stop_reason, reference)
        verdict: Verdict = gate.examine(answer)

        assert isinstance(verdict, Accepted | Quarantined)
        assert isinstance(verdict, Accepted) or verdict.reason
        assert verdict == gate.examine(answer)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.data())
def test_no_line_makes_the_reader_raise(raw: bytes, data: st.DataObject) -> None:
    """Any bytes, and any cut through a good line with any byte changed."""
    line = bytearray(a_line())
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(line[: data.draw(st.integers(0, len(line)))])

    assert raw == read_line(raw).raw
    assert cut == read_line(cut).raw


def test_discovery_finds_what_is_known_to_be_there() -> None:
    """A law over an empty list would hold for nothing."""
    assert {CostCeiling, *map(type, default_stack(JOB_TYPES[0], a_sink()).controls)} <= {
        *found("decide")
    }
    assert {Quarantine, controls.RowBinding} <= {*found("examine")}
    assert len(MOMENTS) >= 9
