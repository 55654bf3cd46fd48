"""Drill: the sum of the parts is not the whole."""

from controls import attribution
from scenarios import CostsAddUp, Errand, World, drill
from simulator import hours
from simulator.faults import RowsErrored, SchemaDrift


@drill(
    defends_against="a bill that nobody can explain",
    faults=[SchemaDrift(share=0.15, spare_batches=1), RowsErrored(share=0.05, spare_batches=1)],
    controls=[attribution],
    checks=[CostsAddUp()],
    at_least=200,
)
def costs_add_up_to_the_bill(world: World) -> None:
    """What each team is told that it has spent adds up to what the service bills.

    Two teams share the account. Rows that were kept back were billed, rows that errored were not,
    and rows that were sent again were billed once; who counts what is in the tables is far off.
    """
    rows = world.rows(200)
    world.run_together(Errand(rows[:120]), Errand(rows[120:], team="sales", after=hours(1)))
    world.operator.adds_up_the_costs()
