"""The words of the console in other languages: all there, none too many, and none that breaks."""

import pytest

from notify.alerts import hazards
from notify.console.sentences import in_words
from notify.console.words import catalogue, spoken, titles, words
from subscribers.matched import Left
from tests.console.staff_factory import House
from tests.console.vocabulary import POT, fields, pot, sources

OTHERS = tuple(language for language in spoken() if language != "en")


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_of_the_console_is_there_and_no_other(language: str) -> None:
    there, needed = set(catalogue(language)), sources()
    assert sorted(needed - there) == [], f"missing in {language}"
    assert sorted(there - needed) == [], f"obsolete in {language}"


def test_a_new_language_begins_from_the_words_of_now() -> None:
    assert POT.read_bytes() == pot(), "run: .venv/bin/python -m tests.console.vocabulary"


@pytest.mark.parametrize("language", OTHERS)
def test_every_danger_has_the_title_that_residents_read(language: str) -> None:
    assert set(titles(language)) == {hazard.title for hazard in hazards.catalogue().values()}


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_fields_of_their_source(language: str) -> None:
    for source, text in catalogue(language).items():
        assert fields(text) == fields(source), source


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language: str) -> None:
    assert {source for source, text in catalogue(language).items() if source == text} <= {"GeoJSON"}


def test_an_unknown_language_speaks_english() -> None:
    assert words("de").say("Sign in") == "Sign in"


@pytest.mark.asyncio(loop_scope="module")
async def test_the_console_is_read_in_the_language_chosen_at_its_foot(house: House) -> None:
    browser = await house.signed_in("author")
    page = await browser.get("/alerts/new")
    assert 'lang="en" dir="ltr"' in page.text
    page = await browser.post("/language", {"language": "ar", "next": "/alerts/new"})
    assert 'lang="ar" dir="rtl"' in page.text and "bootstrap.rtl.min.css" in page.text
    assert words("ar").say("What is the danger?") in page.words and titles("ar")["Boil tap water"] in page.words
    page = await browser.post("/language", {"language": "xx", "next": "/"})
    assert 'lang="en" dir="ltr"' in page.text


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("reason", [reason.name.lower().replace("_", " ") for reason in Left])
def test_why_somebody_was_left_out_is_said_in_the_readers_language(reason: str, language: str) -> None:
    spoken_there = words(language)
    said = in_words(f"left out: {reason}", spoken_there)
    assert said == spoken_there.say("left out: {reason}", reason=spoken_there.messages[reason])
    assert reason not in said
