"""The sign-up pages on a loopback port, with a mailbox and a phone that only remember."""

import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from channels.base import Content
from notify import data
from notify.alerts.alert import Mode
from notify.clock import Clock, ManualClock
from notify.db import Database
from notify.publishing.site import Site
from notify.residents.own_page import OwnPage
from notify.residents.signup import Errands, Reception, SignUp
from notify.residents.signup_letters import Letters
from notify.web.callbacks import Callbacks
from notify.web.counter import Counter
from notify.web.forms import Marks
from notify.web.manage import ManagePages
from notify.web.screens import Screens
from notify.web.signup import SignUpPages
from notify.web.visit import VisitPages
from subscribers.address import Samples
from subscribers.dialog.turn import Sight
from subscribers.place import NamedPlace, Point, ZipArea
from subscribers.sealing import Keyring
from subscribers.signup import Wish

PHONE = "(503) 555-0123"
NUMBER = "+15035550123"
MAIL = "resident@example.gov"
BASE = "https://alerts.example.gov"
LANGUAGES = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
BLOCK = Point(45.5152, -122.6784, "1100 block SW 5th Ave")
SIGHTS: Mapping[str, Sequence[Sight]] = {
    "97214": (Sight(spot=ZipArea("97214"), words="97214", exact="97214", score=1.0, zip="97214"),),
    "97206": (Sight(spot=ZipArea("97206"), words="97206", exact="97206", score=1.0, zip="97206"),),
    "Lents": (Sight(spot=NamedPlace("Lents"), words="Lents", exact="Lents", score=1.0),),
    "1120 SW 5th Ave": (Sight(spot=BLOCK, words=BLOCK.block, exact="1120 SW 5th Ave (97204)", score=1.0, zip="97204"),),
    "1120 5th": tuple(
        Sight(
            spot=Point(45.5, -122.6 - number / 100, f"1100 block {way} 5th Ave"),
            words=f"1100 block {way} 5th Ave",
            exact=f"1120 {way} 5th Ave ({zip_code})",
            score=0.7,
            zip=zip_code,
        )
        for number, (way, zip_code) in enumerate([("SW", "97204"), ("NE", "97232")])
    ),
}


async def find_place(typed: str) -> Sequence[Sight]:
    return SIGHTS.get(typed, ())


def a_site(**changes: Any) -> Site:
    site = Site(
        base=BASE,
        city="Portland",
        publisher="City of Portland",
        email="alerts@example.gov",
        time_zone=ZoneInfo("America/Los_Angeles"),
        languages=LANGUAGES,
        mode=Mode.LIVE,
        phone="311",
    )
    return replace(site, **changes)


@dataclass(slots=True)
class Sent:
    """Notices that remember what they were given. fails: as if nothing could leave."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    mails: list[tuple[str, Content, str]] = field(default_factory=list)
    fails: bool = False

    async def text(self, number: str, body: str) -> bool:
        self.texts.append((number, body))
        return not self.fails

    async def mail(self, address: str, content: Content, recipient: str) -> bool:
        self.mails.append((address, content, recipient))
        return not self.fails

    @property
    def code(self) -> str:
        """The code in the last text."""
        found = re.search(r"\d{6}", self.texts[-1][1])
        assert found
        return found[0]

    @property
    def link(self) -> str:
        """The path of the link in the last mail."""
        content = self.mails[-1][1]
        (url,) = re.findall(r"^https://\S+$", content.body, re.MULTILINE)
        assert content.html.count(url) == 2
        return str(urlsplit(url).path)


@dataclass(slots=True)
class House:
    """Everything of one test. `client` calls as a browser on our own pages does."""

    db: Database
    clock: ManualClock
    keys: Keyring
    client: TestClient[Any, Any]
    sent: Sent
    errands: Errands
    sign_up_verb: SignUp

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        answer = await self.client.get(path, headers=headers, allow_redirects=False)
        return answer.status, await answer.text()

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> tuple[int, str]:
        answer = await self.raw_post(path, fields, headers)
        return answer.status, await answer.text()

    async def raw_post(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> ClientResponse:
        ours = {"Sec-Fetch-Site": "same-origin"} | dict(headers or {})
        answer = await self.client.post(path, data=dict(fields), headers=ours, allow_redirects=False)
        await self.errands.settle()
        return answer

    async def mark(self, path: str = "/en/subscribe") -> str:
        return field_of((await self.get(path))[1], "mark")

    async def subscribe(self, contact: str, place: str = "97214", language: str = "en", **more: str) -> tuple[int, str]:
        fields = {"contact": contact, "place": place, "language": language, "agree": "yes", "mark": await self.mark()}
        return await self.post("/en/subscribe", fields | more)

    async def type_code(self, page: str, code: str, where: str = "/en/subscribe/code") -> tuple[int, str]:
        return await self.post(where, {"token": field_of(page, "token"), "mark": field_of(page, "mark"), "code": code})

    async def press(self, path: str) -> tuple[int, str]:
        """Opens a link and presses its button."""
        return await self.post(path, {"mark": await self.mark(path)})

    async def sign_up(self, contact: str, place: str = "97214", language: str = "en") -> None:
        status, page = await self.subscribe(contact, place, language)
        assert status == 200, page
        status, page = await (self.press(self.sent.link) if "@" in contact else self.type_code(page, self.sent.code))
        assert status == 200, page

    async def visit(self, contact: str) -> str:
        """Opens the page of somebody signed up; returns it. The client keeps the cookie."""
        status, page = await self.post("/en/manage", {"contact": contact, "mark": await self.mark("/en/manage")})
        assert status == 200, page
        if "@" in contact:
            answer = await self.raw_post(self.sent.link, {"mark": await self.mark(self.sent.link)})
        else:
            code = {"token": field_of(page, "token"), "mark": field_of(page, "mark"), "code": self.sent.code}
            answer = await self.raw_post("/en/manage/code", code)
        assert answer.status == 303, await answer.text()
        self.keep(answer)
        return (await self.get("/manage/mine"))[1]

    def keep(self, answer: ClientResponse) -> None:
        """The cookie is for https only; a browser there would keep it as this does."""
        for name, cookie in answer.cookies.items():
            self.client.session.cookie_jar.clear()
            self.client.session.cookie_jar.update_cookies({name: cookie.value})

    async def act(self, name: str, **fields: str) -> tuple[int, str]:
        """Presses a button of one's own page."""
        mark = field_of((await self.get("/manage/mine"))[1], "mark")
        return await self.post(f"/manage/{name}", {"mark": mark} | fields)

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.db.read_now(lambda conn: [dict(row) for row in conn.execute(text(query)).mappings()])

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every row that a sign-up could change."""
        tables = ("subscriber", "address", "place", "consent", "contact", "words", "pending", "quota", "due")
        return {name: self.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables}


def a_wish(address: str = MAIL) -> Wish:
    channel = "email" if "@" in address else "sms"
    return Wish(channel=channel, address=address, language="es", spot=BLOCK, words=BLOCK.block, agreed="yes", terms="1")


@contextmanager
def embedded(migrated: Path, folder: Path) -> Iterator[Database]:
    """A fresh database on SQLite: pages are the same on both, and what differs is tested on both elsewhere."""
    shutil.copy(migrated, folder / "signup.db")
    with closing(Database(f"sqlite:///{folder / 'signup.db'}")) as db:
        yield db


def field_of(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found[1]


def a_reception(
    db: Database, clock: Clock, keys: Keyring, sent: Sent, *, site: Site | None = None, **changes: Any
) -> Reception:
    folder = data.folder("templates")
    letters = Letters(folder, site or a_site(), "Portland Alerts", lambda code, language: f"Code {code}. {language}")
    reception = Reception(
        db=db, clock=clock, keys=keys, notices=sent, letters=letters, errands=Errands(), texts_a_day=2000, mails_a_day=20_000
    )
    return replace(reception, **changes)


def an_app(reception: Reception, site: Site) -> web.Application:
    """The pages as the public listener serves them."""
    screens = Screens(data.folder("templates"), site, number="+15035550100", terms="2026-11")
    counter = Counter(
        screens=screens,
        clock=reception.clock,
        marks=Marks(reception.keys.blind_key),
        find_place=find_place,
        samples=Samples.ALLOWED,
        proxies=1,
    )
    own_page = OwnPage(reception)
    app = web.Application()
    app.add_routes(SignUpPages(counter, SignUp(reception)).routes())
    app.add_routes([*ManagePages(counter, own_page).routes(), *VisitPages(counter, own_page).routes()])
    app.add_routes(Callbacks(reception.db, reception.clock, {}, site.base, reception.keys.blind_key, screens).routes())
    return app


@asynccontextmanager
async def house(db: Database, clock: ManualClock, site: Site | None = None, **changes: Any) -> AsyncIterator[House]:
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    sent = Sent()
    reception = a_reception(db, clock, keys, sent, **changes)
    async with TestClient(TestServer(an_app(reception, site or a_site()))) as client:
        yield House(
            db=db,
            clock=clock,
            keys=keys,
            client=client,
            sent=sent,
            errands=reception.errands,
            sign_up_verb=SignUp(reception),
        )
        await reception.errands.settle()
