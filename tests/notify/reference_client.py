"""Two feed clients told nothing but the address of a feed, that show the right alerts: what partners may copy.

Both keep four rules:
1. Ask with the last ETag; 304 means that nothing changed. Any other failure means that nothing is known: keep what is shown.
2. Show what the feed says is in force, once an incident. Tests and exercises (CAP status) are not shown.
3. Whatever the feed last said, an alert past its `expires` is no longer shown: the feed may be out of reach.
4. A feed whose `generated` is older than 15 minutes is dead: say so, and tell somebody.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from lxml import etree
from shapely import union_all
from shapely.geometry import Polygon, shape

ATOM = "{http://www.w3.org/2005/Atom}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
GENERATED = "{urn:tocsin:feed}generated"
STATUS = "urn:tocsin:status"
DEAD_AFTER = timedelta(minutes=15)
SAFE = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert on the client's map."""

    identifier: str
    thread: str
    headline: str
    area: Any
    expires: datetime


@dataclass(slots=True)
class Client(ABC):
    """What both clients share: polite asking, and a memory that outlives a failing feed."""

    session: aiohttp.ClientSession
    url: str
    answers: dict[int, int] = field(default_factory=dict)  # HTTP status -> how often
    generated: datetime | None = None
    documents: dict[str, Any] = field(default_factory=dict)  # CAP documents by address
    _etag: str = ""
    _alerts: tuple[Shown, ...] = ()

    async def poll(self) -> None:
        headers = {"If-None-Match": self._etag} if self._etag else {}
        try:
            async with self.session.get(self.url, headers=headers) as answer:
                body = await answer.read()
                self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
                if answer.status == 200:
                    alerts = await self.read(body)
                    self._alerts, self._etag = alerts, answer.headers["ETag"]
                elif answer.status == 304:
                    assert body == b"", "a 304 has no body"
        except aiohttp.ClientError:
            self.answers[0] = self.answers.get(0, 0) + 1

    @abstractmethod
    async def read(self, body: bytes) -> tuple[Shown, ...]: ...

    def shown(self, now: datetime) -> Mapping[str, Shown]:
        """What is on the map: thread -> alert."""
        return {alert.thread: alert for alert in self._alerts if now < alert.expires}

    def dead(self, now: datetime) -> bool:
        return self.generated is None or now - self.generated > DEAD_AFTER


class GeoJsonClient(Client):
    """Reads one GeoJSON feed and nothing else."""

    async def read(self, body: bytes) -> tuple[Shown, ...]:
        collection = json.loads(body)
        self.generated = datetime.fromisoformat(collection["generated"])
        return tuple(
            Shown(
                identifier=feature["id"],
                thread=said["thread"],
                headline=said["headline"],
                area=shape(feature["geometry"]),
                expires=datetime.fromisoformat(said["expires"]),
            )
            for feature in collection["features"]
            for said in (feature["properties"],)
            if said["status"] == "active" and said["capStatus"] == "Actual"
        )


class AtomClient(Client):
    """Reads an Atom feed for what is in force, and each CAP document once for what it is and where."""

    async def read(self, body: bytes) -> tuple[Shown, ...]:
        feed = etree.fromstring(body, SAFE)
        self.generated = datetime.fromisoformat(feed.findtext(GENERATED))
        found = [await self._entry(entry) for entry in feed.findall(f"{ATOM}entry")]
        return tuple(alert for alert in found if alert is not None)

    async def _entry(self, entry: Any) -> Shown | None:
        status = {category.get("scheme"): category.get("term") for category in entry.findall(f"{ATOM}category")}[STATUS]
        (url,) = (link.get("href") for link in entry.findall(f"{ATOM}link") if link.get("type") == "application/cap+xml")
        document = await self._document(url)
        info = document.find(f"{CAP}info")
        over = document.findtext(f"{CAP}msgType") == "Cancel" or info.findtext(f"{CAP}responseType") == "AllClear"
        assert not (over and status == "active"), "feed and document contradict each other"
        if status != "active" or document.findtext(f"{CAP}status") != "Actual":
            return None
        polygons = [element.text for element in info.iter(f"{CAP}polygon")]
        return Shown(
            identifier=document.findtext(f"{CAP}identifier"),
            thread=entry.findtext(f"{ATOM}id"),
            headline=entry.findtext(f"{ATOM}title"),
            area=union_all([Polygon([_point(pair) for pair in text.split()]) for text in polygons]),
            expires=datetime.fromisoformat(info.findtext(f"{CAP}expires")),
        )

    async def _document(self, url: str) -> Any:
        """A CAP document never changes: it is fetched once."""
        if url not in self.documents:
            async with self.session.get(url) as answer:
                answer.raise_for_status()
                self.documents[url] = etree.fromstring(await answer.read(), SAFE)
        return self.documents[url]


def _point(pair: str) -> tuple[float, float]:
    lat, _, lon = pair.partition(",")
    return float(lon), float(lat)
