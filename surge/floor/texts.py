"""What callers are texted: the guide they asked for, what they were promised, and how it ended. English, with the page in their
language; the guide itself is the message of the moment in the language they chose, where there is one."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from channels.base import Content, Outcome
from channels.text import sanitise
from notify.site import ENGLISH, Site
from surge.desk.outgoing import SMS, came
from surge.floor.air import Air
from surge.floor.callback import Promise
from surge.floor.orders import Word

logger = logging.getLogger(__name__)

WORDS: Final = {
    Word.GUIDE: "{city}: what to do now is here: {page}",
    Word.PROMISE: "{city}: we call you back between {begins} and {ends}. Your place in line is kept. What to do now: {page}",
    Word.LATE: "{city}: we are late with our call, sorry. We still call you within the hour. What to do now: {page}",
    Word.EXPIRED: "{city}: we could not reach you by phone. The answers are here: {page} Questions? Call 311.",
    # Surge mode being closed says nothing about the danger: that is the alert's to say, on the page.
    Word.LIFTED: "{city}: we did not reach you and will not call back any more. What to do now: {page} Questions? Call 311.",
}
EXERCISE: Final = "EXERCISE, not real."
Send = Callable[[str, str, Content, str], Awaitable[Outcome]]  # channel, address, content, our number


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerTexts:
    """site, send: the service's; air: what is being said now."""

    site: Site
    send: Send
    air: Callable[[], Air]

    async def __call__(self, number: str, language: str, what: Word, promise: Promise | None) -> None:
        body = self.body(language, what, promise)
        body = f"{EXERCISE} {body}" if self.air().drill else body
        content = Content(key=f"surge/{what}/{language}", language=language, body=body)
        left, why = came(await self.send(SMS, number, content, ""))
        if left is not True:
            logger.warning("a caller's text (%s) did not leave: %s", what, why)

    def body(self, language: str, what: Word, promise: Promise | None) -> str:
        air = self.air()
        spoken = language if language in self.site.languages else ENGLISH
        page = f"{self.site.base}/{spoken}/"
        if what is Word.GUIDE and (said := air.messages.get(language) or air.messages.get(ENGLISH)) and said.words:
            return sanitise(f"{said.words} {page}").text
        begins = air.speech.moment(promise.begins, ENGLISH) if promise is not None else ""
        ends = air.speech.clock(promise.ends, ENGLISH) if promise is not None else ""
        return sanitise(WORDS[what].format(city=air.speech.city, page=page, begins=begins, ends=ends)).text
