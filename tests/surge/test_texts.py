"""Texts to callers: in their language within one part, never a mixture, and never an all clear."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.base import Content, Handed, Outcome
from channels.text import Encoding, encoding, measure, parts
from notify.wording.reviews import approve, arrange
from surge.floor.air import Air
from surge.floor.callback import Promise
from surge.floor.orders import Word
from surge.floor.texts import CONTEXTS, CallerTexts, Texts, texts
from surge.voice.prompts import Prompt
from tests.notify.newsroom_factory import an_assembly
from tests.notify.subjects import TAGS, the_words
from tests.surge.phone_fake import AIR
from tests.surge.voice_factory import NOON

SPANISH = replace(AIR, messages={**AIR.messages, "es": Prompt(language="es", words="Hierva el agua 1 minuto.")})
SOON = Promise(begins=NOON, ends=NOON + timedelta(minutes=20))
DRAFTS = texts(the_words(), arrange([]), allow_drafts=True)
SITE = replace(an_assembly().site, languages=tuple(TAGS))
PLAIN = ("en", "es", "so")  # written in GSM-7


async def sent(air: Air, language: str, what: Word, promise: Promise | None = None, may: Texts = DRAFTS) -> tuple[str, Content]:
    found: list[tuple[str, Content]] = []

    async def send(channel: str, address: str, content: Content, ours: str) -> Outcome:
        found.append((address, content))
        return Handed("SM1")

    await CallerTexts(site=SITE, send=send, air=lambda: air, texts=lambda: may)("+15035550142", language, what, promise)
    return found[0]


async def test_the_guide_is_what_the_city_says_in_the_caller_s_language_with_the_page() -> None:
    address, content = await sent(SPANISH, "es", Word.GUIDE)
    assert address == "+15035550142"
    assert content.body.startswith("Hierva el agua 1 minuto. ") and content.body.endswith("/es/")
    _, content = await sent(SPANISH, "vi", Word.GUIDE)
    assert content.language == "en" and content.body.startswith("Boil tap water") and content.body.endswith("/vi/")


async def test_a_promise_is_told_with_its_day_and_both_times() -> None:
    _, content = await sent(AIR, "en", Word.PROMISE, SOON)
    assert "between Mon 12:00 PM and 12:20 PM" in content.body and "place in line is kept" in content.body
    _, content = await sent(AIR, "es", Word.PROMISE, SOON)
    assert "le llamaremos entre lun 12:00 p.m. y 12:20 p.m." in content.body


@pytest.mark.parametrize("language", TAGS)
@pytest.mark.parametrize("what", list(Word))
async def test_every_text_is_in_the_caller_s_language_names_the_city_and_is_one_part(what: Word, language: str) -> None:
    """On every day of the week, whose names are of different lengths."""
    for day in range(7):
        promise = Promise(begins=SOON.begins + timedelta(days=day), ends=SOON.ends + timedelta(days=day))
        _, content = await sent(replace(AIR, messages={}), language, what, promise)
        assert content.language == language and "City of Portland" in content.body and "%(" not in content.body
        assert parts(content.body) == 1, (measure(content.body), content.body)
        assert (encoding(content.body) is Encoding.GSM_7) == (language in PLAIN)


@pytest.mark.parametrize("what", list(Word))
async def test_no_english_text_is_an_all_clear_and_all_lead_to_the_page(what: Word) -> None:
    _, content = await sent(replace(AIR, messages={}), "en", what, SOON)
    assert content.body.endswith("\nalerts.example.gov/en/")
    assert not {"over", "safe", "ended", "lifted"} & set(content.body.lower().replace(".", " ").split())


@pytest.mark.parametrize("language", TAGS)
async def test_in_an_exercise_every_text_says_so_first_in_the_same_language(language: str) -> None:
    _, content = await sent(replace(AIR, drill=True, messages={}), language, Word.LATE)
    assert content.body.startswith(the_words().text("line.exercise", language) or "?") and content.language == language


async def test_words_that_nobody_has_reviewed_come_in_english_whole() -> None:
    """With the page in their language; and as soon as a reader has said yes, in theirs."""
    words = the_words()
    none = texts(words, arrange([]), allow_drafts=False)
    _, content = await sent(AIR, "es", Word.LATE, may=none)
    assert content.language == "en" and content.body.startswith("City of Portland: we are late")
    assert content.body.endswith("/es/")
    approved = arrange([approve(words, "callers.late", "es", reviewer="a native reader", at=NOON)])
    _, content = await sent(AIR, "es", Word.LATE, may=texts(words, approved, allow_drafts=False))
    assert content.language == "es" and "en menos de una hora" in content.body
    _, content = await sent(replace(AIR, drill=True), "es", Word.LATE, may=texts(words, approved, allow_drafts=False))
    assert content.language == "en", "the exercise's line is not reviewed in Spanish: no text mixes languages"


def test_there_are_words_for_everything_that_may_be_texted() -> None:
    assert set(CONTEXTS) == set(Word) and set(CONTEXTS.values()) <= set(DRAFTS["en"])
