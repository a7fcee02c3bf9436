"""What requests about surge mode carry, and what they are answered with, as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from notify.alerts.draft import Moment
from notify.web.endpoints import Given
from surge.scripts.facts import Held, Wanted
from surge.scripts.script import Script
from surge.switch.activation import LEVELS
from surge.switch.preflight import Check
from surge.switch.publish import Recalled
from surge.tables import ActivationRow, FactRow


class Chosen(Given):
    """runbook: its name. why: stands in the log and on every desk. incident_id: whose alert says the facts. drill: never counts
    in real figures, and gives way to what is real."""

    runbook: str
    why: str
    incident_id: str | None = None
    drill: bool = False


class Levelled(Given):
    """level: 1 to 3. why: needed to change it."""

    level: int = Field(ge=LEVELS[0], le=LEVELS[-1])
    why: str = ""


class Over(Given):
    """why: it is over. handover: what is still open, and who looks after it; needed to close."""

    why: str = ""
    handover: str = Field("", max_length=4_000)


class Entered(Given):
    """values: by language; "" for what is the same in all (a number, a time, a name), else English (en) and others. issued_by:
    the agency and role that stand for it. valid_from: now without it."""

    name: str
    values: dict[str, str]
    issued_by: str
    valid_from: Moment | None = None
    valid_to: Moment | None = None

    def wanted(self, now: datetime) -> Wanted:
        return Wanted(
            name=self.name,
            values=self.values,
            issued_by=self.issued_by,
            valid_from=self.valid_from or now,
            valid_to=self.valid_to,
        )


class LineTried(Given):
    """line: "fallback", or "partner NAME"."""

    line: str


def activation_json(row: ActivationRow) -> dict[str, Any]:
    times = ("made_at", "armed_at", "opened_at", "standing_down_at", "closed_at")
    return row.model_dump(exclude=set(times)) | {name: _iso(getattr(row, name)) for name in times}


def whole_json(row: ActivationRow, checks: Sequence[Check], version: int | None) -> dict[str, Any]:
    """One activation with its pre-flight and the version of its script."""
    return activation_json(row) | {
        "script": version,
        "checks": [{"kind": one.kind, "problems": list(one.problems), "mend": one.mend} for one in checks],
    }


def fact_json(row: FactRow, held: Held) -> dict[str, Any]:
    """counts: whether it is what is read now."""
    counting = {one.fact_id for one in held.get(row.name, {}).values()}
    times = ("valid_from", "valid_to", "entered_at", "recalled_at")
    plain = row.model_dump(exclude={"activation_id", *times}) | {name: _iso(getattr(row, name)) for name in times}
    return plain | {"counts": row.fact_id in counting}


def script_json(one: Script) -> dict[str, Any]:
    """steps: by language; a language that is not there is the interpreter's."""
    return {
        "activation_id": one.activation_id,
        "version": one.version,
        "runbook": one.book.name,
        "title": one.book.title,
        "published_by": one.published_by,
        "published_at": one.published_at.isoformat(),
        "changed": one.changed,
        "facts": {name: {tag: said.value for tag, said in values.items()} for name, values in one.facts.items()},
        "steps": {
            language: [
                {
                    "anchor": step.anchor,
                    "heading": step.heading,
                    "says": [saying.text for saying in step.says],
                    "never": [saying.text for saying in step.never],
                    "asks": list(step.asks),
                    "choices": [{"answer": c.answer, "to": c.to, "most": c.most} for c in step.choices],
                    "transfers": list(step.transfers),
                    "needs": list(step.needs),
                    "offers": list(step.offers),
                    "told": list(step.told),
                    "ends": step.ends,
                }
                for step in steps
            ]
            for language, steps in one.steps.items()
        },
    }


def recalled_json(found: Recalled) -> dict[str, Any]:
    return {"name": found.name, "facts": list(found.fact_ids), "contacts": list(found.contacts)}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
