"""What leaves the desk: answers to what was written, the guide for a caller who asks for it; and who stands at the counter."""

from typing import Final

from aiohttp import web

from notify.console.routing import FORM, Route
from notify.web.forms import Form
from surge.pages.letter_acts import Answering, Guide, LetterActs, WalkIn
from surge.pages.office import AGENTS, ENGLISH, Office, whose

PAGE: Final = "/desk311"


class LetterPages:
    def __init__(self, office: Office) -> None:
        self._office, self._screens, self._acts = office, office.guard.screens, LetterActs(office)

    def routes(self) -> list[Route]:
        posts = {"answer": self.answer, "text": self.text, "walk-in": self.walk_in}
        return [Route(method="POST", path=f"{PAGE}/{name}", answer=answer, roles=AGENTS) for name, answer in posts.items()]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """source: what was suggested counts where it was sent as suggested."""
        form = request[FORM]
        words = form.fields.get("words", "").strip()
        given = Answering(
            contact_id=form.text("contact_id"),
            mark=form.text("once"),
            words=words,
            language=form.text("language"),
            source=form.text("source") if words == form.fields.get("suggested", "").strip() else "",
            ending=form.text("ending"),
        )
        await self._acts.answer(whose(request), given)
        return self._screens.moved(PAGE)

    async def text(self, request: web.Request) -> web.StreamResponse:
        form = request[FORM]
        given = Guide(
            mark=form.text("once"),
            to=form.text("contact"),
            language=self._language(form),
            consent=form.text("consent") == "yes",
            contact_id=form.text("contact_id") or None,
        )
        state = await self._acts.text(whose(request), given)
        return self._screens.moved(f"{PAGE}?sent={'before' if state is None else state.value}#text")

    async def walk_in(self, request: web.Request) -> web.StreamResponse:
        form = request[FORM]
        given = WalkIn(
            mark=form.text("once"),
            words=form.fields.get("words", "").strip(),
            language=self._language(form),
            to=form.text("contact"),
            area=form.text("zip"),
        )
        await self._acts.walk_in(given)
        return self._screens.moved(PAGE)

    def _language(self, form: Form) -> str:
        asked = form.text("language")
        return asked if asked in self._screens.site.languages else ENGLISH
