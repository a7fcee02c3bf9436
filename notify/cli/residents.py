"""`tocsin subscribers ...`: lists of people imported, and how many there are."""

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from sqlalchemy import Connection

from notify import audit, city, data, keys
from notify.alerts.exercise import SAMPLES
from notify.audit import Act
from notify.cli.admin import opened
from notify.cli.client import Client
from notify.cli.say import Exit, Json, errors, refuse, screen, sentences, show, table
from notify.db import Database
from notify.settings import Settings
from subscribers import atlas, importing
from subscribers import history as past
from subscribers import reassigned as numbers
from subscribers.address import BadAddress, normal
from subscribers.entry import Rules
from subscribers.importing import Progress, Totals
from subscribers.sheet import BadFile

app = typer.Typer(help="People, their addresses and places.", no_args_is_help=True)

MOST_SHOWN = 200


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="UTF-8 CSV; see docs/people-file.md for its columns.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what a real run would, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Imports a list of people. Every bad row is named with its line and reason; the good ones are imported."""
    with sentences():
        settings, db = opened()
        with closing(db):
            totals, notes = take(settings, db, file, dry_run=dry_run)
    for note in notes[:MOST_SHOWN]:
        errors.print(note, markup=False)
    if len(notes) > MOST_SHOWN:
        errors.print(f"... and {len(notes) - MOST_SHOWN:,} more", markup=False)
    verb = "Would be added" if dry_run else "Added"
    lines = [
        f"{totals.rows:,} rows.",
        f"{verb}: {totals.subscribers:,} people, {totals.addresses:,} addresses, {totals.places:,} places.",
        f"{totals.problems:,} rows refused, {totals.duplicates:,} duplicates, {totals.stopped:,} of people who opted out, "
        f"{totals.erased:,} of addresses erased.",
    ]
    show({name: getattr(totals, name) for name in Totals.__slots__} | {"notes": notes, "dry_run": dry_run}, json, lines)
    if totals.problems:
        raise typer.Exit(Exit.REFUSED)


@app.command(name="list")
def list_subscribers(json: Json = False) -> None:
    """How many addresses there are by channel and language; never who."""
    with sentences():
        reply = Client().get("/subscribers")
    if json:
        show(reply, json)
    else:
        table(("channel", "language", "people"), [tuple(row.values()) for row in reply["addresses"]])


def take(settings: Settings, db: Database, file: Path, *, dry_run: bool = False) -> tuple[Totals, list[str]]:
    """Imports a file with a bar; returns the totals and every note as a sentence with its line."""
    pack = city.load(city.find(settings.city, data.folder("city"))).pack
    ring = keys.load(settings.keys_file)
    named = db.read_now(atlas.areas)
    rules = Rules(
        languages=frozenset(pack.tags),
        envelope=pack.box,
        areas={area.name: area.kind for area in named},
        zone=pack.zone,
        samples=SAMPLES[settings.mode],
        now=datetime.now(UTC),
    )
    notes: list[str] = []
    with Bar(console=screen, transient=True) as bar:
        task = bar.add_task("importing", total=None)

        def tell(progress: Progress) -> None:
            bar.update(task, completed=progress.lines_done, total=progress.lines)
            notes.extend(f"{file.name}, line {note.line}: {note.reason}" for note in progress.notes[: MOST_SHOWN * 5])

        try:
            if dry_run:
                with importing.rehearsal(db.reader.begin) as begin:
                    totals = importing.import_file(file, begin, rules, ring, tell)
            else:
                totals = importing.import_file(file, importing.into(db.writer.begin), rules, ring, tell)
        except BadFile as error:
            refuse(error.problems)
        except importing.Overtaken as error:
            refuse([str(error)])
    return totals, notes


@app.command()
def reassigned(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="UTF-8 CSV: number, answer (yes, no, no data), date asked with.")
    ],
    json: Json = False,
) -> None:
    """Takes answers of the Reassigned Numbers Database. A number that was given up since gets no place names and no alert but
    an Extreme one, is asked who has it, and is removed after 14 days of silence."""
    with sentences():
        settings, db = opened()
        with closing(db):
            totals = take_answers(settings, db, file)
    lines = [
        f"{totals.answers:,} answers.",
        f"{totals.suspect:,} numbers may have a new owner from now on; {totals.newer:,} have agreed since, and stay.",
        f"{totals.unknown:,} are not ours.",
    ]
    show(asdict(totals), json, lines)


def take_answers(settings: Settings, db: Database, file: Path) -> numbers.Totals:
    """Takes the file whole, in one transaction, and notes in the audit log which file it was."""
    read = file.read_bytes()
    try:
        answers = numbers.read(read, SAMPLES[settings.mode])
    except numbers.BadAnswers as error:
        refuse(error.problems)
    ring, now = keys.load(settings.keys_file), datetime.now(UTC)

    def work(conn: Connection) -> numbers.Totals:
        totals = numbers.take(conn, answers, ring, now)
        detail = asdict(totals) | {"sha256": sha256(read).hexdigest()}
        audit.append(conn, Act(actor="shell", action="reassigned numbers taken", subject=file.name, detail=detail), now)
        return totals

    return db.write_now(work)


@app.command()
def history(
    address: Annotated[str, typer.Argument(help="A phone number or an e-mail address.")],
    json: Json = False,
) -> None:
    """Everything held of one number or mailbox: consent, places, and the words of both sides. For a records request."""
    with sentences():
        settings, db = opened()
        with closing(db):
            try:
                channel, wanted = normal(address, SAMPLES[settings.mode])
            except BadAddress as fault:
                refuse([str(fault)])
            ring = keys.load(settings.keys_file)
            found = db.read_now(lambda conn: past.of(conn, channel, wanted, ring))
    if found is None:
        refuse(["Nothing is held of this address."])
    lines = [f"{name}: {', '.join(value) if isinstance(value, list) else value}" for name, value in found.facts.items()]
    lines += [f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.what}: {entry.detail}" for entry in found.entries]
    entries = [{"at": entry.at.isoformat(), "what": entry.what, "detail": entry.detail} for entry in found.entries]
    show({name: str(value) for name, value in found.facts.items()} | {"entries": entries}, json, lines)
