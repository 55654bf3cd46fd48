"""What a succeeded request says: models that are no models, each with a stated behaviour."""

from simulator.responder.base import FromCallable, Question, Responder, Said, Table
from simulator.responder.echo import Echo
from simulator.responder.gullible import Gullible
from simulator.responder.oracle import LabelOracle, Truth

__all__ = [
    "Echo",
    "FromCallable",
    "Gullible",
    "LabelOracle",
    "Question",
    "Responder",
    "Said",
    "Table",
    "Truth",
]
