"""Production guardrails for the Message Batches API; usable without anything else here.

`controls` knows only the API, through the official client, and its store.
"""

from controls.alert_book import AlertBook
from controls.alerts_apprise import AppriseAlerts
from controls.alerts_deduplicated import Deduplicated
from controls.breaker import CircuitBreaker
from controls.canary import Canary
from controls.ceiling import CostCeiling
from controls.chunking import Chunking
from controls.core.alerts import Alert, Alerts, Pager
from controls.core.clock import SystemClock
from controls.core.errors import ControlError
from controls.core.ledger import Ledger, LedgerEntry
from controls.core.moment import Approval
from controls.core.rows import Row
from controls.core.runner import BatchRunner, JobOutcome
from controls.core.store import open_database, open_store
from controls.core.work import Job
from controls.fence import PromptFence
from controls.ids import RowBinding
from controls.killswitch import KillSwitch
from controls.minimization import FieldAllowlist
from controls.policy import JobType, load_job_type
from controls.polling import Polling
from controls.quarantine import Quarantine
from controls.quarantine_limits import QuarantineThreshold
from controls.reconciliation import Reconciliation
from controls.registry import ApprovedOnly, FirstRun, Register
from controls.requeue import Requeue
from controls.router import Route, Router
from controls.scheduler import FairShare
from controls.sensitive import SensitiveText
from controls.stack import Stack, default_stack
from controls.staging import Staging, SystemOfRecord
from controls.submission import IdempotentSubmit
from controls.telemetry import Attribution, Telemetry, attribution
from controls.watch import Watch
from controls.watchdog import BatchFacts, Finding, Watchdog, look_over

__all__ = [
    "Alert",
    "AlertBook",
    "Alerts",
    "AppriseAlerts",
    "Approval",
    "ApprovedOnly",
    "Attribution",
    "BatchFacts",
    "BatchRunner",
    "Canary",
    "Chunking",
    "CircuitBreaker",
    "ControlError",
    "CostCeiling",
    "Deduplicated",
    "FairShare",
    "FieldAllowlist",
    "Finding",
    "FirstRun",
    "IdempotentSubmit",
    "Job",
    "JobOutcome",
    "JobType",
    "KillSwitch",
    "Ledger",
    "LedgerEntry",
    "Pager",
    "Polling",
    "PromptFence",
    "Quarantine",
    "QuarantineThreshold",
    "Reconciliation",
    "Register",
    "Requeue",
    "Route",
    "Router",
    "Row",
    "RowBinding",
    "SensitiveText",
    "Stack",
    "Staging",
    "SystemClock",
    "SystemOfRecord",
    "Telemetry",
    "Watch",
    "Watchdog",
    "attribution",
    "default_stack",
    "load_job_type",
    "look_over",
    "open_database",
    "open_store",
]
