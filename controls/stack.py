"""The stack: which guardrails stand around a job, as a visible list.

Protects from a guardrail that everybody believes to be there.

Weakness: whoever builds a runner may build another list; nothing forbids to leave one out.
Neighbour: the bare arms of the drills show what each of them is worth."""

from __future__ import annotations

from dataclasses import dataclass, field

from controls.breaker import CircuitBreaker
from controls.canary import Canary
from controls.ceiling import CostCeiling
from controls.chunking import Chunking
from controls.core.answer import Gate
from controls.core.control import Control
from controls.fence import Fencing, PromptFence
from controls.ids import Identity, RowBinding
from controls.killswitch import KillSwitch
from controls.minimization import FieldAllowlist
from controls.policy import JobType
from controls.polling import Polling
from controls.quarantine import Quarantine
from controls.quarantine_limits import QuarantineThreshold
from controls.reconciliation import Reconciliation
from controls.registry import ApprovedOnly, FirstRun
from controls.requeue import Requeue
from controls.scheduler import FairShare
from controls.sensitive import KeepText, Scrubbing, SensitiveText
from controls.staging import Sink
from controls.submission import IdempotentSubmit
from controls.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that guards one job."""

    controls: tuple[Control, ...]
    """Asked in this order until one halts: what looks at the data stands before what sends any."""
    gate: Gate
    """Reads and validates the text of an answer."""
    fence: Fencing
    identity: Identity
    sink: Sink
    chunking: Chunking = field(default_factory=Chunking)
    polling: Polling = field(default_factory=Polling)

    @property
    def scrubbing(self) -> Scrubbing:
        """What takes sensitive text out of the rows: the control for it, if it is in the list."""
        found = (part for part in self.controls if isinstance(part, SensitiveText))
        return next(found, KeepText())


def default_stack(job_type: JobType, sink: Sink, share: FairShare | None = None) -> Stack:
    """All guardrails, with the settings of the job type.

    Args:
        sink: where accepted answers go.
        share: the account's quotas, the same for every runner; by default those of an account of
            the lowest tier, with the window of the job type.
    """
    return Stack(
        controls=(
            KillSwitch(),
            ApprovedOnly(),
            FieldAllowlist(job_type.rows.allowed_fields),
            SensitiveText.of(job_type),
            CostCeiling.of(job_type),
            Canary(job_type.canary),
            FirstRun(),
            CircuitBreaker(),
            share or FairShare.of(job_type),
            IdempotentSubmit(),
            Watchdog(job_type.watchdog),
            Reconciliation(),
            Requeue(job_type.requeue.max_rounds),
            QuarantineThreshold(job_type.quarantine),
        ),
        gate=Quarantine(job_type.answer.schema),
        fence=PromptFence(),
        identity=RowBinding(),
        sink=sink,
    )
