"""The README's picture of a report: `python -m tests.reports.picture` plays it and takes it anew.

A game day from one seed: shipped drills, and two that somebody has set up badly. Its values are
kept in a file, and beside the picture lies the digest of the page that was photographed. A law
compares that with the page as it is rendered now: a changed page needs a new picture, another
font does not.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from controls import Quarantine, Requeue
from reports import Format, GameDayReport, load, render
from scenarios import EveryRowAccountedFor, EveryRowAnswered, World, drill
from scenarios.harness.arms import CalmRuns, run_drill
from scenarios.harness.discovery import select
from scenarios.harness.game import Plan, open_game, report_of
from simulator import hours
from simulator.faults import SchemaDrift, Stall
from tests.reports.golden import VERSIONS

VALUES = Path(__file__).parent / "picture.json"
DOCS = Path(__file__).parents[2] / "docs"
PICTURE, DIGEST = DOCS / "report.png", DOCS / "report.png.sha256"
CHROMIUM = Path("/usr/bin/chromium")
WIDTH, HEIGHT = 1200, 1280
SEED = 7
SHIPPED = (
    "a_good_day_is_left_alone",
    "dropped_rows_are_noticed",
    "injected_instructions_stay_data",
    "leaked_column_never_leaves",
    "lost_reply_is_not_paid_twice",
    "swapped_answers_are_caught",
)


@drill(
    defends_against="expiry and timeout",
    faults=[Stall(after_share=0.5, lasting=hours(25), times=1, spare_batches=1)],
    controls=[Requeue(max_rounds=0)],
    checks=[EveryRowAnswered()],
)
def expired_rows_are_sent_again(world: World) -> None:
    """Rows that run out of time are sent again, once, within the budget.

    The service stops half-way through; the control has been set to no rounds.
    """
    world.run(world.rows(200))


@drill(
    defends_against="schema drift in outputs",
    faults=[SchemaDrift(share=0.1, spare_batches=9)],
    controls=[Quarantine],
    checks=[EveryRowAccountedFor()],
)
def odd_answers_are_kept_back(world: World) -> None:
    """Answers that break the agreed shape are kept back with a reason.

    The fault spares more batches than there are, and never strikes.
    """
    world.run(world.rows(200))


def play() -> GameDayReport:
    """The game day, without the versions of other packages."""
    game = open_game(None, None, SEED)
    runs = CalmRuns(game)
    drills = (*select(SHIPPED), expired_rows_are_sent_again, odd_answers_are_kept_back)
    reports = [run_drill(each, game, runs) for each in drills]
    command = f"gameday run nightly_drills.py --seed {SEED}"
    report = report_of(game, Plan(drills, ()), reports, command)
    kept = tuple(fact for fact in report.appendix if fact.name not in VERSIONS)
    return replace(report, appendix=kept)


def page() -> str:
    """The page that the picture shows."""
    return render(load(VALUES.read_text("utf-8")), Format.HTML)


def digest() -> str:
    """Of the page, as it is rendered now."""
    return sha256(page().encode()).hexdigest()


def main() -> None:
    """Play, take the picture, and note of which page."""
    VALUES.write_text(render(play(), Format.JSON), "utf-8")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "report.html")
        path.write_text(page(), "utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        shown.emulate_media(color_scheme="light")
        shown.goto(path.as_uri())
        shown.screenshot(path=PICTURE)
        browser.close()
    DIGEST.write_text(digest() + "\n", "utf-8")


if __name__ == "__main__":
    main()
