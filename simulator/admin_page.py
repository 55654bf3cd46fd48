"""The live page of `/_gameday/`: one file, no framework, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Final

from simulator.wire import Response

PAGE: Final = Path(__file__).with_name("admin_page.html")


@cache
def page() -> Response:
    """The page, and the headers that keep everything else out of it.

    The policy names the digests of the one script and the one style, so that no text that got
    into the page could run, whatever it says.
    """
    html = PAGE.read_bytes()
    script, style = _digest(html, b"script"), _digest(html, b"style")
    policy = (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    )
    return Response(200, headers, html)


def _digest(html: bytes, tag: bytes) -> str:
    found = re.search(rb"<%b>(.*?)</%b>" % (tag, tag), html, re.DOTALL)
    assert found is not None
    return "sha256-" + b64encode(hashlib.sha256(found[1]).digest()).decode()
