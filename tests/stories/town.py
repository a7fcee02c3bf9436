"""A whole city on one machine: the service, a simulated carrier and mail relay, each its own process, and people to tell."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from shapely.geometry import Polygon, box
from sqlalchemy import Connection, insert

from notify import keys, schema
from notify.db import Database, engine_for
from notify.staff import people
from subscribers import atlas, store
from subscribers.areas import NamedShape, read_areas
from subscribers.gazetteer import importing
from subscribers.place import Envelope
from subscribers.sealing import Keyring
from tests.ports import free_port
from tests.stories.nursery import Child, born

CITY = box(-122.85, 45.43, -122.47, 45.65)
EAST, WEST = box(-122.60, 45.43, -122.47, 45.65), box(-122.85, 45.43, -122.60, 45.65)
PACK = Path(__file__).parents[2] / "city" / "portland"
BOX = Envelope(west=-123.3, south=45.2, east=-122.1, north=45.8)
ACCOUNT, TOKEN = "AC" + "5" * 32, "simulated-token"
SENDER = "+15035550100"
DEADLINE_S = 120
FORKS = "PYTEST_VERSION" in os.environ  # whether processes come from the nursery, which saves the seconds of an import


@dataclass(slots=True)
class Process:
    """A child process that says on its first line of output that it is ready."""

    child: asyncio.subprocess.Process | Child
    ready: dict[str, Any]
    log: Path = Path("/dev/null")

    async def kill(self) -> None:
        """As a power cut would."""
        self.child.send_signal(signal.SIGKILL)
        await self.child.wait()

    async def end(self) -> None:
        if self.child.returncode is None:
            self.child.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.child.wait(), DEADLINE_S)


async def start(arguments: Sequence[str], environment: dict[str, str], log: Path, *, fresh: bool = False) -> Process:
    """`python ARGUMENTS`; in tests from the nursery, unless it is to be as fresh as on a user's machine."""
    if FORKS and not fresh:
        return await _ready(await born(arguments, environment, log), arguments, log)
    with log.open("ab") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=errors, env=os.environ | environment
        )
    return await _ready(child, arguments, log)


async def _ready(child: asyncio.subprocess.Process | Child, arguments: Sequence[str], log: Path) -> Process:
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), DEADLINE_S)
    except TimeoutError:
        child.send_signal(signal.SIGKILL)  # or it runs for ever
        raise
    assert line, f"{arguments} ended at once:\n{log.read_text()[-2000:]}"
    return Process(child, json.loads(line), log)


@dataclass(slots=True)
class Town:
    """Set up with `create`; then `carrier()` and `service()` start the processes."""

    home: Path
    database_url: str
    ring: Keyring
    tokens: dict[str, str]
    rate: float = 100_000
    settings: dict[str, str] = field(default_factory=dict)
    public_port: int = field(default_factory=free_port)
    private_port: int = field(default_factory=free_port)
    sms_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)

    @classmethod
    def create(cls, home: Path, database_url: str, **given: Any) -> "Town":
        home.mkdir(parents=True, exist_ok=True)
        ring = keys.create(home / "keys.toml")
        engine = engine_for(database_url)
        schema.migrate(engine)
        engine.dispose()
        now = datetime.now(UTC)
        with closing(Database(database_url)) as db:
            tokens = {
                name: db.write_now(partial(people.add, person_id=name, roles=[role], scope={}, now=now))
                for name, role in [("author", "author"), ("approver", "approver"), ("admin", "admin")]
            }
            areas = [("Portland", "city", CITY, True), ("East", "district", EAST, False), ("West", "district", WEST, False)]
            shapes = [NamedShape(name=name, kind=kind, shape=shape, citywide=whole) for name, kind, shape, whole in areas]
            db.write_now(lambda conn: atlas.keep(conn, shapes, "test", now))
        return cls(home, database_url, ring, tokens, **given)

    def copied(self, home: Path, **given: Any) -> "Town":
        """Another town like this one, on SQLite, with ports of its own: much faster than a new one."""
        shutil.copytree(self.home, home)
        return Town(home, f"sqlite:///{home / 'tocsin.db'}", self.ring, self.tokens, **given)

    def settle(self, numbers: Sequence[str], *, language: str = "en", inside: Polygon = WEST, channel: str = "sms") -> None:
        """Adds people with one address each, living in the middle of an area."""
        now = datetime.now(UTC)
        middle = inside.representative_point()

        def add(conn: Connection) -> None:
            made = insert(store.SUBSCRIBER).returning(store.SUBSCRIBER.c.subscriber_id)
            people = conn.scalars(made, [{"created_at": now, "source": "test"} for _ in numbers]).all()
            conn.execute(
                insert(store.ADDRESS),
                [self._address(one, address, language, channel) for one, address in zip(people, numbers, strict=True)],
            )
            home = {"label": "HOME", "kind": "point", "lon": middle.x, "lat": middle.y}
            conn.execute(insert(store.PLACE), [{"subscriber_id": one, **home} for one in people])
            store.note_change(conn, None)

        with closing(Database(self.database_url)) as db:
            db.write_now(add)

    def _address(self, subscriber_id: int, address: str, language: str, channel: str) -> dict[str, Any]:
        sealed = self.ring.seal(channel, address)
        return {
            "subscriber_id": subscriber_id,
            "channel": channel,
            "sealed": sealed.data,
            "key_id": sealed.key_id,
            "blind": self.ring.blind(channel, address),
            "language": language,
            "basis": "opt-in",
        }

    @property
    def logs(self) -> Path:
        return self.home / "carrier"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.public_port}"

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.private_port}"

    async def carrier(self, *options: str) -> Process:
        arguments = ["-m", "channels.simulator", "--log", str(self.logs), "--sms-port", str(self.sms_port)]
        arguments += ["--smtp-port", str(self.smtp_port), "--sender", f"{SENDER}={self.rate:g}", "--account", ACCOUNT]
        arguments += ["--inbound-url", f"{self.url}/inbound/sms"]
        return await start([*arguments, "--token", TOKEN, *options], {}, self.home / "carrier.log")

    @property
    def given(self) -> dict[str, str]:
        """The service's settings."""
        return {
            "mode": "demo",
            "data_dir": str(self.home),
            "database_url": self.database_url,
            "public_url": self.url,
            "public_port": str(self.public_port),
            "private_port": str(self.private_port),
            "private_url": self.console_url,
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": TOKEN,
            "twilio_url": f"http://127.0.0.1:{self.sms_port}",
            "sms_senders": f"{SENDER}={self.rate:g}",
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self.smtp_port),
            "smtp_security": "none",
            "smtp_relay_signs_dkim": "true",
            "countdown_s": "0",
        }

    async def service(self, *, fresh: bool = False) -> Process:
        environment = {f"TOCSIN_{name.upper()}": value for name, value in self.given.items()}
        return await start(["-m", "notify", "serve"], environment | self.settings, self.home / "service.log", fresh=fresh)

    async def process(self, role: str, module: str = "notify") -> Process:
        """`serve`, or one of several on PostgreSQL: `web` or `sender`."""
        environment = {f"TOCSIN_{name.upper()}": value for name, value in self.given.items()}
        return await start(["-m", module, role], environment | self.settings, self.home / f"{role}-{secret()}.log")

    def said(self, process: Process) -> str:
        """What a process has written to its log."""
        return process.log.read_text()

    def sms(self, event: str = "accepted") -> list[dict[str, Any]]:
        """The carrier's own record."""
        return [line for line in read_log(self.logs / "sms.jsonl") if line["event"] == event]

    def mails(self, event: str = "accepted") -> list[dict[str, Any]]:
        return [line for line in read_log(self.logs / "smtp.jsonl") if line["event"] == event]

    async def call(self, who: str, method: str, path: str, data: Any = None, *, key: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Idempotency-Key": key or uuid.uuid4().hex}
        headers |= {"If-Match": "*"} if method == "PUT" else {}
        url = f"http://127.0.0.1:{self.private_port}/api/v1{path}"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session,
            session.request(method, url, json=data, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def must(self, who: str, method: str, path: str, data: Any = None) -> Any:
        status, reply = await self.call(who, method, path, data)
        assert status < 300, (status, reply)
        return reply

    async def approve(self, alert_id: str, approver: str = "approver", author: str = "author") -> None:
        """Submitted by the author, approved and sent by the approver."""
        submitted = await self.must(author, "POST", f"/alerts/{alert_id}/submit")
        await self.must(approver, "POST", f"/alerts/{alert_id}/approve", {"digest": submitted["digest"]})
        await self.must(approver, "POST", f"/alerts/{alert_id}/send")

    async def send(self, draft: dict[str, Any]) -> str:
        """The whole path of a first alert; returns its id when sending has begun."""
        made = await self.must("author", "POST", "/alerts", draft)
        await self.approve(made["alert_id"])
        return str(made["alert_id"])

    async def follow_up(self, verb: str, alert_id: str, changes: dict[str, Any]) -> str:
        made = await self.must("author", "POST", f"/alerts/{alert_id}/{verb}", changes)
        await self.approve(made["alert_id"])
        return str(made["alert_id"])

    async def until(self, alert_id: str, *statuses: str, within_s: float = DEADLINE_S) -> dict[str, Any]:
        """Waits until the alert has one of these statuses; looks less and less often, because looking counts every row."""
        pause_s = 0.05
        async with asyncio.timeout(within_s):
            while True:
                reply: dict[str, Any] = await self.must("author", "GET", f"/alerts/{alert_id}")
                if reply["status"] in statuses:
                    return reply
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.2, 2.0)

    async def until_texts(self, count: int) -> None:
        """Waits until the carrier has accepted this many."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.sms()) < count:
                await asyncio.sleep(0.05)

    async def until_log_grows(self, size: int, texts: int = sys.maxsize) -> None:
        """Waits until the carrier has written so many more bytes: cheaper than counting a long log. Or until it has nothing
        more to write, because it has accepted all the texts there are."""
        log = self.logs / "sms.jsonl"
        begun = written = log.stat().st_size if log.exists() else 0
        still = 0
        async with asyncio.timeout(DEADLINE_S):
            while written < begun + size:
                await asyncio.sleep(0.02)
                before, written = written, log.stat().st_size if log.exists() else 0
                still = still + 1 if written == before else 0
                if still and still % 50 == 0 and len(self.sms()) >= texts:
                    return

    async def settled(self, alert_id: str) -> dict[str, Any]:
        """Waits until the alert has rows and none of them may leave any more."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                reply: dict[str, Any] = await self.must("author", "GET", f"/alerts/{alert_id}")
                counts = reply["progress"]["total"]
                if counts["total"] and not counts["planned"] + counts["claimed"]:
                    return reply
                await asyncio.sleep(0.05)


def mapped(town: Town) -> None:
    """The sample city's ZIPs, neighbourhoods and addresses."""
    with closing(Database(town.database_url)) as db:
        for file in ("zips", "neighborhoods"):
            areas = read_areas((PACK / "areas" / f"{file}.geojson").read_bytes(), BOX).areas
            db.write_now(partial(atlas.keep, areas=areas, source=file, at=datetime.now(UTC)))
        db.write_now(partial(importing.keep, path=PACK / "gazetteer.csv", envelope=BOX))


def numbers(count: int, start: int = 0) -> list[str]:
    """Distinct numbers in exchange 555."""
    codes = (503, 971, 458, 541, 206, 253, 360, 425, 509, 208, 307, 406, 702, 775, 801, 916, 530, 707, 415, 510)
    return [f"+1{codes[number // 10_000]}555{number % 10_000:04d}" for number in range(start + 1000, start + 1000 + count)]


def read_log(path: Path) -> list[dict[str, Any]]:
    """Its whole lines: of the last one a carrier that is writing may have written a part."""
    written = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in written[: written.rfind(b"\n") + 1].splitlines()]


BOIL_WATER: dict[str, Any] = {
    "hazard": "boil_water",
    "area": {"names": ["Portland"]},
    "until": "cleared",
    "slots": {
        "cause": "ecoli",
        "samples": 3,
        "happened": "2014-05-22T14:00-07:00",
        "learned": "2014-05-23T08:15-07:00",
        "doing": "testing",
        "address": "1120 SW 5th Ave, Portland, OR 97204",
    },
}


def secret() -> str:
    return secrets.token_hex(4)
