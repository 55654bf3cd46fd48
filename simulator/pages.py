"""Lists with cursors (contract 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from simulator.errors import ApiError, invalid_request

DEFAULT_LIMIT: Final = 20
HIGHEST_LIMIT: Final = 1_000

T = TypeVar("T")


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is asked for."""

    limit: int = DEFAULT_LIMIT
    after_id: str | None = None
    before_id: str | None = None


def read_page(query: Mapping[str, str]) -> Page | ApiError:
    """The page that a query asks for; unknown parameters are ignored."""
    limit = DEFAULT_LIMIT
    if "limit" in query:
        try:
            limit = int(query["limit"])
        except ValueError:
            return invalid_request(
                "limit: Input should be a valid integer, unable to parse string as an integer"
            )
    if limit > HIGHEST_LIMIT:
        return invalid_request(f"limit: Input should be less than or equal to {HIGHEST_LIMIT}")
    if limit < 1:
        return invalid_request("limit: Input should be greater than or equal to 1")
    after_id, before_id = query.get("after_id") or None, query.get("before_id") or None
    if after_id and before_id:
        return invalid_request("Only one of after_id and before_id may be given")
    return Page(limit, after_id, before_id)


def cut_page(
    items: Sequence[T],
    page: Page,
    name: Callable[[T], str],
    show: Callable[[T], Any],
    *,
    lenient: bool = False,
) -> dict[str, Any] | ApiError:
    """One page of a list that is given newest first.

    A cursor that names nothing is refused; `lenient`, it gives an empty page.
    """
    names = [name(item) for item in items]
    cursor = page.after_id or page.before_id
    if cursor is not None and cursor not in names:
        if lenient:
            return {"data": [], "has_more": False, "first_id": None, "last_id": None}
        which = "after_id" if page.after_id else "before_id"
        return invalid_request(f"{which}: {cursor} was not found")
    if page.before_id:
        end = names.index(page.before_id)
        start = max(end - page.limit, 0)
        more = start > 0
    else:
        start = names.index(page.after_id) + 1 if page.after_id else 0
        end = start + page.limit
        more = end < len(items)
    chosen = items[start:end]
    return {
        "data": [show(item) for item in chosen],
        "has_more": more,
        "first_id": name(chosen[0]) if chosen else None,
        "last_id": name(chosen[-1]) if chosen else None,
    }
