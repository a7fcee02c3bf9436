"""The forms of an alert for others to send, show or read out: short enough, in letters that arrive, and never cut in a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Content
from channels.text import Encoding, measure
from notify.alerts import hazards
from notify.alerts.copy_pack import SIGN_LETTERS, SIGN_LINES, Copy, pack
from tests.notify.factories import a_square, an_event, an_info

TEXT = (
    "Portland Water: BOIL TAP WATER 1 full minute before drinking, cooking, brushing teeth or making ice. Portland, from now "
    "until we say it is safe.\nalerts.example.gov/a/K7Q2X\nReply WATER for help"
)


def of(event: object) -> dict[str, Copy]:
    return {copy.name: copy for copy in pack(event)}  # type: ignore[arg-type]


def test_a_boil_water_notice_in_six_forms() -> None:
    content = Content(key="sms/first/en", language="en", body=TEXT)
    info = an_info(event="Boil tap water", headline="Boil tap water in all of Portland until we say it is safe")
    event = an_event(
        contents={"sms/first/en": content},
        infos=(info,),
        areas=(a_square("Portland"),),
        web="https://alerts.example.gov/a/K7Q2X",
    )
    found = of(event)
    assert (
        found["WEA, 90 characters"].text
        == "Boil tap water in all of Portland until we say it is safe. alerts.example.gov/a/K7Q2X"
    )
    assert "Reply WATER" not in found["WEA, 360 characters"].text and "BOIL TAP WATER" in found["WEA, 360 characters"].text
    assert found["Road sign"].text.split("\n")[:2] == ["BOIL TAP WATER", "PORTLAND"]
    assert "alerts.example.gov" not in found["To be read out"].text
    assert found["Social post"].text.endswith("https://alerts.example.gov/a/K7Q2X")
    assert not any(copy.problem for copy in found.values())


@pytest.mark.parametrize("key", list(hazards.catalogue()))
def test_every_hazard_fits_every_form(key: str) -> None:
    hazard = hazards.catalogue()[key]
    info = an_info(event=hazard.title, headline=f"{hazard.title} in Lents and Powellhurst-Gilbert until further notice today")
    for copy in pack(an_event(hazard=key, infos=(info,))):
        assert copy.text and not copy.problem
        assert not copy.limit or len(copy.text) <= copy.limit
    sign = of(an_event(hazard=key, infos=(info,)))["Road sign"].text.split("\n")
    assert len(sign) <= SIGN_LINES and all(len(line) <= SIGN_LETTERS for line in sign)


@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=60))
def test_what_cannot_be_pasted_says_so(headline: str, event: str) -> None:
    for copy in pack(an_event(infos=(an_info(headline=headline, event=event),), contents={})):
        if copy.name.startswith("WEA") and not copy.problem:
            assert len(copy.text) <= copy.limit and measure(copy.text).encoding is Encoding.GSM_7
