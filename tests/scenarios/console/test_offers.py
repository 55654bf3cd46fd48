"""What can be injected: each fault of the catalogue by its form, presets, faults of drills."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.harness.console.offers import Offers
from scenarios.harness.console.refusal import Refused
from scenarios.harness.discovery import all_drills
from simulator import hours
from simulator.faults import (
    CATALOGUE,
    PRESETS,
    Endpoint,
    LostReply,
    Overloaded,
    RowsErrored,
    Window,
)

OFFERS = Offers(lambda: list(all_drills()))
FAULTS = {
    fault["name"]: fault for family in OFFERS.document["families"] for fault in family["faults"]
}


def read(name: str, **settings: str) -> Any:
    """The fault of a filled form."""
    (fault,) = OFFERS.find({"fault": name, "settings": settings}).faults
    return fault


def test_the_whole_catalogue_is_offered_with_all_settings() -> None:
    """Each fault, with a sentence, and a field for each setting."""
    assert CATALOGUE.keys() - {"NoFault"} == FAULTS.keys()
    assert not [name for name, fault in FAULTS.items() if not fault["says"]]
    names = {setting["name"] for setting in FAULTS["Overloaded"]["settings"]}
    assert {"on", "share", "times", "during", "spare_batches", "calls"} <= names


@pytest.mark.parametrize("name", FAULTS)
def test_a_form_with_its_defaults_makes_the_fault(name: str) -> None:
    """What the page shows as a default can be typed in as it stands."""
    fault = FAULTS[name]
    typed = {
        setting["name"]: setting["default"].strip("[]")
        for setting in fault["settings"]
        if setting["default"]
    }
    needed = {
        setting["name"]: "0.5" if setting["hint"].startswith(("0 to 1", "a number")) else "1"
        for setting in fault["settings"]
        if setting["required"]
    } | ({"after_share": "0.5"} if name == "Stall" else {})

    made = read(name, **typed, **needed)

    assert (name, made) == (type(made).__name__, read(name, **needed))


def test_settings_are_read_by_their_kind() -> None:
    """Texts, numbers, lists, times, windows and endpoints; an empty field is its default."""
    made = read("Overloaded", on="list", share="0.25", times="3", during="1h..2h", calls="1, 2")

    assert made == Overloaded(
        Endpoint.LIST, share=0.25, times=3, during=Window(hours(1), hours(2)), calls=(1, 2)
    )
    assert read("LostReply", on="", times=" ") == LostReply()
    assert read("RowsErrored", share="1", custom_ids="a, b") == RowsErrored(
        1, custom_ids=("a", "b")
    )


@pytest.mark.parametrize(
    ("name", "settings", "field", "says"),
    [
        ("Overloaded", {"share": "7"}, "share", "Use 0 to 1."),
        ("Overloaded", {"times": "two"}, "times", "Write a whole number."),
        ("Overloaded", {"times": "0"}, "times", "Use 1 or more"),
        ("Overloaded", {"on": "lst"}, "on", "Did you mean 'list'?"),
        ("Overloaded", {"during": "tomorrow"}, "during", "such as 0s..1h"),
        ("RowsErrored", {}, "share", "This one is needed."),
        ("RowsErrored", {"share": "9" * 900}, "share", "at most"),
        ("Stall", {"lasting": "long"}, "lasting", "such as 90s or 25h"),
    ],
)
def test_a_wrong_setting_is_told_beside_its_field(
    name: str, settings: dict[str, str], field: str, says: str
) -> None:
    """With the way out."""
    with pytest.raises(Refused) as refused:
        read(name, **settings)

    assert says in refused.value.fields[field]


def test_all_wrong_settings_are_told_at_once() -> None:
    """Not one after the other."""
    with pytest.raises(Refused) as refused:
        read("Overloaded", times="x", during="y", on="z")

    assert {"times", "during", "on"} == refused.value.fields.keys()


@pytest.mark.parametrize(
    "asked",
    [
        None,
        {},
        {"fault": "NoFault", "settings": {}},
        {"fault": "Overloded", "settings": {}},
        {"fault": "Overloaded", "settings": {"colour": "red"}},
        {"fault": "Overloaded", "settings": []},
        {"preset": "fine day"},
        {"drill": "nothing_of_the_kind"},
        {"drill": "wrong_column_stops_at_the_canary"},
    ],
)
def test_what_there_is_not_is_refused(asked: object) -> None:
    """A drill whose trouble lies on the user's side has nothing for the service to do."""
    with pytest.raises(Refused):
        OFFERS.find(asked)


def test_presets_and_drills_are_one_click() -> None:
    """All their faults in one incident."""
    assert OFFERS.find({"preset": "bad day"}).faults == PRESETS["bad day"]
    drills = [drill["name"] for drill in OFFERS.document["drills"]]
    assert len(drills) > 50
    for name in drills:
        assert OFFERS.find({"drill": name}).faults, name
