"""What every fault of the catalogue must do; a new one is tested here without a word more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator import Api, SimulatorError, days
from simulator.faults import (
    CATALOGUE,
    Family,
    Window,
    by_family,
    from_dict,
    load_plan,
    to_dict,
)
from simulator.faults.plan import PLACES
from simulator.faults.results_file import TargetedFault
from simulator.faults.seams import AnswerFault, ResultsFault, RowFault, WireFault
from simulator.faults.settings import settings_of
from simulator.wire import Endpoint
from tests.simulator.builders import an_ended_batch, call, results, retrieve
from tests.simulator.faults.examples import NAMES, ROWS, comparable, make, run

every = pytest.mark.parametrize("name", NAMES)


@every
def test_a_fault_strikes_and_says_where(name: str) -> None:
    """Its count and its first places are in the books, under its description."""
    fault = make(name)

    firing = run(fault).books().firings[fault.describe()]

    assert (fault.describe(), fault.planned()) == (firing.fault, firing.planned)
    assert fault.family.value == firing.family
    assert firing.count > 0
    assert min(firing.count, PLACES) == len(firing.places)
    assert all(firing.places)


@every
def test_a_fault_with_share_zero_is_absent(name: str) -> None:
    """Nothing differs from a calm run, and the plan knows that it was silent."""
    fault = make(name, share=0.0)

    api = run(fault)

    assert (fault,) == api.plan.silent()
    if not fault.name.startswith("Cancel"):
        assert comparable(run()) == comparable(api)


@every
def test_a_fault_spares_the_first_batches(name: str) -> None:
    """Trouble that begins after the canary."""
    assert len(run(make(name, spare_batches=9)).plan.silent()) == 1
    assert run(make(name, spare_batches=1), batches=3).plan.silent() == ()


@every
def test_a_fault_keeps_to_its_window(name: str) -> None:
    """Outside it, nothing."""
    fault = make(name, during=Window(days(100), days(101)))

    assert (fault,) == run(fault).plan.silent()


@every
def test_a_fault_strikes_the_same_with_the_same_seed(name: str) -> None:
    """The same seed gives the same places; and another fault beside it does not shift them."""
    fault = make(name)
    other = make("SchemaDrift", kinds=("fenced",))

    alone = run(fault).books().firings[fault.describe()]

    assert alone == run(fault).books().firings[fault.describe()]
    if fault.family is not Family.ANSWERS:
        assert alone == run(other, fault).books().firings[fault.describe()]


@every
def test_times_bounds_the_strikes(name: str) -> None:
    """Rows, calls, batches or downloads, whatever the family counts."""
    fault = make(name, times=1)

    api = run(fault, batches=3)

    firing = api.books().firings[fault.describe()]
    if isinstance(fault, ResultsFault):
        assert firing.count > 0
        body = results(api, api.books().batches[0].id).read()
        assert (ROWS, 0) == (body.count(b"\n"), body.count(b"\r"))
    else:
        assert firing.count == 1


@pytest.mark.parametrize("name", [n for n in NAMES if issubclass(CATALOGUE[n], WireFault)])
def test_a_wire_fault_aims_at_calls(name: str) -> None:
    """At some calls by number, at a retry, at one endpoint, at a batch so often."""
    fault = make(name, times=None)
    assert isinstance(fault, WireFault)
    all_of_them = run(fault).plan.firings()[fault.describe()].count

    assert len(run(make(name, calls=(99,))).plan.silent()) == 1
    assert len(run(make(name, attempts=(2,))).plan.silent()) == 1
    assert next(iter(run(make(name, calls=(1,))).plan.firings().values())).count == 1
    assert next(iter(run(make(name, per_batch=1)).plan.firings().values())).count <= all_of_them


ROW_FAULTS = [
    name for name in NAMES if issubclass(CATALOGUE[name], RowFault | AnswerFault | TargetedFault)
]


@pytest.mark.parametrize("name", ROW_FAULTS)
def test_a_fault_of_rows_aims_at_rows(name: str) -> None:
    """At those that it was told, and a swapped answer needs a second row."""
    aimed = make(name, custom_ids=("row-3",), share=1.0)
    elsewhere = make(name, custom_ids=("nobody",), share=1.0)

    (firing,) = run(aimed, batches=1).plan.firings().values()

    if name == "AnswersSwapped":
        assert "row-3" in firing.places
    else:
        assert {"row-3"} == {place.partition("_")[0] for place in firing.places}
    assert len(run(elsewhere, batches=1).plan.silent()) == 1


def test_an_attempt_is_the_clients_own_count() -> None:
    """`x-stainless-retry-count` is 0 for the first; nonsense in it is a first try."""
    fault = make("Overloaded", on=Endpoint.MODELS, attempts=(2,))

    api = Api(faults=[fault])
    word = {"authorization": "Bearer test", "anthropic-version": "2026-10-21"}
    statuses = [
        call(api, "GET", "/v1/models", headers=word | {"x-stainless-retry-count": count}).status
        for count in ("0", "1", "2", "x", "9999999")
    ]

    assert [200, 529, 200, 200, 200] == statuses


def test_a_batch_is_struck_so_often() -> None:
    """`per_batch` counts for each batch by itself."""
    api = Api(faults=[make("EventualNotFound", per_batch=2)])
    one, other = an_ended_batch(api, 1), an_ended_batch(api, 1)

    seen = [retrieve(api, batch).status for batch in (one, one, one, other, other, other)]

    assert [404, 404, 200, 404, 404, 200] == seen


# Three ways to write one.


@every
def test_a_fault_can_be_written_in_three_ways(name: str) -> None:
    """As a value, as a document, as a table of a plan."""
    fault = make(name, times=3)
    document = to_dict(fault)

    written = "\n".join(f"{key} = {json.dumps(value)}" for key, value in document.items())

    assert document["name"] == name
    assert fault == from_dict(document)
    assert fault == from_dict(json.loads(json.dumps(document)))
    assert (fault,) == load_plan(f"[[fault]]\n{written}\n")


@every
def test_every_setting_of_a_fault_can_be_written(name: str) -> None:
    """Also those that have a default; each has a type that a plan file can say."""
    fault = make(name)
    kind = CATALOGUE[name]

    for setting in settings_of(kind):
        document = to_dict(fault) | written(setting, getattr(fault, setting))
        assert fault == from_dict(document), setting


def written(setting: str, value: Any) -> dict[str, Any]:
    """A default as a plan would say it."""
    from simulator.faults.settings import _write  # noqa: PLC0415

    return {setting: _write(value)}


@every
def test_a_setting_that_nobody_knows_is_refused(name: str) -> None:
    """With the nearest right one."""
    with pytest.raises(SimulatorError, match="Did you mean 'spare_batches'"):
        from_dict(to_dict(make(name)) | {"spare_batch": 1})


def test_every_family_has_faults() -> None:
    """Grouped, none is lost and none is a base."""
    grouped = by_family()

    assert {name: fault for group in grouped.values() for name, fault in group.items()} == dict(
        CATALOGUE
    )
    assert all(grouped.values())
    assert all(fault.__name__ == name for name, fault in CATALOGUE.items())
