"""The demo's first act: the alerts of 23 May 2014, with a simulated carrier, a real SMTP sink and made-up people."""

import secrets
import shutil
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import yaml
from rich.progress import Progress
from sqlalchemy import Connection

from notify import city, keys, schema
from notify.alerts import replay
from notify.cli.alert import print_preview
from notify.cli.client import Client
from notify.cli.demo import phones
from notify.cli.demo.children import Children, free_port
from notify.cli.ledger import write_dump
from notify.cli.residents import take
from notify.cli.say import refuse, screen
from notify.cli.watching import watch
from notify.console.door import demo_pass
from notify.db import Database, engine_for
from notify.sending import ledger_check
from notify.settings import load
from notify.staff import accounts, passwords, people
from subscribers import areas, atlas, generator
from subscribers.gazetteer import importing as gazetteer
from subscribers.sealing import Keyring

ACCOUNT: Final = "AC" + "5" * 32
TOKEN: Final = "simulated-token"
SENDERS: Final = ("+15035550100", "+19715550100")
UNLIMITED: Final = 100_000  # segments per second: as fast as this machine's simulated carrier takes them
START_S: Final = 120
SETTLE_S: Final = 600
STEPS: Final = ((None, "1-first.yaml"), ("update", "2-update.yaml"), ("clear", "3-clear.yaml"))


class Stage:
    """The demo's city, its two processes, and what happened."""

    def __init__(self, home: Path, pack_folder: Path, count: int, rate: float, *, step: bool) -> None:
        self.home, self.pack_folder, self.count, self.rate, self.step = home, pack_folder, count, rate, step
        self.children = Children(home)
        self.tokens: dict[str, str] = {}
        self.sends: list[replay.Sent] = []
        self.problems: list[str] = []
        self.private_url = self.public_url = self.simulator_url = self.phones_url = ""
        self.begun = time.monotonic()

    @property
    def logs(self) -> Path:
        return self.home / "carrier"

    @property
    def database(self) -> str:
        return f"sqlite:///{(self.home / 'tocsin.db').absolute()}"

    def build(self) -> None:
        """A fresh data folder: keys, database, two people of staff, the city's areas, and everybody to tell."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        ring = keys.create(self.home / "keys.toml")
        engine = engine_for(self.database)
        schema.migrate(engine)
        engine.dispose()
        box = city.load(self.pack_folder).pack.box
        now = datetime.now(UTC)
        with closing(Database(self.database)) as db:
            for name in ("author", "approver", "admin"):
                self.tokens[name] = db.write_now(lambda conn, name=name: people.add(conn, name, [name], {}, now))  # type: ignore[misc]
                db.write_now(partial(_enrol, name=name, ring=ring, now=now))
            found: list[areas.NamedShape] = []
            for file in sorted((self.pack_folder / "areas").glob("*.geojson")):
                reading = areas.read_areas(file.read_bytes(), box)
                self.problems += reading.problems
                found += reading.areas
            db.write_now(lambda conn: atlas.keep(conn, found, "city pack", now))
            db.write_now(partial(gazetteer.keep, path=self.pack_folder / "gazetteer.csv", envelope=box))
            with Progress(console=screen) as bar:
                made = bar.add_task("making people up", total=self.count)
                csv = self.home / "people.csv"
                generator.write(csv, self.count, found, progress=lambda done: bar.update(made, completed=done))
        settings = load(mode="demo", data_dir=self.home)
        with closing(Database(self.database)) as db:
            totals, notes = take(settings, db, csv)
        self.problems += notes[:5] if totals.problems else []
        screen.print(f"{self.count:,} made-up people in exchange 555, {len(found)} areas.")

    def start(self) -> None:
        """The carrier and the service, each its own process."""
        carrier = ["-m", "channels.simulator", "--log", str(self.logs), "--account", ACCOUNT, "--token", TOKEN]
        for number in SENDERS:
            carrier += ["--sender", f"{number}={self.rate:g}"]
        carrier += ["--landline-share", "0.01", "--unreachable-share", "0.01", "--delivered-after", "0.5"]
        public = free_port()
        carrier += ["--inbound-url", f"http://127.0.0.1:{public}/inbound/sms", *phones.files(self.home)]
        simulated = self.children.start(carrier, {}, "carrier.log")
        settings = {
            "TOCSIN_MODE": "demo",
            "TOCSIN_DATA_DIR": str(self.home),
            "TOCSIN_PUBLIC_URL": f"http://127.0.0.1:{public}",
            "TOCSIN_PUBLIC_PORT": str(public),
            "TOCSIN_PRIVATE_PORT": "0",
            "TOCSIN_TWILIO_ACCOUNT_SID": ACCOUNT,
            "TOCSIN_TWILIO_AUTH_TOKEN": TOKEN,
            "TOCSIN_TWILIO_URL": simulated["sms_url"],
            "TOCSIN_SMS_SENDERS": ",".join(f"{number}={self.rate:g}" for number in SENDERS),
            "TOCSIN_SMTP_HOST": "127.0.0.1",
            "TOCSIN_SMTP_PORT": str(simulated["smtp_port"]),
            "TOCSIN_SMTP_SECURITY": "none",
            "TOCSIN_SMTP_RELAY_SIGNS_DKIM": "true",
            "TOCSIN_COUNTDOWN_S": "1",
        }
        started = self.children.start(["-m", "notify", "serve"], settings, "service.log")
        self.private_url, self.public_url = f"http://127.0.0.1:{started['private_port']}", settings["TOCSIN_PUBLIC_URL"]
        self.simulator_url, self.phones_url = simulated["sms_url"], simulated["phones_url"]

    def _show_phones(self) -> None:
        """Residents sign up by text, and whoever likes looks over their shoulders."""
        try:
            phones.sign_up(self.simulator_url)
        except phones.PhonesFailed as error:
            refuse([str(error)])
        screen.print(f"{len(phones.ROW)} residents have signed up by text. Their phones: {self.phones_url}")

    def play(self) -> None:
        """The three alerts of the story, each by two people."""
        self._show_phones()
        author = Client(self.private_url, self.tokens["author"])
        approver = Client(self.private_url, self.tokens["approver"])
        alert_id = ""
        for verb, name in STEPS:
            if self.step:
                with suppress(EOFError):  # nobody is there to press it
                    screen.input(f"Press Enter to send {name.removesuffix('.yaml')}. ")
            given = yaml.safe_load((self.pack_folder / "replay" / name).read_text("utf-8"))
            given = replay.moved(given, datetime.now(UTC))
            if verb == "update":
                given["next_update_by"] = (datetime.now(UTC) + timedelta(hours=4)).isoformat()
            path = f"/alerts/{alert_id}/{verb}" if verb else "/alerts"
            alert_id = author.post(path, given)["alert_id"]
            screen.rule(f"{name.removesuffix('.yaml')}: {alert_id}", align="left")
            if verb is None:
                print_preview(author.get(f"/alerts/{alert_id}/preview"))
            digest = author.post(f"/alerts/{alert_id}/submit")["digest"]
            approver.post(f"/alerts/{alert_id}/approve", {"digest": digest})
            approver.post(f"/alerts/{alert_id}/send")
            reply = watch(approver, alert_id)
            self.sends.append(replay.sent(reply))
        self._settled()

    def tell(self) -> None:
        """The result, the judge's word, and the time line beside 2014's."""
        dumped, texts = self.home / "dump.csv", self.home / "texts.json"
        with closing(Database(self.database)) as db:
            write_dump(db, keys.load(self.home / "keys.toml"), dumped, texts)
        verdict = ledger_check.check(dumped, self.logs, texts)
        self.problems += verdict.problems[:10]
        screen.rule("what happened", align="left")
        counts = ", ".join(f"{state} {number:,}" for state, number in sorted(verdict.counts.items()))
        screen.print(f"{verdict.rows:,} messages: {counts}", markup=False)
        judged = "SOUND, message by message" if verdict.sound else f"{len(verdict.problems)} PROBLEMS"
        screen.print(f"Ledger against the carriers' own logs: {judged}. Lost {verdict.lost}, duplicates {verdict.doubles}.")
        segments = replay.segments(self.logs / "sms.jsonl")
        for line in replay.time_line(self.sends, segments):
            screen.print(line, markup=False)
        screen.print(f"Demo took {time.monotonic() - self.begun:,.0f} s. Files: {self.home}")

    def show(self) -> None:
        """Where page, feeds, console and API are."""
        alert = self.sends[0].incident_id
        screen.print(f"\nPhones      {self.phones_url}")
        ring = keys.load(self.home / "keys.toml")
        for name in ("author", "approver", "admin"):
            link = f"{self.private_url}/enter/{name}/{demo_pass(ring, name)}"
            screen.print(f"Console     {link}   (as {name})", soft_wrap=True)
        screen.print(f"Alert page  {self.public_url}/demo/a/{alert}   (Spanish: {self.public_url}/demo/es/a/{alert})")
        screen.print(f"Feeds       {self.public_url}/demo/feeds/active.atom  .rss  .geojson")
        screen.print(f"API         TOCSIN_URL={self.private_url} TOCSIN_TOKEN={self.tokens['approver']} tocsin alert list")

    def _settled(self) -> None:
        """Waits until the carrier has reported on everything and the reports are applied."""
        client = Client(self.private_url, self.tokens["author"])
        deadline = time.monotonic() + SETTLE_S
        waiting = -1
        while time.monotonic() < deadline:
            open_rows = 0
            for one in self.sends:
                counts = client.get(f"/alerts/{one.alert_id}")["progress"]["channels"].get("sms", {"handed": 0, "unknown": 0})
                open_rows += counts["handed"] + counts["unknown"]
            if open_rows == 0:
                return
            if open_rows == waiting:
                time.sleep(1)  # reports still come in; there is nothing to wait on but the service, which is asked
            waiting = open_rows


def _enrol(conn: Connection, name: str, ring: Keyring, now: datetime) -> None:
    """A sign-in that nobody can use but by the demo's own links: a random password, and a seed that only the pages show."""
    token = accounts.invite(conn, name, "demo", now)
    password = passwords.hashed(secrets.token_urlsafe())
    accounts.enrol(conn, token, password, passwords.new_seed(), ring, 0, now)
