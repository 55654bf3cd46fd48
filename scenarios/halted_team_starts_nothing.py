"""Drill: stopped at six, started again by cron at seven."""

from controls import KillSwitch
from scenarios import NothingSentAfterTheStop, World, drill
from simulator.faults import SchemaDrift


@drill(
    defends_against="nobody can stop it",
    faults=[SchemaDrift(share=0.06, spare_batches=1)],
    controls=[KillSwitch],
    checks=[NothingSentAfterTheStop()],
)
def halted_team_starts_nothing(world: World) -> None:
    """A job that begins after its team was stopped sends nothing at all.

    Last night's answers drifted, and somebody has stopped the team. The next job of the schedule
    knows nothing of it; what holds it back must be in the store, not in a process that is gone.
    """
    world.operator.has_stopped_the_team()
    world.run(world.rows(200))
