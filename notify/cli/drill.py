"""`tocsin drill ...`: who has practised, and carrying that from the training instance to the live one."""

import csv
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from notify import city, data
from notify.alerts.alert import Mode
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, refuse, screen, sentences, show, table
from notify.settings import Settings
from notify.staff import certificate, training
from notify.staff import training_log as records
from notify.staff.certificate import BadCertificate
from notify.staff.training import Month
from notify.staff.training_log import Training

app = typer.Typer(help="Drills: who took part, and certificates of it.", no_args_is_help=True)

MONTH: Final = "%Y-%m"
ACTOR: Final = "shell"


@app.command()
def report(
    month: Annotated[str, typer.Option(help="Like 2026-05; the month of now without it.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV: a row for each person and drill.")] = False,
    json: Json = False,
) -> None:
    """Who drilled in a month, for how long and how it went; who did not; and who is overdue."""
    with sentences():
        settings, db = opened()
        rule, zone, now = Training.of(settings).rule, _pack(settings).zone, datetime.now(UTC)
        first = _month(month, now.astimezone(zone).date())
        with closing(db):
            known = db.read_now(Training.of(settings).parts)
            standings = db.read_now(lambda conn: training.standings(records.members(conn), known, now))
    found = training.month(known, standings, first, zone)
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(training.table(found, rule))
        return
    rows = [
        {
            "person": one.member.staff.person_id,
            "drills": len(mine := found.of(one.member.staff.person_id)),
            "minutes": round(sum(part.length.total_seconds() for part in mine) / 60),
            "scripts": ", ".join(sorted({part.script for part in mine})),
            "right_people": _right(found, one.member.staff.person_id),
            "last": f"{one.last:%Y-%m-%d}" if one.last else "none",
            "overdue": one.is_overdue(rule.due),
        }
        for one in standings
    ]
    glass = training.last_glass(known)
    last_glass = f"{glass.ended:%Y-%m-%d}" if glass else "none"
    if json:
        show(
            {"month": f"{first:{MONTH}}", "people": rows, "glass_this_month": found.glass is not None, "glass": last_glass},
            json,
        )
        return
    table(("person", "drills", "minutes", "scripts", "right people", "last", "overdue"), [list(row.values()) for row in rows])
    screen.print(f"Break-glass drill: last one {last_glass}; this month {'yes' if found.glass else 'NO'}.", markup=False)


@app.command()
def key(json: Json = False) -> None:
    """The training instance's public key, for TOCSIN_DRILL_KEY of the live one. Makes the key when there is none."""
    with sentences():
        settings, db = opened()
        db.close()
        _refuse_but_in_training(settings)
        public = certificate.public(certificate.own_key(_key_file(settings)))
    show({"key": public}, json, [public])


@app.command(name="certificate")
def issue(
    file: Annotated[Path, typer.Argument(help="A file that does not exist yet.")],
    json: Json = False,
) -> None:
    """On the training instance: writes everybody's part in every drill into a signed file, for 'tocsin drill import'."""
    with sentences():
        settings, db = opened()
        with closing(db):
            _refuse_but_in_training(settings)
            if file.exists():
                refuse([f"{file} exists already; a certificate never overwrites."])
            known = db.read_now(Training.of(settings).parts)
        signed = certificate.issue(known, _pack(settings).name, certificate.own_key(_key_file(settings)), datetime.now(UTC))
        file.write_text(signed, "utf-8")
    show({"file": str(file), "parts": len(known)}, json, [f"{file}: {len(known)} parts in drills, signed."])


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Made by 'tocsin drill certificate' on training.")],
    json: Json = False,
) -> None:
    """On the live instance: believes a certificate that TOCSIN_DRILL_KEY signed, and writes it into the log. Twice is once."""
    with sentences():
        settings, db = opened()
        now = datetime.now(UTC)
        with closing(db):
            try:
                parts = certificate.read(file.read_text("utf-8"), _pack(settings).name, settings.drill_key, now)
            except (BadCertificate, UnicodeDecodeError) as error:
                refuse(error.problems if isinstance(error, BadCertificate) else ["This is no certificate: it is not UTF-8."])
            took = db.write_now(partial(records.take, parts=parts, actor=ACTOR, key=settings.drill_key, now=now))
    lines = [f"{took.new} parts in drills are new; {took.known} were known."]
    lines += [f"Passed over: nobody here is called {name}." for name in took.strangers]
    show(asdict(took), json, lines)


def _refuse_but_in_training(settings: Settings) -> None:
    if settings.mode is not Mode.TRAINING:
        refuse([f"Drills run on the training instance only; this one is {settings.mode}."])


def _pack(settings: Settings) -> city.Pack:
    return city.load(city.find(settings.city, data.folder("city"))).pack


def _key_file(settings: Settings) -> Path:
    return settings.data_dir / "drill-key.pem"


def _month(typed: str, today: date) -> date:
    try:
        return datetime.strptime(typed, MONTH).date() if typed else today.replace(day=1)
    except ValueError:
        refuse([f"'{typed}' is not a month like 2026-05."], Exit.USAGE)


def _right(found: Month, person_id: str) -> str:
    judged = [part.audience for part in found.of(person_id) if part.audience is not None]
    return f"{sum(judged)} of {len(judged)}" if judged else ""
