"""Drill: guardrails that cry wolf are switched off."""

from controls import (
    Canary,
    CostCeiling,
    FieldAllowlist,
    IdempotentSubmit,
    PromptFence,
    Quarantine,
    Reconciliation,
    Requeue,
    RowBinding,
    Staging,
)
from scenarios import (
    OFTEN,
    EveryRowAnswered,
    EveryValueFromItsOwnRow,
    NoAlarm,
    SpendWithinApproval,
    World,
    drill,
)
from simulator.faults import NoFault


@drill(
    defends_against="false alarms",
    faults=[NoFault()],
    controls=[
        FieldAllowlist,
        CostCeiling,
        Canary,
        IdempotentSubmit,
        Reconciliation,
        Requeue,
        Quarantine,
        PromptFence,
        RowBinding,
        Staging,
    ],
    checks=[EveryRowAnswered(), NoAlarm(), EveryValueFromItsOwnRow(), SpendWithinApproval()],
    at_least=200,
)
def a_good_day_is_left_alone(world: World) -> None:
    """On a day without faults every row is promoted and nobody is woken up.

    All guardrails stand, nothing goes wrong. The bare arm is the pipeline without any of them: on
    a good day it does just as well, which is why nobody misses a guardrail until it is too late.
    """
    world.run(world.rows(), polling=OFTEN)
