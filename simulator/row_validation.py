"""What is refused row by row, long after the create call was accepted (contract 6.2 to 6.5).

The same checks guard `/v1/messages` and `count_tokens`, where the refusal comes at once.
The texts are those of the captures; where none exists they follow their form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from simulator.errors import ApiError, invalid_request, not_found
from simulator.models import Model, working_model
from simulator.params import COUNT_PARAMS, MESSAGE_PARAMS, CountParams, MessageParams
from simulator.settings_validation import MESSAGES, format_problem, settings_problem
from simulator.structured import schema_problem
from simulator.wording import explain

OLD_VERSION: Final = "2023-06-01"
NEW_VERSION: Final = "2026-10-21"
VERSIONS: Final = (OLD_VERSION, NEW_VERSION)

THINKING_BUDGET: Final = 1_024
"""Contract 11.1: `budget_tokens` must be at least this."""

_NOT_IN_BATCHES: Final = (
    "speed",
    "store",
    "previous_thread_event_id",
    "cache_hint",
    "context_hint",
    "fallbacks",
)
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_OLD_THINKING: Final = (
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" '
    'and "output_config.effort" to control thinking behavior.'
)
_NO_PREFILL: Final = (
    "This model does not support assistant message prefill. "
    "The conversation must end with a user message."
)

_OTHER_PROFILE: Final = "user_profile_id: does not agree with anthropic-user-profile-id"
"""Contract 3.1 and 6.2: that such a row is refused is known, the words are not."""

_Buffer = bytes | bytearray | msgspec.Raw


class RowValidator:
    """Reads the params of the requests of one batch; remembers schemas it has seen."""

    __slots__ = ("_beta", "_live", "_profile", "_schemas", "_version")

    def __init__(
        self, *, version: str, beta: str = "", profile: str = "", live: bool = False
    ) -> None:
        self._version = version
        self._beta = beta
        self._profile = profile
        self._live = live
        self._schemas: dict[bytes, str | None] = {}

    def read(self, params: _Buffer) -> tuple[MessageParams, Model] | ApiError:
        """The typed params and their model, or what the row ends with."""
        try:
            decoded = MESSAGE_PARAMS.decode(params)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as broken:
            return invalid_request(explain(params, MessageParams, broken))
        model = working_model(decoded.model)
        problem = None if self._live else _batch_problem(decoded)
        if self._profile and decoded.user_profile_id not in {UNSET, None, self._profile}:
            problem = problem or _OTHER_PROFILE
        problem = problem or conversation_problem(decoded)
        if problem is not None:
            return invalid_request(problem)
        if model is None:
            return not_found(f"model: {decoded.model}")
        problem = self._output_problem(decoded, model)
        if problem is None and not _is_plain(decoded):
            problem = self._special_problem(decoded, model)
        elif problem is None and isinstance(decoded.system, list):
            problem = settings_problem(decoded)
        return (decoded, model) if problem is None else invalid_request(problem)

    def _output_problem(self, params: MessageParams, model: Model) -> str | None:
        least = 0 if self._live else 1
        if params.max_tokens < least:
            return f"max_tokens: must be greater than or equal to {least}"
        cap = model.output_cap("" if self._live else self._beta)
        if params.max_tokens > cap:
            return (
                f"max_tokens: {params.max_tokens} > {cap}, which is the maximum allowed number "
                f"of output tokens for {model.id}"
            )
        if params.messages[-1].role == "assistant" and not model.prefill:
            return _NO_PREFILL
        return None

    def _special_problem(self, params: MessageParams, model: Model) -> str | None:
        checks: tuple[Callable[[], str | None], ...] = (
            lambda: settings_problem(params),
            lambda: _sampling_problem(params, model, self._version),
            lambda: _block_problem(params, self._version),
            lambda: _thinking_problem(params, model),
            lambda: _tool_problem(params),
            lambda: format_problem(params),
            lambda: self._schema_problem(params),
        )
        return next((problem for check in checks if (problem := check()) is not None), None)

    def _schema_problem(self, params: MessageParams) -> str | None:
        wanted = params.answer_format
        if wanted is None:
            return None
        if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
            return "output_config.format.type: Input should be 'json_schema'"
        schema = params.answer_schema
        if schema is None:
            return "output_config.format.schema: Input should be a valid dictionary"
        key = msgspec.json.encode(schema)
        if key not in self._schemas:
            self._schemas[key] = schema_problem(schema)
        return self._schemas[key]


def read_count(body: bytes | bytearray) -> CountParams | ApiError:
    """The params of a `count_tokens` call, or why it is refused."""
    try:
        decoded = COUNT_PARAMS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as broken:
        return invalid_request(explain(body, CountParams, broken))
    problem = conversation_problem(decoded) or settings_problem(decoded)
    if problem is not None:
        return invalid_request(problem)
    if working_model(decoded.model) is None:
        return not_found(f"model: {decoded.model}")
    return decoded


def conversation_problem(params: CountParams) -> str | None:
    """What is wrong with the messages."""
    if not params.messages:
        return "messages: at least one message is required"
    for place, message in enumerate(params.messages):
        if message.role not in {"user", "assistant"}:
            return f"messages.{place}.role: Input should be 'user' or 'assistant'"
        last = place == len(params.messages) - 1
        if not message.content and not (last and message.role == "assistant"):
            return f"messages.{place}: all messages must have non-empty content"
        if not isinstance(message.content, str):
            problem = _content_problem(message.content, f"messages.{place}.content")
            if problem is not None:
                return problem
    return None


def _content_problem(blocks: list[dict[str, Any]], where: str) -> str | None:
    for place, block in enumerate(blocks):
        if not isinstance(block.get("type"), str):
            return f"{where}.{place}.type: Field required"
        if block["type"] != "text":
            continue
        if not isinstance(block.get("text"), str):
            return f"{where}.{place}.text.text: Field required"
        strange = block.keys() - {"type", "text", "cache_control", "citations"}
        if strange:
            return f"{where}.{place}.text.{min(strange)}: Extra inputs are not permitted"
    return None


def _is_plain(params: MessageParams) -> bool:
    """Whether none of the rarer checks can find anything."""
    return (
        params.temperature is params.top_p is params.top_k is UNSET
        and params.thinking is params.tools is params.tool_choice is params.output_config is UNSET
        and params.output_format is params.service_tier is params.cache_control is UNSET
        and len(params.messages) <= MESSAGES
        and all(isinstance(message.content, str) for message in params.messages)
    )


def _batch_problem(params: MessageParams) -> str | None:
    if params.stream is True:
        return '"stream=True" is not supported in the Message Batches API'
    for name in _NOT_IN_BATCHES:
        value = getattr(params, name)
        if value is not UNSET and value is not None and value is not False:
            return f'"{name}" is not supported in the Message Batches API'
    if params.research_preview_2026_02 == "active":
        return '"research_preview_2026_02" is not supported in the Message Batches API'
    return None


def _sampling_problem(params: MessageParams, model: Model, version: str) -> str | None:
    given = [name for name in _SAMPLING if getattr(params, name) is not UNSET]
    if given and version == NEW_VERSION:
        return f"{given[0]}: Extra inputs are not permitted"
    if "temperature" in given and not model.free_sampling and params.temperature not in {None, 1}:
        return "temperature: only 1 is supported for this model"
    return None


def _block_problem(params: MessageParams, version: str) -> str | None:
    if version != NEW_VERSION:
        return None
    for place, message in enumerate(params.messages):
        blocks = [] if isinstance(message.content, str) else message.content
        for part, block in enumerate(blocks):
            where = f"messages.{place}.content.{part}"
            if message.role == "assistant" and block["type"] == "document":
                return f"{where}: document blocks are not permitted in assistant messages"
            if message.role == "user" and block["type"] == "text" and block.get("citations"):
                return f"{where}.text.citations: Extra inputs are not permitted"
    return None


def _thinking_problem(params: MessageParams, model: Model) -> str | None:
    thinking = {} if params.thinking is UNSET else params.thinking
    if thinking.get("type") != "enabled":
        return None
    if model.adaptive_only:
        return _OLD_THINKING
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        return "thinking.enabled.budget_tokens: Field required"
    if budget < THINKING_BUDGET:
        least = f"Input should be greater than or equal to {THINKING_BUDGET}"
        return f"thinking.enabled.budget_tokens: {least}"
    if budget >= params.max_tokens:
        return "`max_tokens` must be greater than `thinking.budget_tokens`"
    return None


def _tool_problem(params: MessageParams) -> str | None:
    choice = {} if params.tool_choice is UNSET else params.tool_choice
    if choice.get("type") != "tool":
        return None
    tools = [] if params.tools is UNSET else params.tools
    if choice.get("name") in [tool.get("name") for tool in tools]:
        return None
    return f"Tool '{choice.get('name')}' not found in provided tools"
