"""Drill: the team is its own worst neighbour."""

from controls import FairShare
from scenarios import OFTEN, AnsweredWithin, Errand, SmallAccount, World, drill
from simulator import hours, minutes
from simulator.faults import EndsAtOnce, Stall, first


@drill(
    defends_against="one team starves another",
    sabotage=[SmallAccount(queued_requests=200)],
    faults=[
        EndsAtOnce(times=1),
        Stall(after_share=0.0, lasting=hours(3), during=first(minutes(4)), spare_batches=1),
    ],
    controls=[FairShare(queue_limit=200, team_quota=180)],
    checks=[AnsweredWithin(hours(2), job="game_2")],
    at_least=400,
)
def urgent_job_finds_its_reserve(world: World) -> None:
    """An urgent job goes at once although its own team has filled the queue with ordinary work.

    No quota stands between the two: they belong to the same team, which may use the whole account.
    Only what is kept free for urgent work leaves a place for the few rows that cannot wait.
    """
    rows = world.rows(400)
    world.run_together(
        Errand(rows[:355]),
        Errand(rows[355:], priority=5, after=minutes(5)),
        batches_of=45,
        polling=OFTEN,
    )
