"""`python -m benchmarks.reports [--smoke]`: how long the page of a large game day takes to be
written and to be usable, each as a ratio to a reference in the same run.

The game day has 200 drills, and 1,000 findings that say no. A page counts as usable when it has
loaded, a filter was pressed, and the frame with the answer was drawn.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.__main__ import Measure, seconds
from reports import Format, GameDayReport, render
from reports.codec import encode
from tests.large_report import a_large_report

CHROMIUM = Path("/usr/bin/chromium")
RUNS = 5
LARGEST_MB, TO_WRITE, TO_USE = 3.0, 1.0, 1.5
"""Targets: megabytes of the page, seconds to write it, seconds until a reader can use it."""
EMPTY = "<!doctype html><meta charset=utf-8><title>empty</title><button data-filter>x</button>"
PRESS = """() => new Promise((done) => {
  document.querySelector("[data-filter]:not(:disabled)").click();
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""


def to_write(report: GameDayReport) -> Measure:
    """The page, against the same values as JSON."""
    return Measure(
        "write the page",
        lambda: _discard(render(report, Format.HTML)),
        lambda: _discard(json.dumps(encode(report))),
        "json.dumps",
    )


def to_use(page: Page, ours: Path, empty: Path) -> Measure:
    """The page in Chromium, against one that is empty."""
    return Measure(
        "open it until it answers",
        lambda: _open(page, ours),
        lambda: _open(page, empty),
        "an empty page",
    )


def _open(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.evaluate(PRESS)


def _discard(_: str) -> None:
    """The text is not needed."""


def _print(measure: Measure, runs: int, target: float) -> None:
    measure.ours()
    ours, reference = seconds(measure.ours, runs), seconds(measure.reference, runs)
    print(
        f"{measure.name:<28}{ours:>8.3f}s{reference:>11.3f}s{ours / reference:>8.1f}"
        f"  {measure.reference_is} (target {target} s)"
    )


def main() -> int:
    """Run every measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="once: does it run?")
    runs = 1 if parser.parse_args().smoke else RUNS
    report = a_large_report()
    html = render(report, Format.HTML)
    print(f"size of the page: {len(html.encode()) / 1e6:.2f} MB (target {LARGEST_MB} MB)")
    print(f"{'measure':<28}{'ours':>9}{'reference':>12}{'ratio':>8}  reference is")
    _print(to_write(report), runs, TO_WRITE)
    if not CHROMIUM.exists():
        print(f"{CHROMIUM} is missing, so the page was not opened: apt-get install chromium")
        return 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ours, empty = Path(folder, "report.html"), Path(folder, "empty.html")
        ours.write_text(html, "utf-8")
        empty.write_text(EMPTY, "utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _print(to_use(browser.new_page(), ours, empty), runs, TO_USE)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
