"""The neighbours: live messages, token counts and models (contract 11 and 12)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from simulator import errors, pages, results
from simulator.access import Caller
from simulator.batches import ok
from simulator.billing import Meter
from simulator.caching import PrefixCache
from simulator.choices import Choices
from simulator.errors import ApiError, invalid_request
from simulator.limits import Limits
from simulator.models import LIFECYCLES, MODELS, find_model
from simulator.randomness import Ids, Streams
from simulator.row_validation import RowValidator, read_count
from simulator.validation import check_utf8, not_json
from simulator.wire import Request, Response
from simulator.work import Worker, prompt_tokens


class Messages:
    """Everything that is not about batches, one method for each endpoint."""

    def __init__(
        self,
        worker: Worker,
        meter: Meter,
        ids: Ids,
        streams: Streams,
        limits: Limits,
        choices: Choices,
    ) -> None:
        self._choices = choices
        self._cache = PrefixCache(choices.least_cached_tokens)
        self._worker = worker
        self._meter = meter
        self._ids = ids
        self._limits = limits
        self._dice = streams.rows("messages")
        self._asked = 0

    def create(self, request: Request, caller: Caller, now: datetime) -> Response | ApiError:
        """One live answer, at the standard price. The faults of rows and answers spare it."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        validator = RowValidator(version=caller.version, beta=caller.beta, live=True)
        read = validator.read(request.body)
        if isinstance(read, ApiError):
            return read
        params, model = read
        if params.stream is True:
            return invalid_request("stream: this simulator answers live messages in one piece only")
        self._asked += 1
        answered = self._worker.answer(
            "",
            params,
            model,
            self._dice.at(self._asked),
            cache=self._cache,
            scope=caller.workspace,
            now=now,
        )
        used, text = answered.usage, answered.text
        if params.max_tokens == 0:
            used, text = msgspec.structs.replace(used, output_tokens=0), ""
        self._meter.bill_live(model.price.live_picodollars(used))
        usage = results.usage(
            used.input_tokens,
            used.output_tokens,
            service_tier="standard",
            inference_geo="us" if used.us_only else "not_available",
            special=answered.special,
        )
        document = results.message(
            model=model.id,
            message_id=self._ids.message(),
            text=results.clean(text),
            stop_reason=answered.stop_reason,
            usage=usage,
            special=answered.special,
        )
        if self._choices.leave_out_optional_keys:
            del document["container"], document["diagnostics"]
        return ok(document)

    def count_tokens(self, request: Request, caller: Caller, _: datetime) -> Response | ApiError:
        """How many tokens the prompt has: the number that a batch would be billed for."""
        del caller
        refused = self._refused(request)
        if refused is not None:
            return refused
        read = read_count(request.body)
        if isinstance(read, ApiError):
            return read
        return ok({"input_tokens": prompt_tokens(read, read.system_text)})

    def models(self, request: Request, caller: Caller, _: datetime) -> Response | ApiError:
        """One page of models, newest first."""
        del caller
        page = pages.read_page(dict(request.query))
        if isinstance(page, ApiError):
            return page
        asked = [value for name, value in request.query if name in {"lifecycle[]", "lifecycle"}]
        if len(asked) > len(LIFECYCLES):
            return invalid_request(
                f"lifecycle: List should have at most 3 items after validation, not {len(asked)}"
            )
        for place, value in enumerate(asked):
            if value not in LIFECYCLES:
                return invalid_request(
                    f"lifecycle.{place}: Input should be 'active', 'deprecated' or 'retired'"
                )
        wanted = frozenset(asked or LIFECYCLES[:2])
        shown = pages.cut_page(
            [model for model in MODELS if model.lifecycle in wanted],
            page,
            lambda model: model.id,
            lambda model: model.to_wire(),
            lenient=self._choices.unknown_cursor_is_empty,
        )
        return shown if isinstance(shown, ApiError) else ok(shown)

    def model(self, name: str) -> Response | ApiError:
        """One model, by id or alias."""
        model = find_model(name)
        return errors.not_found(f"model: {name}") if model is None else ok(model.to_wire())

    def _refused(self, request: Request) -> ApiError | None:
        if len(request.body) > self._limits.message_body_bytes:
            return errors.too_large()
        try:
            check_utf8(request.body)
        except UnicodeDecodeError as broken:
            return not_json(str(broken))
        return None
