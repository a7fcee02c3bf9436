"""The torture of F-5: clients that know only a feed's address show the right alerts at each second of a bad day.

First alert, update, shrink, correction, all clear, false alarm, cancel and expiry; a writer that stops; a server that answers
with errors or not at all.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from shapely import union_all

from channels.feed_folder import FeedFolder
from notify.alerts.alert import Area, Stage
from notify.publishing.bulletin import Bulletin
from notify.publishing.pages import Pages
from notify.publishing.publish import Publisher
from notify.web import public, published
from notify.web.public import routes
from tests.notify.feed_factory import EAST, NOON, WEST, a_bulletin, a_site, after
from tests.notify.reference_client import AtomClient, Client, GeoJsonClient, Shown

END = 780  # seconds
WRITER_STOPS = range(380, 430)
SERVER_FAILS = range(600, 690)


def second(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


@dataclass
class Day:
    """Who says what at which second. `truth` is what a resident should see, by the rules of the city and not by our code."""

    sayings: dict[int, list[Bulletin]] = field(default_factory=dict)
    truth: dict[str, list[tuple[int, Bulletin | None]]] = field(default_factory=dict)

    def says(self, at: int, bulletin: Bulletin, *, stands: bool = True, shown: bool = True) -> Bulletin:
        self.sayings.setdefault(at, []).append(bulletin)
        if shown:
            self.truth.setdefault(bulletin.event.incident_id, []).append((at, bulletin if stands else None))
        return bulletin

    def ends(self, at: int, incident: str) -> None:
        self.truth[incident].append((at, None))

    def standing(self, at: int) -> dict[str, Bulletin]:
        """Incident -> the message in force at this second."""
        found = {}
        for incident, steps in self.truth.items():
            last = [bulletin for when, bulletin in steps if when <= at]
            if last and last[-1] is not None:
                found[incident] = last[-1]
        return found


def a_message(at: int, incident: str, expires: int, areas: tuple[Area, ...] = (EAST, WEST)) -> Bulletin:
    return a_bulletin(at, incident_id=incident, areas=areas, sent=second(at), expires=second(expires))


def then(bulletin: Bulletin, at: int, stage: Stage, expires: int, areas: tuple[Area, ...] = (EAST, WEST)) -> Bulletin:
    return after(bulletin, at, stage, areas=areas, sent=second(at), expires=second(expires))


def a_bad_day() -> Day:
    day = Day()
    water = day.says(10, a_message(10, "WATR", 600))
    water = day.says(120, then(water, 120, Stage.UPDATE, 700))
    water = day.says(180, then(water, 180, Stage.UPDATE, 700, areas=(EAST,)))
    water = day.says(240, then(water, 240, Stage.CORRECTION, 700, areas=(WEST,)))
    day.says(300, then(water, 300, Stage.ALL_CLEAR, 90_000), stands=False)
    fire = day.says(60, a_message(60, "FIRE", 90_000))
    day.says(330, then(fire, 330, Stage.FALSE_ALARM, 90_000), stands=False)
    day.says(90, a_message(90, "HEAT", 400))
    day.ends(400, "HEAT")  # nobody writes that down, and nobody publishes then
    road = day.says(350, a_message(350, "ROAD", 90_000, areas=(WEST,)))
    day.sayings[450] = [replace(road, ended_at=second(450), ended_why="cancelled")]
    day.ends(450, "ROAD")
    day.says(500, a_message(500, "GAS1", 640))
    day.ends(640, "GAS1")  # while no server answers
    snow = day.says(520, a_message(520, "SNOW", 90_000))
    day.says(20, a_bulletin(20, incident_id="TEST", stage=Stage.TEST, hazard="test", sent=second(20)), shown=False)
    day.says(700, then(snow, 700, Stage.UPDATE, 90_000, areas=(EAST,)))
    return day


@dataclass
class Stand:
    """A city's public folder and listener, with a switch for each thing that can fail."""

    publisher: Publisher
    told: dict[str, Bulletin]
    failing: str = ""


@pytest.fixture
async def stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Stand, TestClient[web.Request, web.Application]]]:
    monkeypatch.setattr(published, "RECHECK_S", 0.0)
    told: dict[str, Bulletin] = {}

    @web.middleware
    async def fail(request: web.Request, handler: public.Handler) -> web.StreamResponse:
        if stand.failing == "error":
            return web.Response(status=503)
        if stand.failing == "cut" and request.transport is not None:
            request.transport.abort()
        return await handler(request)

    async def bulletins() -> Sequence[Bulletin]:
        return list(told.values())

    application = web.Application(middlewares=[fail])
    application.add_routes(routes(tmp_path / "public"))
    async with TestClient(TestServer(application)) as client:
        site = a_site(base=str(client.make_url("")).rstrip("/"), languages=("en",))
        stand = Stand(Publisher(FeedFolder(tmp_path / "public"), site, Pages.load(), bulletins), told)
        await stand.publisher.publish(NOON)
        yield stand, client


def same_area(shown: Shown, bulletin: Bulletin) -> bool:
    said = union_all([area.shape for area in bulletin.event.areas])
    return bool(shown.area.symmetric_difference(said).area < 1e-6)


async def test_clients_show_the_right_alerts_at_each_second(
    stand: tuple[Stand, TestClient[web.Request, web.Application]],
) -> None:
    city, http = stand
    day = a_bad_day()
    clients: tuple[Client, ...] = (
        GeoJsonClient(http.session, str(http.make_url("/feeds/active.geojson"))),
        AtomClient(http.session, str(http.make_url("/feeds/active.atom"))),
    )
    for now in range(END):
        for bulletin in day.sayings.get(now, []):
            city.told[bulletin.event.identifier] = bulletin
        writes = now not in WRITER_STOPS and (now in day.sayings or now % 60 == 0)
        if writes:
            await city.publisher.publish(second(now))
        city.failing = ("error", "cut")[now % 2] if now in SERVER_FAILS else ""
        expected = day.standing(now)
        for client in clients:
            await client.poll()
            shown = {alert.identifier: alert for alert in client.shown(second(now)).values()}
            assert set(shown) == {bulletin.event.identifier for bulletin in expected.values()}, (now, type(client).__name__)
            assert all(same_area(shown[one.event.identifier], one) for one in expected.values()), now
            assert not client.dead(second(now))
    for client in clients:
        assert client.answers[503] >= 40 and client.answers[0] >= 40
        assert client.answers[304] > 600, "an unchanged feed costs no body"
        assert client.answers[200] < 40


async def test_a_feed_nobody_writes_any_more_is_seen_to_be_dead(
    stand: tuple[Stand, TestClient[web.Request, web.Application]],
) -> None:
    _, http = stand
    client = GeoJsonClient(http.session, str(http.make_url("/feeds/active.geojson")))
    await client.poll()
    assert not client.dead(NOON + timedelta(minutes=15))
    assert client.dead(NOON + timedelta(minutes=16))


def test_the_day_has_every_kind_of_trouble() -> None:
    """At every second where truth changes, it changes to what the story says."""
    day = a_bad_day()
    seen = [sorted(day.standing(at)) for at in (9, 10, 60, 90, 300, 330, 350, 400, 450, 500, 520, 640, 700, END)]
    assert seen == [
        [],
        ["WATR"],
        ["FIRE", "WATR"],
        ["FIRE", "HEAT", "WATR"],
        ["FIRE", "HEAT"],
        ["HEAT"],
        ["HEAT", "ROAD"],
        ["ROAD"],
        [],
        ["GAS1"],
        ["GAS1", "SNOW"],
        ["SNOW"],
        ["SNOW"],
        ["SNOW"],
    ]
