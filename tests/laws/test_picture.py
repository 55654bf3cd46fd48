"""Law: the README's picture is that of the report as it is rendered now."""

from __future__ import annotations

from tests.pages import PAGES
from tests.reports.picture import DIGEST, PICTURE, digest

README = PAGES[0].text
LARGEST = 200 * 1024
"""Bytes of a picture that a reader on a telephone waits for."""


def test_the_picture_is_the_current_reports() -> None:
    """Who has changed the page takes it anew: `python -m tests.reports.picture`."""
    assert DIGEST.read_text("utf-8").strip() == digest()


def test_the_readme_shows_it() -> None:
    """Small, and a picture."""
    assert f"](docs/{PICTURE.name})" in README
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
    assert PICTURE.stat().st_size <= LARGEST
