"""Where an activation takes its words and facts from: the runbooks that ship, reviewed translations, the alert's own record."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.alert import Event, Stage, from_json
from notify.alerts.draft import Draft
from notify.alerts.life import Status
from notify.tables import AlertRow
from notify.wording import reviews, sayings
from notify.wording.reviews import Review
from notify.wording.words import Words as AlertWords
from surge.scripts import alert_facts, reading, review, script
from surge.scripts.alert_facts import FromAlert
from surge.scripts.reading import BadRunbook
from surge.scripts.runbook import Runbook
from surge.scripts.script import Words
from surge.switch.activate import Book

logger = logging.getLogger(__name__)


def books(folder: Path) -> Mapping[str, Book]:
    """Every runbook that has a script, by name. One that cannot be used is left out, and said so: the others are needed."""
    found = {}
    for page in sorted(folder.glob("*.md")):
        if page.name == sayings.INDEX:
            continue
        try:
            source = page.read_text("utf-8")
            book = reading.read(page.stem, source)
            problems = review.problems(book)
        except (BadRunbook, UnicodeDecodeError) as error:
            problems = getattr(error, "problems", None) or [f"{page.name}: this is not UTF-8."]
        if problems:
            logger.error("runbook %s cannot be used: %s (docs/operations.md#runbooks)", page.name, "; ".join(problems))
        elif book.steps:
            found[page.stem] = Book(source, book)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Translations of what is read aloud. reviews: every review in the database. allow_drafts: may read what nobody has
    reviewed, which only an instance that reaches nobody outside does."""

    words: AlertWords
    reviews: Callable[[Connection], Collection[Review]]
    allow_drafts: bool

    def __call__(self, conn: Connection, book: Runbook) -> Words:
        """By language, English included; only translations of exactly the sentences of this book."""
        known = sayings.readable(self.words, reviews.arrange(self.reviews(conn)), allow_drafts=self.allow_drafts)
        texts = {key: saying.text for key, _, saying in script.sentences(book)}
        return {
            language: {key: target for key, (source, target) in one.items() if texts.get(key) == source}
            for language, one in known.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """What an incident's newest alert holds: the one that was approved last, or, before any was, the one that waits."""

    words: AlertWords
    languages: Sequence[str]

    def __call__(self, conn: Connection, incident_id: str, book: Runbook) -> Sequence[FromAlert]:
        found = self._newest(conn, incident_id)
        if found is None:
            return []
        row, event = found
        declared = self.words.declared(self.words.folders.get(row.hazard, ""), row.hazard)
        given = Draft.model_validate_json(row.content).slots
        return alert_facts.held(event, given, declared, book, self.languages)

    def _newest(self, conn: Connection, incident_id: str) -> tuple[AlertRow, Event] | None:
        rows = [row for row in register.all_alerts(conn, incident_id) if row.stage != Stage.RENEWAL]
        said = [row for row in rows if row.approved_by]
        if said:
            return said[-1], register.frozen(conn, said[-1].alert_id)
        waiting = [row.alert_id for row in rows if row.status == Status.PENDING]
        row = register.alert(conn, waiting[-1]) if waiting else None
        return (row, from_json(row.frozen)) if row is not None and row.frozen else None
