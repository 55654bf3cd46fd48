"""Drill: somebody sees it, and nothing can be done about it."""

from controls import KillSwitch
from scenarios import DamageIsHeard, NothingSentAfterTheStop, StopsWithin, World, drill
from simulator import hours, minutes
from simulator.faults import Stall


@drill(
    defends_against="nobody can stop it",
    faults=[Stall(after_share=0.5, lasting=hours(3), times=1)],
    controls=[KillSwitch],
    checks=[NothingSentAfterTheStop(), StopsWithin(minutes(16)), DamageIsHeard()],
    at_least=400,
)
def kill_switch_stops_new_spend(world: World) -> None:
    """A person stops a job in the middle; not one batch is created after that.

    The service is in trouble, the canary has been out for half an hour, and the person on call
    wants the rest to stay at home. Where there is no switch, ending the worker is all that can be
    done, and the supervisor starts it again.
    """
    world.operator.stops(after=minutes(30))
    world.run(world.rows(400))
