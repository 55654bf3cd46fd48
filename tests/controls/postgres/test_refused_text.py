"""Text that PostgreSQL refuses (NUL, halves of surrogate pairs) is stopped where it comes in."""

from __future__ import annotations

import msgspec
import pytest

from controls import ControlError, Quarantine
from controls.core.answer import Accepted, Answer, Quarantined, ResultLine, read_line
from controls.core.rows import Row, check_rows


@pytest.mark.parametrize("key", ["a\0b", "\ud800"])
def test_a_key_that_no_database_takes_is_refused(key: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ControlError, match="row 1 of the job 'j' cannot be stored"):
        check_rows("j", [Row(0, "caf\u00e9 \U0001f984", {}), Row(1, key, {})])


@pytest.mark.parametrize(
    ("text", "kept_back"),
    [
        (r'{"label": "a\u0000b"}', True),
        (r'{"a\u0000b": "x", "label": "y"}', True),
        (r'{"label": "a\\\u0000b"}', True),
        (r'{"label": "a\\u0000b"}', False),
        (r'{"label": "u0000"}', False),
    ],
)
def test_an_answer_with_a_nul_is_kept_back(text: str, *, kept_back: bool) -> None:
    """It would stop the promotion of all others; a backslash before `u0000` is no NUL."""
    verdict = Quarantine({"type": "object"}).examine(Answer(text, "end_turn", ""))

    if kept_back:
        assert isinstance(verdict, Quarantined)
        assert "unstorable" == verdict.reason
    else:
        assert Accepted(msgspec.json.decode(text)) == verdict


def test_an_error_type_with_a_nul_is_read_without_it() -> None:
    """The service names the type; it becomes an outcome in the store."""
    line = read_line(
        rb'{"custom_id": "t-j-0", "result": {"type": "errored", '
        rb'"error": {"error": {"type": "a\u0000b"}}}}'
    )

    assert isinstance(line, ResultLine)
    assert "a\ufffdb" == line.error_type
