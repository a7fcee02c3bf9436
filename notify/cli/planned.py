"""`tocsin planned ...`: whether a file of planned tests and drills can be published, before it is put where it is."""

from pathlib import Path
from typing import Annotated

import typer

from notify.cli.say import Exit, Json, refuse, show
from notify.publishing.planned import BadPlans, checked

app = typer.Typer(help="Planned tests, drills and shut-offs, published as a calendar.", no_args_is_help=True)


@app.callback()
def planned() -> None:
    """Keeps `check` a command of its own while it is the only one."""


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A planned.toml; see docs/planned.md.")], json: Json = False) -> None:
    """Says everything wrong with a file, by event. Ends with 1 when there is anything."""
    try:
        events = checked(file.read_text("utf-8"))
    except BadPlans as error:
        refuse(error.problems)
    except UnicodeDecodeError:
        refuse([f"{file} is not UTF-8."])
    except OSError as error:
        refuse([f"{file} cannot be read: {error.strerror}."], Exit.USAGE)
    show({"events": len(events)}, json, [f"{file}: {len(events)} events, nothing wrong."])
