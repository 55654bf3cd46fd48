"""The scheduler: quotas, priorities and low-traffic hours for an account that many teams share.

Protects from the giant batch that takes the whole queue while an urgent one waits, and from one
team that takes what belongs to all. Every batch stands in one line: who asked first goes first,
and each level of priority is worth `aging` of waiting. Who stands further back may go first only
while that delays nobody of higher priority, and nobody who has waited for `patience`. So the
line moves without gaps, and nobody starves. A `reserve` is never given to ordinary jobs. Create
calls within a minute are counted in the same way, against the account's limit on requests.

Weakness: it counts what this store has in flight; who calls the API past it is not seen, which is
why `total` stays below the queue limit. Of the calls it counts the first of each batch; polls,
downloads and repeats share the other half of the account's calls uncounted. An ordinary batch that
has waited longer than `aging` stands before a fresh urgent one, and the urgent one then waits until
it is in. What nobody asks for any more must leave the line, or those behind keep room for it.
Neighbour: `CircuitBreaker` holds everybody back while the service fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil

from controls.core.decision import Decision, Halt, Proceed, Wait
from controls.core.errors import ControlError
from controls.core.moment import BeforeCreate, Demand, Moment
from controls.policy import HIGHEST_PRIORITY, JobType

QUEUE_LIMITS = {"start": 200_000, "build": 300_000, "scale": 500_000}
"""Batch requests in the processing queue of one organisation, by tier. Source: the API's page on
rate limits, as of 2026-08-22. A request leaves the queue when it was processed successfully."""
CALL_LIMITS = {"start": 1_000, "build": 2_000, "scale": 4_000}
"""Calls per minute to all batch endpoints together, by tier. Source: the same page and day; older
tables have 50 for the smallest accounts."""
CALLS_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FairShare:
    """Who may create a batch now, and who waits. The settings are those of the account: give
    every runner the same."""

    queue_limit: int = QUEUE_LIMITS["start"]
    total: int | None = None
    """Requests that all jobs together may have in flight; by default 90 % of the queue limit."""
    team_quota: int | None = None
    """Requests that one team may have in flight; by default 75 % of the total."""
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Teams whose quota differs."""
    call_limit: int = CALL_LIMITS["start"]
    """Calls per minute that the account may make to the batch endpoints."""
    creates: int | None = None
    """Batches that all jobs together may create in a minute; by default half of the call limit."""
    team_creates: int | None = None
    """Batches that one team may create in a minute; by default 75 % of those."""
    reserve: float = 0.2
    """Share of the total, of each quota and of the creates in a minute that is left free for
    priorities above 0."""
    window: tuple[int, int] | None = None
    """Low-traffic hours (UTC): from the first, up to the second, over midnight if that is less.
    Priorities below 0 go in these hours."""
    outside: float = 0.0
    """Share of the ordinary room that priorities below 0 may use in the other hours."""
    patience: timedelta = timedelta(hours=1)
    """For so long a batch lets others of its priority go first that fit in where it does not."""
    aging: timedelta = timedelta(hours=24)
    """How much waiting one level of priority is worth. After it, the window is no hindrance."""
    poll_seconds: float = 60.0

    def __post_init__(self) -> None:
        sizes = [self.queue_limit, self.everything, self.team_ceiling, *self.quotas.values()]
        sizes += [self.call_limit, self.creates_a_minute, self.team_creates_a_minute]
        hours = self.window or (0, 1)
        for broken, what, fix in (
            (min(sizes) < 1, "a limit below one request", "Set limits and quotas of 1 or more."),
            (
                not (0 <= self.reserve < 1 and 0 <= self.outside <= 1),
                "a share that is none",
                "Set reserve from 0 to below 1, and outside from 0 to 1.",
            ),
            (
                not all(0 <= hour < 24 for hour in hours) or hours[0] == hours[1],  # noqa: PLR2004
                f"the window {self.window}",
                "Set two different hours from 0 to 23, for example (22, 6).",
            ),
        ):
            if broken:
                raise ControlError(f"The scheduler was given {what}.", fix=fix)

    @classmethod
    def of(cls, job_type: JobType, queue_limit: int = QUEUE_LIMITS["start"]) -> FairShare:
        """With the window of a job type."""
        return cls(queue_limit=queue_limit, window=job_type.schedule.window)

    @property
    def everything(self) -> int:
        """Requests that may be in flight at once."""
        total = self.queue_limit * 9 // 10 if self.total is None else self.total
        return min(total, self.queue_limit)

    @property
    def team_ceiling(self) -> int:
        """Requests that a team without a quota of its own may have in flight."""
        return self.everything * 3 // 4 if self.team_quota is None else self.team_quota

    @property
    def creates_a_minute(self) -> int:
        """Batches that may be created in a minute."""
        creates = max(self.call_limit // 2, 1) if self.creates is None else self.creates
        return min(creates, self.call_limit)

    @property
    def team_creates_a_minute(self) -> int:
        """Batches that one team may create in a minute."""
        creates = max(self.creates_a_minute * 3 // 4, 1)
        return creates if self.team_creates is None else self.team_creates

    def decide(self, moment: Moment, /) -> Decision:
        """Proceed, wait, or halt what would wait for ever."""
        if not isinstance(moment, BeforeCreate):
            return Proceed()
        mine = Demand(moment.team, moment.job_id, moment.requests, moment.priority, moment.since)
        if never := self._never(mine):
            return Halt(never)
        for hindrance in self._hindrances(moment, mine):
            return Wait(hindrance, self.poll_seconds)
        for hindrance, until in self._too_fast(moment, mine):
            wait = (until + CALLS_WITHIN - moment.now).total_seconds()
            return Wait(hindrance, min(max(wait, 1.0), self.poll_seconds))
        return Proceed()

    def _never(self, mine: Demand) -> str:
        """Why this batch could not go even if nothing else were in flight; empty if it could."""
        account, team = self._account_room(mine), self._team_room(mine)
        if mine.requests <= min(account, team):
            return ""
        whose = "all jobs" if account <= team else mine.team
        setting = "total" if account <= team else "quota"
        return (
            f"a batch of {mine.requests:,} requests can never be sent: {whose} may have "
            f"{min(account, team):,} in flight at priority {mine.priority}. Send smaller batches, "
            f"or raise the {setting} of the scheduler"
        )

    def _hindrances(self, moment: BeforeCreate, mine: Demand) -> Iterator[str]:
        """Each reason to wait."""
        in_team = _in_flight(moment, mine.team)
        in_all = sum(batch.requests for batch in moment.in_flight)
        now, room = moment.now, self._room_now(mine, moment.now)
        if in_team + mine.requests > self._team_room(mine):
            yield f"{mine.team} has {in_team:,} of its {self._team_room(mine):,} requests in flight"
        if mine.requests > room:
            yield f"priority {mine.priority} goes in the low-traffic hours, {self._hours()}"
        if in_all + mine.requests > room:
            yield f"{in_all:,} of {room:,} requests are in flight"
        ahead = self._ahead(moment, mine)
        mates = [one for one in ahead if one.team == mine.team]
        if late := _delayed(mates, in_team + mine.requests, self._team_room):
            yield f"{late.job_id} of the same team goes first"
        able = [one for one in ahead if self._within_quota(one, moment)]
        if late := _delayed(able, in_all + mine.requests, lambda one: self._room_now(one, now)):
            yield f"{late.job_id} of {late.team} goes first"

    def _too_fast(self, moment: BeforeCreate, mine: Demand) -> Iterator[tuple[str, datetime]]:
        """Each limit on calls that stands in the way, and the call that must be a minute old.

        Who stands before this batch and could go now has a call kept for it.
        """
        recent = [call for call in moment.creates if moment.now - call.at < CALLS_WITHIN]
        by_team = Counter(call.team for call in recent)
        in_all, of_team = (
            sum(batch.requests for batch in moment.in_flight),
            self.team_creates_a_minute,
        )
        ready = [
            one
            for one in self._ahead(moment, mine)
            if self._within_quota(one, moment)
            and in_all + one.requests <= self._room_now(one, moment.now)
            and by_team[one.team] < self._calls(of_team, one)
        ]
        mates = sum(one.team == mine.team for one in ready)
        for whose, calls, kept, limit in (
            (mine.team, by_team[mine.team], mates, of_team),
            ("all teams", len(recent), len(ready), self.creates_a_minute),
        ):
            room = self._calls(limit, mine)
            if calls + kept >= room:
                told = f"{whose}: {calls:,} of {room:,} batches were created within a minute"
                yield told, min((call.at for call in recent), default=moment.now)

    def _calls(self, limit: int, demand: Demand) -> int:
        """Creates up to which a minute may be filled by this batch; at least one."""
        return limit if demand.priority > 0 else max(limit - int(limit * self.reserve), 1)

    def _ahead(self, moment: BeforeCreate, mine: Demand) -> list[Demand]:
        """Who stands before this batch and must not be delayed by it, in their order. What could
        not go at this hour whatever happens keeps nobody waiting."""
        place = self._place(mine)
        return sorted(
            (
                other
                for other in moment.waiting
                if self._place(other) < place
                and (other.priority > mine.priority or moment.now - other.since >= self.patience)
                and other.requests <= min(self._room_now(other, moment.now), self._team_room(other))
            ),
            key=self._place,
        )

    def _place(self, demand: Demand) -> tuple[float, str]:
        """Where a batch stands in the line, smallest first. It does not depend on the present, so
        that nobody who comes later than `aging` per level can come before it."""
        level = max(-HIGHEST_PRIORITY, min(HIGHEST_PRIORITY, demand.priority))
        return demand.since.timestamp() - level * self.aging.total_seconds(), demand.job_id

    def _within_quota(self, demand: Demand, moment: BeforeCreate) -> bool:
        return _in_flight(moment, demand.team) + demand.requests <= self._team_room(demand)

    def _team_room(self, demand: Demand) -> int:
        quota = self.quotas.get(demand.team, self.team_ceiling)
        return quota if demand.priority > 0 else quota - ceil(quota * self.reserve)

    def _account_room(self, demand: Demand) -> int:
        everything = self.everything
        return everything if demand.priority > 0 else everything - ceil(everything * self.reserve)

    def _room_now(self, demand: Demand, now: datetime) -> int:
        """Requests up to which the account may be filled by this batch at this hour."""
        room = self._account_room(demand)
        if demand.priority >= 0 or self._is_quiet(now) or now - demand.since >= self.aging:
            return room
        return int(room * self.outside)

    def _is_quiet(self, now: datetime) -> bool:
        if self.window is None:
            return True
        (first, end), hour = self.window, now.astimezone(UTC).hour
        return first <= hour < end if first < end else not end <= hour < first

    def _hours(self) -> str:
        first, end = self.window or (0, 24)
        return f"{first}:00-{end}:00 UTC"


def _in_flight(moment: BeforeCreate, team: str) -> int:
    return sum(batch.requests for batch in moment.in_flight if batch.team == team)


def _delayed(ahead: Iterable[Demand], taken: int, room: Callable[[Demand], int]) -> Demand | None:
    """The first of the line that would not fit any more when so many requests are taken."""
    for other in ahead:
        taken += other.requests
        if taken > room(other):
            return other
    return None
