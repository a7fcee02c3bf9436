"""An approved alert for readers of CAP that want it in a form of their own."""

from functools import partial
from typing import Any

from aiohttp import web

from notify.alerts import register
from notify.alerts.alert import from_json
from notify.alerts.broadcast import Unfit
from notify.publishing import cap_edxl, cap_ipaws
from notify.service import Service
from notify.web.answers import Problem
from notify.web.endpoints import Endpoint, Query, looking

STORED = "cap"
IPAWS = "ipaws"
EDXL = "edxl"
PROFILES = (STORED, IPAWS, EDXL)
PROFILE = Query(
    name="profile", says="cap: the document as it was published; ipaws: as IPAWS 1.0 wants it; edxl: in an EDXL-DE 1.0 envelope"
)


class CapApi:
    def __init__(self, service: Service) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        says = "The CAP document of an approved alert. For IPAWS it is a draft: nothing is sent there"
        path = "/alerts/{alert_id}/cap"
        return [looking(path, self.document, says, "CapDocument", query=(PROFILE,), refusals=frozenset({404, 422}))]

    async def document(self, request: web.Request) -> web.Response:
        profile, alert_id = request.query.get(PROFILE.name, STORED), request.match_info["alert_id"]
        if profile not in PROFILES:
            raise Problem(400, "The question cannot be read.", [f"profile: must be one of {', '.join(PROFILES)}."])
        xml = await exported(self._service, alert_id, ipaws=profile == IPAWS)
        if profile == EDXL:
            pack = self._service.assembly.city.pack
            xml = cap_edxl.wrapped(xml, pack.sender, self._service.clock.now().astimezone(pack.zone))
        note = cap_ipaws.AGREEMENT if profile == IPAWS else ""
        found: dict[str, Any] = {"alert_id": alert_id, "profile": profile, "document": xml.decode(), "note": note}
        return web.json_response(found)


async def exported(service: Service, alert_id: str, *, ipaws: bool) -> bytes:
    """Raises NoSuchAlert where nothing was approved, Unfit where IPAWS would not take it."""
    row = await service.db.read(partial(register.event, event_id=alert_id))
    if not ipaws:
        return row.cap
    pack = service.assembly.city.pack
    try:
        return cap_ipaws.export(from_json(row.content), pack.zone, pack.same_places)
    except cap_ipaws.NotForIpaws as error:
        raise Unfit(error.problems) from None
