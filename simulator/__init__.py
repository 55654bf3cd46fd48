"""A stateful fake of the Message Batches API, on a clock you can hold.

The skins that bring it to a client are imported on their own, because they need more than
this package does: `simulator.transport` (in process) and `simulator.asgi` (over a socket).
"""

from simulator import faults
from simulator.api import Api
from simulator.books import Books
from simulator.choices import Choices, Order
from simulator.clock import (
    Clock,
    PollClock,
    RealClock,
    VirtualClock,
    days,
    hours,
    minutes,
    seconds,
)
from simulator.errors import SimulatorError
from simulator.faults.plan import FaultPlan
from simulator.limits import Limits
from simulator.responder import (
    Echo,
    FromCallable,
    Gullible,
    LabelOracle,
    Question,
    Responder,
    Said,
    Table,
    Truth,
)
from simulator.wire import Cut, Endpoint, Request, Response

__all__ = [
    "Api",
    "Books",
    "Choices",
    "Clock",
    "Cut",
    "Echo",
    "Endpoint",
    "FaultPlan",
    "FromCallable",
    "Gullible",
    "LabelOracle",
    "Limits",
    "Order",
    "PollClock",
    "Question",
    "RealClock",
    "Request",
    "Responder",
    "Response",
    "Said",
    "SimulatorError",
    "Table",
    "Truth",
    "VirtualClock",
    "days",
    "faults",
    "hours",
    "minutes",
    "seconds",
]
