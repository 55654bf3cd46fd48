"""Rows become requests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controls import PromptFence, RowBinding
from controls.core import dressing
from controls.core.dressing import Dresser
from controls.ids import Namespace
from controls.policy import Prompt
from simulator import Api
from tests.controls.builders import MODEL, SECRET, a_dresser, a_job_type, a_row, rows
from tests.simulator.builders import create, document

ANY_TEXT = st.text(st.characters(), max_size=100)


def params_of(text: str = "hello", **changes: Any) -> dict[str, Any]:
    """The decoded parameters of a row's request."""
    made = a_dresser(a_job_type(**changes)).dress(a_row(text=text))
    decoded: dict[str, Any] = msgspec.json.decode(made.params)
    return decoded


def user_of(text: str = "hello", **changes: Any) -> str:
    """The user message."""
    said: str = params_of(text, **changes)["messages"][0]["content"]
    return said


def test_a_request_has_the_parameters_of_the_policy() -> None:
    """Model, max_tokens, system and one user message; nothing else."""
    prompt = Prompt(model=MODEL, template="{text}", max_tokens=64, system="Be brief.")

    assert ["model", "max_tokens", "system", "messages"] == list(params_of(prompt=prompt))
    assert ["model", "max_tokens", "messages"] == list(params_of())
    assert ["model", "messages"] == list(params_of(max_tokens=None))


def test_a_request_is_notice_template_fence_and_echo() -> None:
    """In this order, with braces unescaped and every gap fenced."""
    made = a_dresser(a_job_type(template="{{a}} {text} b")).dress(a_row(text="hello"))
    user = msgspec.json.decode(made.params)["messages"][0]["content"]
    nonce = user.split("<data-")[1][:10]

    assert (
        PromptFence().notice(nonce)
        + f"{{a}} <data-{nonce}>\nhello\n</data-{nonce}> b"
        + RowBinding().request_echo(made.reference)
    ) == user


@given(ANY_TEXT)
@example("\ud800")
def test_any_text_makes_a_request_that_the_service_accepts(text: str) -> None:
    """Quotes, controls, surrogates: the body is JSON, and the text arrives as it is."""
    made = a_dresser().dress(a_row(text=text))
    sent = msgspec.json.decode(made.body)

    assert text.encode("utf-8", "replace").decode() in sent["params"]["messages"][0]["content"]
    assert made.custom_id == sent["custom_id"]
    assert 200 == create(Api(), [sent]).status


@given(ANY_TEXT)
def test_the_same_row_is_always_dressed_in_the_same_bytes(text: str) -> None:
    """By every dresser of the job; another secret gives other marks."""
    row = a_row(text=text)

    assert a_dresser().dress(row) == a_dresser().dress(row)
    assert a_dresser().dress(row).params != a_dresser(secret=b"other").dress(row).params


def test_two_rows_with_the_same_text_are_two_requests() -> None:
    """Each has an id, a nonce and a reference of its own."""
    dress = a_dresser().dress
    one, two = dress(a_row(0, text="same")), dress(a_row(1, text="same"))

    assert one.reference != two.reference
    assert one.params != two.params


def test_a_row_is_dressed_once_while_it_is_kept() -> None:
    """Looked at, counted and sent: the same object; after `forget` it is made anew, the same."""
    dresser = a_dresser()
    row = a_row()
    first = dresser.dress(row)

    assert first is dresser.dress(row)
    dresser.forget()
    again = dresser.dress(row)
    assert first is not again
    assert first == again


def test_another_row_under_a_kept_ordinal_does_not_take_its_place() -> None:
    """A control that looks at a changed copy gets the copy's request; the row keeps its own."""
    dresser = a_dresser()
    row = a_row(text="the row")
    first = dresser.dress(row)

    assert b"the copy" in dresser.dress(a_row(text="the copy")).params
    assert first is dresser.dress(row)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit requests are made when asked for, with the same bytes."""
    monkeypatch.setattr(dressing, "BYTES_KEPT", 1)
    dresser = a_dresser()
    kept, not_kept = rows(2)

    assert dresser.dress(kept) is dresser.dress(kept)
    assert dresser.dress(not_kept) is not dresser.dress(not_kept)
    assert dresser.dress(not_kept) == dresser.dress(not_kept)


def test_the_body_of_a_request_is_one_item_of_a_create_call() -> None:
    """Joined by commas they are what the service takes."""
    api = Api()
    namespace = Namespace("support", "job_1")
    dresser = Dresser(a_job_type(), namespace, SECRET, PromptFence(), RowBinding())
    bodies = [dresser.dress(row).body for row in rows(3)]

    reply = create(api, msgspec.json.decode(b"[" + b",".join(bodies) + b"]"))

    assert 3 == document(reply)["request_counts"]["processing"]
