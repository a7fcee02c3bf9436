"""`tocsin areas ...`: the areas staff and residents can name."""

from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from notify import city, data
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, errors, refuse, sentences, show, table
from subscribers import areas, atlas

app = typer.Typer(help="Areas staff and residents can name.", no_args_is_help=True)


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="GeoJSON; features with name, kind and, for the whole city, citywide.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    json: Json = False,
) -> None:
    """Imports areas, replacing those of the same name. A faulty feature is named and refused; the others are imported."""
    problems: list[str] = []
    kept: list[str] = []
    with sentences():
        settings, db = opened()
        with closing(db):
            box = city.load(city.find(settings.city, data.folder("city"))).pack.box
            for file in files:
                reading = areas.read_areas(file.read_bytes(), box)
                problems += [f"{file.name}: {problem}" for problem in reading.problems]
                kept += [area.name for area in reading.areas]
                if not dry_run:
                    keep = partial(atlas.keep, areas=reading.areas, source=file.name, at=datetime.now(UTC))
                    db.write_now(keep)
    for problem in problems:
        errors.print(problem, markup=False)
    verb = "could be imported" if dry_run else "imported"
    show(
        {"imported": kept, "problems": problems, "dry_run": dry_run},
        json,
        [f"{len(kept)} areas {verb}, {len(problems)} refused."],
    )
    if problems:
        raise typer.Exit(Exit.REFUSED)


@app.command(name="list")
def list_areas(json: Json = False) -> None:
    """All areas by kind and name."""
    with sentences():
        _, db = opened()
        with closing(db):
            found = db.read_now(atlas.areas)
    if not found and not json:
        refuse(["There are no areas yet: tocsin areas import FILE.geojson"])
    columns = ("name", "kind", "citywide")
    if json:
        show([{name: getattr(area, name) for name in columns} for area in found], json)
    else:
        table(columns, [(area.name, area.kind, "yes" if area.citywide else "") for area in found])
