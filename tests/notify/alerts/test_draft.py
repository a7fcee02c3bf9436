"""A draft as people write it: every mistake is a sentence that names its field, and all come at once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.draft import BadDraft, Draft, read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def problems(**given: Any) -> list[str]:
    with pytest.raises(BadDraft) as refused:
        read({"hazard": "flood"} | given)
    return refused.value.problems


@pytest.mark.parametrize("text", ["2014-05-23T08:15-07:00", "2014-05-23 08:15-07:00", "2014-05-23T15:15Z"])
def test_a_time_is_read_as_people_write_it(text: str) -> None:
    assert read({"hazard": "flood", "learned_at": text}).learned_at == datetime(2014, 5, 23, 15, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"learned_at": "2014-05-23T08:15"}, "learned_at: needs a time zone"),
        ({"learned_at": "0001-01-01T00:00+14:00"}, "learned_at: lies outside of the calendar"),
        ({"expires": "9999-12-31T23:59-12:00"}, "expires: lies outside of the calendar"),
        ({"colour": "red"}, "colour: there is no such field"),
        ({"stage": "panic"}, "stage:"),
        ({"channels": ["pigeon"]}, "channels.0:"),
        ({"channels": ["sms", "sms"]}, "channels names one twice"),
        ({"area": {"names": ["Lents"], "circle": {"lat": 45, "lon": -122, "radius_m": 5}}}, "not names and circle"),
        ({"area": {"circle": {"lat": 45, "lon": -122, "radius_m": 5}}}, "words must say how the drawn area is called"),
        ({"area": {"circle": {"lat": float("nan"), "lon": -122, "radius_m": 5}, "words": "x"}}, "area.circle.lat"),
        ({"effective": "2014-05-23T15:15Z", "expires": "2014-05-23T15:15Z"}, "expires must lie after effective"),
        ({"not_before": "2014-05-23T15:15Z", "not_after": "2014-05-23T15:00Z"}, "not_after must lie after not_before"),
        ({"note": "x" * 501}, "note:"),
        ({"expected_people": -1}, "expected_people:"),
        ({"until": "forever"}, "until:"),
    ],
)
def test_a_mistake_names_its_field(given_: dict[str, Any], sentence: str) -> None:
    (problem,) = problems(**given_)
    assert sentence in problem


def test_all_mistakes_come_at_once() -> None:
    assert len(problems(stage="panic", colour="red", learned_at="noon", until="x", area={"circle": {"lat": 99}})) >= 6


@given(st.dictionaries(st.sampled_from([*Draft.model_fields, "other"]), JSON))
def test_whatever_is_given_is_a_draft_or_sentences(given_: dict[str, Any]) -> None:
    try:
        draft = read(given_)
    except BadDraft as refused:
        assert refused.problems and all(refused.problems)
    else:
        assert Draft.model_validate_json(draft.model_dump_json()).hazard == draft.hazard
