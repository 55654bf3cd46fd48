"""`python -m tests.controls.crash`: kill workers at every durable step, and say what came of it.

Exit code 1 if something did not hold, or if a step of a life without a kill was left out.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Hashable

import msgspec

from tests import postgres
from tests.controls.crash.on_postgres import sweep_on
from tests.controls.crash.plots import PLOTS
from tests.controls.crash.sweep import First, Report, Second, sweep


def main() -> int:
    """Sweep all plots, or some of them by their place in the list."""
    parser = argparse.ArgumentParser(description="Kill workers at every durable step.")
    add = parser.add_argument
    add("--json", action="store_true", help="the report as JSON")
    add("--plot", type=int, action="append", help="only this one, from 0 [default: all]")
    add(
        "--first",
        choices=[*First],
        default=First.ALL,
        help="kill one worker of each plot, one at each kind of step, or one at each step "
        "[default: %(default)s]",
    )
    add(
        "--second",
        choices=[*Second],
        default=Second.EACH,
        help="kill recovering workers too: one at each kind of step, the same after each kind of "
        "first kill, or all [default: %(default)s]",
    )
    add("--store", choices=("sqlite", "postgresql"), default="sqlite", help="[default: sqlite]")
    chosen = parser.parse_args()
    first, second, covered = First(chosen.first), Second(chosen.second), set[Hashable]()
    plots = [PLOTS[place] for place in chosen.plot or range(len(PLOTS))]
    if chosen.store == "postgresql":
        with postgres.server() as server:
            sweeps = [sweep_on(server, plot, first, second, covered) for plot in plots]
    else:
        gc.disable()  # a look for garbage touches all memory, and each copy would get its own
        sweeps = [sweep(plot, first, second, covered) for plot in plots]
    report = Report.of(sweeps)
    said = msgspec.json.encode(report).decode() if chosen.json else report.text()
    sys.stdout.write(f"{said}\n")
    missed = first is First.ALL and report.kills < report.all_kills
    missed |= first is First.EACH and bool(report.left_out)
    missed |= second is not Second.NONE and bool(report.left_out_again)
    return int(bool(report.wrong or missed))


if __name__ == "__main__":
    sys.exit(main())
