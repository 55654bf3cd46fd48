"""Data minimization."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls import FieldAllowlist, Row
from controls.core.decision import Halt, Proceed
from controls.minimization import SHORTEST_VALUE
from tests.controls.builders import a_dresser, a_job_type, a_row, before_submit, rows

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SHORT_ALPHABET = st.text('ab0"\\\n\u00e9', max_size=12)
VALUES = ANY_TEXT | SHORT_ALPHABET
PLANTED = st.text(st.characters(), min_size=SHORTEST_VALUE, max_size=40) | st.text(
    "0123456789abcdef", min_size=SHORTEST_VALUE, max_size=5
)
ALLOWLIST = FieldAllowlist(("text", "plan"))
CLEAN = "Grade {text} on plan {plan}. Text again: {text}. Not the secret 1234, max_tokens."
LEAKY = CLEAN + " For {secret}."


def leaks(template: str, **fields: str) -> list[str]:
    """The columns that ride along in the request of this row."""
    job_type = a_job_type(template=template)
    row = Row(0, "key-0", fields)
    dress = a_dresser(job_type).dress
    known, unknown = (
        ALLOWLIST.riding_along(
            dress(row), before_submit([row], job_type, dress=dress, template=template)
        )
        for template in (None, b"")
    )
    assert known == unknown, "what the template says is only a shortcut"
    return known


@settings(max_examples=200)
@given(VALUES, VALUES, PLANTED)
def test_a_planted_value_is_always_found(text: str, plan: str, secret: str) -> None:
    """No false negative: whatever the text says, even if it says the same, the column is named."""
    assert ["secret"] == leaks(LEAKY, text=text, plan=plan, secret=secret)


@settings(max_examples=200)
@given(VALUES, VALUES, VALUES)
def test_a_clean_row_is_never_blamed(text: str, plan: str, secret: str) -> None:
    """No false alarm: neither for values that the text happens to hold, nor for short ones."""
    assert [] == leaks(CLEAN, text=text, plan=plan, secret=secret)
    assert [] == leaks(CLEAN, text=secret + text, plan=text + secret, secret=secret)


@pytest.mark.parametrize("secret", ["data->", "<data-", "\x7f\x7f\x7f\x7f", 'Copy \\"', "1234"])
def test_a_value_that_looks_like_a_mark_is_found(secret: str) -> None:
    """Twice in the request, as often as the marks are in the notice."""
    template = "{text} {secret} {secret}"

    assert ["secret"] == leaks(template, text="hello", secret=secret)


@pytest.mark.parametrize("secret", ["1234", "Grade", "max_tokens", "claude-haiku-5-5", "user"])
def test_what_the_template_says_itself_is_no_leak(secret: str) -> None:
    """The prompt, the parameters and the model's name belong to every request."""
    assert [] == leaks(CLEAN, text="hello", plan="free", secret=secret)


def test_digits_of_the_fence_or_the_reference_are_no_leak() -> None:
    """Every request carries a nonce; a column that happens to hold part of it is not sent."""
    made = a_dresser(a_job_type(template=CLEAN)).dress(
        Row(0, "key-0", {"text": "hello", "plan": "free"})
    )
    nonce = made.params.split(b"<data-")[1][:10].decode()

    for digits in (nonce[:4], nonce[3:9], made.reference[2:8]):
        assert [] == leaks(CLEAN, text="hello", plan="free", secret=digits)


def test_every_leaking_column_is_named_and_no_other() -> None:
    """Two of three forbidden columns are in the template."""
    found = leaks(
        "{text} {iban} {email}",
        text="hello",
        iban="DE89 3704",
        email="ada@example.org",
        phone="+44 20",
    )

    assert ["iban", "email"] == found


@pytest.mark.parametrize("value", ["", "1", "US", "abc"])
def test_values_too_short_to_search_for_are_not_searched_for(value: str) -> None:
    """The stated weakness: below four characters everything occurs everywhere."""
    assert [] == leaks(LEAKY, text="hello", plan="free", secret=value)


def test_a_whole_job_is_told_by_column_and_count() -> None:
    """The decision names each column, how many rows, and the first."""
    job_type = a_job_type(template="{text} {email} {iban}")
    given_rows = [
        a_row(0, email="ada@example.org", iban=""),
        a_row(1, email="bob@example.org", iban="DE89"),
        a_row(2, email="", iban=""),
    ]

    decision = FieldAllowlist(("text",)).decide(before_submit(given_rows, job_type))

    assert (
        Halt(
            "values of columns that are not allowed stand in the requests: "
            "'email' in 2 of 3 requests, first row key-0; "
            "'iban' in 1 of 3 requests, first row key-1"
        )
        == decision
    )


def test_a_clean_job_may_proceed() -> None:
    """Also with forbidden columns beside the allowed ones."""
    moment = before_submit(rows(10, email="ada@example.org"))

    assert Proceed() == FieldAllowlist(("text",)).decide(moment)
