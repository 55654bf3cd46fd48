"""Production guardrails for the Message Batches API; usable without anything else here.

`controls` knows only the API, through the official client, and its store.
"""

from controls.canary import Canary
from controls.ceiling import CostCeiling
from controls.core.alerts import Alert, Alerts, Pager
from controls.core.clock import SystemClock
from controls.core.errors import ControlError
from controls.core.ledger import Ledger, LedgerEntry
from controls.core.moment import Approval
from controls.core.rows import Row
from controls.core.runner import BatchRunner, JobOutcome
from controls.core.store import open_store
from controls.core.work import Job
from controls.fence import PromptFence
from controls.ids import RowBinding
from controls.minimization import FieldAllowlist
from controls.policy import JobType, load_job_type
from controls.quarantine import Quarantine
from controls.quarantine_limits import QuarantineThreshold
from controls.reconciliation import Reconciliation
from controls.requeue import Requeue
from controls.stack import Stack, default_stack
from controls.staging import Staging, SystemOfRecord
from controls.submission import IdempotentSubmit

__all__ = [
    "Alert",
    "Alerts",
    "Approval",
    "BatchRunner",
    "Canary",
    "ControlError",
    "CostCeiling",
    "FieldAllowlist",
    "IdempotentSubmit",
    "Job",
    "JobOutcome",
    "JobType",
    "Ledger",
    "LedgerEntry",
    "Pager",
    "PromptFence",
    "Quarantine",
    "QuarantineThreshold",
    "Reconciliation",
    "Requeue",
    "Row",
    "RowBinding",
    "Stack",
    "Staging",
    "SystemClock",
    "SystemOfRecord",
    "default_stack",
    "load_job_type",
    "open_store",
]
