"""Judging an incident of a live game day: what people noticed, stopped and reversed, and when.

There is no calm and no bare arm, so a PASS says less here than anywhere else: the fault struck,
and on somebody's word, or by the service's books, all three moments came. It does not say that
the fault would have done harm, nor that a control held.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reports.model import DrillReport, Moment, People, Verdict, Word

NO_ARMS = "there was no calm and no bare arm"


def judge_people(people: People) -> tuple[Verdict, str]:
    """The verdict and the clause that explains it: the first rule that applies."""
    if not any(injection.fired for injection in people.injections):
        return Verdict.INCONCLUSIVE, "nothing that was injected ever struck"
    if never := missing(people):
        return Verdict.FAIL, f"never {' and never '.join(never)}"
    return Verdict.PASS, f"noticed, stopped and reversed; {NO_ARMS}"


def people_contradictions(drill: DrillReport) -> Iterator[str]:
    """What in an incident cannot be true at once."""
    people = drill.people
    if people is None:
        return
    if drill.arms:
        yield "it tells of people, who have no arms, and has some"
    moments = [word.moment for word in people.words]
    if moments != [moment for moment in Moment if moment in moments]:
        yield "its moments must stand there once, in their order"
    if any(word.after > people.lasted or word.waited > people.waited for word in people.words):
        yield "a moment came after its end"
    if any(min(word.after, word.waited) < timedelta(0) for word in people.words):
        yield "a moment came before the injection"
    verdict, because = judge_people(people)
    if verdict is not drill.verdict and not drill.error:
        yield f"the verdict is {drill.verdict.name}, its people make it {verdict.name} ({because})"


def source(word: Word) -> str:
    """On whose word a moment stands."""
    return "by the books" if word.from_books else "said by a person"


def missing(people: People) -> list[Moment]:
    """The moments that never came."""
    come = {word.moment for word in people.words}
    return [moment for moment in Moment if moment not in come]
