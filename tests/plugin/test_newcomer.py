"""A newcomer: an empty folder, ten lines, and the plugin does what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.strangers import (
    ASYNC,
    INTERCEPTED,
    LEAKS,
    ON_ASYNCIO,
    PIPELINE,
    TEN_LINES,
    assert_passed,
    counts,
    pytest_in,
    write,
)
from tests.sdk.environments import HOME, newcomer

MARKED = """
    import pytest
    from simulator import RealClock, VirtualClock, hours
    from simulator.faults import RowsErrored

    HELLO = {"model": "claude-haiku-4-5", "max_tokens": 9,
             "messages": [{"role": "user", "content": "Hello"}]}


    def send(api, rows):
        made = api.client().messages.batches.create(
            requests=[{"custom_id": f"row-{n}", "params": HELLO} for n in range(rows)])
        return made.id


    @pytest.mark.batches_api(seed=5, clock="virtual", faults=[RowsErrored(1.0)])
    def test_settings(batches_api):
        batches = batches_api.client().messages.batches
        assert isinstance(batches_api.clock, VirtualClock)
        made = send(batches_api, 3)
        assert batches.retrieve(made).processing_status == "in_progress"
        batches_api.advance(hours=24)
        assert batches.retrieve(made).request_counts.errored == 3
        batches_api.assert_every_fault_fired()
        assert batches_api.billed_usd == 0
        assert len(batches_api.history) == 3


    @pytest.mark.batches_api(
        clock="real", faults=["LostReply", {"name": "RowsErrored", "share": 0.5}])
    def test_names(batches_api):
        assert isinstance(batches_api.clock, RealClock)
        with pytest.raises(AssertionError, match="2 of 2 faults never fired"):
            batches_api.assert_every_fault_fired()


    @pytest.mark.batches_api(shared=True)
    @pytest.mark.parametrize("number", [1, 2])
    def test_one_server_for_both(batches_api, number, seen={}):
        import anthropic

        assert [] == list(anthropic.Anthropic(base_url=batches_api.url).messages.batches.list())
        send(batches_api, number)
        batches_api.assert_sent(number)
        seen[number] = batches_api.url
        assert len(set(seen.values())) == 1
        with pytest.raises(anthropic.AuthenticationError):
            anthropic.Anthropic(api_key="of nobody").messages.batches.list()


    def test_each_row_twice(batches_api):
        for _ in range(2):
            send(batches_api, 2)
        with pytest.raises(AssertionError, match="2 rows were sent more than once"):
            batches_api.assert_no_row_sent_twice()
        batches_api.advance(hours=24)
        paid = "(?s)2 rows were paid more than once; .*row-0: msg"
        with pytest.raises(AssertionError, match=paid):
            batches_api.assert_no_row_paid_twice()
"""

WRONG = """
    import pytest


    @pytest.mark.batches_api(sead=1)
    def test_wrong_name(batches_api):
        pass


    @pytest.mark.batches_api(clock="sundial")
    def test_wrong_clock(batches_api):
        pass


    def test_fails(batches_api):
        list(batches_api.client().messages.batches.list())
        batches_api.assert_sent(1)
"""


def test_ten_lines_and_an_unmodified_pipeline(tmp_path: Path) -> None:
    """The fixture, the interception, and nothing of the developer's environment."""
    write(tmp_path, test_ten=TEN_LINES, pipeline=PIPELINE, test_intercepted=INTERCEPTED)

    done = pytest_in(tmp_path, "-q", "--strict-markers", "-W", "error", **LEAKS)

    assert_passed(done, 7)


def test_the_marker_sets_everything(tmp_path: Path) -> None:
    """Seed, clock, faults as values and by name, one server for many."""
    write(tmp_path, test_marked=MARKED)

    done = pytest_in(tmp_path, "-q", "--strict-markers", "-W", "error")

    assert_passed(done, 5)


def test_mistakes_are_named_and_failures_show_what_the_service_saw(tmp_path: Path) -> None:
    """The nearest setting; the calls of a test that failed."""
    write(tmp_path, test_wrong=WRONG)

    done = pytest_in(tmp_path, "-q")

    assert {"failed": 1, "errors": 2} == counts(done), done.stdout + done.stderr
    assert "Did you mean 'seed'?" in done.stdout
    assert "There is no clock 'sundial'. Use virtual, poll, real." in done.stdout
    assert "0 requests were sent in 0 batches, not 1." in done.stdout
    assert "what the Message Batches API saw" in done.stdout
    assert "200 GET /v1/messages/batches" in done.stdout


def test_under_xdist(tmp_path: Path) -> None:
    """Two workers, each with services of its own."""
    write(tmp_path, test_one=TEN_LINES, test_two=TEN_LINES, test_three=TEN_LINES)

    done = pytest_in(tmp_path, "-q", "-p", "xdist", "-n", "2", "-W", "error")

    assert_passed(done, 3)


def test_under_anyio(tmp_path: Path) -> None:
    """asyncio, by the plugin that comes with the HTTP library."""
    write(tmp_path, test_async=ASYNC.replace("MARK", "anyio"), conftest=ON_ASYNCIO)

    done = pytest_in(tmp_path, "-q", "-p", "anyio", "-W", "error")

    assert_passed(done, 3)


def test_a_package_that_shadows_ours_is_named(tmp_path: Path) -> None:
    """Its path, and what to do; who takes no fixture of ours is left in peace."""
    (tmp_path / "simulator").mkdir()
    write(tmp_path / "simulator", __init__="MINE = True")
    peace = "import simulator\ndef test_peace(): assert simulator.MINE"
    write(tmp_path, test_ten=TEN_LINES, test_peace=peace)

    done = pytest_in(tmp_path, "-q")

    assert {"passed": 1, "error": 1} == counts(done), done.stdout + done.stderr
    assert f"`import simulator` gives {tmp_path}/simulator/__init__.py" in done.stdout
    assert f"at {HOME}/simulator" in done.stdout


@pytest.mark.sdk_lines
@pytest.mark.timeout(420)
def test_installed_by_pip_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """pip, pytest, pytest-asyncio, pytest-xdist, and nothing on the path."""

    python = str(newcomer())
    write(tmp_path, test_ten=TEN_LINES, pipeline=PIPELINE, test_intercepted=INTERCEPTED)
    write(tmp_path, test_async=ASYNC.replace("MARK", "asyncio"), test_marked=MARKED)

    loop = "asyncio_default_fixture_loop_scope=function"
    done = pytest_in(tmp_path, "-q", "-n", "2", "-o", loop, "-W", "error", python=python, **LEAKS)

    assert_passed(done, 15)
