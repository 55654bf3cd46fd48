"""Keys, workspaces, versions, and how often."""

from __future__ import annotations

import pytest

from simulator import Api, Limits, seconds
from tests.simulator.builders import HEADERS, call, document, message

LIST = "/v1/messages/batches"


@pytest.mark.parametrize(
    "auth",
    [{"authorization": "Bearer k"}, {"authorization": "bearer k"}, {"x-api-key": "k"}],
)
def test_both_ways_to_show_a_key(auth: dict[str, str]) -> None:
    """SDK 2.x sends a bearer token, the older lines `x-api-key`; both are the same caller."""
    api = Api()
    headers = {"anthropic-version": "2023-06-01", **auth}

    response = call(api, "GET", LIST, headers=headers)

    expected = call(api, "GET", LIST, headers={**headers, "x-api-key": "k"})
    assert response.status == 200
    assert expected.header("anthropic-workspace-id") == response.header("anthropic-workspace-id")


def without(name: str) -> dict[str, str]:
    """The usual headers but one."""
    return {key: value for key, value in HEADERS.items() if key != name}


def test_no_key() -> None:
    """401, and no workspace in the headers."""
    response = call(Api(), "GET", LIST, headers=without("authorization"))

    assert (response.status, message(response)) == (401, "x-api-key header is required")
    assert document(response)["error"]["type"] == "authentication_error"
    assert response.header("anthropic-workspace-id") is None


def test_a_wrong_key() -> None:
    """Where keys are listed, only they open."""
    api = Api(keys={"good": "wrkspc_01one", "also good": "wrkspc_01one"})

    wrong = call(api, "GET", LIST)
    good = call(api, "GET", LIST, headers={**HEADERS, "authorization": "Bearer good"})

    assert (wrong.status, message(wrong)) == (401, "API key is invalid.")
    assert good.header("anthropic-workspace-id") == "wrkspc_01one"


def test_the_version_is_required_and_known() -> None:
    """Both dated versions are accepted, nothing else."""
    assert (
        message(call(Api(), "GET", LIST, headers=without("anthropic-version")))
        == "anthropic-version: header is required"
    )
    other = {**HEADERS, "anthropic-version": "2020-01-01"}
    assert (
        message(call(Api(), "GET", LIST, headers=other))
        == 'anthropic-version: "2020-01-01" is not a valid version'
    )


def test_the_workspace_asked_for_must_be_the_callers() -> None:
    """403 otherwise."""
    api = Api(keys={"test": "wrkspc_01one"})

    mine = call(api, "GET", LIST, headers={**HEADERS, "anthropic-workspace-id": "wrkspc_01one"})
    other = call(api, "GET", LIST, headers={**HEADERS, "anthropic-workspace-id": "wrkspc_01two"})

    assert (mine.status, other.status) == (200, 403)
    assert document(other)["error"]["type"] == "permission_error"


def test_calls_a_minute_when_switched_on() -> None:
    """A token bucket: refused when empty, refilled by time, told in the headers."""
    api = Api(limits=Limits(requests_per_minute=2))

    fine = [call(api, "GET", LIST) for _ in range(2)]
    refused = call(api, "GET", LIST)
    free = call(api, "GET", "/v1/models")
    api.clock.sleep(seconds(int(refused.header("retry-after") or 0)))
    again = call(api, "GET", LIST)

    assert [response.status for response in fine] == [200, 200]
    assert [response.header("anthropic-ratelimit-requests-remaining") for response in fine] == [
        "1",
        "0",
    ]
    assert fine[0].header("anthropic-ratelimit-requests-limit") == "2"
    assert fine[0].header("anthropic-ratelimit-requests-reset") == "2026-11-20T09:00:30Z"
    assert (refused.status, document(refused)["error"]["type"]) == (429, "rate_limit_error")
    assert (free.status, again.status) == (200, 200)
