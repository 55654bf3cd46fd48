"""Two overview charts, drawn by pygal, and the numbers behind them.

Of pygal's SVG only shapes and words are kept: no style, no script, no identifier and no address,
so that the page's Content-Security-Policy stays as strict as it is. The colours are those of the
page's own style, and the two arms differ in outline too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from xml.etree import ElementTree as ET

from markupsafe import Markup

from reports.drawing import load_pygal
from reports.model import ArmName, ArmReport, DrillReport, GameDayReport
from reports.phrases import harmed
from reports.untrusted import shown

MOST = 12
"""Bars of one chart; what is less stands in the table only."""
LABEL = 34
"""Characters of a label."""
WIDTH, BAR, FRAME = 560, 32, 12
"""Units of the drawing: its width, the height of a pair of bars, and what lies around them."""
BUCKETS = (
    ("under a minute", timedelta(minutes=1)),
    ("under an hour", timedelta(hours=1)),
    ("under 6 hours", timedelta(hours=6)),
    ("under 24 hours", timedelta(hours=24)),
    ("24 hours or more", timedelta.max),
)
NEVER = "nobody noticed"
KEPT = {"x", "y", "x1", "x2", "y1", "y2", "width", "height", "d", "transform", "text-anchor"}
CLASSES = {"serie-0", "serie-1", "value", "line", "guides", "axis"}
DROPPED = {"style", "script", "defs", "desc", "title"}
NUMBER = re.compile(r"\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """One label with the number of each of the two arms."""

    label: str
    bare: int
    guarded: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and the same as numbers for whoever does not see it."""

    title: str
    says: str
    """What it shows, in one sentence."""
    head: str
    """What the labels are, e.g. `Failure mode`."""
    drawing: Markup
    lines: tuple[Line, ...]


def charts(report: GameDayReport) -> list[Chart]:
    """How far the damage went, and how soon it was heard of; none where one drill is all."""
    pairs = [
        (drill, bare, guarded)
        for drill in report.drills
        if (bare := drill.arm(ArmName.BARE)) and (guarded := drill.arm(ArmName.GUARDED))
    ]
    if len(pairs) < 2:  # noqa: PLR2004 - a chart compares
        return []
    return [chart for chart in (_harm(pairs), _detection(pairs)) if chart]


Pairs = Sequence[tuple[DrillReport, ArmReport, ArmReport]]


def _harm(pairs: Pairs) -> Chart | None:
    """Rows wrong, lost or paid twice: by drill, or by failure mode where there are many drills."""
    few = len(pairs) <= MOST
    sums: dict[str, list[int]] = {}
    for drill, bare, guarded in pairs:
        both = sums.setdefault(drill.name if few else drill.failure_mode, [0, 0])
        both[0] += harmed(bare.blast)
        both[1] += harmed(guarded.blast)
    lines = [Line(label, bare, guarded) for label, (bare, guarded) in sums.items()]
    lines = sorted((line for line in lines if line.bare or line.guarded), key=_size, reverse=True)
    if not lines:
        return None
    bare, guarded = (sum(getattr(line, arm) for line in lines) for arm in ("bare", "guarded"))
    return Chart(
        "Rows harmed",
        f"Rows wrong in the system of record, lost or paid twice: {bare:,} without the controls, "
        f"{guarded:,} with them.",
        "Drill" if few else "Failure mode",
        _drawn(lines[:MOST]),
        tuple(lines),
    )


def _detection(pairs: Pairs) -> Chart | None:
    """How many drills were heard of within which time, in virtual time."""
    counts = {name: [0, 0] for name, _ in BUCKETS} | {NEVER: [0, 0]}
    for _, *arms in pairs:
        for place, arm in enumerate(arms):
            if arm.response.struck:
                counts[_bucket(arm.response.time_to_detect)][place] += 1
    lines = tuple(Line(name, bare, guarded) for name, (bare, guarded) in counts.items())
    if not any(line.bare or line.guarded for line in lines):
        return None
    silent = lines[-1]
    return Chart(
        "Time to detect",
        f"Drills by the virtual time from the first strike to the first sign that somebody had "
        f"noticed; nobody did in {silent.bare:,} without the controls, in {silent.guarded:,} with "
        "them.",
        "Noticed",
        _drawn(lines),
        lines,
    )


def _bucket(after: timedelta | None) -> str:
    if after is None:
        return NEVER
    return next(name for name, limit in BUCKETS if after < limit)


def _size(line: Line) -> tuple[int, int]:
    return max(line.bare, line.guarded), line.guarded


def _drawn(lines: Sequence[Line]) -> Markup:
    """A pair of bars for each line, the first at the top."""
    pygal = load_pygal()
    upwards = lines[::-1]
    chart = pygal.HorizontalBar(
        style=pygal.style.Style(label_font_size=13, value_font_size=12, value_label_font_size=12),
        width=WIDTH,
        height=FRAME + BAR * len(lines),
        spacing=8,
        margin=4,
        js=(),
        show_legend=False,
        show_x_guides=False,
        show_x_labels=False,
        print_values=True,
        print_values_position="top",
        print_zeroes=True,
        value_formatter=lambda number: f"{number:,.0f}",
        order_min=0,
        range=(0, 1.12 * max(max(_size(line)) for line in lines) or 1),
        truncate_label=-1,
        disable_xml_declaration=True,
    )
    chart.x_labels = [shown(line.label, LABEL) for line in upwards]
    chart.add("bare", [line.bare for line in upwards])
    chart.add("guarded", [line.guarded for line in upwards])
    return _stripped(chart.render(is_unicode=True))


def _stripped(svg: str) -> Markup:
    """The shapes and words of this drawing, and nothing else."""
    root = ET.fromstring(svg)  # noqa: S314 - made by pygal a moment ago, from escaped labels
    drawing = _element(root, _local)
    assert drawing is not None
    drawing.attrib = {
        "viewBox": root.attrib["viewBox"],
        "class": "chart",
        "aria-hidden": "true",
        "focusable": "false",
    }
    return Markup(ET.tostring(drawing, encoding="unicode"))  # noqa: S704 - ElementTree escapes


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _element(old: ET.Element, local: Callable[[str], str]) -> ET.Element | None:
    """A copy with the attributes that we know; None if nothing of it is to be seen."""
    tag = local(old.tag)
    classes = old.get("class", "").split()
    if tag in DROPPED or "background" in classes or "tooltip-overlay" in classes:
        return None
    kept = {name: NUMBER.sub(_short, value) for name, value in old.attrib.items() if name in KEPT}
    if known := [name for name in classes if name in CLASSES]:
        kept["class"] = " ".join(known)
    new = ET.Element(tag, kept)
    new.text = old.text and old.text.strip()
    new.extend(child for each in old if (child := _element(each, local)) is not None)
    return new if len(new) or new.text or tag in {"rect", "path"} else None


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}"
