"""Calls a Python function as a pipeline: `python -P call.py MODULE:NAME`.

It is called without arguments. Nothing, or 0, means that it believes itself done; another number
is the exit code; an exception ends the process as usual, with a traceback and exit code 1.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Import the module from the folder of the caller, and call the function."""
    sys.path.insert(0, str(Path.cwd()))
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    sys.exit(function())


if __name__ == "__main__":
    main()
