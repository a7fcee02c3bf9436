"""`tocsin gazetteer ...`: the city's addresses, so that residents can text where they live."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from notify import city, data
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, errors, refuse, sentences, show, table
from subscribers.gazetteer import importing
from subscribers.gazetteer.importing import BadGazetteer
from subscribers.gazetteer.search import Gazetteer

app = typer.Typer(help="The city's addresses, offline.", no_args_is_help=True)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns number, street, zip, lat, lon.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    json: Json = False,
) -> None:
    """Replaces the gazetteer by a file. A bad row is named and left out; the others are imported."""
    with sentences():
        settings, db = opened()
        with closing(db):
            box = city.load(city.find(settings.city, data.folder("city"))).pack.box
            try:
                done = db.write_now(partial(importing.keep, path=file, envelope=box, dry_run=dry_run))
            except (BadGazetteer, OSError) as error:
                refuse([str(error)])
    for problem in done.problems:
        errors.print(problem, markup=False)
    verb = "could be imported" if dry_run else "imported"
    said = f"{done.houses:,} addresses on {done.streets:,} streets {verb}, {done.bad:,} rows refused."
    show({"houses": done.houses, "streets": done.streets, "bad": done.bad, "dry_run": dry_run}, json, [said])
    if done.bad:
        raise typer.Exit(Exit.REFUSED)


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="An address or a neighbourhood, as a resident would text it.")], json: Json = False
) -> None:
    """What the gazetteer makes of a text, best first."""
    with sentences():
        settings, db = opened()
        with closing(db):
            gazetteer = Gazetteer(city.aliases(city.find(settings.city, data.folder("city"))))
            found = db.read_now(lambda conn: [*gazetteer.addresses(conn, text, ()), *gazetteer.named(conn, text)])
    rows = [(sight.exact, sight.words, f"{sight.score:.2f}") for sight in found]
    if json:
        show([{"exact": exact, "kept": words, "score": float(score)} for exact, words, score in rows], json)
    elif not rows:
        refuse([f"Nothing is found for {text!r}."])
    else:
        table(("found", "kept as", "score"), rows)
