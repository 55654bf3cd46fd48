"""Data minimization."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from controls import FieldAllowlist, Row
from controls.core.decision import Halt, Proceed
from controls.core.rows import DressedRow
from controls.encodings import SHORTEST_VALUE, fold
from tests.controls.builders import (
    ENCODERS,
    a_dresser,
    a_job_type,
    a_row,
    before_submit,
    rows,
)

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SHORT_ALPHABET = st.text('ab0"\\\n\u00e9', max_size=12)
VALUES = ANY_TEXT | SHORT_ALPHABET
PLANTED = st.text(st.characters(), min_size=SHORTEST_VALUE, max_size=40) | st.text(
    "0123456789abcdef", min_size=SHORTEST_VALUE, max_size=5
)
ALLOWLIST = FieldAllowlist(("text", "plan"))
CLEAN = "Grade {text} on plan {plan}. Text again: {text}. Not the secret 1234, max_tokens."
LEAKY = CLEAN + " For {secret}."


JOB_TYPE = a_job_type(template=CLEAN, allowed=("text", "plan"))


def with_text(made: DressedRow, text: str) -> DressedRow:
    """The same request, with something more in the message."""
    params = msgspec.json.decode(made.params)
    params["messages"][0]["content"] += text.encode("utf-8", "replace").decode()
    return msgspec.structs.replace(made, params=msgspec.json.encode(params))


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


@pytest.mark.parametrize("value", ["1", "US", "abc"])
def test_short_values_are_found_as_well(value: str) -> None:
    """Whether the request changes without them needs no search."""
    assert ["secret"] == leaks(LEAKY, text="hello", plan="free", secret=value)
    assert [] == leaks(CLEAN, text="hello 1 US abc", plan="free", secret=value)


ENCODED = st.sampled_from(list(ENCODERS.values()))


@settings(max_examples=200)
@given(st.lists(PLANTED, min_size=1, max_size=4), st.data())
def test_a_value_planted_in_any_encoding_is_found(secrets: list[str], data: st.DataObject) -> None:
    """Exactly the rows whose request carries it, and no other row of the job."""
    dress = a_dresser(JOB_TYPE).dress
    encode = data.draw(ENCODED)
    spelled = [ordinal for ordinal, secret in enumerate(secrets) if encode(secret)]
    carriers = data.draw(st.sets(st.sampled_from(spelled))) if spelled else set()
    given_rows = [
        a_row(ordinal, plan="free", secret=secret) for ordinal, secret in enumerate(secrets)
    ]

    def planted(row: Row) -> DressedRow:
        made = dress(row)
        if row.ordinal not in carriers or not row.fields["secret"]:
            return made
        return with_text(made, encode(row.fields["secret"]))

    moment = before_submit(given_rows, JOB_TYPE, dress=planted)
    found = [row.ordinal for row in given_rows if ALLOWLIST.riding_along(planted(row), moment)]
    decision = ALLOWLIST.decide(moment)

    assert sorted(carriers) == found
    assert bool(carriers) == isinstance(decision, Halt)
    if isinstance(decision, Halt):
        assert f"'secret' in {len(carriers):,} of {len(secrets):,} requests" in decision.why


@settings(max_examples=200)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=6))
def test_a_job_without_a_leak_is_never_halted(values: list[tuple[str, str, str]]) -> None:
    """Whatever stands in its columns, allowed or not."""
    given_rows = [
        Row(ordinal, f"key-{ordinal}", {"text": text, "plan": plan, "secret": secret})
        for ordinal, (text, plan, secret) in enumerate(values)
    ]

    assert Proceed() == ALLOWLIST.decide(before_submit(given_rows, JOB_TYPE))


@settings(max_examples=100)
@given(st.sampled_from(sorted(ENCODERS)), st.text("abcXYZ0189@. -\u00e9", min_size=8, max_size=20))
def test_requests_that_were_made_beforehand_are_searched(name: str, secret: str) -> None:
    """Where nothing changes without a value, its encodings decide."""
    assume(len(fold(secret)) >= SHORTEST_VALUE)
    assume(fold(secret) not in fold(CLEAN))
    row = Row(0, "key-0", {"text": "hello", "plan": "free", "secret": secret})
    made = with_text(a_dresser(JOB_TYPE).dress(row), ENCODERS[name](secret))
    moment = before_submit([row], JOB_TYPE, dress=lambda _: made)

    assert ["secret"] == ALLOWLIST.riding_along(made, moment)


def test_the_encoding_of_the_first_row_is_named() -> None:
    """A value as it is needs no name; an unknown encoding is said to be one."""
    row = a_row(secret="ada@example.org")
    dress = a_dresser().dress

    def why(encode: Callable[[str], str]) -> str:
        moment = before_submit(
            [row], dress=lambda row: with_text(dress(row), encode(row.fields["secret"]))
        )
        decision = FieldAllowlist(("text",)).decide(moment)
        assert isinstance(decision, Halt)
        return decision.why

    assert why(str).endswith("first row key-0")
    assert why(lambda text: text.encode().hex()).endswith("key-0 (as hexadecimal)")
    assert why(quote).endswith("key-0 (as percent-encoding)")
    assert why(lambda text: text[::-1]).endswith("key-0 (in an unknown encoding)")


@pytest.mark.parametrize("told", [str, lambda value: value.encode().hex()[:10]])
def test_a_mark_that_carries_a_value_is_looked_at(told: Callable[[str], str]) -> None:
    """A short value in place of the reference does not pass for one."""
    dress = a_dresser().dress

    def telling(row: Row) -> DressedRow:
        made = dress(row)
        said = told(row.fields["secret"]) or made.reference
        return msgspec.structs.replace(
            made,
            params=made.params.replace(
                b'Copy \\"' + made.reference.encode(), b'Copy \\"' + said.encode()
            ),
        )

    for secret in ("1234567890", "abcde"):
        moment = before_submit(rows(3, secret=secret), dress=telling)
        assert isinstance(FieldAllowlist(("text",)).decide(moment), Halt)


def test_a_calm_day_needs_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shape of the requests explains all of them, which is what makes the check cheap."""
    asked: list[int] = []
    dress = a_dresser(JOB_TYPE).dress
    given_rows = [a_row(ordinal, plan="free", secret=f"s-{ordinal}") for ordinal in range(20)]

    def counted(row: Row) -> DressedRow:
        asked.append(row.ordinal)
        return dress(row)

    assert Proceed() == ALLOWLIST.decide(before_submit(given_rows, JOB_TYPE, dress=counted))
    assert len(given_rows) + 4 == len(asked)


def test_a_key_of_several_lines_stays_one_line_in_the_report() -> None:
    """Keys are data."""
    row = a_row(key="a\nb", secret="1234")
    decision = FieldAllowlist(("text",)).decide(
        before_submit([row], a_job_type(template="{text}{secret}"))
    )

    assert isinstance(decision, Halt)
    assert "first row 'a\\nb'" in decision.why


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
