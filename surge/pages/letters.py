"""What leaves the desk: answers to what was written, the guide for a caller who asks for it; and who stands at the counter."""

from typing import Final

from aiohttp import web

from notify.alerts.broadcast import Unfit
from notify.alerts.exercise import SAMPLES
from notify.console.routing import FORM, Route
from notify.web.forms import Form
from subscribers.signup import Reach, reach
from surge.desk.desk_line import Letter
from surge.desk.replies import Reply, State
from surge.desk.written import Answer, Unsent, Written
from surge.pages.office import AGENTS, ENGLISH, Office, On, whose

PAGE: Final = "/desk311"
LONGEST: Final = 1_600  # letters of one text
AGREED: Final = "said yes on the line"
# What became of an answer, as the desk reads it.
TOLD: Final = {
    State.HANDED: "It is with the carrier.",
    State.REFUSED: "It did not leave. Try another way, or tell them.",
    State.UNKNOWN: "Nobody knows whether it left. Do not send it again; ask them.",
}
BEFORE: Final = "This was sent before; it is not sent twice."


class LetterPages:
    def __init__(self, office: Office) -> None:
        self._office, self._screens = office, office.guard.screens

    def routes(self) -> list[Route]:
        posts = {"answer": self.answer, "text": self.text, "walk-in": self.walk_in}
        return [Route(method="POST", path=f"{PAGE}/{name}", answer=answer, roles=AGENTS) for name, answer in posts.items()]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Sends an answer to the contact in hand and, unless it did not leave, ends that contact."""
        form, person_id = request[FORM], whose(request)
        line, written = self._office.the_line(), self._office.letters()
        held = line.held_by(person_id)
        letter = await line.letter(held.contact_id) if held else None
        if held is None or letter is None or held.contact_id != form.text("contact_id"):
            raise Unfit(["This is not the contact you have. Take it first."])
        words = form.fields.get("words", "").strip()
        if not 0 < len(words) <= LONGEST:
            raise Unfit([f"Write an answer of at most {LONGEST} letters."])
        on = await self._office.on(person_id)
        state = await self._sent(written, letter, _answer(form, words, person_id, on))
        if state is State.REFUSED:
            raise Unfit([TOLD[State.REFUSED]])
        ending = form.text("ending") or "informed"
        version = on.script.version if on is not None and on.script is not None else None
        await line.finish(person_id, held.contact_id, ending, version)
        return self._screens.moved(PAGE)

    async def text(self, request: web.Request) -> web.StreamResponse:
        """The guide to a caller's own phone: only with their yes, and in the language they read."""
        form, person_id = request[FORM], whose(request)
        written = self._office.letters()
        problems = [] if form.text("consent") == "yes" else ["Ask the caller first, and tick the box when they say yes."]
        found = reach(form.text("contact"), SAMPLES[self._screens.site.mode])
        if not isinstance(found, Reach):
            problems.append("This is no number or address that can be written to.")
        on, language = await self._office.on(person_id), self._language(form)
        words = await self._office.guide(on, language)
        if not words:
            problems.append("There is no guide: no alert is in force for this.")
        if problems or not isinstance(found, Reach):
            raise Unfit(problems)
        reply = Reply(
            mark=form.text("once")[:64] or "-",
            channel=found.channel,
            to=found.address,
            words=words,
            language=language,
            source="guide",
            consent=AGREED,
            by=person_id,
            contact_id=form.text("contact_id") or None,
            activation_id=on.row.activation_id if on else None,
            subject=written.subject(language),
        )
        try:
            state = await written.leave(reply)
        except Unsent as why:
            raise Unfit([str(why)]) from None
        if state is State.REFUSED:
            raise Unfit([TOLD[State.REFUSED]])
        return self._screens.moved(f"{PAGE}?sent={'before' if state is None else state.value}#text")

    async def walk_in(self, request: web.Request) -> web.StreamResponse:
        """Somebody at the counter, or a question by letter or radio: typed by staff, answered like all others."""
        form = request[FORM]
        self._office.the_line()
        written, words = self._office.letters(), form.fields.get("words", "").strip()
        problems = [] if 0 < len(words) <= LONGEST else ["Write what they ask, without their name."]
        typed, reply_to = form.text("contact"), ""
        if typed:
            found = reach(typed, SAMPLES[self._screens.site.mode])
            reply_to = found.address if isinstance(found, Reach) else ""
            if not reply_to:
                problems.append("This is no number or address that can be written to. Leave it empty if they wait here.")
        if problems:
            raise Unfit(problems)
        area = form.text("zip") if form.text("zip").isdigit() and len(form.text("zip")) == 5 else None
        await written.walked_in(words, self._language(form), reply_to, area, form.text("once")[:64])
        return self._screens.moved(PAGE)

    async def _sent(self, written: Written, letter: Letter, answer: Answer) -> State | None:
        """None: it was sent before, or they wait at the counter and are told. Raises Unfit."""
        if not letter.reply_to:
            return None
        try:
            return await written.answer(letter, answer)
        except Unsent as why:
            raise Unfit([str(why)]) from None

    def _language(self, form: Form) -> str:
        asked = form.text("language")
        return asked if asked in self._screens.site.languages else ENGLISH


def _answer(form: Form, words: str, person_id: str, on: On | None) -> Answer:
    """source: what was suggested, if it was sent as suggested; else it is the agent's own."""
    source = form.text("source")[:120] if words == form.fields.get("suggested", "").strip() else ""
    return Answer(
        mark=form.text("once")[:64] or "-",
        words=words,
        language=form.text("language") or ENGLISH,
        source=source or "own words",
        by=person_id,
        activation_id=on.row.activation_id if on else None,
    )
