"""A follow-up takes over what still holds, and says anew what was said for its moment."""

import pytest

from notify.alerts import followup
from notify.alerts.alert import Stage
from notify.alerts.draft import BadDraft, read
from tests.notify.newsroom_factory import a_draft

EARLIER = a_draft(
    short=True,
    slows=True,
    effective="2014-05-23T16:00Z",
    expires="2014-05-24T15:00Z",
    next_update_by="2014-05-23T20:00Z",
    not_before="2014-05-23T16:00Z",
    not_after="2014-05-23T17:00Z",
    note="Old.",
)


@pytest.mark.parametrize(("verb", "stage"), list(followup.STAGES.items()))
def test_times_schedule_and_note_are_said_anew(verb: str, stage: Stage) -> None:
    new = followup.draft(verb, EARLIER, "K7Q2X", {})
    assert (new.stage, new.incident) == (stage, "K7Q2X")
    assert [new.effective, new.expires, new.next_update_by, new.not_before, new.not_after, new.note] == [None] * 5 + [""]
    assert new.slows is False  # whoever says something new chooses it anew
    assert (new.hazard, new.area, new.channels, new.slots) == (EARLIER.hazard, EARLIER.area, EARLIER.channels, EARLIER.slots)


def test_slots_are_merged_and_null_takes_one_away() -> None:
    new = followup.draft("update", EARLIER, "K7Q2X", {"slots": {"samples": 5, "address": None}})
    assert new.slots == {**{k: v for k, v in EARLIER.slots.items() if k != "address"}, "samples": 5}


def test_another_danger_takes_over_nothing_that_was_said_of_the_first() -> None:
    new = followup.draft("update", EARLIER, "K7Q2X", {"hazard": "do_not_drink", "slots": {"cause": "possible"}})
    assert (new.hazard, new.slots, new.short, new.severity) == ("do_not_drink", {"cause": "possible"}, False, None)
    assert new.area == EARLIER.area


def test_a_new_area_replaces_the_old_one_whole() -> None:
    area = {"circle": {"lat": 45.5, "lon": -122.6, "radius_m": 500}, "words": "the park"}
    new = followup.draft("correct", EARLIER, "K7Q2X", {"area": area})
    assert new.area == read({"hazard": "flood", "area": area}).area


@pytest.mark.parametrize("name", ["stage", "incident"])
def test_stage_and_incident_are_not_for_choosing(name: str) -> None:
    with pytest.raises(BadDraft, match=f"{name}: is given by what you follow up"):
        followup.draft("update", EARLIER, "K7Q2X", {name: "other"})


@pytest.mark.parametrize("changes", [{"slots": ["a list"]}, {"slots": None}, {"colour": "red"}, {"expires": "soon"}])
def test_what_cannot_be_read_is_named(changes: dict[str, object]) -> None:
    with pytest.raises(BadDraft, match=next(iter(changes))):
        followup.draft("update", EARLIER, "K7Q2X", changes)
