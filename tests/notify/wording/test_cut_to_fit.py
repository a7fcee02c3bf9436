"""Orders to leave and to stay inside: who, what and where always; the rest by its weight, as far as two parts hold it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import measure
from notify.alerts.alert import Stage, Wording
from notify.wording import samples
from notify.wording.fallback import Desk, Step, _fullest
from notify.wording.guidance import BadGuidance, check
from notify.wording.reviews import arrange
from notify.wording.words import fill
from tests.notify.subjects import TAGS, TEMPLATES, the_words

DANGERS = {  # hazard -> the message that says why, in texts
    "wildfire_leave_now": "evacuate_now.danger.wildfire",
    "gas_leak": "evacuate_now.said.gas",
    "dam_failure": "evacuate_now.said.dam",
    "toxic_release": "stay_inside.danger.toxic",
    "ashfall": "stay_inside.said.ash",
    "smoke": "stay_inside.said.smoke",
}
ROAD = "NW St Helens Rd"


def first(hazard: str, language: str, **more: str) -> str:
    words = the_words()
    subject = samples.subject(words, hazard, Stage.FIRST, list(TAGS))
    subject = replace(subject, slots={**subject.slots, **more})
    desk = Desk(subject=subject, words=words, reviewed=arrange(()), allow_drafts=True)
    return desk.say("sms.txt", Wording.FIRST, language).text


@pytest.mark.parametrize("hazard", DANGERS)
@pytest.mark.parametrize("language", TAGS)
def test_a_first_text_names_place_and_danger_in_two_parts_of_every_language(hazard: str, language: str) -> None:
    text = first(hazard, language)
    assert measure(text).parts <= 2 and "Outer East Portland" in text
    assert (the_words().text(DANGERS[hazard], language) or "-") in text


@pytest.mark.parametrize("language", TAGS)
def test_a_gas_leak_says_no_sparks_in_every_language(language: str) -> None:
    assert (the_words().text("evacuate_now.do.spark", language) or "-") in first("gas_leak", language)


@pytest.mark.parametrize("hazard", ["wildfire_leave_now", "gas_leak", "dam_failure"])
@pytest.mark.parametrize("language", TAGS)
def test_a_road_that_must_not_be_used_comes_before_all_that_can_be_left_out(hazard: str, language: str) -> None:
    text = first(hazard, language, avoid=ROAD)
    assert measure(text).parts <= 2
    assert fill(the_words().text("evacuate_now.do.avoid", language) or "-", {"avoid": ROAD}) in text


@pytest.mark.parametrize("language", TAGS)
def test_names_as_long_as_they_may_be_leave_no_gap_where_nothing_more_fits(language: str) -> None:
    text = first("dam_failure", language, toward="Northeast Martin Luther King Junior Blvd", avoid="")
    assert "  " not in text and " \n" not in text


def test_a_language_that_lacks_the_road_sentence_does_not_give_the_order_without_it() -> None:
    words = the_words()
    lacking = {context: text for context, text in words.translations["ru"].items() if context != "evacuate_now.do.avoid"}
    words = replace(words, translations={**words.translations, "ru": lacking})
    subject = samples.subject(words, "wildfire_leave_now", Stage.FIRST, list(TAGS))
    for slots, step in ((subject.slots, Step.OWN), ({**subject.slots, "avoid": ROAD}, Step.GENERIC)):
        desk = Desk(subject=replace(subject, slots=slots), words=words, reviewed=arrange(()), allow_drafts=True)
        assert desk.say("sms.txt", Wording.FIRST, "ru").step is step


@given(st.lists(st.text("ab", min_size=1, max_size=90), max_size=6), st.integers(1, 3), st.booleans())
def test_whatever_still_fits_is_said_and_nothing_that_does_not(found: list[str], most: int, least: bool) -> None:
    said: list[str] = []

    def holding(sentences: list[str]) -> str:
        said[:] = sentences
        return f"City: {' '.join(sentences)}"

    text = _fullest(holding, found, most, least=least) or ""  # type: ignore[arg-type]
    kept = text.removeprefix("City: ").split()
    left = iter(found)
    assert all(one in left for one in kept)  # in their order
    assert measure(text).parts <= most or kept == found[:1]
    if len(kept) < len(found) and measure(text).parts <= most and found[: len(kept)] == kept:
        assert measure(f"{text} {found[len(kept)]}").parts > most


def test_a_sentence_that_is_not_there_is_named_before_anything_is_said() -> None:
    with pytest.raises(BadGuidance, match="first of evacuate_now names do_fly"):
        check(TEMPLATES, {"evacuate_now": {"first": ["do_fly"]}})
