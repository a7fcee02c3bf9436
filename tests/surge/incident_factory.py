"""Surge mode as a city has it: a small runbook, the verbs, and people to press the buttons."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from notify.alerts.life import Role, Staff
from notify.clock import ManualClock
from notify.db import Database
from surge.scripts import reading
from surge.scripts.alert_facts import FromAlert
from surge.scripts.facts import Wanted
from surge.scripts.runbook import Runbook
from surge.scripts.script import Words, sentences
from surge.switch import store
from surge.switch.activate import Book, Means, Switch
from surge.switch.publish import Publishing
from surge.tables import ActivationRow, AgentRow, ContactRow

NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)  # a Monday, 12:00 in Portland
ZONE = ZoneInfo("America/Los_Angeles")
AUTHOR = Staff(person_id="author", roles=frozenset({Role.AUTHOR}))
APPROVER = Staff(person_id="approver", roles=frozenset({Role.APPROVER}))
LEAD = Staff(person_id="lead", roles=frozenset({Role.LEAD311}))
AGENT = Staff(person_id="agent", roles=frozenset({Role.AGENT311}))
PAGE = """---
hazard: boil_water
facts:
  boil_minutes: {asks: "How long?", unit: minutes}
  next_update: {asks: "When does the City speak next?"}
  sites: {asks: "Where is water?"}
---
# Boil water
## Script
### First
Say: "Is anybody in danger?"
- yes -> [Emergency](#emergency)
- anything else -> [Boil](#boil)
### Emergency
Say: "I am connecting you."
Transfer: 911
End: emergency
### Boil
Say: "Boil for {fact:boil_minutes}. We speak again at {fact:next_update}."
Say: "Free water: {fact:sites}."
Never: "It is over."
The rule is {fact:boil_minutes}.
- next -> [End](#end)
### End
Say: "Goodbye."
End: informed
"""
SPANISH = {
    "runbook.boil.first.1": "¿Hay alguien en peligro?",
    "runbook.boil.emergency.1": "Le comunico.",
    "runbook.boil.boil.1": "Hierva durante {fact:boil_minutes}. Volveremos a hablar: {fact:next_update}.",
    "runbook.boil.boil.2": "Agua gratis: {fact:sites}.",
    "runbook.boil.end.1": "Adiós.",
}


def a_book(page: str = PAGE) -> Book:
    return Book(page, reading.read("boil", page))


@dataclass(slots=True)
class Desk:
    """A database with the verbs; `said` is what an alert holds, `spanish` what is reviewed."""

    db: Database
    clock: ManualClock
    said: list[FromAlert] = field(default_factory=list)
    spanish: Mapping[str, str] = field(default_factory=lambda: dict(SPANISH))
    heard: set[str] = field(default_factory=lambda: {"en", "es"})
    means: Means = field(default_factory=lambda: Means(zone=ZONE, required=("en", "es"), partners=("211",), needed=1))

    @property
    def switch(self) -> Switch:
        return Switch(
            clock=self.clock,
            means=self.means,
            books={"boil": a_book()},
            messages=lambda conn, activation_id: self.heard,
        )

    @property
    def publishing(self) -> Publishing:
        return Publishing(
            switch=self.switch, words=self.words, from_alert=lambda conn, incident_id, book: self.said, languages=("en", "es")
        )

    def words(self, conn: Connection, book: Runbook) -> Words:
        return {"en": {key: saying.text for key, _, saying in sentences(book)}, "es": self.spanish}

    def made(self, **given: object) -> ActivationRow:
        return self.db.write_now(lambda conn: self.switch.make(conn, AUTHOR, "boil", "E. coli", **given))  # type: ignore[arg-type]

    def fact(self, activation_id: str, name: str, value: str, language: str = "", **more: object) -> list[int]:
        wanted = Wanted(
            name=name,
            values={language: value},
            issued_by="Health officer",
            valid_from=self.clock.now(),
            **more,  # type: ignore[arg-type]
        )
        return self.db.write_now(lambda conn: self.publishing.set_fact(conn, LEAD, activation_id, wanted))

    def publish(self, activation_id: str) -> int:
        return self.db.write_now(lambda conn: self.publishing.publish_script(conn, LEAD, activation_id)).version

    def ready(self, **given: object) -> ActivationRow:
        """A draft that can be armed."""
        row = self.made(**given)
        self.fact(row.activation_id, "boil_minutes", "3")
        self.fact(row.activation_id, "next_update", (self.clock.now() + timedelta(hours=4)).isoformat())
        self.fact(row.activation_id, "sites", "Lents Park")
        self.publish(row.activation_id)
        self.db.write_now(self._people)
        return row

    def opened(self) -> ActivationRow:
        row = self.ready()
        self.db.write_now(lambda conn: self.switch.arm(conn, AUTHOR, row.activation_id))
        return self.db.write_now(lambda conn: self.switch.open(conn, APPROVER, row.activation_id, 1))

    def contact(self, row: ActivationRow, contact_id: str, standing: str, version: int | None) -> None:
        made = ContactRow(
            contact_id=contact_id,
            activation_id=row.activation_id,
            way="voice",
            standing=standing,
            offered_at=self.clock.now(),
            script=version,
        )
        self.db.write_now(lambda conn: store.add(conn, made))

    def _people(self, conn: Connection) -> None:
        agent = {"person_id": "agent", "roles": "agent311", "scope": "{}", "token_hash": "x", "created_at": NOW}
        if conn.exec_driver_sql("SELECT COUNT(*) FROM person WHERE person_id = 'agent'").scalar_one():
            return
        from_person = ActivationRow.metadata.tables["person"]
        conn.execute(insert(from_person).values(**agent))
        store.add(conn, AgentRow(person_id="agent", languages="en", trained_at=self.clock.now()))
        for line in ("fallback", "partner 211"):
            self.switch.tested(conn, LEAD, line)


def drills(desk: Desk) -> Desk:
    """The same on an instance that reaches nobody outside."""
    desk.means = replace(desk.means, drills_only=True)
    return desk
