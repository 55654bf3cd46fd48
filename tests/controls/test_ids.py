"""The custom_id namespace and the binding of an answer to its row."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.core.answer import Accepted, Answer, Quarantined
from controls.core.dressing import Dresser
from controls.fence import PromptFence
from controls.ids import Namespace, RowBinding, slug
from simulator import Api
from tests.controls.builders import SECRET, a_job_type, a_row
from tests.simulator.builders import a_request, create

LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ANY_TEXT = st.text(st.characters(), max_size=80)
NAMES = ANY_TEXT | st.text("ab_-:/. ", max_size=40)
ORDINALS = st.integers(0, 10**12 - 1)


def seed_recipe(team: str, job_id: str, index: int) -> str:
    """The recipe of seed 002, to the letter."""
    return f"{team}:{job_id}:{index}"


def test_the_usual_recipe_with_colons_is_refused_and_ours_is_not() -> None:
    """Seed 002 joins team, job and index by colons; the service refuses the whole batch."""
    naive = seed_recipe("billing", "reconcile-2026-06-06", 42)
    ours = Namespace("billing", "reconcile-2026-06-06").custom_id(42)

    assert 400 == create(Api(), [a_request(naive)]).status
    assert 200 == create(Api(), [a_request(ours)]).status


def test_the_usual_recipe_collides_and_ours_does_not() -> None:
    """A separator that may stand in a name makes two jobs one."""
    assert seed_recipe("a", "b:c", 1) == seed_recipe("a:b", "c", 1)

    assert Namespace("a", "b:c").custom_id(1) != Namespace("a:b", "c").custom_id(1)


@given(NAMES, NAMES, ORDINALS)
def test_every_custom_id_is_legal_and_reversible(team: str, job: str, ordinal: int) -> None:
    """Whatever the team and the job are called."""
    namespace = Namespace(team, job)
    custom_id = namespace.custom_id(ordinal)

    assert LEGAL.fullmatch(custom_id)
    assert ordinal == namespace.ordinal(custom_id)


@given(NAMES, NAMES, ANY_TEXT)
def test_no_text_of_a_row_changes_its_custom_id(team: str, job: str, text: str) -> None:
    """A dressed row has a legal id of its job, and finds its row again."""
    namespace = Namespace(team, job)
    dresser = Dresser(a_job_type(), namespace, SECRET, PromptFence(), RowBinding())
    made = dresser.dress(a_row(7, text=text, key=text))

    assert LEGAL.fullmatch(made.custom_id)
    assert 7 == namespace.ordinal(made.custom_id)


@given(st.tuples(NAMES, NAMES, ORDINALS), st.tuples(NAMES, NAMES, ORDINALS))
def test_two_rows_never_share_a_custom_id(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    """Different team, job or ordinal: different id, and neither job takes the other's."""
    first, second = Namespace(*one[:2]), Namespace(*other[:2])

    assert (one == other) == (first.custom_id(one[2]) == second.custom_id(other[2]))
    if one[:2] != other[:2]:
        assert second.ordinal(first.custom_id(one[2])) is None


@pytest.mark.parametrize(
    "stranger",
    [
        *("", "t-j-", "t-j-01", "t-j-1x", "t-j--1", "t-j-+1", "t-j- 1", "t-j-1\n", "t-j-\u0661"),
        *("t-j-1" + "0" * 12, "x-t-j-1", "T-j-1", "t-j_-1", "t-j-1-1"),
    ],
)
def test_what_is_not_an_id_of_the_job_has_no_ordinal(stranger: str) -> None:
    """Only the exact form counts: no sign, no leading zero, no other digits, nothing around."""
    assert Namespace("t", "j").ordinal(stranger) is None


@given(NAMES, st.integers(12, 40))
def test_a_slug_fits_and_has_no_separator(text: str, length: int) -> None:
    """At most so many characters, none of them the dash between the parts."""
    made = slug(text, length)

    assert len(made) <= length
    assert "-" not in made
    assert made == text or made.startswith("_")


def test_a_name_that_fits_stays_readable() -> None:
    """An engineer sees team and job in the id."""
    assert "billing-reconcile_0606-42" == Namespace("billing", "reconcile_0606").custom_id(42)


def bound(text: str, reference: str = "0123456789") -> Accepted | Quarantined:
    """What the binding says of this answer."""
    return RowBinding().examine(Answer(text, "end_turn", reference))


def test_an_answer_with_its_own_reference_belongs_to_its_row() -> None:
    """The value read by gates before is passed on."""
    answer = Answer('{"ref":"0123456789"}', "end_turn", "0123456789", {"label": "pos"})

    assert Accepted({"label": "pos"}) == RowBinding().examine(answer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"ref":"9876543210"}', "wrong_row"),
        ('{"ref":"012345678"}', "wrong_row"),
        ('{"ref":" 0123456789"}', "wrong_row"),
        ('{"ref":123456789}', "wrong_row"),
        ('{"ref":null}', "wrong_row"),
        ('{"ref":["0123456789"]}', "wrong_row"),
        ('{"label":"pos"}', "off_task"),
        ("{}", "off_task"),
    ],
)
def test_an_answer_without_its_own_reference_is_kept_back(text: str, reason: str) -> None:
    """Another row's reference, something near it, or none: nothing is coerced."""
    verdict = bound(text)

    assert isinstance(verdict, Quarantined)
    assert reason == verdict.reason


@pytest.mark.parametrize("text", ["", "no json", "[1]", '"ref"', "{", "\ud800", "[" * 5_000])
def test_what_is_no_object_is_left_to_the_next_gate(text: str) -> None:
    """The binding judges belonging, not form."""
    assert Accepted(None) == bound(text)


@given(ANY_TEXT, st.text(max_size=20))
def test_the_binding_never_raises_and_accepts_only_its_reference(text: str, ref: str) -> None:
    """Any text, any echoed value: an object passes only with exactly the right reference."""
    bound(text)
    echoed = bound(json.dumps({"ref": ref}))

    assert isinstance(echoed, Quarantined) or ref == "0123456789"


@given(ANY_TEXT, ANY_TEXT)
def test_a_reference_depends_on_secret_id_and_content(one: str, other: str) -> None:
    """Two contents have two references; nobody without the secret can foresee them."""
    refer = RowBinding().reference

    assert re.fullmatch("[0-9a-f]{10}", refer(SECRET, "t-j-0", one))
    assert refer(SECRET, "t-j-0", one) != refer(b"other", "t-j-0", one)
    assert refer(SECRET, "t-j-0", one) != refer(SECRET, "t-j-1", one)
    assert (one == other) == (refer(SECRET, "t-j-0", one) == refer(SECRET, "t-j-0", other))


def test_an_answer_is_joined_by_what_was_sent() -> None:
    """The ledger's row counts, not the order of anything."""
    sent = a_row(1)

    assert sent is RowBinding().row_of(sent)
