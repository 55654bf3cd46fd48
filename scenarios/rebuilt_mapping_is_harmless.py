"""Drill: the mapping that is rebuilt is another mapping."""

from controls import RowBinding
from scenarios import EveryRowAccountedFor, EveryValueFromItsOwnRow, RowsReordered, World, drill


@drill(
    defends_against="wrong source mapping",
    sabotage=[RowsReordered()],
    controls=[RowBinding],
    checks=[EveryValueFromItsOwnRow(), EveryRowAccountedFor()],
    at_least=200,
)
def rebuilt_mapping_is_harmless(world: World) -> None:
    """Answers find their rows even when the row source yields another order at collection.

    The query has no ORDER BY. A pipeline that numbers its rows again when the answers arrive puts
    nearly every answer on a wrong row; one that wrote down what each id stands for does not care.
    """
    world.run(world.rows(600))
