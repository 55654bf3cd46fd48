"""The stack: which guardrails stand around a job, as a visible list."""

from __future__ import annotations

from dataclasses import dataclass, field

from controls.canary import Canary
from controls.ceiling import CostCeiling
from controls.chunking import Chunking
from controls.core.answer import Gate
from controls.core.control import Control
from controls.fence import Fencing, PromptFence
from controls.ids import Identity, RowBinding
from controls.minimization import FieldAllowlist
from controls.policy import JobType
from controls.quarantine import Quarantine
from controls.quarantine_limits import QuarantineThreshold
from controls.reconciliation import Reconciliation
from controls.requeue import Requeue
from controls.staging import Sink
from controls.submission import IdempotentSubmit


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


def default_stack(job_type: JobType, sink: Sink) -> Stack:
    """All guardrails, with the settings of the job type."""
    return Stack(
        controls=(
            FieldAllowlist(job_type.rows.allowed_fields),
            CostCeiling.of(job_type),
            Canary(job_type.canary),
            IdempotentSubmit(),
            Reconciliation(),
            Requeue(job_type.requeue.max_rounds),
            QuarantineThreshold(job_type.quarantine),
        ),
        gate=Quarantine(job_type.answer.schema),
        fence=PromptFence(),
        identity=RowBinding(),
        sink=sink,
    )
