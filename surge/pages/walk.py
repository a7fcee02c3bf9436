"""A walk through the script, as the desk's page kept it while the caller was on the line."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notify.web.forms import Form
from surge.desk.desk_tables import ScriptRunRow
from surge.desk.tally import pressed_at
from surge.pages.office import ENGLISH, On
from surge.scripts.review import FACT

LONGEST_MARK: Final = 64
LONGEST_PART: Final = 120  # letters of a step's name or an answer
LONGEST_PATH: Final = 200  # steps of one walk that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One contact's way through the script. path: steps and their answers. run: its mark. begun_at: by the desk's clock."""

    contact_id: str | None = None
    path: Sequence[Sequence[str]] = ()
    run: str = ""
    begun_at: datetime | None = None
    language: str = ENGLISH


def walked(form: Form, language: str) -> Walk:
    """As the desk's page kept it; without scripts in the browser there is no path."""
    return Walk(
        contact_id=form.text("contact_id") or None,
        path=_path(form.fields.get("path", "")),
        run=form.text("run"),
        begun_at=moment(form.text("begun")),
        language=language,
    )


def run_of(walk: Walk, person_id: str, on: On | None, ending: str, now: datetime) -> ScriptRunRow | None:
    """What is kept of it. None where there is no script."""
    if on is None or on.script is None:
        return None
    there = {step.anchor: step for step in on.script.book.steps}
    told = [[part[:LONGEST_PART] for part in pair] for pair in walk.path[:LONGEST_PATH] if pair[0] in there]
    steps = [there[anchor] for anchor, _ in told] or list(there.values())  # what nobody tracked may all have been read
    names = {name for step in steps for saying in step.says for name in FACT.findall(saying.text)}
    facts = {said.fact_id for name in names for said in on.script.facts.get(name, {}).values()}
    return ScriptRunRow(
        run_id=walk.run[:LONGEST_MARK] or secrets.token_hex(12),
        activation_id=on.row.activation_id,
        version=on.script.version,
        contact_id=walk.contact_id,
        person_id=person_id,
        language=walk.language,
        begun_at=pressed_at(walk.begun_at, now),
        ended_at=now,
        path=json.dumps(told, ensure_ascii=False),
        facts=json.dumps(sorted(facts)),
        disposition=ending,
    )


def moment(text: str) -> datetime | None:
    """As the page wrote it; None for what is no moment, or has no offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _path(text: str) -> list[list[str]]:
    """The steps and answers of a walk, as the page's script kept them; nothing where it is not that."""
    try:
        told = json.loads(text or "[]")
    except ValueError:
        return []
    if not isinstance(told, list):
        return []
    return [[str(part) for part in pair] for pair in told if isinstance(pair, list) and len(pair) == 2]
