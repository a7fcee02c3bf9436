"""`tocsin runbook ...`: the pages that people and the program follow when thousands call."""

from pathlib import Path
from typing import Annotated

import typer

from notify import data
from notify.cli.say import Json, refuse, sentences, show
from surge.scripts import reading, review
from surge.scripts.reading import BadRunbook
from surge.scripts.runbook import Runbook

app = typer.Typer(help="Runbooks: what to do and to say, hazard by hazard.", no_args_is_help=True)

INDEX = "README.md"


@app.callback()
def runbook() -> None:
    """Keeps `check` a command of its own while it is the only one."""


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="Pages; all of ours without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Says everything that keeps a runbook from being published: with its line, every way through the script walked."""
    with sentences():
        pages = files or [page for page in sorted(data.folder("runbooks").glob("*.md")) if page.name != INDEX]
        problems: list[str] = []
        books: list[Runbook] = []
        for page in pages:
            try:
                books.append(book := reading.read(page.stem, page.read_text(encoding="utf-8")))
                problems += review.problems(book)
            except BadRunbook as error:
                problems += error.problems
            except UnicodeDecodeError:
                problems.append(f"{page.name}: this is not UTF-8.")
    if problems:
        refuse(problems)
    counted = [{"name": book.name, "title": book.title, "steps": len(book.steps), "facts": len(book.facts)} for book in books]
    show(counted, json, [f"{one['title']}: {one['steps']} steps, {one['facts']} facts, nothing wrong." for one in counted])
