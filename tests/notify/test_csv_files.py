"""Every CSV file that we write: opened in a spreadsheet it runs nothing, and its reader gets what was meant."""

import csv
import json
import re
from pathlib import Path

from shapely.geometry import box
from sqlalchemy import Connection, insert

from notify import keys
from notify.cli.ledger import write_dump
from notify.clock import ManualClock, micros
from notify.db import Database
from notify.sending import ledger_check
from notify.tables import Delivery
from subscribers.areas import NamedShape
from subscribers.gazetteer.generator import write as write_gazetteer
from subscribers.generator import write as write_people
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said, add_address, add_subscriber
from tests.notify.ledger_factory import add_event, an_event_row

RUNS = re.compile(r"""[\t\r]|["\s]*[=+\-@＝＋－＠]""")  # with an apostrophe in front it is shown as text
HARMLESS = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
MAILS = ["=1+1|x!a@example.gov", "+1-1@example.gov", "-x@example.gov", "'=x@example.gov", "resident@example.gov"]
SAID = "=cmd|' /C calc'!A0"  # what a relay might answer with


def cells(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [cell for row in csv.reader(file, strict=True) for cell in row]


def running(path: Path) -> list[str]:
    """The cells that a spreadsheet would run."""
    return [cell for cell in cells(path) if RUNS.match(cell) and not HARMLESS.fullmatch(cell)]


def add_deliveries(conn: Connection, ring: Keyring, clock: ManualClock) -> None:
    now = clock.now()
    event = add_event(conn, an_event_row(now), now)
    said = Said(at=now, source="test")
    for number, mail in enumerate(MAILS, 1):
        new = NewAddress(channel="email", address=mail, language="en", basis="opt-in")
        address_id = add_address(conn, add_subscriber(conn, now, "test"), new, ring, said)
        row = {"event_id": event.event_id, "address_id": address_id, "channel": "email", "language": "en"}
        row |= {"wording": "first", "priority": 3, "state": "handed", "attempts": 1, "planned_at": micros(now)}
        row |= {"provider_id": f"<K7Q2-1.{number}@example.gov>", "code": SAID}
        conn.execute(insert(Delivery).values(**row, fence=1, ambiguous=False))


def test_a_dump_runs_nothing_and_is_judged_by_the_addresses_it_stands_for(
    db: Database, tmp_path: Path, clock: ManualClock
) -> None:
    ring = keys.create(tmp_path / "keys.toml")
    db.write_now(lambda conn: add_deliveries(conn, ring, clock))
    dumped = tmp_path / "dump.csv"
    write_dump(db, ring, dumped, None)
    assert running(dumped) == []
    assert f"'{SAID}" in cells(dumped)
    lines = [
        {
            "seq": number,
            "event": "accepted",
            "message_id": f"<K7Q2-1.{number}@example.gov>",
            "rcpt": mail,
            "subject": "Boil tap water",
        }
        for number, mail in enumerate(MAILS, 1)
    ]
    (tmp_path / "smtp.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    verdict = ledger_check.check(dumped, tmp_path)
    assert verdict.problems == []
    assert (verdict.rows, verdict.accepted) == (len(MAILS), len(MAILS))


def test_the_files_of_made_up_people_and_houses_run_nothing(tmp_path: Path) -> None:
    zip_area = NamedShape(name="97214", kind="zip", shape=box(-122.66, 45.50, -122.62, 45.52))
    lents = NamedShape(name='=Lents, "west"', kind="neighborhood", shape=box(-122.59, 45.46, -122.55, 45.49))
    city = NamedShape(name="Portland", kind="city", shape=box(-122.80, 45.44, -122.50, 45.62))
    write_people(tmp_path / "people.csv", 500, [city, zip_area, lents])
    write_gazetteer(tmp_path / "houses.csv", {"97214": zip_area.shape})
    assert len(cells(tmp_path / "people.csv")) > 5_000
    assert len(cells(tmp_path / "houses.csv")) > 100
    assert running(tmp_path / "houses.csv") == []
    assert running(tmp_path / "people.csv") == []
