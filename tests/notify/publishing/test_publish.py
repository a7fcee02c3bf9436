"""Publishing: everything out, in the right order, whatever else fails."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.exc import OperationalError

from channels.feed_folder import Differs, FeedFolder, Written
from notify.alerts.alert import Stage
from notify.publishing.bulletin import Bulletin
from notify.publishing.pages import Pages
from notify.publishing.publish import OLD_PAGES_AT_ONCE, Incomplete, Publisher
from notify.publishing.standing import Figures
from notify.web.public import routes
from tests.notify.feed_factory import a_bulletin, a_site, after, at

SITE = a_site(languages=("en", "es", "ar"))
PAGES = Pages.load()


class City:
    """A publisher over a list of bulletins that the test changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[Bulletin] = []
        self.publisher = Publisher(FeedFolder(path), SITE, PAGES, self.bulletins)

    async def bulletins(self) -> Sequence[Bulletin]:
        return list(self.told)

    async def publish(self, minute: float) -> Written:
        return await self.publisher.publish(at(minute))

    def read(self, name: str) -> str:
        return (self.path / name).read_text("utf-8")


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path / "public")


async def test_an_alert_is_a_page_a_feed_entry_and_a_document(city: City) -> None:
    city.told = [a_bulletin(1)]
    written = (await city.publish(2)).written
    identifier = city.told[0].event.identifier
    assert written[0] == f"cap/{identifier}.xml"
    assert written.index("es/a/K7Q2.html") < written.index("feeds/active.atom"), "no feed leads to a page that is not there"
    assert identifier in city.read("feeds/active.rss")
    assert "K7Q2" in city.read("es/index.html")
    assert (city.path / f"cap/{identifier}.xml").read_bytes() == city.told[0].cap


async def test_nothing_new_writes_nothing(city: City) -> None:
    city.told = [a_bulletin(1)]
    await city.publish(2)
    assert await city.publish(2.5) == Written()


async def test_the_heartbeat_leaves_pages_and_documents_alone(city: City) -> None:
    city.told = [a_bulletin(1)]
    await city.publish(2)
    written = (await city.publish(7)).written
    assert {name for name in written if "/a/" in name or name.startswith(("a/", "cap/"))} == set()
    assert "feeds/active.atom" in written and "index.html" in written


async def test_the_clock_ends_an_alert_on_its_page_and_in_the_feeds(city: City) -> None:
    city.told = [a_bulletin(1, expires=at(60))]
    await city.publish(2)
    written = (await city.publish(60)).written
    assert "a/K7Q2.html" in written
    assert "No all clear was given" in city.read("a/K7Q2.html")
    assert "ENDED:" in city.read("feeds/active.rss")


async def test_a_new_message_replaces_the_page_and_keeps_both_documents(city: City) -> None:
    first = a_bulletin(1)
    city.told = [first]
    await city.publish(2)
    city.told = [first, after(first, 30, Stage.ALL_CLEAR)]
    await city.publish(30)
    assert "ALL CLEAR." in city.read("a/K7Q2.html")
    assert len(list((city.path / "cap").iterdir())) == 2


async def test_a_page_once_published_stays_when_its_bulletin_is_no_longer_given(city: City) -> None:
    city.told = [a_bulletin(1)]
    await city.publish(2)
    city.told = []
    await city.publish(3)
    assert (city.path / "a/K7Q2.html").exists()
    assert len(list((city.path / "cap").iterdir())) == 1


async def test_a_test_never_takes_the_page_of_an_alert(city: City) -> None:
    city.told = [a_bulletin(1), a_bulletin(2, stage=Stage.TEST)]
    await city.publish(3)
    assert "TEST ONLY" not in city.read("a/K7Q2.html")
    city.told.reverse()
    assert "a/K7Q2.html" not in (await city.publish(4)).written


async def test_what_cannot_be_written_is_raised_after_the_rest_is_out(city: City) -> None:
    city.told = [a_bulletin(1)]
    city.path.mkdir()
    (city.path / "feeds").write_bytes(b"in the way")
    with pytest.raises(OSError):
        await city.publish(2)
    assert "IN EFFECT NOW" in city.read("a/K7Q2.html")


async def test_a_document_that_changed_is_raised_and_the_alert_is_out(city: City) -> None:
    city.told = [a_bulletin(1)]
    await city.publish(2)
    forged = a_bulletin(1, cap=b"<alert>another</alert>")
    city.told = [forged, a_bulletin(2, incident_id="NEXT")]
    with pytest.raises(Differs):
        await city.publish(3)
    assert "NEXT" in city.read("feeds/active.geojson")
    assert (city.path / f"cap/{forged.event.identifier}.xml").read_bytes() != forged.cap


async def test_words_that_cannot_be_laid_out_do_not_keep_another_alert_back(
    city: City, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.publish(1)
    city.told = [a_bulletin(1), a_bulletin(2, incident_id="GOOD")]
    whole = PAGES.of_thread

    def broken(thread: object, site: object) -> dict[str, bytes]:
        if getattr(thread, "incident_id", "") == "K7Q2":
            raise KeyError("a bug in a template")
        return whole(thread, site)  # type: ignore[arg-type]

    monkeypatch.setattr(PAGES, "of_thread", broken)
    with caplog.at_level(logging.ERROR), pytest.raises(Incomplete, match="incident K7Q2"):
        await city.publish(3)
    assert (city.path / "a/GOOD.html").exists()
    assert "K7Q2" in city.read("feeds/active.geojson") and "GOOD" in city.read("feeds/active.geojson")
    assert "cannot publish the page of incident K7Q2" in caplog.text


async def test_feeds_that_cannot_be_made_are_left_as_they_were(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    await city.publish(1)
    city.told = [a_bulletin(1)]

    def broken(*_: object) -> None:
        raise ValueError("a bug in a feed")

    monkeypatch.setattr("notify.publishing.feeds.files", broken)
    with pytest.raises(Incomplete, match="the feeds"):
        await city.publish(3)
    assert (city.path / "feeds/active.atom").exists()
    assert (city.path / "a/K7Q2.html").exists()


async def test_without_an_answer_about_bulletins_the_folder_stays_as_it_was(city: City) -> None:
    city.told = [a_bulletin(1)]
    await city.publish(2)
    before = city.read("feeds/active.atom")

    async def down() -> Sequence[Bulletin]:
        raise ConnectionError("the database is down")

    with pytest.raises(ConnectionError):
        await Publisher(FeedFolder(city.path), SITE, PAGES, down).publish(at(20))
    assert city.read("feeds/active.atom") == before


async def test_what_was_true_last_is_written_last(city: City) -> None:
    """Two publishings at once: the second asks for the bulletins only when the first has written."""
    first = a_bulletin(1)
    slow, asked = asyncio.Event(), []

    async def bulletins() -> Sequence[Bulletin]:
        asked.append(len(asked))
        if len(asked) == 1:
            await slow.wait()
            return [first]
        return [first, after(first, 5, Stage.ALL_CLEAR)]

    publisher = Publisher(FeedFolder(city.path), SITE, PAGES, bulletins)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(publisher.publish(at(4)))
        group.create_task(publisher.publish(at(5)))
        while not asked:
            await asyncio.sleep(0)
        slow.set()
    assert asked == [0, 1]
    assert "ALL CLEAR." in city.read("a/K7Q2.html")


async def test_years_of_old_alerts_are_looked_at_bit_by_bit_after_a_start(city: City) -> None:
    long_ago = -60 * 24 * 30
    old = [
        a_bulletin(number, incident_id=f"OLD{number}", sent=at(long_ago + number), expires=at(long_ago + 99))
        for number in range(30)
    ]
    city.told = [*old, a_bulletin(100)]
    first = [name for name in (await city.publish(101)).written if name.startswith("a/")]
    assert "a/K7Q2.html" in first and len(first) == 1 + OLD_PAGES_AT_ONCE
    second = [name for name in (await city.publish(102)).written if name.startswith("a/")]
    assert len(second) == 30 - OLD_PAGES_AT_ONCE
    assert all("status" in name for name in (await city.publish(103)).written)


async def test_a_page_that_expired_while_nobody_wrote_is_put_right_at_the_start(city: City) -> None:
    alert = a_bulletin(1, expires=at(60))
    city.told = [alert]
    await city.publish(2)
    again = City(city.path)
    again.told = [alert]
    await again.publish(60 * 48)
    assert "No all clear was given" in again.read("a/K7Q2.html")


async def test_two_cities_with_the_same_bulletins_hold_the_same_bytes(tmp_path: Path) -> None:
    cities = [City(tmp_path / name) for name in ("one", "two")]
    for city in cities:
        first = a_bulletin(1)
        city.told = [first, after(first, 30, Stage.UPDATE)]
        await city.publish(31)
    one, two = ({file.relative_to(city.path): file.read_bytes() for file in city.path.rglob("*.*")} for city in cities)
    assert one == two and len(one) > 15


async def test_an_alert_never_waits_for_archive_and_figures(tmp_path: Path) -> None:
    """What can wait is written by a look that finds nothing else to write."""
    told: list[Bulletin] = []
    looked: list[None] = []

    async def bulletins() -> Sequence[Bulletin]:
        return list(told)

    async def figures() -> Figures:
        looked.append(None)
        return Figures(at=at(0), people={"es": 100})

    publisher = Publisher(FeedFolder(tmp_path), SITE, PAGES, bulletins, figures)
    await publisher.publish(at(1))
    told.append(a_bulletin(1, ended_at=at(1.2), ended_why="cleared"))
    written = (await publisher.publish(at(1.4))).written
    assert "a/K7Q2.html" in written and "banner.json" in written and not any("archive" in name for name in written)
    assert len(looked) == 1
    assert "archive/2014.html" in (await publisher.publish(at(1.9))).written
    assert len(looked) == 2


async def test_the_status_page_moves_every_minute_whatever_else_happens(city: City) -> None:
    for minute in range(2, 6):
        city.told.append(a_bulletin(minute, incident_id=f"K7Q{minute}"))
        assert "es/status.html" in (await city.publish(minute)).written
        assert f"12:0{minute}" in city.read("status.html")


async def test_figures_that_cannot_be_had_keep_nothing_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def bulletins() -> Sequence[Bulletin]:
        return [a_bulletin(1)]

    async def figures() -> Figures:
        raise OperationalError("SELECT", {}, Exception("down"))

    await Publisher(FeedFolder(tmp_path), SITE, PAGES, bulletins, figures).publish(at(2))
    assert (tmp_path / "status.html").exists() and (tmp_path / "archive.html").exists()
    assert "figures of the status page" in caplog.text


async def test_a_page_that_cannot_be_made_does_not_stop_the_status_page(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.told = [a_bulletin(1)]
    await city.publish(2)
    monkeypatch.setattr("notify.publishing.feeds.files", lambda *_: {}[""])
    with pytest.raises(Incomplete):
        await city.publish(4)
    assert "12:04" in city.read("status.html")


async def test_everything_published_is_served_when_the_database_is_gone(city: City) -> None:
    """The folder alone is asked: nothing behind it is there."""
    city.told = [a_bulletin(1), a_bulletin(2, incident_id="ENDD", ended_at=at(3), ended_why="cleared")]
    await city.publish(5)
    application = web.Application()
    application.add_routes(routes(city.path))
    names = [path.relative_to(city.path).as_posix() for path in city.path.rglob("*") if path.is_file()]
    async with TestClient(TestServer(application)) as client:
        for name in names:
            path = name if name.endswith("banner.html") else name.removesuffix("index.html").removesuffix(".html")
            async with client.get(f"/{path}") as answer:
                assert (answer.status, await answer.read()) == (200, (city.path / name).read_bytes()), name
    assert {"areas/K7Q2.json", "archive/alerts.csv", "ar/archive/2014.html", "es/real.html", "banner.json"} <= set(names)


async def test_the_areas_of_an_alert_that_is_over_are_gone(city: City) -> None:
    first = a_bulletin(1)
    city.told = [first]
    await city.publish(2)
    assert (city.path / "areas/K7Q2.json").exists()
    city.told.append(after(first, 30, Stage.ALL_CLEAR))
    assert "areas/K7Q2.json" in (await city.publish(31)).deleted
