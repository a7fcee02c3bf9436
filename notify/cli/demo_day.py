"""The demo's second act: the same day again, many times as fast, with everybody who called 311.

Alert and surge mode leave together, by two people. Callers, agents, the emergency centre and a partner are the telephone
simulator's; agents note at their desks, in the console, what each call was.
"""

import asyncio
import contextlib
import itertools
import json
import random
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml
from rich.progress import BarColumn, Progress, TextColumn
from sqlalchemy import Connection

from channels.simulator.telephone.characters import Person as Caller
from channels.simulator.telephone.day import Day, agent_number, made_up
from notify import city, keys, people, replay, schema
from notify.alert import Mode
from notify.cli.client import ApiRefused, Client
from notify.cli.demo_children import Children, free_port
from notify.cli.residents import take
from notify.cli.say import screen
from notify.console.door import demo_pass
from notify.db import Database, engine_for
from notify.settings import Settings, load
from subscribers import areas, atlas, generator
from subscribers.sealing import Keyring
from surge import pack as packs
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.numbers import happenings, number_files, number_rows, sections
from surge.numbers.city_rates import rates
from surge.numbers.report import report

FROM: Final = datetime(2014, 5, 23, 10, 40, tzinfo=replay.PORTLAND)  # the web page appears
HOURS: Final = 8
AGENTS: Final = 18
SPANISH: Final = 5  # so many of them speak Spanish as well
SENDER: Final = "+15035550100"
# What is pressed at the first prompt and after it. Shares are assumed: a third take the guide, as where deflection is on.
PRESSED: Final[Mapping[tuple[str, ...], float]] = {
    ("1",): 0.28,  # text me the guide
    ("0",): 0.50,
    ("0", "3"): 0.10,  # and then: call me back
    ("2", "0"): 0.08,  # Spanish
    ("9",): 0.01,  # an emergency
    (): 0.03,  # hears the message, and hangs up
}
FROM_911: Final = 60  # callers whom the emergency centre hands over
WEEKS: Final = 7  # of 911's own minutes, made up, before the day
SETTLED_S: Final = 120  # the last callbacks, by this machine's clock
LOOK_S: Final = 0.5


class SurgeDay:
    """home: a folder of its own. speed: minutes of the day in a minute."""

    def __init__(self, home: Path, pack_folder: Path, count: int, speed: float) -> None:
        self.home, self.pack_folder, self.count, self.speed = home, pack_folder, count, speed
        self.children = Children(home)
        self.pack = packs.load(pack_folder)
        self.agents = [f"agent-{number:02}" for number in range(1, AGENTS + 1)]
        self.tokens: dict[str, str] = {}
        self.private_url = self.carrier_url = ""
        self.problems: list[str] = []

    def build(self) -> None:
        """A city of its own: staff, desks, areas, a few people to tell, and what 911 counted on other days."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        ring = keys.create(self.home / "keys.toml")
        settings = load(mode=Mode.DEMO, data_dir=self.home, replay_from=FROM, replay_speed=self.speed)
        engine = engine_for(settings.database)
        schema.migrate(engine)
        engine.dispose()
        with closing(Database(settings.database)) as db:
            for name in ("author", "approver", "lead311"):
                self.tokens[name] = db.write_now(partial(people.add, person_id=name, roles=[name], scope={}, now=FROM))
            db.write_now(partial(self._seat, ring=ring))
            self._settle(db, settings)

    def _seat(self, conn: Connection, ring: Keyring) -> None:
        for number, agent in enumerate(self.agents):
            people.add(conn, agent, ["agent311"], {}, FROM)
            languages = ["en", "es"] if number < SPANISH else ["en"]
            agent_rows.put(conn, agent, Given(languages=languages, line=agent_number(number)), ring)
            agent_rows.trained(conn, agent, FROM)

    def _settle(self, db: Database, settings: Settings) -> None:
        box = city.load(self.pack_folder).pack.box
        found: list[areas.NamedShape] = []
        for file in sorted((self.pack_folder / "areas").glob("*.geojson")):
            found += areas.read_areas(file.read_bytes(), box).areas
        db.write_now(lambda conn: atlas.keep(conn, found, "city pack", FROM))
        csv = self.home / "people.csv"
        generator.write(csv, self.count, found)
        take(settings, db, csv)
        minutes = number_files.centre_minutes(_minutes_of_911(), "911.csv", replay.PORTLAND, FROM + timedelta(days=1))
        self.problems += minutes.problems
        db.write_now(lambda conn: number_rows.take_minutes(conn, minutes.rows, "demo", FROM))

    def start(self) -> None:
        """The carrier with its telephone, and the service, whose clock is that of 2014."""
        public = free_port()
        url = f"http://127.0.0.1:{public}"
        account, token = "AC" + "5" * 32, "simulated-token"
        carrier = ["-m", "channels.simulator", "--log", str(self.home / "carrier"), "--account", account, "--token", token]
        carrier += ["--sender", f"{SENDER}=100000", "--inbound-url", f"{url}/inbound/sms", "--speed", f"{self.speed:g}"]
        for number in filter(None, (self.pack.number, self.pack.from_911)):
            carrier += ["--voice-number", f"{number}={url}/voice/ring"]
        carrier += ["--voice-status-url", f"{url}/voice/status", "--calls-per-second", f"{self.pack.dials_per_s:g}"]
        simulated = self.children.start(carrier, {}, "carrier.log")
        self.carrier_url = simulated["sms_url"]
        settings = {
            "TOCSIN_MODE": "demo",
            "TOCSIN_DATA_DIR": str(self.home),
            "TOCSIN_PUBLIC_URL": url,
            "TOCSIN_PUBLIC_PORT": str(public),
            "TOCSIN_PRIVATE_PORT": "0",
            "TOCSIN_TWILIO_ACCOUNT_SID": account,
            "TOCSIN_TWILIO_AUTH_TOKEN": token,
            "TOCSIN_TWILIO_URL": self.carrier_url,
            "TOCSIN_SMS_SENDERS": f"{SENDER}=100000",
            "TOCSIN_COUNTDOWN_S": "0",
            "TOCSIN_REPLAY_FROM": FROM.isoformat(),
            "TOCSIN_REPLAY_SPEED": f"{self.speed:g}",
        }
        started = self.children.start(["-m", "notify", "serve"], settings, "service.log")
        self.private_url = f"http://127.0.0.1:{started['private_port']}"

    def play(self) -> None:
        """Surge mode is armed before the alert leaves, and opened with it; then everybody calls."""
        author, approver, lead = (Client(self.private_url, self.tokens[who]) for who in ("author", "approver", "lead311"))
        draft = yaml.safe_load((self.pack_folder / "replay" / "1-first.yaml").read_text("utf-8"))
        alert = author.post("/alerts", draft)
        activation = self._armed(lead, alert["incident_id"])
        digest = author.post(f"/alerts/{alert['alert_id']}/submit")["digest"]
        approver.post(f"/alerts/{alert['alert_id']}/approve", {"digest": digest})
        approver.post(f"/surge/activations/{activation}/open", {"level": 3})
        approver.post(f"/alerts/{alert['alert_id']}/send")
        asyncio.run(self._day(approver, f"/surge/activations/{activation}"))

    def _armed(self, lead: Client, incident_id: str) -> str:
        wish = {"runbook": "boil-water", "why": "A boil-water notice leaves now.", "incident_id": incident_id}
        activation: str = lead.post("/surge/activations", wish)["activation_id"]
        path = f"/surge/activations/{activation}"
        known = {one["name"] for one in lead.get(f"{path}/facts")["facts"]}
        for fact in yaml.safe_load((self.pack_folder / "replay" / "facts.yaml").read_text("utf-8")):
            if fact["name"] not in known:
                lead.post(f"{path}/facts", fact)
        for line in ("fallback", *(f"partner {partner.name}" for partner in self.pack.partners)):
            lead.post("/surge/tests", {"line": line})
        lead.post(f"{path}/script")
        lead.post(f"{path}/arm")
        return activation

    async def _day(self, approver: Client, surge: str) -> None:
        ring = keys.load(self.home / "keys.toml")
        async with contextlib.AsyncExitStack() as stack:
            desks = [Desk(self.private_url, agent, demo_pass(ring, agent)) for agent in self.agents]
            for desk in desks:
                await stack.enter_async_context(desk)
                await desk.post("state", {"state": "ready"})
            session = await stack.enter_async_context(aiohttp.ClientSession(self.carrier_url.rstrip("/") + "/"))
            crowds = (self._callers(), self._handed_over())
            for crowd in crowds:
                async with session.post("control/crowd", json=crowd) as answer:
                    answer.raise_for_status()
            callers = sum("at_s" in one for crowd in crowds for one in crowd["people"])
            working = asyncio.create_task(self._at_work(desks))
            try:
                await self._watch(session, callers)
                await approver.call("POST", f"{surge}/stand-down", {"why": "Everybody has called."})
                await _closed(approver, surge)
            finally:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    async def _watch(self, session: aiohttp.ClientSession, callers: int) -> None:
        """Until everybody has called and nobody is on the line."""
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        until, begun = HOURS * 3600.0, time.monotonic()
        with Progress(*columns, console=screen) as bar:
            task = bar.add_task("10:40", total=until, said="")
            while True:
                async with session.get("control/calls") as answer:
                    state = await answer.json()
                seconds = (time.monotonic() - begun) * self.speed
                called = state["people"].get("called", 0)
                said = f"{called:,} called, {sum(state['queues'].values()):,} wait"
                clock = (FROM + timedelta(seconds=seconds)).strftime("%H:%M")
                bar.update(task, completed=min(seconds, until), description=clock, said=said)
                if state["quiet"] and called >= callers:
                    return
                await asyncio.sleep(LOOK_S)

    async def _at_work(self, desks: Sequence["Desk"]) -> None:
        """Each agent notes what a call was once it is over, which the telephone's log says; and one looks up now and then."""
        at_line = {agent_number(number): desk for number, desk in enumerate(desks)}
        log, rest = self.home / "carrier" / "voice.jsonl", b""
        with log.open("rb") as file:
            for turn in itertools.count():
                whole, _, rest = (rest + file.read()).rpartition(b"\n")
                ended = (event["to"] for event in map(json.loads, whole.splitlines()) if event["event"] == "end")
                busy = {at_line[number] for number in ended if number in at_line} | {desks[turn % len(desks)]}
                await asyncio.gather(*(desk.work() for desk in busy))
                await asyncio.sleep(LOOK_S)

    def _callers(self) -> dict[str, Any]:
        dice = random.Random("what they press")
        day = Day(span_s=HOURS * 3600.0, languages={"0": 1.0}, agents=AGENTS)
        found = []
        for person in made_up(day):
            if person.at_s is not None:
                pressed = dice.choices(list(PRESSED), list(PRESSED.values()))[0]
                person = replace(
                    person, presses=pressed, speaks_s=0.0
                )  # nobody leaves a message: no agent of this demo hears it
            found.append(person)
        centre = Caller(number=self.pack.emergency_line, rings_s=6.0, talk_s=90.0)
        others = [Caller(number=partner.number, rings_s=8.0, talk_s=180.0) for partner in self.pack.partners]
        return {"number": self.pack.number, "people": [_settings(one) for one in (*found, centre, *others)]}

    def _handed_over(self) -> dict[str, Any]:
        """Callers of 911 who have no emergency: the centre hands them to 311."""
        dice = random.Random("handed over")
        people = [
            Caller(number=f"+1971555{2_000 + number:04}", at_s=dice.uniform(600, 4 * 3600), talk_s=200.0, patience_s=1_200.0)
            for number in range(FROM_911)
        ]
        return {"number": self.pack.from_911 or self.pack.number, "people": [_settings(one) for one in people]}

    def tell(self) -> None:
        """What happened to everybody who called, as the report has it."""
        settings = load(mode=Mode.DEMO, data_dir=self.home, replay_from=FROM, replay_speed=self.speed)
        with closing(Database(settings.database)) as db:
            one = db.read_now(lambda conn: happenings.activation(conn, ""))
            end = one.closed_at or FROM + timedelta(hours=HOURS)
            own = rates(self.pack_folder)
            found = report(db.read_now(lambda conn: happenings.happened(conn, one, end, replay.PORTLAND, own)))
        screen.rule("what happened at 311", align="left")
        for section in found:
            screen.print(section.name.upper(), markup=False)
            for line in section.lines:
                screen.print(f"  {sections.sentence(line)}", markup=False)


class Desk:
    """One agent's browser."""

    def __init__(self, url: str, agent: str, entry: str) -> None:
        self._url, self._entry, self._mark = url, f"{url}/enter/{agent}/{entry}", ""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Desk":
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        await self._page(self._entry)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def work(self) -> None:
        """What there is to do: note what a call was, come back from a break."""
        page = await self._page(f"{self._url}/desk311")
        if 'name="mark"' not in page:  # signed out: half an hour without a press has passed
            await self._page(self._entry)
            page = await self._page(f"{self._url}/desk311")
        held = re.search(r'action="/desk311/finish".*?name="contact_id" value="(\w+)"', page, re.DOTALL)
        if held is not None and "<strong>in a contact</strong>" not in page:
            await self.post("finish", {"contact_id": held[1], "ending": "informed"})
        elif held is None and 'value="ready"' in page:
            await self.post("state", {"state": "ready"})

    async def post(self, what: str, fields: Mapping[str, str]) -> None:
        assert self._session is not None
        if not self._mark:
            await self._page(f"{self._url}/desk311")
        form, ours = {"mark": self._mark, **fields}, {"Sec-Fetch-Site": "same-origin"}
        async with self._session.post(f"{self._url}/desk311/{what}", data=form, headers=ours, allow_redirects=False):
            pass

    async def _page(self, url: str) -> str:
        assert self._session is not None
        async with self._session.get(url) as answer:
            page = await answer.text()
        if (mark := re.search(r'name="mark" value="([^"]+)"', page)) is not None:
            self._mark = mark[1]
        return page


async def _closed(approver: Client, surge: str) -> None:
    """Closes surge mode as soon as nobody waits and no callback is open."""
    async with asyncio.timeout(SETTLED_S):
        while True:
            try:
                await approver.call("POST", f"{surge}/close", {"handover": "Nobody waits, no callback is open."})
            except ApiRefused:
                await asyncio.sleep(LOOK_S)
            else:
                return


def _settings(person: Caller) -> dict[str, Any]:
    """A person as the simulator reads one, without what is as usual."""
    usual = asdict(Caller(number=""))
    return {name: value for name, value in asdict(person).items() if value != usual[name]}


def _minutes_of_911() -> bytes:
    """911's ten-digit line, minute by minute, made up: the same hours of seven weeks, and of the day, a quarter fewer. CSV."""
    dice = random.Random("911")
    rows = ["minute,line,offered,mean_handling_s"]
    for week in range(-WEEKS, 1):
        for minute in range(HOURS * 60):
            at = FROM + timedelta(weeks=week, minutes=minute)
            mean = 2.4 * (0.75 if week == 0 else 1.0)
            rows.append(f"{at.isoformat()},non-emergency,{_poisson(dice, mean)},95")
    return "\n".join(rows).encode()


def _poisson(dice: random.Random, mean: float) -> int:
    """Arrivals within one unit of time, by their exponential distances."""
    return sum(1 for _ in _arrivals(dice, mean))


def _arrivals(dice: random.Random, mean: float) -> Iterator[float]:
    at = dice.expovariate(mean)
    while at < 1.0:
        yield at
        at += dice.expovariate(mean)
