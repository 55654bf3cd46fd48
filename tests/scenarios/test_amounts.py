"""Drills about money apply where their amounts mean something, and say why where they do not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from scenarios.harness.amounts import amounts_unfit
from scenarios.harness.arms import applies
from scenarios.harness.discovery import all_drills, select
from scenarios.harness.game import open_game
from scenarios.harness.world import Game


def a_game(*, model: str = "", ceiling: str = "0.60") -> Game:
    """The default game under another model or ceiling."""
    game = open_game(None, None, 0)
    job = game.job_type
    prompt = msgspec.structs.replace(job.prompt, model=model or job.prompt.model)
    spend = msgspec.structs.replace(job.spend, ceiling_usd=Decimal(ceiling))
    return replace(game, job_type=msgspec.structs.replace(job, prompt=prompt, spend=spend))


def test_every_drill_applies_to_what_ships() -> None:
    """Amounts were chosen for the job type and the rows that come with us."""
    game = a_game()

    assert [""] * len(all_drills()) == [amounts_unfit(drill, game) for drill in all_drills()]


def test_a_ceiling_of_the_drill_that_no_good_day_fits_does_not_apply() -> None:
    """With a dearer model the controls would be right to stop the calm day."""
    (drill,) = select(["mistyped_approval_is_bounded"])

    skipped = applies(drill, a_game(model="claude-opus-5"))

    assert skipped is not None
    assert "the drill brings a ceiling of its own, $0.30" in skipped.why


def test_prompts_that_never_reach_the_ceiling_do_not_apply() -> None:
    """A generous ceiling allows what the drill takes for a runaway."""
    (drill,) = select(["wrong_count_stops_at_the_canary"])

    skipped = applies(drill, a_game(ceiling="20.00"))

    assert skipped is not None
    assert "and the ceiling of this job type is $20.00" in skipped.why
