"""Drill: the dashboard is green, the invoice is not."""

from controls import Telemetry
from scenarios import CostsAddUp, Errand, World, drill
from simulator import hours
from simulator.faults import RowsErrored, SchemaDrift


@drill(
    defends_against="a bill that nobody can explain",
    faults=[SchemaDrift(share=0.15), RowsErrored(share=0.05)],
    controls=[Telemetry],
    checks=[CostsAddUp()],
    at_least=200,
)
def metrics_add_up_to_the_bill(world: World) -> None:
    """What the metrics say that each team has spent is what the service bills.

    The dashboard shows dollars by team while the jobs run. It is fed by every batch that is
    collected, with all that was billed in it, whether or not a row of it reached the record.
    """
    rows = world.rows(200)
    world.run_together(Errand(rows[:120]), Errand(rows[120:], team="sales", after=hours(1)))
    world.operator.reads_the_dashboard()
