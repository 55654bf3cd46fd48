"""The official client on the in-process transport, deaf to the developer's environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import anthropic

from simulator import Api
from simulator.transport import SimulatorTransport


def make_client(api: Api) -> anthropic.Anthropic:
    """A client of the simulated service. It does not retry: that is for controls to decide."""
    with no_anthropic_environment():
        return anthropic.Anthropic(
            api_key="gameday",
            base_url="http://simulator.invalid",
            http_client=anthropic.DefaultHttpxClient(transport=SimulatorTransport(api)),
            max_retries=0,
        )


@contextmanager
def no_anthropic_environment() -> Iterator[None]:
    """Hide `ANTHROPIC_*` for a moment: keys and headers of a developer stay out of a drill."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if "ANTHROPIC_" in name}
    try:
        yield
    finally:
        os.environ.update(hidden)
