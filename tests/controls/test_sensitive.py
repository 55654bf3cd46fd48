"""Sensitive text in allowed columns."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls import PromptFence, Row, RowBinding
from controls.core.decision import Halt, Proceed, Withhold
from controls.core.dressing import Dresser
from controls.ids import Namespace
from controls.policy import RowsPolicy
from controls.secrets import NAMES, Action, sensitive
from controls.sensitive import DEFAULTS, KeepText, SensitiveText
from tests.controls.builders import (
    SECRET,
    a_dresser,
    a_job_type,
    a_row,
    after_download,
    before_submit,
    rows,
)

CARD, IBAN, EMAIL = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "ada@example.org"
PIECES = st.sampled_from(
    [
        CARD,
        IBAN,
        EMAIL,
        "+44 20 7946 0018",
        "219-09-9999",
        "AKIAIOSFODNN7EXAMPLE",
        "@",
        " ",
        "1",
        "x",
    ]
)
TEXTS = st.lists(PIECES | st.text(st.characters(), max_size=8), max_size=6).map("".join)
ACTIONS: st.SearchStrategy[dict[str, Action]] = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(["refuse", "redact", "allow"])
)


def scrubbing(control: SensitiveText | KeepText) -> Dresser:
    """A dresser that scrubs."""
    return Dresser(
        a_job_type(),
        Namespace("support", "job_1"),
        SECRET,
        PromptFence(),
        RowBinding(),
        control.scrub,
    )


def user_of(dresser: Dresser, row: Row) -> str:
    """The user message of this row's request."""
    said: str = msgspec.json.decode(dresser.dress(row).params)["messages"][0]["content"]
    return said


def test_rows_with_something_to_refuse_are_withheld() -> None:
    """By ordinal and reason; what was redacted in the others is told as well, never its text."""
    given_rows = [
        a_row(0),
        a_row(1, text=f"my card is {CARD} and {IBAN}"),
        a_row(2, text=f"write to {EMAIL}, {EMAIL}"),
    ]
    decision = SensitiveText().decide(before_submit(given_rows))

    assert (
        Withhold(
            ((1, "sensitive:card"),),
            "refused in 1 rows: card in 'text' of row 2 (key-1), iban in 'text' of row 2 (key-1); "
            "redacted in 1 rows: email in 'text' of row 3 (key-2)",
        )
        == decision
    )


def test_a_strict_job_halts_instead() -> None:
    """One row is enough."""
    decision = SensitiveText(halt=True).decide(before_submit([a_row(text=CARD)]))

    assert Halt("refused in 1 rows: card in 'text' of row 1 (key-0)") == decision


def test_what_was_only_redacted_proceeds_with_a_note() -> None:
    """Nobody is woken up; the report says it, with a few rows by name."""
    moment = before_submit(rows(8, text=f"I am {EMAIL}"))
    decision = SensitiveText().decide(moment)

    assert isinstance(decision, Proceed)
    assert decision.note.startswith("redacted in 8 rows: email in 'text' of row 1 (key-0), ")
    assert decision.note.endswith("of row 5 (key-4) and 3 more")


def test_a_calm_job_proceeds_without_a_word() -> None:
    """Columns that the template does not use may hold what they like."""
    assert Proceed() == SensitiveText().decide(before_submit(rows(5, iban=IBAN, email=EMAIL)))
    assert Proceed() == SensitiveText().decide(after_download())


def test_each_detector_does_what_the_job_type_says() -> None:
    """The policy overrules the table, per detector."""
    policy = RowsPolicy(
        allowed_fields=("text",),
        sensitive={"card": "allow", "email": "refuse", "iban": "redact"},
        on_sensitive="halt",
    )
    control = SensitiveText.of(a_job_type(rows=policy))

    assert control.halt
    assert f"{CARD} [iban] [phone]" == control.scrub(f"{CARD} {IBAN} +44 20 7946 0018")
    assert isinstance(control.decide(before_submit([a_row(text=EMAIL)])), Halt)
    assert isinstance(control.decide(before_submit([a_row(text=IBAN)])), Proceed)
    assert Proceed() == control.decide(before_submit([a_row(text=CARD)]))


def test_a_dressed_request_holds_marks_only() -> None:
    """Refused or redacted: whoever counts or sends the request sees the mark."""
    row = a_row(text=f"I am {EMAIL}, card {CARD}.")
    said = user_of(scrubbing(SensitiveText()), row)

    assert "\nI am [email], card [card].\n" in said
    assert EMAIL not in said
    assert EMAIL in user_of(scrubbing(KeepText()), row)


@given(st.text(st.characters(), max_size=200))
def test_untouched_rows_stay_as_they_are(text: str) -> None:
    """To the byte, and as the same object."""
    row = a_row(text=text)
    if not sensitive(text):
        assert SensitiveText().scrub(text) is text
        assert a_dresser().dress(row) == scrubbing(SensitiveText()).dress(row)


@given(TEXTS, ACTIONS)
def test_redaction_is_idempotent_and_leaves_nothing(text: str, actions: dict[str, Action]) -> None:
    """Also where what was taken out stood between two halves of something else."""
    control = SensitiveText(actions)
    once = control.scrub(text)

    assert once == control.scrub(once)
    assert all(control.action(hit.name) == "allow" for hit in sensitive(once))


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=5), ACTIONS, st.booleans())
def test_deciding_never_raises_and_is_pure(
    texts: list[str],
    actions: dict[str, Action],
    halt: bool,  # noqa: FBT001 - drawn
) -> None:
    """Any rows: asked twice it says the same, and withholds exactly the rows to refuse."""
    control = SensitiveText(actions, halt)
    given_rows = [a_row(ordinal, text=text) for ordinal, text in enumerate(texts)]
    moment = before_submit(given_rows)
    decision = control.decide(moment)
    refused = [
        row.ordinal
        for row in given_rows
        if any(control.action(hit.name) == "refuse" for hit in sensitive(row.fields["text"]))
    ]

    assert decision == control.decide(moment)
    assert bool(refused) == (not isinstance(decision, Proceed))
    if isinstance(decision, Withhold):
        assert refused == [ordinal for ordinal, _ in decision.rows]
        assert "\n" not in decision.why


@pytest.mark.parametrize("name", ["private_key", "anthropic_key", "card", "iban", "ssn"])
def test_secrets_are_refused_by_default(name: str) -> None:
    """Contact data is redacted; nothing is allowed."""
    assert "refuse" == DEFAULTS[name]
    assert "redact" == DEFAULTS["email"] == DEFAULTS["phone"]
    assert "allow" not in DEFAULTS.values()
