"""Breaking the glass: only words and areas that the policy names, only with a reason, and never quietly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Stage
from notify.alerts.draft import Draft
from notify.alerts.glass import Glass, problems

REASON = "The approver does not answer and the fire is at Linnton."
FIRE = Glass(hazard="wildfire_leave_now", areas=("Linnton", "Lents"), slots={"danger": "wildfire"}, typed=("toward",))


def a_draft(**given: object) -> Draft:
    usual = {
        "hazard": "wildfire_leave_now",
        "area": {"names": ["Linnton"]},
        "slots": {"danger": "wildfire", "toward": "NW Front Ave"},
    }
    return Draft.model_validate(usual | given)


def test_what_the_policy_names_may_be_sent_alone() -> None:
    assert problems([FIRE], a_draft(), REASON) == []


@pytest.mark.parametrize(
    "given",
    [
        {"hazard": "boil_water"},
        {"area": {"names": ["Linnton", "Portland"]}},
        {"area": {"names": []}},
        {"area": {"circle": {"lat": 45.5, "lon": -122.6, "radius_m": 900}, "words": "here"}},
        {"slots": {"danger": "gas", "toward": "NW Front Ave"}},
        {"slots": {"danger": "wildfire", "news": "Run."}},
        {"stage": Stage.ALL_CLEAR},
        {"stage": Stage.UPDATE},
    ],
)
def test_anything_else_takes_two(given: dict[str, object]) -> None:
    assert problems([FIRE], a_draft(**given), REASON)


@given(st.text(max_size=9))
def test_no_reason_is_no_reason(reason: str) -> None:
    assert problems([FIRE], a_draft(), reason)


def test_without_such_a_policy_nobody_sends_alone() -> None:
    assert problems([], a_draft(), REASON)


def test_a_star_stands_for_areas_with_a_name_only() -> None:
    anywhere = Glass(hazard="wildfire_leave_now", areas=("*",), slots={"danger": "wildfire"}, typed=("toward",))
    assert problems([anywhere], a_draft(area={"names": ["Portland"]}), REASON) == []
    drawn = {"circle": {"lat": 45.5, "lon": -122.6, "radius_m": 900}, "words": "here"}
    assert problems([anywhere], a_draft(area=drawn), REASON)
