"""pygal, loaded when something is drawn: it takes a tenth of a second, and leaves a trace."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET


@cache
def load_pygal() -> Any:
    """The library, without the finder of plugins that it puts into every later import: that has no
    `find_spec`, and Python warns of it each time."""
    import pygal  # type: ignore[import-untyped] # noqa: PLC0415

    sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]
    return pygal


def without_script(svg: bytes) -> bytes:
    """A drawing of pygal's without the settings that it carries for a script of its own."""
    root = ET.fromstring(svg)  # noqa: S314 - made by pygal a moment ago
    for parent in root.iter():
        for child in [each for each in parent if str(each.tag).endswith("}script")]:
            parent.remove(child)
    return ET.tostring(root)
