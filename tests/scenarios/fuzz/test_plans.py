"""Plans as values: drawn from a seed, written as TOML, read back exactly."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.harness.errors import UsageError
from scenarios.harness.fuzz.crowds import HANDS, dealt
from scenarios.harness.fuzz.dice import GENTLE, KINDS, crowd_of, draw, fault_of, plan_of, sound
from scenarios.harness.fuzz.plan import Act, Deed, Kill, Mode, Plan, Size
from scenarios.harness.fuzz.writing import SABOTAGE, from_toml, to_toml
from scenarios.harness.sabotage import RunawayJoin, WrongColumn
from simulator import seconds
from simulator.faults import EndsAtOnce, LostReply, MissingFromList, NeverEnds
from simulator.faults.clashes import check_together
from simulator.wire import Endpoint

ANY = st.randoms(use_true_random=False).map(plan_of) | st.integers(0, 2**31).map(
    lambda number: crowd_of(Random(number), dealt(GENTLE, 0, number))
)


@settings(max_examples=40)
@given(ANY)
def test_a_plan_survives_being_written(plan: Plan) -> None:
    """Every setting of every fault, every kill and act, to the last digit; it is one that can be,
    and every invariant may be asked of it."""
    assert (plan, "digest") == from_toml(to_toml(plan, "digest", "a\nb"))
    check_together(plan.faults)
    assert plan == sound(plan)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_fault_can_be_drawn_and_written(kind: type) -> None:
    """With many settings; of most faults there is more than one."""
    drawn = {fault_of(kind, Random(number)) for number in range(8)}

    assert len(drawn) > 1
    for fault in drawn:
        plan = Plan(faults=(fault,))
        assert (plan, "") == from_toml(to_toml(plan))


def test_campaigns_draw_all_there_is() -> None:
    """Every fault, every accident, every way to die, everything that people do; and quiet days."""
    plans = [draw(1, number) for number in range(900)]

    assert set(KINDS) == {type(fault) for plan in plans for fault in plan.faults}
    assert set(SABOTAGE) == {type(act).__name__ for plan in plans for act in plan.sabotage}
    assert set(Mode) == {kill.mode for plan in plans for kill in plan.kills}
    assert set(Deed) == {act.deed for plan in plans for act in plan.acts}
    assert any(plan.is_calm for plan in plans)


def test_a_plan_depends_on_its_seed_and_number_alone() -> None:
    """Whoever draws it, and whatever was drawn before."""
    backwards = [draw(7, number) for number in reversed(range(20))]

    assert backwards[::-1] == [draw(7, number) for number in range(20)]
    assert draw(7, 3) != draw(8, 3)


def test_kinds_are_dealt_to_crowds_in_turn() -> None:
    """Of the crowds of one deal each kind is in all but one, and no two have the same; another
    seed deals otherwise."""
    hands = [dealt(GENTLE, 5, number) for number in range(HANDS)]
    crowds = [{type(fault) for fault in draw(5, 2 * number).faults} for number in range(HANDS)]

    assert {HANDS - 1} == {sum(kind in hand for hand in hands) for kind in GENTLE}
    assert HANDS == len(set(hands))
    assert crowds == [set(hand) for hand in hands]
    assert hands[0] != dealt(GENTLE, 6, 0)


def test_what_no_client_can_know_is_not_drawn() -> None:
    """A refusal is a refusal, and the list hides no batch for longer than the catalogue says."""
    faults = [fault for number in range(600) for fault in draw(2, number).faults]
    done = [fault for fault in faults if getattr(fault, "done", False)]

    assert done
    assert not [fault for fault in done if getattr(fault, "status", 0) in {401, 429, 529}]
    hidden = {fault.lasting for fault in faults if isinstance(fault, MissingFromList)}
    assert seconds(30) == max(hidden)


def test_a_plan_is_made_sound() -> None:
    """A poisoned template meets a strict canary, rows that nobody has meet a low ceiling."""
    poisoned = sound(Plan(size=Size(rows=1, canary=3), sabotage=(WrongColumn(),)))
    runaway = sound(Plan(sabotage=(RunawayJoin(rows=600),)))

    assert (30, 0) == (poisoned.size.rows, poisoned.size.canary)
    assert 1.0 == runaway.size.budget


def test_a_written_plan_reads_well() -> None:
    """What has its default is left out."""
    plan = Plan(
        3,
        Size(rows=12, ramp=(0.5,)),
        (LostReply(Endpoint.CREATE, times=1),),
        (WrongColumn(),),
        (Kill(7, Mode.TORN),),
        (Act(Deed.HALT, 4), Act(Deed.RESUME)),
    )

    assert """# found
seed = 3

[size]
rows = 12
ramp = [0.5]

[[fault]]
name = "LostReply"

[[sabotage]]
name = "WrongColumn"

[[kill]]
step = 7
mode = "torn"

[[act]]
deed = "halt"
before_call = 4

[[act]]
deed = "resume"
""" == to_toml(plan, comment="found")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed = ", "no TOML"),
        ("seed = 'x'", "seed"),
        ("sead = 1", "no 'sead'"),
        ("[fault]\nname = 'LostReply'", "one table"),
        ("[[fault]]\nname = 'LostReplies'", "LostReplies"),
        ("[[fault]]\nname = 'LostReply'\ntimes = 0", "never strike"),
        ("[[sabotage]]\nname = 'Rain'", "Rain"),
        ("[[sabotage]]\nname = 'RunawayJoin'\nrows = 'many'", "RunawayJoin"),
        ("[[kill]]\nstep = 0", "counted from 1"),
        ("[[kill]]\nstep = 1\nmode = 'softly'", "softly"),
        ("[[kill]]\nsteps = 1", "no 'steps'"),
        ("[[act]]\ndeed = 'dance'", "dance"),
        ("[[act]]\ndeed = 'halt'\nbefore_call = -1", "counted from 1"),
        ("[size]\nrows = 0", "rows = 0"),
        ("[size]\nramp = [0.5, 0.2]", "ascending"),
        ("[size]\nbudget = -1.0", "budget"),
        ("size = 3", "size"),
        ("[[fault]]\nname = 'NeverEnds'\n[[fault]]\nname = 'EndsAtOnce'", "cannot strike together"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, says: str) -> None:
    """In one line that names the place, with a way out."""
    with pytest.raises(UsageError, match=says) as refused:
        from_toml(text)

    assert refused.value.fix
    assert "\n" not in str(refused.value)


def test_faults_that_clash_are_not_drawn_together() -> None:
    """Of two that cannot both be, the second is left out."""
    both = (NeverEnds, EndsAtOnce)
    plans = [draw(3, number) for number in range(300)]

    for plan in plans:
        assert len([fault for fault in plan.faults if isinstance(fault, both)]) <= 2
        check_together(plan.faults)
