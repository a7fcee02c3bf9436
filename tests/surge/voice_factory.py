"""Calls and what they meet, for tests of the telephone flow; and a reader of what a caller would hear."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from xml.etree import ElementTree

from notify import data
from notify.wording import words
from notify.wording.reviews import arrange
from surge import pack
from surge.floor.callback import Promise
from surge.floor.queue import Told
from surge.pack import Pack, Shape
from surge.voice import prompts
from surge.voice.prompts import Prompt, Speech
from surge.voice.voice import Call, Heard, Reply, Scene, Zips, heard, rang
from tests.notify.newsroom_factory import PACK

CALLER = "+15035550142"
NOON = datetime(2026, 11, 23, 20, tzinfo=UTC)  # a Monday
SUNDAY_3_AM = datetime(2026, 11, 22, 11, tzinfo=UTC)
ZIPS = Zips(inside=frozenset({"97214"}), edge=frozenset({"97206"}), outside=frozenset({"97204"}))
SITUATION = "Boil tap water for 1 minute before you drink it, in all of Portland east of the river. We speak again at 4 PM."
SITUACION = "Hierva el agua del grifo 1 minuto antes de beberla, en Portland al este del río. Volvemos a informar a las 4 PM."


@cache
def portland() -> Pack:
    """The sample city with fewer languages: one that is spoken, one that has neither voice nor recording, and all others."""
    whole = pack.load(PACK)
    voices = {language: whole.voices[language] for language in ("en", "es")}
    return replace(whole, digits={"2": "es", "3": "so", "8": "und"}, voices=voices)


@cache
def speech() -> Speech:
    return prompts.speech(words.load(data.folder("templates")), arrange(()), portland(), allow_drafts=True)


def a_promise(now: datetime = NOON) -> Promise:
    return Promise(begins=now + timedelta(minutes=30), ends=now + timedelta(minutes=50))


def a_scene(shape: Shape = Shape.FULL_QUEUE, **given: Any) -> Scene:
    usual: dict[str, Any] = {
        "pack": replace(portland(), shape=shape),
        "activation_id": "A1",
        "level": 1,
        "drill": False,
        "messages": {"en": Prompt(language="en", words=SITUATION), "es": Prompt(language="es", words=SITUACION)},
        "waiting": 5,
        "before": 4,
        "wait": Told(low_min=10, high_min=15),
        "promise": a_promise(),
        "staffed": True,
        "partner": portland().partners[0],
        "now": NOON,
        "speech": speech(),
        "zips": ZIPS,
    }
    return Scene(**usual | given)


def a_call(**given: Any) -> Call:
    return Call(**{"call_sid": "CA1", "contact_id": "contact-1", "caller": CALLER} | given)


def pressed(scene: Scene, *keys: str, call: Call | None = None) -> Reply:
    """The answer after a ring and these keys; "" for none in time."""
    reply = rang(call or a_call(), scene)
    for key in keys:
        reply = heard(reply.call, Heard(digits=key), scene)
    return reply


def verbs(twiml: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(twiml))


def names(twiml: bytes) -> list[str]:
    return [verb.tag for verb in verbs(twiml)]


def utterances(twiml: bytes) -> Iterator[tuple[str, str]]:
    """(language, words) of everything that is said, in its order; a recording's address under ""."""
    for verb in ElementTree.fromstring(twiml).iter():
        if verb.tag in ("Say", "Play"):
            yield verb.get("language", ""), verb.text or ""


def said(twiml: bytes) -> str:
    return " | ".join(text for _, text in utterances(twiml))


def dialled(twiml: bytes) -> list[str]:
    return [str(target.text) for verb in verbs(twiml) if verb.tag == "Dial" for target in verb]
