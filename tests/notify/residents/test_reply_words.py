"""The word that gets more help: offered where a text has room for it, and always one that the dialog answers."""

from dataclasses import replace
from functools import cache

import pytest

from channels.text import measure
from notify.alerts.alert import Mode, Stage, Wording
from notify.alerts.hazards import catalogue
from notify.residents.live import topic_pages
from notify.wording.render import Rendering, render
from notify.wording.topics import STAGES
from notify.wording.words import Words
from subscribers.dialog import lexicon
from subscribers.dialog.intent import Kind
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.reading import read
from tests.notify.factories import an_event
from tests.notify.subjects import TAGS, TEMPLATES, a_subject, the_words

OFFERING = (Wording.FIRST, Wording.SHORT, Wording.UPDATE)


@cache
def known() -> Lexicon:
    return lexicon.load(TEMPLATES / "dialog" / "vocabulary")


ANSWERED = {  # hazards whose first word has pages of its own; the others answer with the alert's text
    "boil_water", "do_not_drink", "do_not_use", "water_main_break", "structure_fire", "earthquake", "extreme_heat",
    "winter_storm", "power_outage", "disease_outbreak", "sewage_or_algae",
}  # fmt: skip


def said(place: str = "Lents", stage: Stage = Stage.FIRST, hazard: str = "boil_water", words: Words | None = None) -> Rendering:
    word = next(iter(catalogue()[hazard].topics), "")
    return render(
        a_subject(hazard, stage, reply_word=word, place={"en": place}), words or the_words(), (), TAGS, allow_drafts=True
    )


def offers(rendering: Rendering, word: str = "WATER") -> set[str]:
    """The keys of the texts whose last line names the word."""
    last = {key: content.body.rpartition("\n")[2] for key, content in rendering.contents.items() if key.startswith("sms/")}
    return {key for key, line in last.items() if word in line and "alerts.example.gov" not in line}


def test_most_languages_have_room_for_it_where_names_are_short() -> None:
    found = {key.rpartition("/")[2] for key in offers(said()) if key.startswith("sms/first/")}
    assert {"en", "es", "vi", "zh-Hant", "ru", "ro", "so", "ja", "ko"} <= found


@pytest.mark.parametrize("place", ["Lents", "Outer East Portland", "Portland", "Northwest Heights and Forest Park"])
@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE])
def test_it_never_costs_a_part(place: str, stage: Stage) -> None:
    with_it, without = (
        said(place, stage),
        render(a_subject(stage=stage, place={"en": place}), the_words(), (), TAGS, allow_drafts=True),
    )
    for key, size in with_it.measures.items():
        assert size.parts == without.measures[key].parts, key


@pytest.mark.parametrize("language", TAGS)
def test_a_boil_water_notice_has_two_parts_at_most_with_the_word_or_without(language: str) -> None:
    for place in ("Lents", "Outer East Portland"):
        assert measure(said(place).contents[f"sms/first/{language}"].body).parts <= 2


@pytest.mark.parametrize("hazard", [key for key, hazard in catalogue().items() if hazard.topics])
def test_every_word_of_a_hazard_is_understood_as_its_topic(hazard: str) -> None:
    for word in catalogue()[hazard].topics:
        for typed in (word, word.lower(), f"{word} 2"):
            reading = read(typed, known())
            assert (reading.kind, reading.label) == (Kind.TOPIC, word)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("hazard", [key for key, hazard in catalogue().items() if hazard.topics])
def test_every_word_that_is_published_is_answered_with_pages_in_the_readers_language(hazard: str, stage: Stage) -> None:
    rendering = said(hazard=hazard, stage=stage)
    event = an_event(contents=rendering.contents)
    word = catalogue()[hazard].topics[0]
    offered = offers(rendering, word)
    for key in offered:
        language = key.rpartition("/")[2].removesuffix("-x-plain")
        assert topic_pages(event, word, language), key
        assert key.split("/")[1] in OFFERING
    assert bool(offered) == (hazard in ANSWERED and stage in STAGES)


def test_a_language_without_pages_is_offered_none() -> None:
    words = the_words()
    kept = {context: text for context, text in words.translations["ru"].items() if not context.startswith("topic.")}
    rendering = said(words=replace(words, translations={**words.translations, "ru": kept}))
    readers = {key.rpartition("/")[2] for key in offers(rendering)}
    assert "ru" not in readers and "vi" in readers


def test_an_exercise_offers_it_too_where_there_is_room() -> None:
    rendering = render(
        a_subject(mode=Mode.TRAINING, reply_word="WATER", place={"en": "Lents"}), the_words(), (), TAGS, allow_drafts=True
    )
    assert all(measure(rendering.contents[key].body).parts == rendering.measures[key].parts for key in offers(rendering))
