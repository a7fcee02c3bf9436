"""A walk through the script, as the desk's page kept it while the caller was on the line."""

import json
import secrets
from datetime import datetime
from typing import Final

from notify.web.forms import Form
from surge.desk.desk_tables import ScriptRunRow
from surge.desk.tally import pressed_at
from surge.pages.office import On
from surge.scripts.review import FACT

LONGEST_MARK: Final = 64
LONGEST_PATH: Final = 200  # steps of one walk that are kept


def run_of(form: Form, person_id: str, on: On | None, ending: str, language: str, now: datetime) -> ScriptRunRow | None:
    """The walk as the page kept it; without scripts only how it ended. None where there is no script."""
    if on is None or on.script is None:
        return None
    there = {step.anchor: step for step in on.script.book.steps}
    told = [pair for pair in _path(form.fields.get("path", "")) if pair[0] in there]
    walked = [there[anchor] for anchor, _ in told] or list(there.values())  # what nobody tracked may all have been read
    names = {name for step in walked for saying in step.says for name in FACT.findall(saying.text)}
    facts = {said.fact_id for name in names for said in on.script.facts.get(name, {}).values()}
    return ScriptRunRow(
        run_id=form.text("run")[:LONGEST_MARK] or secrets.token_hex(12),
        activation_id=on.row.activation_id,
        version=on.script.version,
        contact_id=form.text("contact_id") or None,
        person_id=person_id,
        language=language,
        begun_at=pressed_at(moment(form.text("begun")), now),
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
    return [[str(part)[:120] for part in pair] for pair in told[:LONGEST_PATH] if isinstance(pair, list) and len(pair) == 2]
