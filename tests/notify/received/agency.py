"""Other agencies, as servers on this machine: the Weather Service's documented shapes (Atom index, CAP, GeoJSON), and others.

Every document is written for these tests; the words are nobody's.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

SENDER = "w-nws.webmaster@example.gov"
SENT = datetime(2014, 5, 23, 15, 0, tzinfo=UTC)
LENTS = "45.46,-122.60 45.46,-122.56 45.50,-122.56 45.50,-122.60 45.46,-122.60"
CAP = "application/cap+xml"


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "-00:00")


def a_document(number: int = 1, **given: Any) -> bytes:
    """A CAP 1.2 alert as a weather office writes it. refers: numbers and times of earlier ones; the rest are its elements."""
    sent = given.get("sent", SENT)
    refers = " ".join(f"{SENDER},{urn(one)},{stamp(at)}" for one, at in given.get("refers", ()))
    references = f"<references>{refers}</references>" if refers else ""
    response = given.get("response", "Avoid")
    drawn = given.get("polygon", LENTS)
    polygon = f"<polygon>{drawn}</polygon>" if drawn else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>{given.get("identifier", urn(number))}</identifier><sender>{given.get("sender", SENDER)}</sender>
<sent>{given.get("sent_words", stamp(sent))}</sent><status>{given.get("status", "Actual")}</status>
<msgType>{given.get("msg_type", "Alert")}</msgType><scope>{given.get("scope", "Public")}</scope>
<code>IPAWSv1.0</code>{"<note>Drill.</note>" if given.get("status") == "Exercise" else ""}{references}
<info><language>en-US</language><category>Met</category><event>{given.get("event", "Flash Flood Warning")}</event>
<responseType>{response}</responseType><urgency>Immediate</urgency><severity>{given.get("severity", "Severe")}</severity>
<certainty>Likely</certainty>
<eventCode><valueName>SAME</valueName><value>{given.get("same", "FFW")}</value></eventCode>
<effective>{stamp(sent)}</effective><onset>{stamp(sent)}</onset>
<expires>{stamp(given.get("expires", sent + timedelta(hours=6)))}</expires>
<senderName>NWS Sampletown</senderName><headline>{given.get("headline", f"Flash Flood Warning number {number}")}</headline>
<description>Johnson Creek is rising.</description><instruction>Stay away from the creek.</instruction>
<area><areaDesc>{given.get("area_desc", "Multnomah, OR")}</areaDesc>{polygon}
<geocode><valueName>SAME</valueName><value>041051</value></geocode></area></info></alert>""".encode()


def urn(number: int) -> str:
    return f"urn:oid:2.49.0.1.840.0.{number:040x}.001.1"


def a_feature(number: int = 1, **given: Any) -> dict[str, Any]:
    """The same alert as a feature of api.weather.gov/alerts/active."""
    sent = given.get("sent", SENT)
    ring = [[float(lon), float(lat)] for lat, lon in (pair.split(",") for pair in LENTS.split())]
    return {
        "id": f"https://api.weather.example.gov/alerts/{urn(number)}",
        "type": "Feature",
        "geometry": given.get("geometry", {"type": "Polygon", "coordinates": [ring]}),
        "properties": {
            "@id": f"https://api.weather.example.gov/alerts/{urn(number)}",
            "@type": "wx:Alert",
            "id": urn(number),
            "areaDesc": "Multnomah, OR",
            "geocode": {"SAME": ["041051"], "UGC": ["ORC051"]},
            "affectedZones": ["https://api.weather.example.gov/zones/county/ORC051"],
            "references": [
                {"@id": f"https://api.weather.example.gov/alerts/{urn(one)}", "identifier": urn(one), "sender": SENDER}
                | {"sent": stamp(at)}
                for one, at in given.get("refers", ())
            ],
            "sent": stamp(sent),
            "effective": stamp(sent),
            "onset": stamp(sent),
            "expires": stamp(given.get("expires", sent + timedelta(hours=6))),
            "ends": stamp(sent + timedelta(hours=6)),
            "status": given.get("status", "Actual"),
            "messageType": given.get("msg_type", "Alert"),
            "category": "Met",
            "severity": "Severe",
            "certainty": "Likely",
            "urgency": "Immediate",
            "event": "Flash Flood Warning",
            "sender": given.get("sender", SENDER),
            "senderName": "NWS Sampletown",
            "headline": f"Flash Flood Warning number {number}",
            "description": "Johnson Creek is rising.",
            "instruction": "Stay away from the creek.",
            "response": "Avoid",
            "parameters": {"AWIPSidentifier": ["FFWPQR"], "BLOCKCHANNEL": ["EAS", "NWEM", "CMAS"]},
            "eventCode": {"SAME": ["FFW"], "NationalWeatherService": ["FFW"]},
        },
    }


@dataclass(slots=True)
class Agency:
    """What the server says now. asked: every request, with what it was conditional on; status: what it answers instead."""

    documents: dict[str, bytes] = field(default_factory=dict)
    features: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    status: int = 200
    index: bytes | None = None
    broken: set[str] = field(default_factory=set)
    links: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    async def active(self, request: web.Request) -> web.Response:
        """The API answers in the form that is asked for, as api.weather.gov does."""
        self._note(request)
        if self.status != 200:
            return web.Response(status=self.status)
        accept = request.headers.get("Accept", "")
        tag = f'"{hash((tuple(self.documents.values()), len(self.features), self.index)):x}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        if "geo+json" in accept:
            listed = {"@context": [], "type": "FeatureCollection", "features": self.features, "title": "current watches"}
            return web.json_response(listed, content_type="application/geo+json", headers={"ETag": tag})
        body = self.index if self.index is not None else self.atom().encode()
        return web.Response(body=body, content_type="application/atom+xml", headers={"ETag": tag})

    async def one(self, request: web.Request) -> web.Response:
        self._note(request)
        name = request.match_info["name"]
        if name in self.broken:
            return web.Response(status=503)
        if name not in self.documents:
            return web.Response(status=404)
        return web.Response(body=self.documents[name], content_type=CAP)

    async def inner(self, request: web.Request) -> web.Response:
        self._note(request)
        return web.Response(status=302, headers={"Location": "/alerts/secret"})

    def atom(self) -> str:
        entries = "".join(
            f'<entry><id>{self.url}/alerts/{name}</id><link rel="alternate" href="{self.links.get(name, f"alerts/{name}")}"/>'
            f"<updated>{stamp(SENT)}</updated><title>alert</title><author><name>NWS</name></author>"
            '<cap:event xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">Flash Flood Warning</cap:event></entry>'
            for name in self.documents
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>{self.url}</id>'
            f"<title>Current alerts</title><updated>{stamp(SENT)}</updated>{entries}</feed>"
        )

    def _note(self, request: web.Request) -> None:
        self.asked.append(request.path)
        self.conditions.append(request.headers.get("If-None-Match", ""))
        self.agents.add(request.headers.get("User-Agent", ""))


@asynccontextmanager
async def an_agency(documents: Sequence[bytes] = ()) -> AsyncIterator[Agency]:
    agency = Agency()
    app = web.Application()
    app.add_routes([web.get("/active", agency.active), web.get("/alerts/{name}", agency.one), web.get("/moved", agency.inner)])
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    agency.url = f"http://127.0.0.1:{server.port}"
    agency.documents = {f"{number}.xml": document for number, document in enumerate(documents, 1)}
    try:
        yield agency
    finally:
        await server.close()
