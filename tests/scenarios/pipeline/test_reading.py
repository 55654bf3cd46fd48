"""Finding a row in a prompt of unknown make."""

from __future__ import annotations

import json

import pytest

from scenarios.harness.pipeline.reading import Reader

TEXT = 'Grüße,\nthe "export" of 42 is broken.'
READER = Reader({TEXT: "a", "the export": "b", "yes": "c", "": "d"})


@pytest.mark.parametrize(
    "prompt",
    [
        f"Grade this:\n{TEXT}\nThanks.",
        json.dumps({"id": 7, "body": TEXT}),
        json.dumps({"body": TEXT}, ensure_ascii=False),
        "> Grüße,\n> the export of\n> 42 is broken",
        f"<data>{TEXT.upper()}</data>",
    ],
)
def test_a_text_is_found_however_it_is_dressed(prompt: str) -> None:
    """Quoted, escaped, re-wrapped; and the longest of several."""
    assert "a" == READER.find(prompt)


@pytest.mark.parametrize("prompt", ["", "no row here", "yesterday"])
def test_no_text_is_found_where_none_stands(prompt: str) -> None:
    """Words count as wholes; an empty text stands nowhere."""
    assert READER.find(prompt) is None
