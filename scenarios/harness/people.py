"""The people of a drill: who is on call, and what somebody does every day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from controls import KillSwitch
from controls.core.book import DONE
from controls.runbook import EVERYTHING, Runbook
from reports import ArmName
from scenarios.harness.client import make_client
from scenarios.harness.rounds import Rounds, remains

if TYPE_CHECKING:
    from scenarios.harness.world import World


@dataclass(frozen=True, slots=True)
class Operator:
    """The person on call, who acts on what can be seen from outside, and only on bad days."""

    world: World

    @property
    def sleeps_well(self) -> bool:
        """Nothing goes wrong in this arm, so there is nothing to do."""
        return self.world.arm is ArmName.CALM

    def reverses_what_is_wrong(self, after: timedelta = timedelta(hours=2)) -> None:
        """Some hours later somebody downstream complains; if they are right, the promotion is
        rolled back."""
        self.world.clock.sleep(after)
        wrong = self.world.record().wrong
        if not wrong:
            self.world.tell("operator", "compared the record with the rows: nothing is wrong")
            return
        self.world.tell("operator", f"noticed {len(wrong):,} wrong values, first {wrong[0]}")
        count = self.world.rollback()
        self.world.status, self.world.why = "rolled back", f"{len(wrong):,} wrong values"
        self.world.tell("operator", f"rolled the promotion back: {count:,} rows")

    def cancels_doubles(self) -> None:
        """When a batch of the same size was made after one that runs, the older one is canceled:
        whoever sent the second waits for that one."""
        self.world.rota.watchers.append(self._cancel_doubles)

    def _cancel_doubles(self) -> None:
        batches = self.world.stage.api.books().batches
        newest = {batch.requests: batch.id for batch in batches}
        for batch in batches:
            if batch.processing_status == "in_progress" and newest[batch.requests] != batch.id:
                make_client(self.world.stage.wire).messages.batches.cancel(batch.id)
                self.world.tell("operator", f"canceled {batch.id}, which looked like a double")

    def has_stopped_the_team(self) -> None:
        """Before the job begins, somebody has stopped its team."""
        team = self.world.game.job_type.team
        self.world.before_it_begins(lambda: self._stop(f"team {team}"))

    def stops(self, after: timedelta, scope: str = EVERYTHING) -> None:
        """So long after the beginning somebody sees what goes wrong, and stops it."""
        self.world.later(after, lambda: self._stop(scope))

    def _stop(self, scope: str) -> None:
        if self.sleeps_well:
            return
        self.world.did("stopped", f"wants {scope} to stop")
        if self.world.has(KillSwitch):
            book = Runbook(self.world.stage.ledger)
            book.halt(scope, by="on-call", why="something is wrong with the answers")
        else:
            self.world.tell("operator", "there is no switch; the supervisor starts what was ended")

    def lets_it_go(self, after: timedelta) -> None:
        """So long after the beginning somebody looks at the first answers, and says yes."""
        self.world.later(after, self._let_go)

    def _let_go(self) -> None:
        if self.sleeps_well:
            return
        first = self.world.stage.hired[0]
        self.world.did("approved", "has looked at the first answers, and lets the job go on")
        Runbook(self.world.stage.ledger).approve(first.job.id, by="A. Reviewer")
        if first.status != DONE:
            self.world.work(first)

    def audits(self, after: timedelta) -> None:
        """So long after the beginning somebody reads the whole trail."""
        self.world.later(after, Rounds(self.world).audit)

    def purges(self, every: timedelta, until: timedelta) -> None:
        """Somebody removes what is due, again and again."""
        rounds = Rounds(self.world)
        rounds.repeat(rounds.purge, every, until)
        self.world.later(until, lambda: self.world.remains.extend(remains(self.world)))

    def patrols(self, every: timedelta, until: timedelta) -> None:
        """Somebody looks over the batches of the account, again and again."""
        rounds = Rounds(self.world)
        rounds.repeat(rounds.patrol, every, until)

    def answers_alarms(self, every: timedelta, until: timedelta) -> None:
        """Whoever hears of a job that ended badly starts it again."""
        rounds = Rounds(self.world)
        rounds.repeat(self._answer, every, until)

    def _answer(self) -> None:
        first = self.world.stage.hired[0]
        heard = [alarm for alarm in self.world.alerts if alarm.job == first.job.id]
        if heard and first.status == "crashed":
            self.world.did("resumed", f"heard that {heard[-1].what[:80]}; starts the job again")
            self.world.work(first)

    def adds_up_the_costs(self) -> None:
        """At the end somebody tells each team what it has spent."""
        self.world.told_usd.update(Rounds(self.world).costs())

    def reads_the_dashboard(self) -> None:
        """At the end somebody reads what the metrics say that each team has spent."""
        self.world.told_usd.update(Rounds(self.world).metrics())
