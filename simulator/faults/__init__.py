"""The vocabulary of what can go wrong: one name, one small class; the folder is the catalogue.

Five families, each with one seam: *wire* (a call), *lifecycle* (a batch), *rows* (the fate of
a request), *answers* (what a succeeded row says), *results file* (the lines of a download).
"""

from simulator.faults.answers import RunsOn, SchemaDrift, WrongButValid
from simulator.faults.drift import DRIFTS
from simulator.faults.fault import Family, Fault, Window, first
from simulator.faults.lifecycle import Stall
from simulator.faults.none import NoFault
from simulator.faults.plan import FaultPlan
from simulator.faults.results_file import (
    AnswersSwapped,
    BrokenLines,
    RowsDuplicated,
    RowsMissing,
    UnknownRows,
)
from simulator.faults.rows import RowsErrored, RowsExpired
from simulator.faults.wire import LostReply, Overloaded
from simulator.wire import Endpoint

__all__ = [
    "DRIFTS",
    "AnswersSwapped",
    "BrokenLines",
    "Endpoint",
    "Family",
    "Fault",
    "FaultPlan",
    "LostReply",
    "NoFault",
    "Overloaded",
    "RowsDuplicated",
    "RowsErrored",
    "RowsExpired",
    "RowsMissing",
    "RunsOn",
    "SchemaDrift",
    "Stall",
    "UnknownRows",
    "Window",
    "WrongButValid",
    "first",
]
