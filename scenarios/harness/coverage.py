"""What the drills cover: fault by moment by control, and what no drill covers."""

from __future__ import annotations

from collections.abc import Sequence

from reports import Cell, Coverage
from scenarios.harness.drill import Drill
from scenarios.harness.miscount import TokensMiscounted
from scenarios.harness.naive import ALL_CONTROLS, BESIDE_THE_STACK
from scenarios.harness.sabotage import NoSabotage
from simulator.faults import CATALOGUE, Endpoint, Family, Fault, NoFault
from simulator.faults.batch_object import BatchFault
from simulator.faults.listing import ListFault
from simulator.faults.seams import LifecycleFault, WireFault

PREPARE, CREATE, LIST, WAIT, CANCEL = "prepare", "create", "list", "wait", "cancel"
ROWS, ANSWERS, DOWNLOAD, ANY = "rows", "answers", "download", "any call"
MOMENTS = (PREPARE, CREATE, LIST, WAIT, CANCEL, ROWS, ANSWERS, DOWNLOAD, ANY)
"""When something goes wrong, in the order of a job's life; `rows` and `answers` are what a request
comes to, `download` is how one hears of it."""

_BY_ENDPOINT = {
    Endpoint.COUNT_TOKENS: PREPARE,
    Endpoint.CREATE: CREATE,
    Endpoint.LIST: LIST,
    Endpoint.RETRIEVE: WAIT,
    Endpoint.CANCEL: CANCEL,
    Endpoint.RESULTS: DOWNLOAD,
}
_BY_FAMILY = {Family.ROWS: ROWS, Family.ANSWERS: ANSWERS, Family.RESULTS_FILE: DOWNLOAD}


def moment_of(fault: Fault) -> str:
    """When a fault strikes, as it is set in a drill."""
    if isinstance(fault, LifecycleFault):
        return CANCEL if fault.moment == "cancel" else WAIT
    if isinstance(fault, WireFault) and fault.on is not None:
        return _BY_ENDPOINT.get(fault.on, ANY)
    if isinstance(fault, ListFault):
        return LIST
    if isinstance(fault, TokensMiscounted):
        return PREPARE
    if isinstance(fault, BatchFault):
        return WAIT
    return _BY_FAMILY.get(fault.family, ANY)


def coverage_of(drills: Sequence[Drill]) -> Coverage:
    """What these drills cover, against the whole catalogue and all controls."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for drill in drills:
        wrong = [(fault.name, moment_of(fault)) for fault in drill.faults]
        wrong += [(type(act).__name__, PREPARE) for act in drill.sabotage]
        for control in drill.control_types:
            for what, moment in dict.fromkeys(wrong):
                found.setdefault((what, moment, control.__name__), []).append(drill.name)
    neutral = {NoFault.__name__, NoSabotage.__name__}
    faults = [name for name in CATALOGUE if name not in neutral]
    everything = (*ALL_CONTROLS, *BESIDE_THE_STACK)
    controls = [kind.__name__ for kind in everything]
    places = {name: place for place, name in enumerate([*faults, *controls])}
    cells = tuple(
        Cell(what, moment, control, tuple(names))
        for (what, moment, control), names in sorted(
            found.items(),
            key=lambda item: (
                MOMENTS.index(item[0][1]),
                places.get(item[0][0], -1),
                item[0][0],
                places.get(item[0][2], -1),
            ),
        )
        if what not in neutral
    )
    struck, held = (
        {cell.fault for cell in cells},
        {kind for d in drills for kind in d.control_types},
    )
    return Coverage(
        cells,
        faults=len(faults),
        controls=len(controls),
        open_faults=tuple(name for name in faults if name not in struck),
        open_controls=tuple(kind.__name__ for kind in everything if kind not in held),
    )
