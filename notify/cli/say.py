"""How commands talk: tables for people, JSON for programs, sentences on refusal, and one meaning for each exit code."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from notify.cli.client import ApiRefused, NotReachable
from notify.keys import KeysError
from notify.schema import WrongSchema
from notify.settings import SettingsError
from notify.staff.people import BadPerson

WIDEST: Final = 10_000  # letters of a row, where no terminal is that wide

screen = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else WIDEST)
errors = Console(stderr=True, soft_wrap=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Exit(IntEnum):
    DONE = 0
    REFUSED = 1  # with sentences
    USAGE = 2
    NOT_REACHABLE = 3


def refuse(problems: Iterable[str], code: Exit = Exit.REFUSED) -> NoReturn:
    """Prints each problem on a line of its own and ends."""
    for problem in problems:
        errors.print(problem, markup=False)
    raise typer.Exit(code)


def show(data: Any, as_json: bool, lines: Iterable[str] = ()) -> None:
    """Prints data as JSON, or the lines for people."""
    if as_json:
        json.dump(data, sys.stdout, ensure_ascii=False, indent=2, default=str)
        sys.stdout.write("\n")
        return
    for line in lines:
        screen.print(line, markup=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Cut off nowhere: folded to the width of a terminal; in a file or a pipe each row is one line, however long."""
    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*("" if cell is None else str(cell) for cell in row))
    screen.print(grid)


@contextmanager
def sentences() -> Iterator[None]:
    """Turns what our own code refuses into sentences and an exit code."""
    try:
        yield
    except NotReachable as error:
        refuse([str(error)], Exit.NOT_REACHABLE)
    except ApiRefused as error:
        refuse(error.problems or [str(error)])
    except (SettingsError, BadPerson) as error:
        refuse(error.problems)
    except (KeysError, WrongSchema) as error:
        refuse([str(error)])
    except OperationalError as error:
        refuse([f"The database cannot be used: {error.orig}".strip()])
    except FileNotFoundError as error:
        refuse([f"{error.filename} is not there."], Exit.USAGE)


def pick(data: Mapping[str, Any], *names: str) -> list[Any]:
    return [data.get(name) for name in names]
