"""Create, poll, results, list, cancel, delete: with whatever SDK this interpreter has.

    python lifecycle_check.py URL               over a socket; needs nothing but the SDK
    python lifecycle_check.py URL --intercept   and intercepted, where the project is installed

Prints one line of JSON for each way. It runs in environments that have no pytest.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import anthropic

ROWS = 25


def requests(count: int) -> list[Any]:
    """So many rows, one of which the service refuses later."""
    rows: list[Any] = [
        {
            "custom_id": f"row-{number}",
            "params": {
                "model": "claude-haiku-4-5",
                "max_tokens": 64,
                "messages": [{"role": "user", "content": f"Grüße {number}"}],
            },
        }
        for number in range(count)
    ]
    rows[-1]["params"]["max_tokens"] = 0
    return rows


def check(found: dict[str, str], listed: list[str], ids: list[str], canceled: str) -> None:
    """What both clients must have seen."""
    assert {f"row-{number}" for number in range(ROWS)} == set(found), found
    assert found.pop(f"row-{ROWS - 1}") == "errored: invalid_request_error", found
    assert set(found.values()) == {"succeeded: end_turn"}, found
    assert listed[:2] == ids[::-1], listed
    assert canceled in {"canceling", "ended"}, canceled


def said(line: Any) -> str:
    """One row of the results, in three words."""
    if line.result.type == "errored":
        return f"errored: {line.result.error.error.type}"
    return f"succeeded: {line.result.message.stop_reason}"


def run(**settings: Any) -> None:
    """The synchronous client."""
    with anthropic.Anthropic(**settings) as client:
        batches = client.messages.batches
        made = batches.create(requests=requests(ROWS))
        assert made.processing_status == "in_progress"
        for _ in range(10):
            if batches.retrieve(made.id).processing_status == "ended":
                break
        found = {line.custom_id: said(line) for line in batches.results(made.id)}
        beta = client.beta.messages.batches  # 0.x and 1.x add `?beta=true` and a flag
        assert ROWS == sum(1 for _ in beta.results(beta.retrieve(made.id).id))
        other = batches.create(requests=requests(1))
        canceled = batches.cancel(other.id).processing_status
        listed = [batch.id for batch in batches.list(limit=1)]
        check(found, listed, [made.id, other.id], canceled)
        assert batches.delete(made.id).type == "message_batch_deleted"
        try:
            batches.retrieve(made.id)
        except anthropic.NotFoundError:
            pass
        else:
            raise AssertionError("A deleted batch was found.")


async def run_async(**settings: Any) -> None:
    """The asynchronous client."""
    async with anthropic.AsyncAnthropic(**settings) as client:
        batches = client.messages.batches
        made = await batches.create(requests=requests(ROWS))
        for _ in range(10):
            if (await batches.retrieve(made.id)).processing_status == "ended":
                break
        found = {line.custom_id: said(line) async for line in await batches.results(made.id)}
        beta = client.beta.messages.batches
        lines = await beta.results((await beta.retrieve(made.id)).id)
        assert sum([1 async for _ in lines]) == ROWS
        other = await batches.create(requests=requests(1))
        canceled = (await batches.cancel(other.id)).processing_status
        listed = [batch.id async for batch in batches.list(limit=1)]
        check(found, listed, [made.id, other.id], canceled)
        assert (await batches.delete(made.id)).id == made.id
        try:
            await batches.retrieve(made.id)
        except anthropic.NotFoundError:
            pass
        else:
            raise AssertionError("A deleted batch was found.")


def intercepted_run() -> None:
    """No settings at all: the clients believe to talk to the real service."""
    from simulator.intercept import intercepted  # noqa: PLC0415 - only this way needs the project

    with intercepted(other_hosts="refuse") as batches_api:
        run()
        batches_api.assert_sent(ROWS + 1)
        asyncio.run(run_async())
        batches_api.assert_sent(2 * (ROWS + 1))
        batches_api.assert_no_unmatched_call()
    lost(intercepted)


def lost(intercepted: Any) -> None:
    """A reply that is lost is this SDK's own timeout, sync and async."""
    from simulator.faults import LostReply  # noqa: PLC0415 - as above

    with intercepted(faults=[LostReply(times=2)]) as batches_api:
        try:
            anthropic.Anthropic(max_retries=0).messages.batches.create(requests=requests(1))
        except anthropic.APITimeoutError:
            pass
        else:
            raise AssertionError("The lost reply arrived.")
        try:
            client = anthropic.AsyncAnthropic(max_retries=0)
            asyncio.run(client.messages.batches.create(requests=requests(1)))
        except anthropic.APITimeoutError:
            pass
        else:
            raise AssertionError("The lost reply arrived.")
        batches_api.assert_sent(2)


def main() -> None:
    """Both clients, each way that is asked for."""
    for way in sys.argv[1:]:
        if way == "--intercept":
            intercepted_run()
        else:
            run(base_url=way, api_key="sync")
            asyncio.run(run_async(base_url=way, api_key="async"))
        told = {"sdk": anthropic.__version__, "rows": ROWS, "way": way}
        print(json.dumps(told))  # noqa: T201 - for the caller


if __name__ == "__main__":
    main()
