"""The plan of a running service, and faults that cannot be true together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator import Api, SimulatorError
from simulator.faults import (
    CATALOGUE,
    Fault,
    FaultPlan,
    NoFault,
    Overloaded,
    ServerError,
    load_plan,
)
from simulator.faults.clashes import CLASHES
from simulator.randomness import Streams
from simulator.wire import Endpoint
from tests.simulator.builders import a_batch, an_ended_batch, call, create, requests, results
from tests.simulator.faults.examples import make


def statuses(api: Api, count: int) -> list[int]:
    """So many calls for models."""
    return [call(api, "GET", "/v1/models").status for _ in range(count)]


def test_faults_come_and_go() -> None:
    """From the next call on; what has struck stays counted."""
    api = Api()
    before = statuses(api, 1)

    (key,) = api.plan.add(Overloaded())
    during = statuses(api, 2)
    api.plan.remove(key)

    assert [200, 529, 529, 200] == before + during + statuses(api, 1)
    assert api.plan.faults == ()
    assert api.plan.silent() == ()
    assert api.books().firings[key].count == 2


def test_a_fault_that_stays_goes_on_as_it_was() -> None:
    """Its budget is not filled again, nor are its dice thrown from the beginning."""
    api = Api(faults=[Overloaded(times=2)])
    first = statuses(api, 1)

    api.plan.replace([ServerError(on=Endpoint.LIST), Overloaded(times=2)])
    rest = statuses(api, 2)

    assert [529, 529, 200] == first + rest
    assert ["ServerError(on=list)", "Overloaded(times=2)"] == [
        fault.describe() for fault in api.plan.faults
    ]


def test_a_fault_that_comes_back_is_counted_anew() -> None:
    """Under a name of its own."""
    api = Api(faults=[Overloaded()])
    statuses(api, 1)
    api.plan.replace([])
    api.plan.replace([Overloaded()])
    statuses(api, 2)

    assert {"Overloaded()": 1, "Overloaded() #2": 2} == {
        key: firing.count for key, firing in api.plan.firings().items()
    }


def test_a_fault_is_removed_by_its_name_too() -> None:
    """All of that name; one that is not there is refused, and nothing is changed."""
    api = Api(faults=[Overloaded(share=0.5), Overloaded(), ServerError()])

    with pytest.raises(SimulatorError, match="There are: Overloaded"):
        api.plan.remove("Overloaded", "Overlord")
    assert len(list(api.plan.faults)) == 3
    api.plan.remove("Overloaded")

    assert [ServerError()] == list(api.plan.faults)
    assert "FaultPlan(ServerError())" == repr(api.plan)


def test_a_plan_that_cannot_be_changes_nothing() -> None:
    """Refused as a whole."""
    api = Api(faults=[make("NeverEnds")])

    changes: list[Callable[[], object]] = [
        lambda: api.plan.add(Overloaded(), make("EndsAtOnce")),
        lambda: api.plan.add(Overloaded(), "Stall"),  # type: ignore[arg-type]
        lambda: api.plan.replace([make("NeverEnds"), make("EndsAtOnce")]),
    ]
    for change in changes:
        with pytest.raises(SimulatorError):
            change()

    assert (make("NeverEnds"),) == api.plan.faults


def test_a_removed_fault_still_strikes_what_it_had_in_store() -> None:
    """Rows that were doomed when their batch was created, and a stall that had been planned."""
    api = Api(faults=[make("RowsErrored", share=1.0)])
    an_ended_batch(api, 2)
    batch_id = a_batch(api, 3)
    api.plan.replace([])

    api.clock.sleep(api.limits.processing_time)

    assert results(api, batch_id).read().count(b"errored") == 3


@pytest.mark.parametrize(("names", "why"), CLASHES)
def test_faults_that_cannot_strike_together(names: frozenset[str], why: str) -> None:
    """Each pair of a group, in a value plan and in a file; not if one of them is bounded."""
    one, other = sorted(names)[:2]
    faults: list[Fault] = [make(one, times=None), make(other, times=None)]

    with pytest.raises(SimulatorError, match=why.split(",", maxsplit=1)[0]):
        Api(faults=faults)

    assert Api(faults=[make(one, times=None), make(other, times=1)]).plan.faults
    assert names <= CATALOGUE.keys()


def test_a_file_that_cannot_be() -> None:
    """The same check."""
    with pytest.raises(SimulatorError, match="NeverEnds and EndsAtOnce cannot strike together"):
        load_plan('[[fault]]\nname="NeverEnds"\n[[fault]]\nname="EndsAtOnce"\n')


def test_wire_faults_add_up() -> None:
    """An error of one fault is told otherwise by another one; the books name both."""
    api = Api(faults=[make("UntypedEnvelope"), Overloaded(), make("NoRequestIdHeader")])

    response = call(api, "GET", "/v1/models")

    assert response.header("request-id") is None
    assert b'"type":"error"' not in response.read()
    assert "Overloaded, UntypedEnvelope, NoRequestIdHeader" == api.history.calls()[0].struck_by


def test_a_call_that_is_cut_is_struck_no_more() -> None:
    """There is nothing left to bend."""
    api = Api(faults=[make("LostReply"), make("UnknownKeys")])
    create(api, requests(1))

    assert (make("UnknownKeys"),) == api.plan.silent()


def test_per_batch_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest batch is forgotten, so that memory stays bounded."""
    monkeypatch.setattr("simulator.faults.armed.REMEMBERED", 2)
    api = Api(faults=[Overloaded(on=Endpoint.RETRIEVE, per_batch=1)])

    seen = [
        call(api, "GET", f"/v1/messages/batches/{batch}").status
        for batch in ("a", "a", "b", "c", "a")
    ]

    assert [529, 404, 529, 529, 529] == seen


def test_an_empty_plan_is_quick_to_ask() -> None:
    """No fault, no work."""
    plan = FaultPlan([], Streams(0), Api().clock.now())

    assert not plan.bends_results
    assert (plan.faults, plan.firings(), plan.silent()) == ((), {}, ())


def test_what_may_strike_is_told_by_the_key_under_which_it_is_counted() -> None:
    """Two of a kind have two keys; one that was taken out is not among them."""
    api = Api(faults=[Overloaded(), ServerError(), NoFault()])
    api.plan.add(Overloaded())
    api.plan.remove("ServerError()")

    assert {"Overloaded()": Overloaded(), "Overloaded() #2": Overloaded()} == api.plan.armed
