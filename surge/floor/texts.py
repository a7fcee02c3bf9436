"""What callers are texted: the guide they asked for, what they were promised, and how it ended, in their language where its
words may be sent, else in English with the page in their language (templates/callers). The guide itself is the message of the
moment, where there is one."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from channels.base import Content, Outcome
from channels.text import sanitise
from notify.publishing.site import ENGLISH, Site
from notify.wording.reviews import Review, Reviewed, State, arrange, state
from notify.wording.slots import short_time
from notify.wording.words import Words, fill
from surge.desk.outgoing import SMS, came
from surge.floor.air import Air
from surge.floor.callback import Promise
from surge.floor.orders import Word
from surge.recorded import recorded_rows
from surge.voice.prompts import Prompt

logger = logging.getLogger(__name__)

EXERCISE: Final = "line.exercise"
HELPED: Final = "callers.helped"  # the question after a call: surge.desk.asking
CONTEXTS: Final[Mapping[Word, str]] = {
    Word.GUIDE: "callers.guide",
    Word.PROMISE: "callers.promise",
    Word.LATE: "callers.late",
    Word.EXPIRED: "callers.expired",
    Word.LIFTED: "callers.lifted",  # says nothing about the danger: that is the alert's to say, on the page
}
Send = Callable[[str, str, Content, str], Awaitable[Outcome]]  # channel, address, content, our number
Texts = Mapping[str, Mapping[str, str]]  # language -> context -> words; English whole


def texts(words: Words, reviewed: Reviewed, *, allow_drafts: bool) -> Texts:
    """What may be sent. Without drafts only what a reader of the language has reviewed; English whatever its state, because
    behind it there is silence."""
    found: dict[str, dict[str, str]] = {}
    for language in words.languages():
        for context in (*CONTEXTS.values(), HELPED, EXERCISE):
            text, message = words.text(context, language), words.messages[context]
            may = allow_drafts or language == ENGLISH or state(words, message, language, reviewed) is State.APPROVED
            if text is not None and may:
                found.setdefault(language, {})[context] = text
    return found


@dataclass(slots=True, kw_only=True)
class Sayable:
    """What may be sent now: `look` reads the reviews anew when one was made, whichever process made it. reviews: every one
    that counts."""

    words: Words
    reviews: Callable[[Connection], Collection[Review]]
    allow_drafts: bool
    _kept: tuple[object, Texts] | None = field(default=None, init=False)

    def look(self, conn: Connection) -> None:
        as_of = recorded_rows.reviewed_as_of(conn)
        if self._kept is None or self._kept[0] != as_of:
            found = texts(self.words, arrange(self.reviews(conn)), allow_drafts=self.allow_drafts)
            self._kept = as_of, found

    def __call__(self) -> Texts:
        """As of the last look, of which there was one."""
        assert self._kept is not None, "nobody has looked"
        return self._kept[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerTexts:
    """site, send: the service's; air: what is being said now; texts: see `texts`, as they are now."""

    site: Site
    send: Send
    air: Callable[[], Air]
    texts: Callable[[], Texts]

    async def __call__(self, number: str, language: str, what: Word, promise: Promise | None) -> None:
        spoken, body = self.body(language, what, promise)
        content = Content(key=f"surge/{what}/{language}", language=spoken, body=body)
        left, why = came(await self.send(SMS, number, content, ""))
        if left is not True:
            logger.warning("a caller's text (%s) did not leave: %s", what, why)

    def body(self, language: str, what: Word, promise: Promise | None) -> tuple[str, str]:
        """The language it came to be in, and the text. An exercise says so first, in the same language."""
        air = self.air()
        wanted = language if language in self.site.languages else ENGLISH
        page = f"{self.site.base}/{wanted}/"
        said = self._message(air, language) if what is Word.GUIDE else None
        if said is not None:
            spoken, body = said.language, f"{said.words} {page}"
        else:
            spoken = wanted if self._may(wanted, CONTEXTS[what], drill=air.drill) else ENGLISH
            body = fill(self.texts()[spoken][CONTEXTS[what]], self._slots(air, spoken, page, promise))
        if air.drill:
            body = f"{self.texts()[spoken][EXERCISE]}\n{body}"
        return spoken, sanitise(body).text

    def _message(self, air: Air, language: str) -> Prompt | None:
        """What the city says now, in their language or in English."""
        said = (air.messages.get(one) for one in (language, ENGLISH) if self._may(one, drill=air.drill))
        return next((one for one in said if one is not None and one.words), None)

    def _may(self, language: str, context: str = "", *, drill: bool) -> bool:
        """Whether all that we add is there in it: no text mixes languages."""
        there = self.texts().get(language, {})
        return (not context or context in there) and (not drill or EXERCISE in there)

    def _slots(self, air: Air, language: str, page: str, promise: Promise | None) -> Mapping[str, str]:
        begins = short_time(promise.begins, language, air.speech.zone) if promise is not None else ""
        ends = air.speech.clock(promise.ends, language) if promise is not None else ""
        return {"city": air.speech.city, "page": page.partition("://")[2], "begins": begins, "ends": ends}
