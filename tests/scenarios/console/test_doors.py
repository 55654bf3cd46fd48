"""Who may come in: tokens, roles, and nobody through somebody else's browser."""

from __future__ import annotations

import hmac
import json
from pathlib import Path

import pytest

from scenarios.harness.console.application import ACTS, CONSOLE
from scenarios.harness.console.application import FACILITATOR as FACILITATORS
from scenarios.harness.console.doors import Doors, open_doors
from scenarios.harness.errors import UsageError
from tests.builders_console import FACILITATOR, JSON, OBSERVER, Theatre, a_theatre

DATA = ("events", "offers", "report/report.json")


@pytest.fixture
def theatre(tmp_path: Path) -> Theatre:
    """A game day on this machine."""
    return a_theatre(tmp_path)


def bearer(token: str) -> dict[str, str]:
    """A header with a token."""
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("headers", [{}, bearer("wrong"), bearer(""), {"authorization": "Basic x"}])
def test_without_a_token_there_is_no_data(
    theatre: Theatre, path: str, headers: dict[str, str]
) -> None:
    """401, and the header that says what is missing."""
    reply = theatre.call("GET", CONSOLE + path, headers)

    assert (401, "Bearer") == (reply.status, reply.headers["www-authenticate"])


@pytest.mark.parametrize("name", ACTS)
def test_no_act_without_a_token(theatre: Theatre, name: str) -> None:
    """Nothing is done, whatever is asked for."""
    assert 401 == theatre.act(name, token="guessed").status
    assert [] == theatre.day.scorecard.incidents


@pytest.mark.parametrize(
    "name", [name for name, (_, roles) in ACTS.items() if roles is FACILITATORS]
)
def test_an_observer_changes_nothing(theatre: Theatre, name: str) -> None:
    """Injecting, the clock, a reset, a withdrawal and the end are the facilitator's."""
    before = theatre.api.clock.now()
    what = {"fault": "LostReply", "settings": {}}

    reply = theatre.act(name, token=OBSERVER, what=what, seconds=60, incident=1, word=1, speed=2)

    assert (403, "This is not for an observer.") == (reply.status, reply.document["error"])
    assert before == theatre.api.clock.now()
    assert ([], None) == (theatre.day.scorecard.incidents, theatre.day.report)


def test_an_observer_may_write_down_what_people_do(theatre: Theatre) -> None:
    """A word on an incident, and a note."""
    number = theatre.inject("LostReply")

    said = theatre.act("say", token=OBSERVER, by="Grace", incident=number, moment="noticed")
    noted = theatre.act("note", token=OBSERVER, by="Grace", note="they call the vendor")

    assert (200, 200) == (said.status, noted.status)
    assert "they call the vendor" in theatre.items()


def test_an_observer_cannot_go_round_by_the_admin_side(theatre: Theatre) -> None:
    """With a console, `/_gameday/` wants the facilitator's token, on this machine too."""
    body = json.dumps({"name": "LostReply"}).encode()

    for headers in ({}, bearer(OBSERVER)):
        assert 403 == theatre.call("POST", "/_gameday/faults", headers | JSON, body).status
    assert 200 == theatre.call("POST", "/_gameday/faults", bearer(FACILITATOR) | JSON, body).status


@pytest.mark.parametrize("token", [FACILITATOR, OBSERVER])
def test_a_token_is_no_api_key(theatre: Theatre, token: str) -> None:
    """The service takes any key, but not a token that got into a client's settings."""
    assert 401 == theatre.client("GET", "", key=token).status
    as_bearer = bearer(token) | {"anthropic-version": "2023-06-01"}
    assert 401 == theatre.call("GET", "/v1/messages/batches", as_bearer).status
    assert 200 == theatre.client("GET", "").status
    assert 0 == sum(token in str(event) for event in theatre.stream())


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example:8080"},
        {"host": "10.0.0.7:8080"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9090"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["", "console.js", "offers", "events"])
def test_a_strange_name_or_site_is_turned_away(
    theatre: Theatre, path: str, headers: dict[str, str]
) -> None:
    """Even with the right token: that call was made by a page that is not ours."""
    reply = theatre.call("GET", CONSOLE + path, bearer(FACILITATOR) | headers)

    assert 403 == reply.status


def test_its_own_page_is_let_in(theatre: Theatre) -> None:
    """By each local name, with its own origin."""
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080"):
        headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}

        assert 200 == theatre.call("GET", f"{CONSOLE}offers", bearer(OBSERVER) | headers).status


def test_other_machines_need_tokens_that_were_given_to_them(tmp_path: Path) -> None:
    """Fresh tokens are for this machine; chosen ones also open from elsewhere, by known names."""
    here = a_theatre(tmp_path, peer="10.0.0.9")
    (tmp_path / "far").mkdir()
    doors = Doors(FACILITATOR, OBSERVER, from_elsewhere=True, names=frozenset({"gameday.lan"}))
    far = a_theatre(tmp_path / "far", doors=doors, peer="10.0.0.9")

    assert 403 == here.call("GET", f"{CONSOLE}offers", bearer(FACILITATOR)).status
    assert 403 == here.call("GET", "/_gameday/state", bearer(FACILITATOR)).status
    for host, status in (("10.0.0.7:80", 200), ("Gameday.LAN", 200), ("evil.example", 403)):
        reply = far.call("GET", f"{CONSOLE}offers", bearer(FACILITATOR) | {"host": host})

        assert status == reply.status, host


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of them each time, whichever fits."""
    compared: list[bytes] = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return given == expected

    monkeypatch.setattr(hmac, "compare_digest", compare)
    Doors(FACILITATOR, OBSERVER, from_elsewhere=False).is_token(FACILITATOR)

    assert [FACILITATOR.encode(), OBSERVER.encode()] == compared


@pytest.mark.parametrize(
    ("facilitator", "observer", "names", "says"),
    [
        ("x" * 16, None, (), "a token each"),
        ("x" * 16, "x" * 16, (), "two different ones"),
        ("x" * 15, "y" * 16, (), "16 characters"),
        ("x" * 16, "y" * 15 + " y", (), "no space"),
        (None, None, ("gameday.lan",), "other machines"),
    ],
)
def test_tokens_that_can_be_guessed_or_confused_are_refused(
    facilitator: str | None, observer: str | None, names: tuple[str, ...], says: str
) -> None:
    """Before the server starts."""
    with pytest.raises(UsageError, match=says):
        open_doors(facilitator, observer, names)


def test_fresh_tokens_differ_and_open_here_only() -> None:
    """Each start has its own."""
    one, other = open_doors(None, None, ()), open_doors(None, None, ())

    assert 4 == len({one.facilitator, one.observer, other.facilitator, other.observer})
    assert not one.from_elsewhere


@pytest.mark.parametrize(
    ("headers", "body", "status", "says"),
    [
        ({"content-type": "text/plain"}, b"{}", 422, "Send JSON"),
        (JSON, b"{", 422, "not JSON"),
        (JSON, b"[]", 422, "JSON object"),
        (JSON, b"[" * 9_000, 422, "not JSON"),
        (JSON, b" " * 20_000, 413, "at most"),
        (JSON, b"{}", 422, "your name"),
        (JSON, b'{"by": 7}', 422, "your name"),
        (JSON, json.dumps({"by": "x" * 61}).encode(), 422, "your name"),
    ],
)
def test_what_is_no_act_is_refused_in_words(
    theatre: Theatre, headers: dict[str, str], body: bytes, status: int, says: str
) -> None:
    """Whatever is sent, there is an answer that helps."""
    path = f"{CONSOLE}acts/note"

    reply = theatre.call("POST", path, bearer(FACILITATOR) | headers, body)

    assert status == reply.status
    assert says in reply.document["error"]


def test_every_page_keeps_strangers_out(theatre: Theatre) -> None:
    """No script but ours, no frame around it, nothing kept, no address told."""
    for path in ("", "console.js", "console.css"):
        headers = theatre.call("GET", CONSOLE + path).headers

        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        expected = ("no-referrer", "nosniff", "no-store")
        names = ("referrer-policy", "x-content-type-options", "cache-control")
        assert expected == tuple(headers[name] for name in names)
    assert 404 == theatre.call("GET", f"{CONSOLE}console.py").status
    assert CONSOLE == theatre.call("GET", CONSOLE.removesuffix("/")).headers["location"]
