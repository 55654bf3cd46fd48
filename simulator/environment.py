"""Nothing of the developer's `ANTHROPIC_*` variables reaches a run, and they come back after it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PREFIX: Final = "ANTHROPIC_"
"""Keys, base URLs, headers, profiles: the SDK reads all of them (contract 13.2)."""


class _Layer:
    """What the variables are, or were when somebody covered them."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values


_LAYERS: Final = [_Layer({})]
_CHANGE: Final = threading.Lock()


@contextmanager
def own_environment(**values: str) -> Iterator[None]:
    """Of all `ANTHROPIC_*` variables only these exist, until the end.

    Of several at a time the last one counts, whichever ends first.
    """
    mine = _Layer(values)
    with _CHANGE:
        _LAYERS[-1].values = _take()
        _LAYERS.append(mine)
        os.environ.update(values)
    try:
        yield
    finally:
        with _CHANGE:
            if _LAYERS[-1] is mine:
                _take()
                _LAYERS.pop()
                os.environ.update(_LAYERS[-1].values)
            else:
                _LAYERS.remove(mine)


def _take() -> dict[str, str]:
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(PREFIX)}
