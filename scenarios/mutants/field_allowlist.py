"""Mutants of `FieldAllowlist`."""

from __future__ import annotations

from dataclasses import replace

from controls import FieldAllowlist
from controls.core.decision import Decision, Proceed, Warn
from controls.core.moment import BeforeSubmit, Moment
from controls.policy import Template
from scenarios.harness.mutants import Kind, mutant


@mutant(FieldAllowlist, Kind.REMOVED)
class LetsEverythingOut(FieldAllowlist):
    """Looks at no request."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(FieldAllowlist, Kind.WRONG_FIELD)
class TrustsTheTemplate(FieldAllowlist):
    """Allows every column that the template names."""

    def decide(self, moment: Moment, /) -> Decision:
        if not isinstance(moment, BeforeSubmit):
            return Proceed()
        named = tuple(Template(moment.job_type.prompt.template).fields())
        return FieldAllowlist((*self.allowed, *named)).decide(moment)


@mutant(FieldAllowlist, Kind.TOO_LATE)
class LooksAtWhatIsSentAgain(FieldAllowlist):
    """Looks only at rows that are sent a second time."""

    def decide(self, moment: Moment, /) -> Decision:
        first = isinstance(moment, BeforeSubmit) and not moment.round
        return Proceed() if first else super().decide(moment)


@mutant(FieldAllowlist, Kind.FAILS_OPEN)
class OnlyWarns(FieldAllowlist):
    """Tells the owner of the leak, and sends it."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return decision if isinstance(decision, Proceed) else Warn(str(decision))


@mutant(FieldAllowlist, Kind.OFF_BY_ONE)
def forgets_the_last_allowed(control: FieldAllowlist) -> FieldAllowlist:
    """Knows all allowed columns but the last."""
    return replace(control, allowed=control.allowed[:-1])
