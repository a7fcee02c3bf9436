"""Which words an alert of each danger is made of, and in which languages it has its own or falls back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from notify.alerts.alert import Wording
from notify.alerts.life import Role
from notify.console.routing import READERS, Guard, Route
from notify.service import Service
from notify.wording import reviews
from notify.wording.english import kinds
from notify.wording.fallback import BEHIND, GENERIC, Step
from notify.wording.phrasing import blocks
from notify.wording.reviews import Reviewed, State
from notify.wording.slots import ENGLISH
from notify.wording.words import Words

SHOWN_TO: Final = READERS | {Role.TRANSLATOR}
STEPS: Final = {
    Step.OWN: "own words",
    Step.GENERIC: "the words for every danger",
    Step.ENGLISH: "English, with the interpreter's number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """What readers of a language get in texts, and how much of it has been reviewed. ready: a live service may say it today;
    else it says English."""

    tag: str
    step: Step
    reviewed: int
    whole: int

    @property
    def ready(self) -> bool:
        return self.reviewed == self.whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One set of words: the dangers that use it and what it can say."""

    name: str
    hazards: Sequence[str]
    wordings: Sequence[str]
    tongues: Sequence[Tongue]


class WordPages:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service

    def routes(self) -> list[Route]:
        return [Route(method="GET", path="/words", answer=self.show, roles=SHOWN_TO)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        assembly = self._service.assembly
        reviewed = reviews.arrange(await self._guard.db.read(assembly.reviews))
        titles = {key: hazard.title for key, hazard in assembly.hazards.items()}
        return self._guard.screens.page(
            request,
            "words",
            folders=folders(assembly.words, titles, reviewed, assembly.city.pack.tags),
            steps=STEPS,
            endonyms={one.tag: one.endonym for one in assembly.city.pack.languages},
        )


def folders(words: Words, titles: Mapping[str, str], reviewed: Reviewed, tags: Sequence[str]) -> list[Folder]:
    """Every folder that a danger's words are in, in the order of the catalogue. titles: of the dangers, by key."""
    names = dict.fromkeys(words.folders[key] for key in titles if key in words.folders)
    return [
        Folder(
            name=name,
            hazards=[title for key, title in titles.items() if words.folders.get(key) == name],
            wordings=[one.value for one in Wording if one in blocks(words.templates, f"{name}/sms.txt")],
            tongues=[_tongue(words, name, tag, reviewed) for tag in tags],
        )
        for name in names
    ]


def _tongue(words: Words, folder: str, tag: str, reviewed: Reviewed) -> Tongue:
    """The best step whose words are all there, reviewed or not."""
    behind = folder if folder in BEHIND.values() else GENERIC
    for name, step in ((folder, Step.OWN), (behind, Step.GENERIC)):
        states = _states(words, name, tag, reviewed)
        if states and State.MISSING not in states:
            return Tongue(tag=tag, step=step, reviewed=states.count(State.APPROVED), whole=len(states))
    states = _states(words, folder, ENGLISH, reviewed)
    return Tongue(tag=tag, step=Step.ENGLISH, reviewed=states.count(State.APPROVED), whole=len(states))


def _states(words: Words, folder: str, tag: str, reviewed: Reviewed) -> list[State]:
    """How each message of a folder's texts stands in a language."""
    return [
        reviews.state(words, message, tag, reviewed)
        for message in words.messages.values()
        if message.domain == folder and "sms" in kinds(message)
    ]
