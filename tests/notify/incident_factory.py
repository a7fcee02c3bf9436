"""An incident in a database: events of several stages, ready to begin, and people they may choose."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import text

from channels.base import Content, Handed, Outcome, Receipt
from notify.alerts import register
from notify.alerts.alert import Event, Stage, Wording, to_json
from notify.alerts.conductor import Conductor
from notify.alerts.digest import digest
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import leases, ledger
from notify.sending.planning import Audience, Planner
from notify.tables import EventRow
from tests.notify.factories import an_event
from tests.notify.ledger_factory import add_event, add_people, an_event_row

LANGUAGES = ("en", "es", "vi")
DAY = timedelta(hours=24)


@dataclass(slots=True)
class Chosen:
    """Says whom an event reaches: what `matched` holds under its id."""

    matched: dict[str, list[int]] = field(default_factory=dict)
    fault: Exception | None = None

    async def choose(self, event: Event) -> Audience:
        if self.fault is not None:
            raise self.fault
        ids = np.array(self.matched.get(event.event_id, []), np.int64)
        return Audience(address_ids=ids, groups=ids % len(LANGUAGES), skipped={("sms", "stopped"): 2})

    def group(self, channel: str, language: str) -> int:
        return LANGUAGES.index(language)


@dataclass(slots=True)
class Incident:
    """`begin` puts an event in its countdown; `conductor()` gives a fresh one, as after a restart."""

    db: Database
    clock: ManualClock
    choosing: Chosen = field(default_factory=Chosen)
    pages: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    publish_wait_s: float = 30.0

    def people(self, count: int) -> list[int]:
        return self.db.write_now(lambda conn: add_people(conn, count, self.clock.now()))

    def countdown(self, number: int, stage: Stage, matched: Sequence[int], **given: Any) -> str:
        """Adds event K7Q2-`number`, whose countdown has ended."""
        now = self.clock.forward(timedelta(seconds=1))
        event_id = f"K7Q2-{number}"
        fields = {"event_id": event_id, "alert_id": event_id, "stage": stage, "sent": now, "effective": now}
        keys = {f"{channel}/{one.value}/en": one.value for channel in ("sms", "email") for one in Wording}
        contents = {key: Content(key=key, language="en", body=body) for key, body in keys.items()}
        event = an_event(**(fields | {"contents": contents, "expires": now + DAY, "identifier": f"id-{number}"} | given))
        row = an_event_row(
            now,
            event_id=event_id,
            alert_id=event_id,
            incident_id=event.incident_id,
            stage=stage,
            content=to_json(event),
            digest=digest(event),
            identifier=event.identifier,
            status="countdown",
            priority=event.priority,
            expires_at=event.expires,
        )
        self.db.write_now(lambda conn: add_event(conn, row, now))
        self.choosing.matched[event_id] = list(matched)
        return event_id

    def conductor(self, **given: Any) -> Conductor:
        async def publish() -> None:
            self.published.append("published")

        values: dict[str, Any] = {
            "db": self.db,
            "clock": self.clock,
            "planner": Planner(self.db, self.clock, self.choosing),
            "publish": publish,
            "wake": lambda: None,
            "halted": set(),
            "page": self.pages.append,
            "publish_wait_s": self.publish_wait_s,
        }
        return Conductor(**(values | given))

    async def start(self, event_id: str) -> None:
        async with asyncio.timeout(60):
            await self.conductor().start(event_id)

    def event(self, event_id: str) -> Any:
        query = text("SELECT * FROM event WHERE event_id = :id")
        return self.db.read_now(lambda conn: conn.execute(query, {"id": event_id}).one())

    def rows(self, event_id: str) -> Mapping[int, tuple[str, str]]:
        """address -> (wording, state)"""
        query = text("SELECT address_id, wording, state FROM delivery WHERE event_id = :id ORDER BY delivery_id")
        found = self.db.read_now(lambda conn: conn.execute(query, {"id": event_id}).all())
        return {row.address_id: (row.wording, row.state) for row in found}

    def wordings(self, event_id: str) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for address_id, (wording, _) in self.rows(event_id).items():
            found.setdefault(wording, set()).add(address_id)
        return found

    def hand_over(self, event_id: str, people: Sequence[int] | None = None, outcome: Outcome | None = None) -> None:
        """Sends to these people (all of them unless given): leased, claimed and recorded."""
        rows = self.claimed(event_id, people)
        results = [(row, Receipt(row.delivery_id, outcome or Handed(f"SM{row.delivery_id}"))) for row in rows]
        self.db.write_now(lambda conn: ledger.record(conn, results, now=self.clock.now()))

    def claimed(self, event_id: str, people: Sequence[int] | None = None) -> list[leases.Leased]:
        """Rows of these people, claimed and their calls under way."""
        now = self.clock.now()
        until = now + timedelta(seconds=8)

        def work(conn: Any) -> list[leases.Leased]:
            leased = leases.lease(conn, "s1", "sms", limit=10_000, below=100, now=now, until=until)
            mine = [row for row in leased if row.event_id == event_id and (people is None or row.address_id in people)]
            others = {row.delivery_id for row in leased} - {row.delivery_id for row in mine}
            leases.give_back(conn, "s1", others)
            leases.claim(conn, "s1", [row.delivery_id for row in mine], now=now)
            return mine

        return self.db.write_now(work)

    def row(self, event_id: str) -> EventRow:
        return self.db.read_now(lambda conn: register.event(conn, event_id))
