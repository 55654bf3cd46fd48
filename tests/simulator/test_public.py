"""What the room shows, and what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import simulator
from simulator import Limits, SimulatorError, faults, responder
from simulator.faults import Fault


def test_the_public_names() -> None:
    """A screenful, and all of them there."""
    assert len(simulator.__all__) < 40
    for package in (simulator, faults, responder):
        assert all(hasattr(package, name) for name in package.__all__)


def test_every_fault_tells_its_story() -> None:
    """One sentence first, then the incident it comes from."""
    for name in faults.__all__:
        fault = getattr(faults, name)
        if isinstance(fault, type) and issubclass(fault, Fault) and fault is not Fault:
            story, _, rest = (fault.__doc__ or "").strip().partition("\n\n")
            assert story.endswith("."), name
            assert name == "NoFault" or "Contract" in rest, name


def test_importing_the_room_needs_msgspec_alone() -> None:
    """No client, no server: those are in the skins."""
    program = (
        "import sys, simulator\n"
        "heavy = {'anthropic', 'httpx2', 'httpx', 'starlette', 'uvicorn', 'pydantic', 'scipy'}\n"
        "heavy |= {'faker', 'hypothesis', 'typer', 'sqlalchemy'}\n"
        "rooms = {'controls', 'scenarios', 'reports'}\n"
        "print(sorted((heavy | rooms) & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"requests_per_batch": 0}, "Raise requests_per_batch"),
        ({"batch_body_bytes": 0}, "Raise batch_body_bytes"),
        ({"requests_per_minute": 0}, "lets nothing in"),
        ({"queued_requests": 0}, "or None"),
    ],
)
def test_limits_that_let_nothing_in(settings: dict[str, int], expected: str) -> None:
    """Refused where they are written."""
    with pytest.raises(SimulatorError, match=expected):
        Limits(**settings)  # type: ignore[arg-type]
