"""What becomes of the requests of an ended batch: fate, answer, usage and bill.

Everything is computed once, in the order of submission, when somebody first looks at a batch
that has ended. Each row's dice depend on the seed, the batch and the row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from simulator import outcomes
from simulator.batch import Batch
from simulator.billing import Meter
from simulator.books import RequestBook
from simulator.caching import NOTHING, Cached, PrefixCache, is_marked
from simulator.choices import Choices
from simulator.clock import START
from simulator.errors import ApiError
from simulator.faults.armed import Bending
from simulator.faults.plan import FaultPlan
from simulator.faults.seams import Answer, Reshape
from simulator.models import Model
from simulator.outcomes import Answered
from simulator.params import CountParams, MessageParams
from simulator.prices import Usage
from simulator.randomness import RowDice, Streams
from simulator.responder.base import Question, Responder, Said
from simulator.row_validation import RowValidator
from simulator.special import PLAIN, Special, Thinking, call_tool, stop_at, think
from simulator.tokens import PER_CALL, PER_MESSAGE, content_tokens, cut_to, json_tokens, text_tokens

Keep = Callable[[Batch, Sequence[RequestBook]], Iterator[None]]
"""Puts the fates of a batch where they stay, in steps; the last one is `batch.settle`."""

STEP: Final = 1_000
"""Rows between two pauses in which a server may answer somebody else."""


class Worker:
    """Works the requests of batches, and live messages."""

    __slots__ = ("_choices", "_meter", "_plan", "_responder", "_streams")

    def __init__(
        self,
        responder: Responder,
        plan: FaultPlan,
        meter: Meter,
        streams: Streams,
        choices: Choices | None = None,
    ) -> None:
        self._choices = choices or Choices()
        self._responder = responder
        self._plan = plan
        self._meter = meter
        self._streams = streams

    def settle(self, batch: Batch, keep: Keep) -> Iterator[None]:
        """Work every request and give the fates to `keep`, pausing now and then."""
        requests = batch.requests
        reached = self._reached(batch)
        bendings = self._plan.bendings(requests, batch.created_at, batch.number)
        dice = self._streams.rows(f"answers/{batch.number}")
        ids = self._streams.rows(f"ids/{batch.number}")
        validator = RowValidator(version=batch.version, beta=batch.beta, profile=batch.profile)
        cache = PrefixCache(self._choices.least_cached_tokens)
        overload = self._streams.rows(f"overload/{batch.number}")
        overloaded_share = self._choices.overloaded_share
        unreached = "canceled" if batch.timeline.cancel_initiated_at else "expired"
        settled: list[RequestBook] = []
        for row, request in enumerate(requests):
            if row and row % STEP == 0:
                yield
            doom = batch.dooms.get(row)
            if not reached[row]:
                settled.append(outcomes.unanswered(batch, request, unreached, doom))
                continue
            read = validator.read(request.params)
            if isinstance(read, ApiError):
                settled.append(outcomes.refused(batch, request, read))
            elif overloaded_share and overload.at(row).random() < overloaded_share:
                settled.append(outcomes.overloaded(batch, request, ids.at(row)))
            elif doom is not None:
                settled.append(outcomes.struck(batch, request, doom, ids.at(row)))
            else:
                params, model = read
                answered = self.answer(
                    request.custom_id,
                    params,
                    model,
                    dice.at(row),
                    bendings=bendings,
                    row=row,
                    cache=cache,
                    scope=batch.workspace,
                    now=batch.created_at,
                )
                settled.append(outcomes.succeeded(batch, request, model, answered, ids.at(row)))
        yield from keep(batch, settled)
        self._meter.bill_batch(batch.id, sum(book.billed_picodollars for book in settled))

    def answer(
        self,
        custom_id: str,
        params: MessageParams,
        model: Model,
        dice: RowDice,
        *,
        bendings: Sequence[Bending] = (),
        row: int = 0,
        cache: PrefixCache | None = None,
        scope: str = "",
        now: datetime = START,
    ) -> Answered:
        """Ask the model, and let the faults of the answers family at what it says."""
        question = Question(
            custom_id=custom_id,
            model=model.id,
            system=params.system_text,
            user=params.user_text,
            max_tokens=params.max_tokens,
            params=params,
            dice=dice,
        )
        said = self._responder.answer(question)
        spoken = _speak(said, params, dice)
        text, room, output_tokens = spoken.text, spoken.room, spoken.tokens
        sent, tags, stop_reason = text, said.tags, spoken.stop_reason
        reshape: tuple[Reshape, ...] = ()
        if bendings:
            answer = Answer(text, params.max_tokens, stop_reason)
            for bending in bendings:
                answer = bending(row, custom_id, answer)
            if answer.tags:
                tags += answer.tags
                reshape = answer.reshape
                sent, output_tokens, cut = cut_to(answer.text, room)
                stop_reason = "max_tokens" if cut else answer.stop_reason
        cached = cache.look(params, scope, now) if cache and is_marked(params) else NOTHING
        in_cache = cached.written_5m + cached.written_1h + cached.read
        usage = Usage(
            max(prompt_tokens(params, question.system) - in_cache, 0),
            output_tokens + spoken.spent,
            cached.written_5m,
            cached.written_1h,
            cached.read,
            us_only=params.inference_geo == "us" and model.regional,
        )
        special = spoken.special(stop_reason, cached)
        return Answered(model.id, said, text, sent, stop_reason, tags, usage, reshape, special)

    def _reached(self, batch: Batch) -> bytearray:
        """Which requests were worked before the batch ended: a seeded order at an even pace."""
        requests = len(batch.requests)
        finished = batch.timeline.finished_requests
        if finished == requests:
            reached = bytearray(b"\x01") * requests
        else:
            order = list(range(requests))
            self._streams.stream(f"order/{batch.number}").shuffle(order)
            reached = bytearray(requests)
            for row in order[:finished]:
                reached[row] = 1
        for row, doom in batch.dooms.items():
            if doom.fate.outcome == "expired":
                reached[row] = 0
        return reached


class _Spoken(msgspec.Struct, frozen=True, gc=False):
    """What the model said, within the tokens it had."""

    text: str
    tokens: int
    room: int
    """The tokens that were left for the text ..."""
    spent: int
    """... and those that went to thinking and to a tool."""
    stop_reason: str
    stop: str | None
    thinking: Thinking | None
    tool_use: dict[str, Any] | None

    def special(self, stop_reason: str, cached: Cached) -> Special:
        """What there is besides the text."""
        stop = self.stop if stop_reason == "stop_sequence" else None
        if self.thinking or self.tool_use or stop or cached is not NOTHING:
            return Special(self.thinking, self.tool_use, stop, cached)
        return PLAIN


def _speak(said: Said, params: MessageParams, dice: RowDice) -> _Spoken:
    thinking = None if params.thinking is UNSET else think(params, dice)
    tool = call_tool(params, dice) if params.tool_choice else None
    spent = (thinking.tokens if thinking else 0) + (tool[1] if tool else 0)
    room = max(params.max_tokens - spent, 0)
    said_text, stop = said.text, None
    if params.stop_sequences:
        said_text, stop = stop_at(said_text, params.stop_sequences)
    text, tokens, cut = ("", 0, False) if tool else cut_to(said_text, room)
    normal = "tool_use" if tool else "stop_sequence" if stop else said.stop_reason
    stop_reason = "max_tokens" if cut else normal
    called = tool[0] if tool else None
    return _Spoken(text, tokens, room, spent, stop_reason, stop, thinking, called)


def prompt_tokens(params: CountParams, system: str) -> int:
    """The tokens of the whole prompt: the number `count_tokens` gives too."""
    total = PER_CALL + text_tokens(system) if system else PER_CALL
    for message in params.messages:
        total += PER_MESSAGE + content_tokens(message.content)
    return total + json_tokens(params.tools) if params.tools else total
