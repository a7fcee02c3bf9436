"""Mirrors: everything published, in an order that never leads nowhere, later and by themselves, whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from channels.bucket import Place
from channels.feed_folder import FeedFolder
from notify.alerts.alert import Stage
from notify.clock import ManualClock
from notify.mirror.copying import AGAIN, LATE, Mirror, Target
from notify.mirror.targets import BucketTarget, FolderTarget
from notify.publishing.bulletin import Bulletin
from notify.publishing.pages import Pages
from notify.publishing.publish import Publisher
from notify.web.public import routes
from tests.notify.feed_factory import NOON, a_bulletin, a_site, after
from tests.notify.mirror.store_server import Store

SITE = a_site(languages=("en", "es"))
PAGES = Pages.load()


@dataclass
class City:
    """A publisher whose mirrors are ticked by hand."""

    home: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    told: list[Bulletin] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publisher = Publisher(FeedFolder(self.public), SITE, PAGES, self.bulletins)

    @property
    def public(self) -> Path:
        return self.home / "public"

    async def bulletins(self) -> list[Bulletin]:
        return list(self.told)

    async def publish(self, *more: Bulletin) -> None:
        self.told += more
        await self.publisher.publish(self.clock.now())

    def mirror(self, target: Target) -> Mirror:
        mirror = Mirror(
            folder=self.public, target=target, kept=self.home / "mirror.json", clock=self.clock, page=self.pages.append
        )
        self.publisher.told.append(mirror.wake)
        return mirror


async def ticked(mirror: Mirror) -> None:
    """A tick that starts to copy, the copying, and the tick that sees how it went."""
    await mirror.tick()
    if mirror._copying is not None:
        await asyncio.wait([mirror._copying])
    await mirror.tick()


@pytest.fixture
def city(tmp_path: Path) -> City:
    (tmp_path / "second").mkdir()
    return City(tmp_path)


@pytest.fixture
async def store() -> AsyncIterator[tuple[Store, BucketTarget]]:
    clock = ManualClock(NOON)
    store = Store(NOON)
    async with TestServer(store.application()) as server:
        place = Place(
            url=str(server.make_url("/alerts")), region="us-east-1", key_id="AKIDTOCSIN", secret="not-a-real-secret/key+1"
        )
        target = BucketTarget(place, clock)
        yield store, target
        await target.close()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_folder_becomes_what_the_public_folder_is(city: City) -> None:
    mirror = city.mirror(FolderTarget(city.home / "second"))
    first = a_bulletin(1)
    await city.publish(first)
    await ticked(mirror)
    assert files(city.home / "second") == files(city.public) and "feeds/active.atom" in files(city.public)
    assert mirror.light.fresh_at == NOON and not mirror.light.trouble and mirror.light.behind_since is None
    city.clock.forward(timedelta(minutes=30))
    await city.publish(after(first, 30, Stage.ALL_CLEAR))
    await ticked(mirror)
    assert files(city.home / "second") == files(city.public)
    assert "areas/K7Q2.json" not in files(city.home / "second"), "what is over is taken away there, too"
    await mirror.close()


async def test_a_mirror_is_served_by_the_same_rules_as_the_origin(city: City) -> None:
    mirror = city.mirror(FolderTarget(city.home / "second"))
    await city.publish(a_bulletin(1))
    await ticked(mirror)
    tags = []
    for folder in (city.public, city.home / "second"):
        application = web.Application()
        application.add_routes(routes(folder))
        async with TestClient(TestServer(application)) as client, client.get("/feeds/active.atom") as answer:
            tags.append(answer.headers["ETag"])
    assert tags[0] == tags[1]
    await mirror.close()


async def test_no_link_of_a_bucket_ever_leads_nowhere_and_the_heartbeat_comes_last(
    city: City, store: tuple[Store, BucketTarget]
) -> None:
    kept, target = store
    mirror = city.mirror(target)
    await city.publish(a_bulletin(1))
    await ticked(mirror)
    order = [name.removeprefix("alerts/") for name in kept.order]
    document = f"cap/{city.told[0].event.identifier}.xml"
    assert order.index(document) < order.index("a/K7Q2") < order.index("feeds/active.atom")
    assert order[-1] == "feeds/index.json"
    types = {name.removeprefix("alerts/"): one.headers["Content-Type"] for name, one in kept.objects.items()}
    assert types["a/K7Q2"] == types["es/index.html"] == "text/html; charset=utf-8"
    assert types["feeds/active.geojson"] == "application/geo+json"
    assert kept.objects[f"alerts/{document}"].headers["Cache-Control"].endswith("immutable")
    assert {name.removesuffix(".html") for name in files(city.public)} == {
        name.removeprefix("alerts/").removesuffix(".html") for name in kept.objects
    }


async def test_only_what_has_changed_is_copied_also_after_a_restart(city: City, store: tuple[Store, BucketTarget]) -> None:
    kept, target = store
    first = a_bulletin(1)
    await city.publish(first)
    mirror = city.mirror(target)
    await city.publish()
    await ticked(mirror)
    kept.order.clear()
    again = city.mirror(target)
    city.clock.forward(timedelta(minutes=30))
    await city.publish(after(first, 30, Stage.ALL_CLEAR))
    await ticked(again)
    assert f"alerts/cap/{first.event.identifier}.xml" not in kept.order and "alerts/feeds/active.rss" in kept.order
    assert kept.deleted == ["alerts/areas/K7Q2.json"], "what the process before has put is taken away"


async def test_a_store_that_fails_keeps_its_old_heartbeat_and_gets_everything_later(
    city: City, store: tuple[Store, BucketTarget]
) -> None:
    kept, target = store
    mirror = city.mirror(target)
    await city.publish(a_bulletin(1))
    await ticked(mirror)
    old = kept.objects["alerts/feeds/index.json"].body
    kept.failing = 503
    city.clock.forward(timedelta(minutes=6))
    await city.publish(a_bulletin(2, incident_id="NEXT"))
    await ticked(mirror)
    assert "SlowDown" in mirror.light.trouble and mirror.light.behind_since == city.clock.now()
    assert kept.objects["alerts/feeds/index.json"].body == old
    kept.failing = 0
    await ticked(mirror)
    assert "alerts/a/NEXT" not in kept.objects, "not at once again: the store is in trouble"
    city.clock.forward(AGAIN)
    kept.now = city.clock.now()
    target._clock = city.clock  # type: ignore[assignment]
    await ticked(mirror)
    assert "alerts/a/NEXT" in kept.objects and not mirror.light.trouble
    assert kept.objects["alerts/feeds/index.json"].body == (city.public / "feeds/index.json").read_bytes()


class Stuck:
    """A mirror that takes nothing: it hangs until it is let go, or refuses one name."""

    name = "stuck"

    def __init__(self, refused: str = "") -> None:
        self.go, self.refused = asyncio.Event(), refused
        self.held: dict[str, bytes] = {}

    async def put(self, name: str, content: bytes) -> None:
        if name == self.refused:
            raise OSError(f"{name} is not wanted.")
        await self.go.wait()
        self.held[name] = content

    async def delete(self, name: str) -> None:
        self.held.pop(name, None)

    async def close(self) -> None: ...


async def test_one_file_that_cannot_be_copied_holds_back_the_heartbeat_and_nothing_else(city: City) -> None:
    target = Stuck(refused="a/K7Q2.html")
    target.go.set()
    mirror = city.mirror(target)
    await city.publish(a_bulletin(1))
    await ticked(mirror)
    assert "feeds/active.atom" in target.held and "feeds/index.json" not in target.held
    assert mirror.light.trouble == "a/K7Q2.html is not wanted."


async def test_a_mirror_that_hangs_delays_no_publishing_and_somebody_is_paged_once(city: City) -> None:
    target = Stuck()
    mirror = city.mirror(target)
    await city.publish(a_bulletin(1))
    await mirror.tick()
    await city.publish(a_bulletin(2, incident_id="NEXT"))
    assert "NEXT" in (city.public / "feeds/active.atom").read_text()
    for _ in range(3):
        city.clock.forward(LATE)
        await mirror.tick()
    assert city.pages == ["The mirror stuck is behind since 19:00 UTC. The mirror stuck does not answer."]
    target.go.set()
    await ticked(mirror)
    await ticked(mirror)
    assert city.pages[-1] == "The mirror stuck is up to date again." and not mirror.light.trouble
    assert target.held == files(city.public)


async def test_a_folder_that_is_not_mounted_is_a_failure_and_not_an_empty_mirror(city: City) -> None:
    mirror = city.mirror(FolderTarget(city.home / "unmounted"))
    await city.publish(a_bulletin(1))
    await ticked(mirror)
    assert "is it mounted?" in mirror.light.trouble and not (city.home / "unmounted").exists()
    await mirror.close()


async def test_a_memory_that_cannot_be_read_costs_one_more_copy(city: City) -> None:
    target = Stuck()
    target.go.set()
    (city.home / "mirror.json").write_text("{not json")
    mirror = city.mirror(target)
    await city.publish(a_bulletin(1))
    await ticked(mirror)
    assert target.held == files(city.public)
    assert mirror.told()["fresh_at"] == NOON.isoformat()
