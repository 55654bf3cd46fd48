"""Builders with defaults: what a test sets is what matters in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from simulator import Api, Request, Response, hours
from simulator.params import MESSAGE_PARAMS
from simulator.responder import Question

DAY = hours(24)
MODEL = "claude-haiku-5-5"
HEADERS = {
    "authorization": "Bearer test",
    "anthropic-version": "2026-10-21",
    "host": "simulator.invalid",
}


def a_params(**changes: Any) -> dict[str, Any]:
    """A valid Messages body."""
    params: dict[str, Any] = {
        "model": MODEL,
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "hello"}],
    }
    params |= changes
    return {key: value for key, value in params.items() if value is not ...}


def a_request(custom_id: str = "row-0", **changes: Any) -> dict[str, Any]:
    """One valid request of a batch."""
    return {"custom_id": custom_id, "params": a_params(**changes)}


def requests(count: int, **changes: Any) -> list[dict[str, Any]]:
    """So many valid requests: row-0, row-1 ..."""
    return [
        a_request(
            f"row-{place}",
            **{"messages": [{"role": "user", "content": f"text {place}"}]} | changes,
        )
        for place in range(count)
    ]


def call(
    api: Api,
    method: str,
    path: str,
    body: Any = b"",
    *,
    headers: Mapping[str, str] | None = None,
    query: Iterable[tuple[str, str]] = (),
) -> Response:
    """One call; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return api.handle(
        Request(
            method=method,
            path=path,
            query=tuple(query),
            headers=HEADERS if headers is None else headers,
            body=raw,
        )
    )


def document(response: Response) -> Any:
    """The JSON of a reply."""
    return msgspec.json.decode(response.read())


def message(response: Response) -> str:
    """The text of an error reply."""
    text: str = document(response)["error"]["message"]
    return text


def create(api: Api, submitted: Sequence[Any], **settings: Any) -> Response:
    """A create call."""
    return call(api, "POST", "/v1/messages/batches", {"requests": submitted}, **settings)


def a_batch(api: Api, submitted: Sequence[Any] | int = 3, **settings: Any) -> str:
    """The id of an accepted batch."""
    if isinstance(submitted, int):
        submitted = requests(submitted)
    batch_id: str = document(create(api, submitted, **settings))["id"]
    return batch_id


def an_ended_batch(
    api: Api, submitted: Sequence[Any] | int = 3, after: timedelta = DAY, **settings: Any
) -> str:
    """The id of a batch whose day has passed."""
    batch_id = a_batch(api, submitted, **settings)
    api.clock.sleep(after)
    return batch_id


def retrieve(api: Api, batch_id: str, **settings: Any) -> Response:
    """A retrieve call."""
    return call(api, "GET", f"/v1/messages/batches/{batch_id}", **settings)


def results(api: Api, batch_id: str, **settings: Any) -> Response:
    """A results call."""
    return call(api, "GET", f"/v1/messages/batches/{batch_id}/results", **settings)


def lines(api: Api, batch_id: str) -> list[dict[str, Any]]:
    """The lines of the results file, each decoded."""
    return [msgspec.json.decode(line) for line in results(api, batch_id).read().splitlines()]


def by_id(api: Api, batch_id: str) -> dict[str, Any]:
    """The results by custom_id."""
    return {line["custom_id"]: line["result"] for line in lines(api, batch_id)}


def texts(api: Api, batch_id: str) -> dict[str, str]:
    """What the succeeded rows say, by custom_id."""
    return {
        custom_id: "".join(block["text"] for block in result["message"]["content"])
        for custom_id, result in by_id(api, batch_id).items()
        if result["type"] == "succeeded"
    }


def a_question(user: str = "hello", *, seed: int = 0, **changes: Any) -> Question:
    """A question as a responder gets it."""
    body = a_params(messages=[{"role": "user", "content": user}], **changes)
    params = MESSAGE_PARAMS.decode(msgspec.json.encode(body))
    return Question(
        custom_id="row-0",
        model=MODEL,
        system=params.system_text,
        user=params.user_text,
        max_tokens=params.max_tokens,
        params=params,
        dice=Random(seed),
    )
