"""`tocsin gazetteer ...`: the city's addresses, so that residents can text where they live."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar

from notify import city, data
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, errors, refuse, screen, sentences, show, table
from notify.db import Database
from subscribers.gazetteer import importing
from subscribers.gazetteer.importing import Imported, TakenOver
from subscribers.gazetteer.search import Gazetteer
from subscribers.place import Envelope
from subscribers.sheet import BadFile

app = typer.Typer(help="The city's addresses, offline.", no_args_is_help=True)

MOST_SHOWN = 200


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="UTF-8 CSV: number, street, zip, lat, lon[, unit]; see docs/gazetteer-file.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what a real run would, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Replaces the city's addresses by a file. Every bad row is named with its line and reason; the good ones are imported."""
    with sentences():
        settings, db = opened()
        with closing(db):
            box = city.load(city.find(settings.city, data.folder("city"))).pack.box
            done = _take(db, file, box, dry_run=dry_run)
    for note in done.notes[:MOST_SHOWN]:
        errors.print(note, markup=False)
    more = done.bad + done.duplicates - len(done.notes[:MOST_SHOWN])
    if more:
        errors.print(f"... and {more:,} more", markup=False)
    verb = "would be imported" if dry_run else "imported"
    lines = [
        f"{done.rows:,} rows: {done.houses:,} houses on {done.streets:,} streets {verb}.",
        f"{done.bad:,} rows refused, {done.duplicates:,} duplicates, {done.units:,} further homes of a house.",
    ]
    show(asdict(done) | {"dry_run": dry_run}, json, lines)
    if done.bad:
        raise typer.Exit(Exit.REFUSED)


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="An address, a corner or a neighborhood, as a resident would text it.")],
    json: Json = False,
) -> None:
    """What the gazetteer makes of a text, best first; of 0.8 and more it is taken, below it is asked about."""
    with sentences():
        settings, db = opened()
        with closing(db):
            gazetteer = Gazetteer(city.aliases(city.find(settings.city, data.folder("city"))))
            found = db.read_now(lambda conn: gazetteer.addresses(conn, text, ()) or gazetteer.named(conn, text))
    if json:
        show([{"exact": one.exact, "kept": one.words, "zip": one.zip, "score": one.score} for one in found], json)
    elif not found:
        refuse([f"Nothing is found for {text!r}."])
    else:
        table(("found", "kept as", "score"), [(one.exact, one.words, f"{one.score:.2f}") for one in found])


def _take(db: Database, file: Path, box: Envelope, *, dry_run: bool) -> Imported:
    """Imports a file, or only looks through it, with a bar."""
    with Bar(console=screen, transient=True) as bar:
        task = bar.add_task("reading" if dry_run else "importing", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        try:
            if dry_run:
                return importing.survey(file, box, tell)
            return importing.import_file(file, db.writer.begin, box, tell)
        except BadFile as error:
            refuse(error.problems)
        except TakenOver as error:
            refuse([str(error)])
