"""Lists of people, imported in batches: each batch is one transaction, so a crash loses nothing that was reported as done.

Importing the same file again changes nothing, and finishes what a crash left. Memory does not grow with the file.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, fields
from itertools import count, islice
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from subscribers import batch, sheet
from subscribers.address import EMAIL, SMS
from subscribers.entry import Entry, Rules, read
from subscribers.merging import Gains, Key, Kind, Note, merge
from subscribers.sealing import Keyring
from subscribers.sheet import Row

logger = logging.getLogger(__name__)

ATTEMPTS = 3  # of a batch whose addresses others are signing up with at the same moment
OVERTAKEN = "An address of the list was erased while it was imported. Import the file again: what is in already stays."
BATCH_ROWS = 10_000  # larger ones spare index pages on disk, smaller ones let other writers in sooner


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts of rows (read, problems, duplicates, stopped, erased) and of what was added."""

    rows: int = 0
    problems: int = 0
    duplicates: int = 0
    stopped: int = 0
    erased: int = 0
    subscribers: int = 0
    addresses: int = 0
    places: int = 0
    upgrades: int = 0

    def plus(self, other: "Totals") -> "Totals":
        return Totals(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Totals)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Said after each batch is on disk: lines of the file done and in all, what staff should hear of it, totals so far."""

    lines_done: int
    lines: int
    notes: tuple[Note, ...]
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where an import looks things up and where it writes, within one transaction each; the same place but in a dry run."""

    known_in: Sequence[Connection]
    written_to: Connection


Begin = Callable[[], AbstractContextManager[Books]]


class Overtaken(Exception):
    """Somebody had an address erased while the batch that has it was being written; nothing of the batch was kept."""


def import_file(path: Path, begin: Begin, rules: Rules, keyring: Keyring, tell: Callable[[Progress], None]) -> Totals:
    """Imports a list and tells how it goes. `begin` opens one transaction: `into` a database, or a `rehearsal` beside it.

    Raises BadFile before anything is written when the file as a whole cannot be used; OSError when it cannot be read.
    """
    opened = sheet.inspect(path)
    totals = Totals()
    remaining = sheet.rows(opened)
    while rows := list(islice(remaining, BATCH_ROWS)):
        with _no_collecting():
            notes, gains = _import(rows, begin, rules, keyring, f"import of {path.name}")
        totals = totals.plus(_counted(len(rows), notes, gains))
        tell(Progress(lines_done=rows[-1].line, lines=opened.lines, notes=tuple(notes), totals=totals))
    logger.info("imported %s rows, %s people new, %s rows refused", totals.rows, totals.subscribers, totals.problems)
    return totals


def into(begin: Callable[[], AbstractContextManager[Connection]]) -> Begin:
    """Batches written where `begin` opens a write transaction, such as an engine's `begin`."""

    @contextmanager
    def opened() -> Iterator[Books]:
        with begin() as conn:
            yield Books(known_in=[conn], written_to=conn)

    return opened


@contextmanager
def rehearsal(begin: Callable[[], AbstractContextManager[Connection]]) -> Iterator[Begin]:
    """Batches written to a throw-away database beside the real one, which is only read: a dry run says just what a real run
    would, and holds up nobody's writes meanwhile."""
    with batch.scratch() as engine:

        @contextmanager
        def opened() -> Iterator[Books]:
            with ExitStack() as both:
                real, scratch = both.enter_context(begin()), both.enter_context(engine.begin())
                yield Books(known_in=[real, scratch], written_to=scratch)

        yield opened


@contextmanager
def _no_collecting() -> Iterator[None]:
    """A batch makes many objects and few cycles; looking for those again and again as it grows takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _import(rows: Sequence[Row], begin: Begin, rules: Rules, keyring: Keyring, source: str) -> tuple[list[Note], Gains]:
    """One batch: understood, keyed, and only then, for as short as can be, a transaction."""
    keyed: list[tuple[Entry, dict[str, Key]]] = []
    notes: list[Note] = []
    for row in rows:
        entry = read(row, rules)
        if isinstance(entry, Entry):
            keyed.append((entry, _keys(entry, keyring)))
        else:
            notes += [Note(row.line, Kind.PROBLEM, problem) for problem in entry]
    gains, more = _written(keyed, begin, rules, keyring, source)
    return sorted(notes + more, key=lambda note: note.line), gains


def _written(
    keyed: Sequence[tuple[Entry, dict[str, Key]]], begin: Begin, rules: Rules, keyring: Keyring, source: str
) -> tuple[Gains, list[Note]]:
    """Decides and writes in one transaction; once more when somebody signed up with one of the addresses in between, or had
    it erased."""
    for attempt in count(1):
        gains, notes = Gains(), list[Note]()
        try:
            with begin() as books:
                every = [key for _, keys in keyed for key in keys.values()]
                known, erased = batch.known(books.known_in, every), batch.erased(books.known_in, every)
                for entry, keys in keyed:
                    notes += merge(entry, keys, known, gains, erased)
                batch.write(books.written_to, gains, keyring, rules.now, source)
                if batch.erased(books.known_in, [key for key, *_ in gains.addresses]):
                    raise Overtaken(OVERTAKEN)
            break
        except (IntegrityError, Overtaken):
            if attempt == ATTEMPTS:
                raise
    return gains, notes


def _keys(entry: Entry, keyring: Keyring) -> dict[str, Key]:
    keys = {SMS: (SMS, keyring.blind(SMS, entry.phone))} if entry.phone else {}
    return keys | {EMAIL: (EMAIL, keyring.blind(EMAIL, entry.email))} if entry.email else keys


def _counted(rows: int, notes: Sequence[Note], gains: Gains) -> Totals:
    lines = {kind: len({note.line for note in notes if note.kind is kind}) for kind in Kind}
    return Totals(
        rows=rows,
        problems=lines[Kind.PROBLEM],
        duplicates=lines[Kind.DUPLICATE],
        stopped=lines[Kind.STOPPED],
        erased=lines[Kind.ERASED],
        subscribers=len(gains.people),
        addresses=len(gains.addresses),
        places=len(gains.places),
        upgrades=len(gains.upgrades),
    )
