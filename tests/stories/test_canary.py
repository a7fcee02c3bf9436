"""A resident whose number, mailbox, street and words go every way there is; then all that the town writes is searched for them.

A new way in is one more function in WAYS. What may hold a resident in clear stands in THEIRS; whatever else lies in the town's
folder must not, and neither may anything that others than administrators are answered.
"""

import asyncio
import json
import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import aiohttp
import pytest
from sqlalchemy import text

from notify.db import Database
from notify.sending.outbox import unsubscribe_reference
from subscribers import store
from tests.stories.town import ACCOUNT, BOIL_WATER, SENDER, Process, Town, numbers

PHONE: Final = "+15415554747"
MAIL: Final = "quetzal.nightjar@example.gov"
NEWCOMER: Final = "+15415554848"
VISITOR: Final = "+15415554949"  # of the sign-up page
STREET: Final = "4747 SE Bulbul Street"
SECRET: Final = "kiskadee whippoorwill"  # words of a text
BAD_MAIL: Final = "quetzal.nightjar@@example.gov"
AUTH_TOKEN: Final = "canary-auth-token-5d1f"
PEOPLE: Final = (
    "phone,email,language,label,lat,lon,zip,area,basis,consent_at,consent_source\n"
    f"{PHONE},{MAIL},en,HOME,45.52,-122.67,,,opt-in,2014-05-01,form\n"
    f"{PHONE}9,,en,HOME,45.52,-122.67,,,opt-in,2014-05-01,form\n"
    f",{BAD_MAIL},en,HOME,45.52,-122.67,,,opt-in,2014-05-01,form\n"
)
# The carrier's own record, mailboxes, the list that was imported, and the keys: what is theirs or only an administrator's.
THEIRS: Final = ("carrier/", "mailboxes/", "people.csv", "keys.toml", "dump.csv")
FAILING: Final = ("words", "consent", "alert")  # tables that texts, unsubscribing and drafts add to
PATIENCE_S: Final = 60


def canaries(town: Town) -> dict[str, list[bytes]]:
    """What must be nowhere, in every way it may be written, in small letters."""
    words = {"the mailbox": MAIL, "its name": MAIL.partition("@")[0], "the street": STREET, "the words": SECRET}
    words |= {"the gateway's token": AUTH_TOKEN} | {f"the token of {name}": token for name, token in town.tokens.items()}
    found = {name: [spelt.lower().encode() for spelt in spellings(word)] for name, word in words.items()}
    for name, number in (("the phone", PHONE), ("the newcomer", NEWCOMER), ("the visitor", VISITOR)):
        area, line = number[2:5], number[8:]
        written = (f"{area}555{line}", f"{area}-555-{line}", f"{area}.555.{line}", f"{area}) 555-{line}", f"{area} 555 {line}")
        found[name] = [one.encode() for one in written]
    return found


def field_of(page: str, name: str) -> str:
    """What a hidden field of a page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def spellings(word: str) -> set[str]:
    return {word, quote(word), quote_plus(word), json.dumps(word)[1:-1]}


class Life:
    """A town with the canary in it, and a session to call it by."""

    def __init__(self, town: Town, session: aiohttp.ClientSession) -> None:
        self.town, self.session = town, session
        self.answers: list[tuple[str, bytes]] = []  # what somebody other than an administrator was told

    async def command(self, *arguments: str) -> int:
        """A command line, its words and its crash kept in the town's folder."""
        environment = {
            "TOCSIN_MODE": "demo",
            "TOCSIN_DATA_DIR": str(self.town.home),
            "TOCSIN_DATABASE_URL": self.town.database_url,
        }
        with (self.town.home / "commands.log").open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "notify", *arguments), stdout=log, stderr=log, env=environment
            )
            return await asyncio.wait_for(child.wait(), PATIENCE_S)

    async def texts(self, body: str, phone: str = PHONE) -> None:
        wish = {"from": phone, "to": SENDER, "body": body}
        url = f"http://127.0.0.1:{self.town.sms_port}/control/inbound"
        async with self.session.post(url, json=wish) as answer:
            assert answer.status == 200, await answer.text()

    async def submits(self, path: str, page: str = "", **fields: str) -> str:
        """Fills a form in, on the page given or on the one at the path; the answer is for who typed it."""
        url = f"{self.town.url}{path}"
        if not page:
            async with self.session.get(url) as answer:
                page = await answer.text()
        data = fields | {"mark": field_of(page, "mark")}
        async with self.session.post(url, data=data, headers={"Sec-Fetch-Site": "same-origin"}) as answer:
            assert answer.status in (200, 303, 422), (path, answer.status)
            return await answer.text()

    async def text_to(self, phone: str) -> str:
        """The digits of the code that a phone got."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := [line["body"] for line in self.town.sms() if line["to"] == phone]):
                await asyncio.sleep(0.05)
        digits = re.search(r"\d{6}", found[-1])
        assert digits is not None
        return digits[0]

    async def calls(self, method: str, path: str, *, private: bool = False, **more: Any) -> int:
        port = self.town.private_port if private else self.town.public_port
        async with self.session.request(method, f"http://127.0.0.1:{port}{path}", **more) as answer:
            self.answers.append((f"{method} {path[:40]}", await answer.read()))
            return answer.status


async def imported(life: Life) -> None:
    file = life.town.home / "people.csv"
    file.write_text(PEOPLE)
    assert await life.command("subscribers", "import", str(file), "--json") in (0, 1)


async def alerted(life: Life) -> None:
    alert_id = await life.town.send(BOIL_WATER)
    await life.town.until(alert_id, "active")
    await life.town.settled(alert_id)
    assert any(line["to"] == PHONE for line in life.town.sms()) and any(line["rcpt"] == MAIL for line in life.town.mails())
    for who in ("author", "approver"):
        for path in (f"/alerts/{alert_id}", f"/alerts/{alert_id}/deliveries", "/alerts", "/subscribers", "/status"):
            life.answers.append((path, json.dumps(await life.town.must(who, "GET", path)).encode()))


async def texted(life: Life) -> None:
    for body in (
        SECRET,
        f"97214 {SECRET}",
        STREET,
        f"fire at {STREET}",
        "STOP",
        "START",
        f"HOME {STREET}",
        "\ud83d\ude00" + SECRET,
    ):
        await life.texts(body)
    await life.texts(STREET, NEWCOMER)


async def forged(life: Life) -> None:
    """What anybody may post: words in every place of a request that could end up in a log."""
    form = {"From": PHONE, "To": SENDER, "Body": SECRET, "AccountSid": ACCOUNT, "MessageSid": MAIL}
    for path in ("/inbound/sms", "/reports/sms/1", f"/reports/sms/{quote(PHONE)}", f"/inbound/{quote(MAIL)}"):
        headers = {"X-Twilio-Signature": AUTH_TOKEN, "User-Agent": MAIL, "Referer": f"https://example.gov/{SECRET}"}
        assert await life.calls("POST", path, data=form, headers=headers) in (403, 404)
    bounce = f"To: {MAIL}\r\nSubject: {SECRET}\r\nContent-Type: multipart/report\r\n\r\n{STREET}".encode()
    assert await life.calls("POST", "/reports/email", data=bounce) == 403
    for path in (f"/unsubscribe/{quote(MAIL)}", f"/{quote(STREET)}", f"/a/{quote(SECRET)}", f"/?q={quote(MAIL)}"):
        await life.calls("GET", path)
    headers = {"Authorization": f"Bearer {AUTH_TOKEN}"}
    assert (
        await life.calls(
            "POST", "/api/v1/alerts", private=True, json={"hazard": SECRET, "slots": {MAIL: PHONE}}, headers=headers
        )
        == 401
    )


async def drafted(life: Life) -> None:
    """A draft that names a resident, looked at and refused with every reason: the answer is its author's, the log is not."""
    draft = {"hazard": "boil_water", "slots": {"address": STREET, MAIL: PHONE}, "area": {"names": [SECRET]}}
    status, _ = await life.town.call("author", "POST", "/preview", draft)
    assert status < 500


async def unsubscribed(life: Life) -> None:
    with closing(Database(life.town.database_url)) as db:
        known = db.read_now(lambda conn: store.find_address(conn, "email", life.town.ring.blind("email", MAIL)))
    assert known is not None
    path = f"/unsubscribe/{unsubscribe_reference(life.town.ring.blind_key, known.address_id)}"
    assert await life.calls("GET", path) == 200
    assert await life.calls("POST", path) == 200


async def signed_up(life: Life) -> None:
    """The sign-up pages: filled in well and badly, a code typed right and wrong, one's own page, links anybody may invent."""
    await life.submits("/demo/en/subscribe", contact=VISITOR, place=STREET, language="en", agree="yes")
    page = await life.submits("/demo/en/subscribe", contact=VISITOR, place="", language="en", agree="yes")
    code = await life.text_to(VISITOR)
    tokens = {"token": field_of(page, "token"), "code": "000000"}
    await life.submits("/demo/en/subscribe/code", page, **tokens)
    await life.submits("/demo/en/subscribe/code", page, **tokens | {"code": code})
    with closing(Database(life.town.database_url)) as db:
        blind = life.town.ring.blind("sms", VISITOR)
        assert db.read_now(lambda conn: store.find_address(conn, "sms", blind)) is not None, "the code signed them up"
    await life.submits("/demo/en/subscribe", contact=BAD_MAIL, place=SECRET, language="en")
    await life.submits("/demo/en/subscribe", contact=MAIL, place="", language="es", agree="yes")
    await life.submits("/demo/en/manage", contact=VISITOR)
    await life.calls("GET", f"/demo/en/confirm/{quote(SECRET)}")
    await life.calls("GET", f"/demo/en/manage/{'A' * 43}?mail={quote(MAIL)}")


async def with_a_failing_database(life: Life) -> None:
    """The database takes no rows: every way in that writes fails, and is logged with its statement and traceback."""
    with closing(Database(life.town.database_url)) as db:
        known = db.read_now(lambda conn: store.find_address(conn, "email", life.town.ring.blind("email", MAIL)))
    assert known is not None
    path = f"/unsubscribe/{unsubscribe_reference(life.town.ring.blind_key, known.address_id)}"
    with closing(sqlite3.connect(life.town.home / "tocsin.db", isolation_level=None, timeout=PATIENCE_S)) as other:
        for table in FAILING:
            other.execute(f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no rows'); END")
        await asyncio.gather(
            life.texts(f"97206 {SECRET}"),
            life.texts(STREET),
            life.calls("POST", path),
            life.town.call("author", "POST", "/alerts", BOIL_WATER),
        )
        for table in FAILING:
            other.execute(f"DROP TRIGGER no_{table}")
    assert "could not be written" in (life.town.home / "service.log").read_text()


async def asked_about(life: Life) -> None:
    """What partners and monitoring fetch."""
    for path in ("/", "/feeds/active.atom", "/feeds/active.rss", "/feeds/active.geojson", "/demo/", "/demo/feeds/active.atom"):
        await life.calls("GET", path)
    for path in ("/healthz", "/readyz", "/metrics"):
        await life.calls("GET", path, private=True)
    with closing(Database(life.town.database_url)) as db:
        lines = db.read_now(lambda conn: conn.execute(text("SELECT actor, action, subject, detail FROM audit")).all())
    life.answers.append(("audit", repr([tuple(line) for line in lines]).encode()))


async def monitored(life: Life) -> None:
    """What monitoring and a wallboard read: counts, the log, shapes, the report of every incident."""
    token = {"Authorization": f"Bearer {life.town.tokens['approver']}"}
    alerts = await life.town.must("approver", "GET", "/alerts")
    incidents = sorted({row["incident_id"] for row in alerts["alerts"] if row["approved_by"]})
    assert incidents
    reports = [f"incidents/{one}/{file}" for one in incidents for file in ("report", "report.csv")]
    for name in ("openapi.json", "areas.geojson", "audit", "audit.csv", "status", "subscribers", *reports):
        assert await life.calls("GET", f"/api/v1/{name}", private=True, headers=token) == 200, name
    assert await life.calls("GET", "/metrics", private=True) == 200


WAYS: Final[tuple[Callable[[Life], Awaitable[None]], ...]] = (
    alerted, texted, forged, drafted, unsubscribed, signed_up, with_a_failing_database, asked_about,
    monitored,
)  # fmt: skip


def written(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file the town has written, but for what is theirs."""
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_file() and not name.startswith(THEIRS):
            yield name, path.read_bytes()


@pytest.fixture
async def processes() -> Any:
    running: list[Process] = []
    yield running
    for process in reversed(running):
        await process.end()


async def test_no_log_answer_or_file_names_a_resident(town: Town, processes: list[Process]) -> None:
    town.settings |= {"TOCSIN_TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TOCSIN_LOG_LEVEL": "DEBUG"}
    town.settle(numbers(3))
    async with aiohttp.ClientSession() as session:
        life = Life(town, session)
        carrier = town.carrier("--token", AUTH_TOKEN, "--keep-mail", str(town.home / "mailboxes"))
        processes += (await asyncio.gather(carrier, town.service(), imported(life)))[:2]
        for way in WAYS:
            await way(life)
        dump = life.command("ledger", "dump", "--out", str(town.home / "dump.csv"))
        served, dumped = await asyncio.gather(life.command("serve"), dump)
        assert served != 0, "another service already runs: start-up refuses, and says why"
        assert dumped == 0
    for process in reversed(processes):
        await process.end()
    searched = [*written(town.home), *life.answers]
    assert {"service.log", "carrier.log", "commands.log", "tocsin.db"} <= {name for name, _ in searched}
    assert [hit for name, content in searched for hit in hits(town, name, content)] == []
    assert len(hits(town, "dump.csv", (town.home / "dump.csv").read_bytes())) >= 2, "the search finds what is there"


def hits(town: Town, name: str, content: bytes) -> list[str]:
    """Which canaries stand in a file or answer, with what stands around them."""
    small = content.lower()
    return [
        f"{what} in {name}: {content[max(0, at - 150) : at + 100].decode(errors='replace')}"
        for what, ways in canaries(town).items()
        if (at := max(small.find(one) for one in ways)) >= 0
    ]
