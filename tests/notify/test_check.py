"""Is my place in the area? Asked by a form, answered from published files, whatever else is down."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from lxml import html
from shapely.geometry import box
from sqlalchemy.exc import OperationalError

from channels.feed_folder import FeedFolder
from notify.alerts.affected import WORDS, Verdict, touched
from notify.alerts.alert import Mode, Stage
from notify.publishing.bulletin import Bulletin
from notify.publishing.pages import Pages
from notify.publishing.publish import Publisher
from notify.web import check
from notify.web.check import Gazetteer
from notify.web.public import routes
from notify.wording.labels import labels
from subscribers.areas import NamedShape
from subscribers.dialog.turn import Sight
from subscribers.place import Point
from tests.notify.feed_factory import EAST, WEST, a_bulletin, a_site, after, at

Client = TestClient[web.Request, web.Application]
NAMED = [
    NamedShape(name="97206", kind="zip", shape=box(-122.58, 45.47, -122.56, 45.49)),
    NamedShape(name="97214", kind="zip", shape=box(-122.65, 45.50, -122.58, 45.52)),
    NamedShape(name="97219", kind="zip", shape=box(-122.75, 45.47, -122.72, 45.49)),
]
INSIDE = Sight(spot=Point(45.48, -122.57), words="5600 block SE 82nd Ave", exact="5600 SE 82nd Ave (97206)", score=1.0)
FAR = Sight(spot=Point(45.48, -122.74), words="100 block SW 1st Ave", exact="100 SW 1st Ave (97219)", score=0.95)
HOSTILE = '<script>alert("1")</script><!--verdict-->'


def an_alert(**changes: Any) -> Bulletin:
    given = {"areas": (EAST,)} | changes
    return a_bulletin(1, touched=touched(given["areas"], NAMED), **given)


class Finder:
    """A gazetteer of three places. It fails when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def __call__(self, typed: str) -> Sequence[Sight]:
        self.asked.append(typed)
        if self.failure is not None:
            raise self.failure
        return {
            "5600 SE 82nd": [INSIDE],
            "1st": [replace(INSIDE, score=0.95), FAR],
            "100 SW 1st": [FAR],
            "100 W 1st": [replace(FAR, score=0.79)],
        }.get(typed, [])


@asynccontextmanager
async def city(folder: Path, *told: Bulletin, finder: Finder | None = None, minute: float = 5, **site: Any) -> Any:
    async def bulletins() -> Sequence[Bulletin]:
        return told

    await Publisher(FeedFolder(folder), a_site(languages=("en", "es", "ar"), **site), Pages.load(), bulletins).publish(
        at(minute)
    )
    application = web.Application()
    application.add_routes(routes(folder, Gazetteer(finder) if finder else None))
    async with TestClient(TestServer(application)) as client:
        yield client


@pytest.fixture
def finder() -> Finder:
    return Finder()


@pytest.fixture
async def client(tmp_path: Path, finder: Finder) -> AsyncIterator[Client]:
    async with city(tmp_path, an_alert(), finder=finder) as client:
        yield client


async def ask(client: Client, place: str, path: str = "/a/K7Q2/check") -> tuple[int, Any]:
    async with client.post(path, data={"place": place}, allow_redirects=False) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, html.document_fromstring(await answer.text())


def said(page: Any) -> tuple[str, str]:
    """The kind of verdict, and its words."""
    (told,) = page.xpath("//main//div[@role='alert']")
    return told.get("class").removeprefix("verdict "), told.xpath("strong")[0].text_content()


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [
        ("97206", Verdict.INSIDE),
        (" 97206-1234 ", Verdict.INSIDE),
        ("٩٧٢٠٦", Verdict.INSIDE),
        ("97214", Verdict.PART),
        ("97219", Verdict.OUTSIDE),
        ("10001", Verdict.UNKNOWN),
        ("", Verdict.UNKNOWN),
        ("5600 SE 82nd", Verdict.INSIDE),
        ("100 SW 1st", Verdict.OUTSIDE),
        ("1st", Verdict.WHICH),
        ("100 W 1st", Verdict.WHICH),  # a find that nobody can be sure of is no "NO"
        ("nowhere", Verdict.UNKNOWN),
        ("x" * 121, Verdict.UNKNOWN),
    ],
)
async def test_each_place_has_its_answer_above_what_to_do(client: Client, typed: str, verdict: Verdict) -> None:
    status, page = await ask(client, typed)
    assert (status, said(page)) == (200, (verdict.value, WORDS[verdict].format(phone="311")))
    order = [element.tag for element in page.xpath("//div[@role='alert'] | //h1 | //section[@class='steps']")]
    assert order == ["div", "h1", "section"]


async def test_the_answer_names_the_place_that_was_found(client: Client) -> None:
    _, page = await ask(client, "5600 SE 82nd")
    assert page.xpath("//div[@role='alert']/bdi/text()") == ["5600 SE 82nd Ave (97206)"]


async def test_the_answer_is_in_the_language_of_the_page(client: Client) -> None:
    _, page = await ask(client, "97206", "/ar/a/K7Q2/check")
    assert page.getroottree().getroot().get("dir") == "rtl"
    assert said(page)[1] == labels("ar").say(WORDS[Verdict.INSIDE])


async def test_a_demo_answers_from_its_own_files(tmp_path: Path) -> None:
    async with city(tmp_path, an_alert(mode=Mode.DEMO), mode=Mode.DEMO) as client:
        assert said((await ask(client, "97206", "/demo/es/a/K7Q2/check"))[1])[0] == "inside"


@pytest.mark.parametrize("failure", [OperationalError("SELECT", {"typed": "5600 SE 82nd"}, Exception()), TimeoutError()])
async def test_without_the_database_zips_are_answered_and_addresses_are_unknown(
    client: Client, finder: Finder, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    finder.failure = failure
    status, page = await ask(client, "5600 SE 82nd")
    assert (status, said(page)[0]) == (503, "busy")
    assert said((await ask(client, "97214"))[1])[0] == "part"
    assert "82nd" not in caplog.text


async def test_without_a_gazetteer_addresses_are_unknown(tmp_path: Path) -> None:
    async with city(tmp_path, an_alert()) as client:
        assert said((await ask(client, "5600 SE 82nd"))[1])[0] == "busy"
        assert said((await ask(client, "97206"))[1])[0] == "inside"


async def test_nothing_that_is_typed_comes_out_as_markup_or_in_the_log(
    client: Client, finder: Finder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, page = await ask(client, HOSTILE)
    assert not page.xpath("//script")
    assert said(page)[0] == "unknown"
    assert "script" not in caplog.text and finder.asked == [HOSTILE]


async def test_one_household_cannot_keep_the_gazetteer_busy_but_still_asks_about_zips(
    client: Client, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "MOST_IN_WINDOW", 2)
    answers = [(await ask(client, "5600 SE 82nd"))[0] for _ in range(4)]
    assert answers == [200, 200, 429, 429] and len(finder.asked) == 2
    assert said((await ask(client, "97206"))[1])[0] == "inside"


async def test_only_so_many_look_ups_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MOST_AT_ONCE", 1)
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def slow(_: str) -> Sequence[Sight]:
        begun.set()
        await let_go.wait()
        return []

    gazetteer = Gazetteer(slow)
    async with asyncio.timeout(60):
        first = asyncio.create_task(gazetteer.sights("x", "192.0.2.1"))
        await begun.wait()
        with pytest.raises(check.Busy):
            await gazetteer.sights("x", "192.0.2.2")
        let_go.set()
        assert await first == []


async def test_an_alert_that_is_over_sends_its_readers_to_its_page(tmp_path: Path) -> None:
    first = an_alert()
    async with city(tmp_path, first, after(first, 60, Stage.ALL_CLEAR), minute=61) as client:
        async with client.post("/es/a/K7Q2/check", data={"place": "97206"}) as answer:
            assert answer.url.path == "/es/a/K7Q2" and answer.status == 200
            assert "verdict" not in (await answer.text()).replace("<!--verdict-->", "")
        assert (await client.post("/a/NONE/check", data={"place": "97206"})).status == 404


async def test_the_answer_loaded_anew_as_an_address_is_the_page(client: Client) -> None:
    async with client.get("/a/K7Q2/check") as answer:
        assert answer.url.path == "/a/K7Q2" and answer.status == 200


async def test_a_new_area_is_answered_for_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.web.published.RECHECK_S", 0.0)
    first = an_alert()
    told = [first]

    async def bulletins() -> Sequence[Bulletin]:
        return told

    publisher = Publisher(FeedFolder(tmp_path), a_site(languages=("en",)), Pages.load(), bulletins)
    await publisher.publish(at(2))
    application = web.Application()
    application.add_routes(routes(tmp_path))
    async with TestClient(TestServer(application)) as client:
        assert said((await ask(client, "97219"))[1])[0] == "outside"
        west = (EAST, WEST)
        told.append(after(first, 10, Stage.UPDATE, areas=west, touched=touched(west, NAMED)))
        await publisher.publish(at(11))
        assert said((await ask(client, "97219"))[1])[0] == "inside"
