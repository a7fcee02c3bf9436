"""What the text dialog may look up during one turn: the city's facts, the gazetteer, and the alerts in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import shapely
from sqlalchemy import Connection

from notify.alerts.alert import Urgency
from notify.city import City as Pack
from notify.publishing.site import Site
from notify.residents.live import WHOLE, Live, LiveAlerts
from notify.residents.relief import Nearby
from notify.sending.outbox import content_for
from notify.wording.slots import short_time
from notify.wording.translations import info_for
from subscribers.dialog.intent import Kind
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.reading import read
from subscribers.dialog.turn import City, LiveAlert, Sight, World
from subscribers.place import Spot, ZipArea
from subscribers.relief import nearest

ZIP_DIGITS: Final = 5  # of 97214-1234
STAY_INSIDE: Final = "Shelter"  # CAP's response types
LEAVE: Final = "Evacuate"


class Finder(Protocol):
    """A gazetteer; see subscribers.gazetteer."""

    def addresses(self, conn: Connection, text: str, near: Sequence[Spot]) -> Sequence[Sight]: ...

    def named(self, conn: Connection, text: str) -> Sequence[Sight]: ...


def facts(pack: Pack, site: Site, plain: frozenset[str] = frozenset()) -> City:
    """What replies name, from the city pack. plain: languages whose form without marks may be used."""
    return City(
        programme=pack.pack.from_name,
        name=pack.pack.name,
        phones=" / ".join(pack.pack.phones),
        phone=pack.pack.phones[0],
        link=bare(site.url(site.index())),
        county_link=pack.pack.county_link,
        languages={language.tag: language.endonym for language in pack.pack.languages},
        plain=plain,
    )


def bare(url: str) -> str:
    """An address as texts show it: without scheme and final slash."""
    return url.partition("://")[2].rstrip("/")


@dataclass(frozen=True, slots=True)
class CityWorld:
    """One turn's view: everything as of this connection's transaction and the last refresh of the alerts."""

    city: City
    site: Site
    live: LiveAlerts
    finder: Finder
    conn: Connection
    nearby: Nearby

    def zip_inside(self, code: str) -> bool:
        return code in self.live.zips

    def addresses(self, text: str, near: Sequence[Spot]) -> Sequence[Sight]:
        return self.finder.addresses(self.conn, text, near)

    def named(self, text: str) -> Sequence[Sight]:
        return self.finder.named(self.conn, text)

    def alerts(self, places: Sequence[Spot], language: str) -> Sequence[LiveAlert]:
        found = []
        for live in self.live.reaching(places):
            topics = self.live.hazards[live.event.hazard].topics
            found.append(
                LiveAlert(
                    incident_id=live.event.incident_id,
                    title=info_for(live.event, language).event,
                    since=self.clock(live.since, language),
                    topic=topics[0] if topics else "",
                    url=bare(self.site.url(self.site.page(live.event.incident_id, language))),
                )
            )
        return found

    def topic(self, word: str, page: int, language: str, argument: str, places: Sequence[Spot]) -> tuple[str, ...] | None:
        code = argument[:ZIP_DIGITS]
        about = [ZipArea(code)] if code in self.live.zips else places
        return self._sites(word, code, language) or self.live.topic(word, page, language, about)

    def _sites(self, word: str, code: str, language: str) -> tuple[str, ...]:
        """The nearest open sites; to people told to stay inside at once, the alert's own text instead: nobody is sent out of
        doors into a danger, nor to a site inside an area that people have to leave."""
        sites = [site for site in self.nearby.sites() if site.is_open and site.topic == word]
        if not sites or code not in self.live.zips:
            return ()
        confining = next((live for live in self.live.reaching([ZipArea(code)]) if _keeps_inside(live)), None)
        if confining is not None:
            return (content_for(confining.event, "sms", WHOLE[confining.event.stage], language).body,)
        danger = [live.shape for live in self.live.standing if not live.over and _keeps_out(live)]
        safe = [site for site in sites if not any(shapely.intersects_xy(one, site.lon, site.lat) for one in danger)]
        middle = self.live.shapes[code].representative_point()
        found = nearest(safe, middle.y, middle.x)
        return (self.nearby.answer(found, code, language),) if found else ()

    def clock(self, at: datetime, language: str) -> str:
        return short_time(at, language, self.site.time_zone)


def _keeps_inside(live: Live) -> bool:
    return live.event.response_type == STAY_INSIDE and live.event.urgency is Urgency.IMMEDIATE


def _keeps_out(live: Live) -> bool:
    return live.event.response_type == LEAVE or _keeps_inside(live)


def sights(world: World, lexicon: Lexicon, typed: str) -> Sequence[Sight]:
    """What a place typed on a page may mean, best first: a ZIP, an address, or the name of an area; none outside the city."""
    reading = read(typed, lexicon)
    if reading.kind is Kind.ZIP:
        code = reading.argument
        found = Sight(spot=ZipArea(code), words=code, exact=code, score=1.0, zip=code)
        return (found,) if world.zip_inside(code) else ()
    return world.addresses(typed, ()) or world.named(typed)
