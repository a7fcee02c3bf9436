"""The recipes of docs/consuming.md do what they say: each is run as it stands, against files that were really published."""

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.feed_folder import FeedFolder
from notify.alerts.alert import Stage
from notify.publishing import feeds
from notify.publishing.bulletin import Bulletin
from notify.web import public, published
from tests.notify.feed_factory import a_bulletin, a_site, after, an_info

DOC = (Path(__file__).parents[3] / "docs/consuming.md").read_text("utf-8")
RECIPES = {
    int(number): (language, code)
    for number, language, code in re.findall(
        r"^### (\d+)\. [^\n]*\n(?:(?!###).)*?```(\w+)\n(.*?)```", DOC, re.DOTALL | re.MULTILINE
    )
}
LEAFLET = """
const said = [], document = { createTextNode: (text) => text };
const L = { layerGroup: () => ({ addTo() { return this; }, clearLayers() {}, addLayer(one) { said.push(one); } }),
            geoJSON: (one) => ({ bindPopup: (text) => text + " " + one.geometry.type }) };
"""


@dataclass
class City:
    """A published folder on a real listener, and a chat room that takes what is posted to it."""

    folder: Path
    home: Path
    url: str = ""
    posted: list[str] = field(default_factory=list)

    def publish(self, *bulletins: Bulletin, at: datetime | None = None) -> None:
        site = a_site(base=self.url, languages=("en",))
        FeedFolder(self.folder).write(feeds.files(bulletins, at or datetime.now(UTC), site))

    async def run(self, number: int, more: str = "") -> tuple[int, str]:
        """Runs a recipe: its exit code and what it printed."""
        language, code = RECIPES[number]
        program = {"python": [sys.executable, "-c"], "sh": ["sh", "-c"], "js": [shutil.which("node") or "node", "-e"]}[language]
        code = code.replace("https://alerts.example.gov", self.url)
        assert "example.gov" not in code
        process = await asyncio.create_subprocess_exec(
            *program,
            LEAFLET + code + more if more else code,
            cwd=self.home,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "SLACK_WEBHOOK_URL": f"{self.url}/chat"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()


@pytest.fixture
async def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    monkeypatch.setattr(published, "RECHECK_S", 0.0)
    found = City(tmp_path / "public", tmp_path)

    async def chat(request: web.Request) -> web.Response:
        found.posted.append((await request.json())["text"])
        return web.Response(text="ok")

    application = web.Application()
    application.add_routes([web.post("/chat", chat), *public.routes(found.folder)])
    async with TestServer(application) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


def told(headline: str = "Boil tap water in Portland", number: int = 1, **more: object) -> Bulletin:
    sent = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    return a_bulletin(number, sent=sent, infos=(an_info(headline=headline),), pages=(), **more)


def test_ten_recipes_stand_there() -> None:
    assert re.findall(r"^### (\d+)\.", DOC, re.MULTILINE) == [str(number) for number in range(1, 11)]
    assert sorted(RECIPES) == [1, 2, 3, 4, 5, 6, 8, 9, 10], "the seventh is for a web server"


async def test_an_alert_in_force_is_shown_by_every_recipe(city: City) -> None:
    first = told()
    city.publish(first)
    shows = "follow({}).then(() => console.log(said.join()))"
    answers = await asyncio.gather(*(city.run(number, shows if number == 4 else "") for number in RECIPES))
    said = dict(zip(RECIPES, answers, strict=True))
    assert [(number, text) for number, (code, text) in said.items() if code] == []
    headline = "Boil tap water in Portland"
    assert '"active": 1' in said[1][1]
    assert all(headline in said[number][1] for number in (2, 3, 4))
    assert headline.upper() in said[6][1] and "NOT UP TO DATE" not in said[6][1]
    assert city.posted == [f"*{headline}*\n{city.url}/a/K7Q2"]
    assert said[8][1] == "200\n" and said[9][1] == f"active {first.event.identifier} replaces 0\n"
    assert said[10][1] == "alive, 1 in force\n"


async def test_after_the_all_clear_no_recipe_shows_it(city: City) -> None:
    first = told()
    clear = after(first, 2, Stage.ALL_CLEAR, sent=datetime.now(UTC).replace(microsecond=0), pages=())
    city.publish(first)
    await city.run(5)
    await city.run(8)
    city.publish(first, clear)
    shows = "follow({}).then(() => console.log(said.join()))"
    names = (2, 3, 4, 5, 6, 8, 9)
    answers = await asyncio.gather(*(city.run(number, shows if number == 4 else "") for number in names))
    said = dict(zip(names, answers, strict=True))
    assert [said[number][1].strip() for number in (2, 3, 4, 6)] == ["", "", "", ""]
    assert len(city.posted) == 2 and city.posted[1].startswith("*ENDED: ")
    assert said[8][1] == "200\n" and f"replaced {first.event.identifier}" in said[9][1]
    assert (await city.run(8))[1] == "304\n", "an unchanged feed costs no body"
    await city.run(5)
    assert len(city.posted) == 2, "each message is posted once"


async def test_a_dead_feed_is_seen_and_an_unreachable_one_clears_nothing(city: City) -> None:
    long_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    city.publish(a_bulletin(1, sent=long_ago, pages=()), at=long_ago + timedelta(minutes=1))
    (code3, said3), (_, said6), (code10, said10) = await asyncio.gather(*(city.run(number) for number in (3, 6, 10)))
    assert code3 and "the feed is dead" in said3
    assert "ALERTS ARE NOT UP TO DATE. CALL 311." in said6
    assert code10 and "dead" in said10
    shutil.rmtree(city.folder)
    answers = await asyncio.gather(*(city.run(number) for number in (2, 3, 5, 6, 8, 10)))
    assert all(code for code, _ in answers), "each fails aloud, and its last output stays"
