from dataclasses import replace
from datetime import timedelta

import pytest

from channels.base import Content, Handed, Outcome
from surge.floor.air import Air
from surge.floor.callback import Promise
from surge.floor.orders import Word
from surge.floor.texts import CallerTexts
from surge.voice.prompts import Prompt
from tests.notify.newsroom_factory import an_assembly
from tests.surge.phone_fake import AIR
from tests.surge.voice_factory import NOON

SPANISH = replace(AIR, messages={**AIR.messages, "es": Prompt(language="es", words="Hierva el agua 1 minuto.")})
SOON = Promise(begins=NOON, ends=NOON + timedelta(minutes=20))


async def sent(air: Air, language: str, what: Word, promise: Promise | None = None) -> tuple[str, Content]:
    found: list[tuple[str, Content]] = []

    async def send(channel: str, address: str, content: Content, ours: str) -> Outcome:
        found.append((address, content))
        return Handed("SM1")

    await CallerTexts(site=an_assembly().site, send=send, air=lambda: air)("+15035550142", language, what, promise)
    return found[0]


async def test_the_guide_is_what_the_city_says_in_the_caller_s_language_with_the_page() -> None:
    address, content = await sent(SPANISH, "es", Word.GUIDE)
    assert address == "+15035550142"
    assert content.body.startswith("Hierva el agua 1 minuto. ") and content.body.endswith("/es/")


async def test_a_promise_is_told_with_its_day_and_both_times() -> None:
    _, content = await sent(AIR, "en", Word.PROMISE, SOON)
    assert "between Monday, November 23, 12:00 PM and 12:20 PM" in content.body and "place in line is kept" in content.body


@pytest.mark.parametrize("what", list(Word))
async def test_every_text_names_the_city_and_the_page(what: Word) -> None:
    _, content = await sent(replace(AIR, messages={}), "es", what, SOON)
    assert content.body.startswith("City of Portland: ") and "/es/" in content.body
    assert "over" not in content.body.replace("recover", ""), "no text of ours is an all clear"


async def test_in_an_exercise_every_text_says_so_first() -> None:
    _, content = await sent(replace(AIR, drill=True), "en", Word.LATE)
    assert content.body.startswith("EXERCISE, not real. ")
