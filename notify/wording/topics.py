"""What residents read who text a topic word of an alert: pages that are written, approved and frozen together with it.

A page is kept in the event's contents under "topic/WATER/2/es". A language has all pages of a topic or none; without them the
alert's own text in that language answers.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from channels.base import Content
from channels.text import parts, sanitise
from notify.alerts.alert import Mode, Stage
from notify.wording import guidance
from notify.wording.fallback import Desk
from notify.wording.phrasing import NotReady, blocks
from notify.wording.slots import ENGLISH

FORM: Final = "topics.txt"
STAGES: Final = frozenset({Stage.FIRST, Stage.RENEWAL, Stage.UPDATE})  # the others say that something is wrong or over


def contents(desk: Desk, languages: Iterable[str]) -> Iterator[Content]:
    """Every page of every topic the hazard's folder has, in each language that has all of them."""
    folder = desk.words.folders[desk.subject.hazard]
    if desk.subject.stage not in STAGES:
        return
    if guided := desk.words.guidance.get(desk.subject.hazard) if folder == guidance.FOLDER else None:
        for word, names in sorted(guided.topics.items()):
            yield from _answers(desk, word, names, languages)
        return
    topics: dict[str, list[int]] = {}
    for block in blocks(desk.words.templates, f"{folder}/{FORM}"):
        word, _, number = block.rpartition("_")
        topics.setdefault(word, []).append(int(number))
    for word, numbers in sorted(topics.items()):
        for language in languages:
            try:
                pages = [_page(desk, folder, f"{word}_{number}", language) for number in sorted(numbers)]
            except NotReady:
                continue
            for page, body in enumerate(pages, 1):
                yield Content(key=f"topic/{word}/{page}/{language}", language=language, body=body)


def _answers(desk: Desk, word: str, names: Sequence[str], languages: Iterable[str]) -> Iterator[Content]:
    """One page in each language that can say it: the steps of a topic, as many as fit."""
    for language in languages:
        speaker = desk.speaker(language, insist=language == ENGLISH)
        for most in (1, 2):  # one part in GSM-7, two in UCS-2
            body = desk.fitting(speaker, guidance.FOLDER, FORM, "page", language, most, word=word, names=names)
            if body is None:
                break
            said = _exercised(desk, body, language)
            if most == 2 or parts(said) == 1:
                yield Content(key=f"topic/{word}/1/{language}", language=language, body=said)
                break


def _page(desk: Desk, folder: str, block: str, language: str) -> str:
    speaker = desk.speaker(language, insist=language == ENGLISH)
    said = speaker.block(f"{folder}/{FORM}", block, desk.values(speaker, folder, "sms.txt", language))
    return _exercised(desk, said, language)


def _exercised(desk: Desk, said: str, language: str) -> str:
    if desk.subject.mode is Mode.TRAINING:
        said = f"{desk.line('exercise', language)[0]} {said}"
    return sanitise(said).text
