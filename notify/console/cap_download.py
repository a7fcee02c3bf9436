"""An approved alert as a document for whoever may originate in IPAWS."""

from aiohttp import web

from notify.console.routing import READERS, Guard, Route
from notify.console.screens import HEADERS
from notify.service import Service
from notify.web.cap_api import exported


class CapDownload:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        return [Route(method="GET", path="/alerts/{alert_id}/ipaws.xml", answer=self.ipaws, roles=READERS)]

    async def ipaws(self, request: web.Request) -> web.StreamResponse:
        alert_id = request.match_info["alert_id"]
        xml = await exported(self._service, alert_id, ipaws=True)
        named = {"Content-Disposition": f'attachment; filename="{alert_id}-ipaws.xml"'}
        return web.Response(body=xml, content_type="application/octet-stream", headers={**HEADERS, **named})
