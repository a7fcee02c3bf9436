"""Every page there is, before a running training service: prints where it is, who is signed in and what there is to see, then
does what each line of its input asks. Both listeners note every page that a route answered with, in which language, so that a
page nobody opened is found."""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest import mock

from aiohttp import web

from channels.base import Content
from notify.alerts.alert import Mode
from notify.alerts.life import Role, Staff
from notify.app import Running, running
from notify.console.words import catalogue
from notify.db import Database
from notify.listening import Listening
from notify.sending import hold
from notify.sending.notices import Notices
from notify.settings import load
from notify.staff import accounts, drill_log, drills, grants, passwords, people
from notify.staff.grants import Power, Wanted
from subscribers import atlas
from subscribers.areas import read_areas
from tests.browser import neighbours
from tests.browser.visits import Visits
from tests.stories.town import BOIL_WATER, BOX, DEADLINE_S, EAST, PACK, WEST, Town, mapped, numbers

TONGUES: Final = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
PEOPLE_EACH: Final = 200
RATE: Final = 200  # segments a second: slow enough to look at
SIGNED: Final = "https://video.example.gov/asl/boil-water"
STAFF: Final = ("translator", "viewer", "deputy")


def build(home: Path) -> Town:
    """The sample city with people of every language, and staff."""
    town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}", rate=RATE)
    mapped(town)
    now = datetime.now(UTC)
    with closing(Database(town.database_url)) as db:
        for file in ("city", "districts", "water"):
            areas = read_areas((PACK / "areas" / f"{file}.geojson").read_bytes(), BOX).areas
            db.write_now(partial(atlas.keep, areas=areas, source="city pack", at=now))
        db.write_now(partial(neighbours.planted, ring=town.ring, now=now))
        for name in STAFF:
            role = "approver" if name == "deputy" else name
            town.tokens[name] = db.write_now(partial(people.add, person_id=name, roles=[role], scope={}, now=now))
    for place, tongue in enumerate(TONGUES):
        town.settle(numbers(PEOPLE_EACH, place * PEOPLE_EACH), language=tongue, inside=EAST if place % 2 else WEST)
    return town


@dataclass(slots=True)
class World:
    """What there is to see, made through the API as people would."""

    town: Town
    running: Running
    visits: Visits
    letters: dict[str, list[str]]  # what sign-up pages sent last to an address: words, and the reference to unsubscribe with

    def sessions(self) -> dict[str, str]:
        """Everybody's cookie, as sign-in makes it."""
        db, found = self.running.service.db, {}
        hashed, now = passwords.hashed("four winds over the river"), datetime.now(UTC)
        for who in self.town.tokens:
            invited = db.write_now(partial(accounts.invite, person_id=who, made_by="admin", now=now))
            seed = passwords.new_seed()
            enrol = partial(accounts.enrol, token=invited, password=hashed, seed=seed, ring=self.town.ring, step=0, now=now)
            db.write_now(enrol)
            found[who] = db.write_now(partial(accounts.sign_in, person_id=who, device="browser", now=now))
        return found

    async def made(self, **changes: Any) -> str:
        reply = await self.town.must("author", "POST", "/alerts", BOIL_WATER | changes)
        return str(reply["alert_id"])

    async def submitted(self, **changes: Any) -> str:
        alert_id = await self.made(**changes)
        await self.town.must("author", "POST", f"/alerts/{alert_id}/submit")
        return alert_id

    async def prepare(self) -> dict[str, str]:
        """Alerts in every state; ids by what they are."""
        town, now = self.town, datetime.now(UTC)
        found = {"drill": self.begin_drill()}
        promised = (now + timedelta(hours=4)).isoformat()
        found["sent"] = await town.send(
            BOIL_WATER | {"area": {"names": ["East Portland"]}, "next_update_by": promised, "asl_video": SIGNED}
        )
        found["over"] = await town.send(BOIL_WATER | {"area": {"names": ["Hazelwood"]}})
        for alert_id in (found["sent"], found["over"]):
            await town.until(alert_id, "active")
        cleared = await town.must("author", "POST", f"/alerts/{found['over']}/clear", {"slots": {"flush_minutes": 5}})
        found["all_clear"] = cleared["alert_id"]
        await town.approve(found["all_clear"])
        later = (now + timedelta(minutes=30)).isoformat()
        found["countdown"] = await town.send(BOIL_WATER | {"area": {"names": ["Lents"]}, "not_before": later})
        found["draft"] = await self.made()
        found["empty"] = (await town.must("author", "POST", "/alerts", {"hazard": "boil_water"}))["alert_id"]
        for name, reason in (("returned", "Say which side of I-205."), ("rejected", "The laboratory has taken it back.")):
            found[name] = await self.submitted()
            verb = "return" if name == "returned" else "reject"
            await town.must("approver", "POST", f"/alerts/{found[name]}/{verb}", {"reason": reason})
        found["waiting"] = await self.submitted(asl_video=SIGNED)
        found["own"] = str((await town.must("approver", "POST", "/alerts", BOIL_WATER))["alert_id"])
        await town.must("approver", "POST", f"/alerts/{found['own']}/submit")
        self.ask_powers()
        return found

    def begin_drill(self) -> str:
        script, db = drills.catalogue()["boil_water"], self.running.service.db
        staff, now = self.approver, datetime.now(UTC)

        def begin(conn: Any) -> str:
            return drill_log.start(conn, staff, script, Mode.TRAINING, now, [area.name for area in atlas.areas(conn)])

        return db.write_now(begin)

    def end_drill(self, drill_id: str) -> None:
        staff, now = self.approver, datetime.now(UTC)
        self.running.service.db.write_now(lambda conn: drill_log.end(conn, staff, drill_id, Mode.TRAINING, now))

    @property
    def approver(self) -> Staff:
        return Staff(person_id="approver", roles=frozenset({Role.APPROVER}))

    def ask_powers(self) -> None:
        wanted = Wanted(what=Power.PERSON, person_id="deputy-2", roles=frozenset({Role.APPROVER}), scope={"channels": ["sms"]})
        admin = Staff(person_id="admin", roles=frozenset({Role.ADMIN}))
        self.running.service.db.write_now(lambda conn: grants.ask(conn, admin, wanted, datetime.now(UTC)))

    def held(self) -> None:
        self.running.service.db.write_now(lambda conn: neighbours.held(conn, datetime.now(UTC)))

    def released(self) -> None:
        self.running.service.db.write_now(lambda conn: hold.release(conn, "admin", {"reason": "read"}, datetime.now(UTC)))

    def invited(self) -> str:
        db = self.running.service.db
        return db.write_now(lambda conn: accounts.invite(conn, "viewer", "admin", datetime.now(UTC)))

    async def leaving(self) -> str:
        """An alert of the whole city while it leaves, some of it with the carrier."""
        alert_id = await self.town.send(BOIL_WATER)
        await self.town.until_log_grows(20_000)
        return alert_id

    async def stopped(self, alert_id: str) -> str:
        await self.town.must("author", "POST", f"/alerts/{alert_id}/stop", {"reason": "The area is wrong."})
        await self.town.settled(alert_id)
        return alert_id

    async def edited(self, alert_id: str, place: str) -> None:
        """Somebody else changes a draft."""
        await self.town.must("approver", "PUT", f"/alerts/{alert_id}", BOIL_WATER | {"area": {"names": [place]}})

    async def answer(self, wish: str, what: str) -> Any:
        match wish:
            case "leaving":
                return await self.leaving()
            case "stopped":
                return await self.stopped(what)
            case "edited":
                await self.edited(*what.split())
            case "held":
                self.held()
            case "released":
                self.released()
            case "end drill":
                self.end_drill(what)
            case "invited":
                return self.invited()
            case "letter":
                await wait_for(lambda: what in self.letters)
                return self.letters.pop(what)
            case "missed":
                return self.visits.missed()
        return ""


def latin(language: str) -> list[str]:
    """The words in Latin letters that translations use on purpose (CSV, GeoJSON, API)."""
    return sorted({word for text in catalogue(language).values() for word in re.findall(r"[A-Za-z]{2,}", text)})


async def serve(town: Town) -> None:
    carrier = await town.carrier("--delivered-after", "0.5", "--unreachable-share", "0.02", "--landline-share", "0.02")
    visits, built = Visits(), Listening._apps

    def watched(self: Listening) -> tuple[web.Application, web.Application]:
        both = built(self)
        for application in both:
            visits.watch(application)
        return both

    mirror = town.home / "mirror"
    mirror.mkdir()
    more = {"mode": "training", "egress_inside": "127.0.0.0/8", "cap_sources": neighbours.SOURCES, "mirror_folder": str(mirror)}
    settings = load(**(town.given | more))
    letters: dict[str, list[str]] = {}
    text, mail = copied(letters)
    with mock.patch.object(Listening, "_apps", watched), text, mail:
        async with running(settings) as started, neighbours.listening() as at:
            world = World(town, started, visits, letters)
            told = {"url": town.console_url, "public": town.url, "sessions": world.sessions(), "latin": latin("ar")}
            told["alerts"] = await world.prepare() | await neighbours.filled(started.service, town.ring, at, wait_for)
            print(json.dumps(told), flush=True)
            await answer_all(world.answer)
    await carrier.end()


def copied(letters: dict[str, list[str]]) -> tuple[Any, Any]:
    """Notices' own way to send, with a copy for somebody who has neither phone nor mailbox."""
    text, mail = Notices.text, Notices.mail

    async def copied_text(self: Notices, number: str, body: str, *given: str) -> bool:
        letters[number] = [body]
        return await text(self, number, body, *given)

    async def copied_mail(self: Notices, address: str, content: Content, recipient: str) -> bool:
        letters[address] = [content.body, recipient]
        return await mail(self, address, content, recipient)

    return mock.patch.object(Notices, "text", copied_text), mock.patch.object(Notices, "mail", copied_mail)


async def wait_for(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.05)


async def answer_all(answer: Callable[[str, str], Awaitable[Any]]) -> None:
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        wish, _, what = line.partition(":")
        print(json.dumps(await answer(wish, what.strip())), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(build(Path(folder) / "town")))


if __name__ == "__main__":
    main()
