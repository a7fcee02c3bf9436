"""`tocsin sites ...`: shelters and other places of help, which open and close within an event. A running service follows at
once."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from notify import city, data
from notify.alerts import hazards
from notify.cli.say import Exit, Json, refuse, sentences, show, table
from notify.residents.relief import SiteList, topics
from notify.settings import load
from subscribers.relief import ReliefSite, turned
from subscribers.sheet import BadFile

app = typer.Typer(help="Shelters, water and other places of help near residents.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(help="Names of sites, as 'tocsin sites list' shows them.")]


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="UTF-8 CSV; see docs/sites-file.md for its columns.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    json: Json = False,
) -> None:
    """Replaces the list of sites by a file. With anything wrong in it nothing changes, and everything wrong is named."""
    with sentences():
        sites = _list()
        found = _read(sites, file)
        if not dry_run:
            _write(sites, found)
    opened = sum(site.is_open for site in found)
    verb = "would be listed" if dry_run else "are listed"
    lines = [f"{len(found)} sites {verb}, {opened} of them open."]
    show({"sites": len(found), "open": opened, "dry_run": dry_run}, json, lines)


@app.command(name="list")
def list_sites(json: Json = False) -> None:
    """Every site and whether residents are told of it now."""
    with sentences():
        found = _present(_list())
    if json:
        show([asdict(site) for site in found], json)
    elif not found:
        refuse(["There are no sites yet: tocsin sites import FILE.csv"])
    else:
        columns = ("name", "topic", "address", "open", "hours", "pets", "wheelchair")
        table(columns, [_cells(site) for site in found])


@app.command(name="open")
def open_(names: Names, json: Json = False) -> None:
    """Residents are told of these sites from now on."""
    _turn(names, json, is_open=True)


@app.command()
def close(names: Names, json: Json = False) -> None:
    """Residents are told of these sites no more."""
    _turn(names, json, is_open=False)


def _turn(names: list[str], json: bool, *, is_open: bool) -> None:
    with sentences():
        sites = _list()
        try:
            found = turned(_present(sites), names, is_open=is_open)
        except LookupError as error:
            refuse([str(error.args[0])])
        _write(sites, found)
    show(
        {"open": [site.name for site in found if site.is_open]},
        json,
        [f"{sum(site.is_open for site in found)} of {len(found)} sites are open."],
    )


def _list() -> SiteList:
    settings = load()
    if not settings.data_dir.is_dir():
        refuse(["There is nothing here yet. Run 'tocsin init' first."])
    pack = city.load(city.find(settings.city, data.folder("city")))
    return SiteList(settings.data_dir, pack, topics(hazards.catalogue()))


def _present(sites: SiteList) -> tuple[ReliefSite, ...]:
    path = sites.path()
    return _read(sites, path) if path else ()


def _read(sites: SiteList, path: Path) -> tuple[ReliefSite, ...]:
    try:
        return sites.read(path)
    except FileNotFoundError:
        refuse([f"{path} is not there."], Exit.USAGE)
    except BadFile as error:
        refuse(error.problems)
    except OSError as error:
        refuse([f"{path} cannot be read: {error.strerror}."])


def _write(sites: SiteList, found: tuple[ReliefSite, ...]) -> None:
    try:
        sites.write(found)
    except OSError as error:
        refuse([f"{sites.own} cannot be written: {error.strerror}."])


def _cells(site: ReliefSite) -> tuple[str, ...]:
    is_open, pets, wheelchair = ("yes" if one else "" for one in (site.is_open, site.pets, site.wheelchair))
    return site.name, site.topic, site.address, is_open, site.hours, pets, wheelchair
