"""What residents read who text a topic word of an alert: pages that are written, approved and frozen together with it.

A page is kept in the event's contents under "topic/WATER/2/es". A language has all pages of a topic or none; without them the
alert's own text in that language answers.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from channels.base import Content
from channels.text import sanitise
from notify.alert import Mode, Stage
from notify.fallback import Desk
from notify.phrasing import NotReady, blocks
from notify.slots import ENGLISH

FORM: Final = "topics.txt"
STAGES: Final = frozenset({Stage.FIRST, Stage.RENEWAL, Stage.UPDATE})  # the others say that something is wrong or over


def contents(desk: Desk, languages: Iterable[str]) -> Iterator[Content]:
    """Every page of every topic the hazard's folder has, in each language that has all of them."""
    folder = desk.words.folders[desk.subject.hazard]
    if desk.subject.stage not in STAGES:
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


def _page(desk: Desk, folder: str, block: str, language: str) -> str:
    speaker = desk.speaker(language, insist=language == ENGLISH)
    said = speaker.block(f"{folder}/{FORM}", block, desk.values(speaker, folder, "sms.txt", language))
    if desk.subject.mode is Mode.TRAINING:
        said = f"{desk.line('exercise', language)[0]} {said}"
    return sanitise(said).text
