"""Mutants of `CostCeiling`."""

from __future__ import annotations

from dataclasses import replace

from controls import CostCeiling
from controls.core.decision import AskApproval, Decision, Halt, Proceed, Warn
from controls.core.moment import BeforeSubmit, Estimate, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(CostCeiling, Kind.REMOVED)
class PaysEverything(CostCeiling):
    """Never asks what anything costs."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(CostCeiling, Kind.TOO_LATE)
class LooksAtTheBill(CostCeiling):
    """Compares only what was spent, when it was spent."""

    def decide(self, moment: Moment, /) -> Decision:
        return Proceed() if isinstance(moment, BeforeSubmit) else super().decide(moment)


@mutant(CostCeiling, Kind.WRONG_UNIT)
def takes_dollars_for_cents(control: CostCeiling) -> CostCeiling:
    """The ceiling is a hundred times too high."""
    return replace(control, usd=control.usd * 100)


@mutant(CostCeiling, Kind.HALF)
class CountsTheAnswersOnly(CostCeiling):
    """Leaves what is sent out of the worst case."""

    def decide(self, moment: Moment, /) -> Decision:
        if not isinstance(moment, BeforeSubmit):
            return super().decide(moment)

        def halved() -> Estimate:
            whole = moment.estimate()
            tokens = whole.input_tokens + 5 * whole.output_tokens  # an answer's token costs five
            share = 5 * whole.output_tokens / tokens
            worst = whole.worst_case_usd * round(share * 1000) / 1000
            return replace(whole, worst_case_usd=worst)

        return super().decide(replace(moment, estimate=halved))


@mutant(CostCeiling, Kind.FAILS_OPEN)
class OnlyWarns(CostCeiling):
    """Tells the owner that it is too much, and pays."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt | AskApproval) else decision


@mutant(CostCeiling, Kind.WRONG_FIELD)
class PricesOneRow(CostCeiling):
    """Compares the worst case of a row with the ceiling of the job."""

    def decide(self, moment: Moment, /) -> Decision:
        if not isinstance(moment, BeforeSubmit):
            return Proceed()

        def of_one() -> Estimate:
            whole = moment.estimate()
            return replace(whole, worst_case_usd=whole.worst_case_usd / max(whole.rows, 1))

        return super().decide(replace(moment, estimate=of_one))


@mutant(CostCeiling, Kind.WRONG_WAY)
class RefusesWhatIsCheap(CostCeiling):
    """Lets go what is above the ceiling, and stops what is below."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if not isinstance(moment, BeforeSubmit):
            return Proceed()
        stops = isinstance(decision, Halt | AskApproval)
        return Proceed() if stops else Halt("the worst case is below the ceiling")


@mutant(CostCeiling, Kind.TOO_STRICT)
def takes_cents_for_dollars(control: CostCeiling) -> CostCeiling:
    """The ceiling is a hundred times too low."""
    return replace(control, usd=control.usd / 100)
