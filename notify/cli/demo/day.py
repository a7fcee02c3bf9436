"""The demo's second act: the same day again, many times as fast, with everybody who called 311.

Alert and surge mode leave together, by two people. Callers, agents, the emergency centre and a partner are the telephone
simulator's; agents note at their desks, in the console, what each call was.
"""

import asyncio
import contextlib
import math
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from rich.progress import BarColumn, Progress, TextColumn
from sqlalchemy import Connection

from channels.simulator.telephone.day import Day, agent_number
from notify import city, keys, schema
from notify.alerts import replay
from notify.alerts.alert import Mode
from notify.cli.client import ApiRefused, Client
from notify.cli.demo import crowd
from notify.cli.demo.children import Children, free_port
from notify.cli.demo.desks import LOOK_S, Desk, Glances, at_work
from notify.cli.residents import take
from notify.cli.say import screen
from notify.console.door import demo_pass
from notify.db import Database, engine_for
from notify.settings import Settings, load
from notify.staff import people
from subscribers import areas, atlas, generator
from subscribers.sealing import Keyring
from surge import pack as packs
from surge.desk import agent_rows
from surge.desk.agent_rows import Given
from surge.numbers import happenings, number_files, number_rows, sections
from surge.numbers.city_rates import rates
from surge.numbers.report import report
from surge.numbers.sections import Section

FROM: Final = datetime(2014, 5, 23, 10, 40, tzinfo=replay.PORTLAND)  # the web page appears
AGENTS: Final = 18
SPANISH: Final = 5  # so many of them speak Spanish as well
WHOLE_DAY: Final = Day(span_s=8 * 3600.0, languages={"0": 1.0}, agents=AGENTS)  # 4,139 calls, as on that day
SENDER: Final = "+15035550100"
HELD_UP: Final = 0.9  # of the day's time must have been played
SETTLED_S: Final = 120  # without any change in who waits at the end, by this machine's clock


class SurgeDay:
    """home: a folder of its own. count: people who get the alert. speed: minutes of the day in a minute. day: who calls."""

    def __init__(self, home: Path, pack_folder: Path, count: int, speed: float, day: Day = WHOLE_DAY) -> None:
        self.home, self.pack_folder, self.count, self.speed, self.day = home, pack_folder, count, speed, day
        self.children = Children(home)
        self.pack = packs.load(pack_folder)
        self.agents = [f"agent-{number:02}" for number in range(1, AGENTS + 1)]
        self.tokens: dict[str, str] = {}
        self.private_url = self.carrier_url = ""
        self.problems: list[str] = []
        self.behind = ""  # a sentence, where this machine was too slow for the speed

    def build(self) -> None:
        """A city of its own: staff, desks, areas, a few people to tell, and what 911 counted on other days."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        ring = keys.create(self.home / "keys.toml")
        settings = self._settings()
        engine = engine_for(settings.database)
        schema.migrate(engine)
        engine.dispose()
        with closing(Database(settings.database)) as db:
            for name in ("author", "approver", "lead311"):
                self.tokens[name] = db.write_now(partial(people.add, person_id=name, roles=[name], scope={}, now=FROM))
            db.write_now(partial(self._seat, ring=ring))
            self._settle(db, settings)

    def _settings(self) -> Settings:
        return load(mode=Mode.DEMO, data_dir=self.home, replay_from=FROM, replay_speed=self.speed)

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
        minutes = number_files.centre_minutes(
            crowd.minutes_of_911(FROM, math.ceil(self.day.span_s / 3600)), "911.csv", replay.PORTLAND, FROM + timedelta(days=1)
        )
        self.problems += minutes.problems
        db.write_now(lambda conn: number_rows.take_minutes(conn, minutes.rows, number_rows.SIMULATED, FROM))

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
        approver.post(f"/surge/activations/{activation}/open", {"level": 1})
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
            crowds = (crowd.callers(self.pack, self.day), crowd.handed_over(self.pack, self.day))
            for each in crowds:
                async with session.post("control/crowd", json=each) as answer:
                    answer.raise_for_status()
            callers = sum("at_s" in one for each in crowds for one in each["people"])
            lines = {agent_number(number): desk for number, desk in enumerate(desks)}
            db = stack.enter_context(closing(Database(self._settings().database)))
            glances = Glances(db, dict(zip(self.agents, desks, strict=True)))
            working = asyncio.create_task(at_work(lines, self.home / "carrier" / "voice.jsonl", glances))
            try:
                await self._watch(session, callers)
                await approver.call("POST", f"{surge}/stand-down", {"why": "Everybody has called."})
                self.problems += await _closed(approver, surge)
            finally:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    async def _watch(self, session: aiohttp.ClientSession, callers: int) -> None:
        """Until everybody has called and nobody is on the line."""
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        until, begun, first_s = self.day.span_s, time.monotonic(), None
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
                first_s = state["t_s"] if first_s is None else first_s
                self.behind = behind(state["t_s"] - first_s, time.monotonic() - begun, self.speed)
                if state["quiet"] and called >= callers:
                    return
                await asyncio.sleep(LOOK_S)

    def report(self) -> Sequence[Section]:
        """What happened to everybody who called."""
        settings = self._settings()
        with closing(Database(settings.database)) as db:
            one = db.read_now(lambda conn: happenings.activation(conn, ""))
            end = one.closed_at or FROM + timedelta(seconds=self.day.span_s)
            own = rates(self.pack_folder)
            return report(db.read_now(lambda conn: happenings.happened(conn, one, end, replay.PORTLAND, own)))

    def tell(self) -> None:
        """The report, line by line."""
        screen.rule("what happened at 311", align="left")
        for section in self.report():
            screen.print(section.name.upper(), markup=False)
            for line in section.lines:
                screen.print(f"  {sections.sentence(line)}", markup=False)
        if self.behind:
            screen.print(self.behind, markup=False)

    def show(self) -> None:
        """Where the desks, the wallboard and the report of 311 are."""
        ring = keys.load(self.home / "keys.toml")
        for name, page in (("lead311", "/wallboard"), (self.agents[0], "/desk311")):
            link = f"{self.private_url}/enter/{name}/{demo_pass(ring, name)}"
            screen.print(f"311         {link}   (as {name}; then {page})", soft_wrap=True)


def behind(played_s: float, took_s: float, speed: float) -> str:
    """What to say when the telephone, which waits for a busy machine, fell behind the service's clock.

    played_s: of the day. took_s: by this machine's clock."""
    if played_s >= HELD_UP * took_s * speed:
        return ""
    fits = max(1, int(played_s / took_s))
    return (
        f"This machine played {fits} minutes of the day in a minute, not {speed:g}: all waits are too long. Try --speed {fits}."
    )


async def _closed(approver: Client, surge: str) -> list[str]:
    """Closes surge mode as soon as nobody waits and no callback is open; a slow machine may have many left to call back. What
    keeps it from that, if nothing of it has changed for SETTLED_S."""
    until, before = time.monotonic() + SETTLED_S, list[str]()
    while True:
        try:
            await approver.call("POST", f"{surge}/close", {"handover": "Nobody waits, no callback is open."})
        except ApiRefused as error:
            if error.problems != before:
                until, before = time.monotonic() + SETTLED_S, error.problems
            elif time.monotonic() >= until:
                return [f"Surge mode cannot be closed: {problem}" for problem in error.problems]
            await asyncio.sleep(LOOK_S)
        else:
            return []
