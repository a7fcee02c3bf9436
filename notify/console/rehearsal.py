"""Try it on ourselves first: the draft as it stands in the form, to one's own phone or to those who may approve it; and, from a
draft that waits, paging them once more."""

from aiohttp import web

from notify.alerts import register
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import BadDraft, Draft
from notify.alerts.life import WRITERS
from notify.console import draft_form
from notify.console.contacts import STATES
from notify.console.draft_form import Filled
from notify.console.routing import FORM, SEVERAL, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from notify.staff import rehearsal
from notify.staff.rehearsal import Asked, To


class Rehearsal:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._service, self._db, self._screens = service, guard.db, guard.screens

    def routes(self) -> list[Route]:
        alert = "/alerts/{alert_id}"
        return [
            Route(method="POST", path=f"{alert}/rehearsal", answer=self.send, roles=WRITERS),
            Route(method="POST", path=f"{alert}/pages", answer=self.page_again, roles=WRITERS),
        ]

    async def send(self, request: web.Request) -> web.StreamResponse:
        """What the form of now would say, without keeping it; what came of each message is the answer."""
        alert_id, form = request.match_info["alert_id"], request[FORM]
        row = await self._db.read(lambda conn: register.alert(conn, alert_id))
        start, assembly = Draft.model_validate_json(row.content), self._service.assembly
        many = request[SEVERAL]
        filled = Filled(one=form.fields, many=many)
        to = To.DUTY if form.text("to") == To.DUTY else To.ME
        try:
            draft = draft_form.parse(filled, start, draft_form.slots_of(assembly.words, start), assembly.city.pack.zone)
            asked = Asked(draft=draft, row=row, language=form.text("show") or "en", to=to)
            pages = await rehearsal.rehearse(self._service, request[VISIT].staff, asked)
        except (BadDraft, Unfit) as error:
            return self._answer(request, status=422, row=row, pages=[], problems=error.problems)
        return self._answer(request, row=row, pages=pages, problems=[])

    async def page_again(self, request: web.Request) -> web.StreamResponse:
        """Everybody who may decide on a waiting alert, once more; at most once a minute."""
        alert_id = request.match_info["alert_id"]
        await self._service.paging.ask_again(alert_id, request[VISIT].staff.person_id)
        return self._screens.moved(f"/alerts/{alert_id}/approval")

    def _answer(self, request: web.Request, *, status: int = 200, **values: object) -> web.Response:
        """Beside the buttons where the page has a script, else a page of its own."""
        name = "part/rehearsed" if "HX-Request" in request.headers else "rehearsed"
        return self._screens.page(request, name, status=status, states=STATES, **values)
