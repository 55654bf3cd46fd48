"""Drill: a valid answer on the wrong row is the hardest to see."""

from controls import RowBinding
from scenarios import (
    DamageIsHeard,
    EveryRowAccountedFor,
    EveryValueFromItsOwnRow,
    World,
    drill,
)
from simulator.faults import AnswersSwapped


@drill(
    defends_against="wrong source mapping",
    faults=[AnswersSwapped(share=0.05, spare_batches=1)],
    controls=[RowBinding],
    checks=[EveryValueFromItsOwnRow(), EveryRowAccountedFor(), DamageIsHeard()],
    at_least=200,
)
def swapped_answers_are_caught(world: World) -> None:
    """Answers that come back under another row's id do not reach the record.

    Pairs of rows have exchanged their results. Every id is there exactly once, every answer is
    valid: all counts balance. Only an answer that says which row it belongs to can be told apart.
    """
    world.run(world.rows(600))
