"""What requests of the 311 desk carry, and what they are answered with, as JSON."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt

from notify.alerts.draft import Moment
from notify.web.endpoints import Given
from surge.contact import Contact
from surge.desk.desk_line import Figures, Letter
from surge.desk.desk_tables import NeedRow
from surge.desk.knowledge import Found
from surge.desk.needs import NeedStatus
from surge.desk.question_rows import Opened
from surge.desk.tally import Reason
from surge.pages.acts import Held, Waits
from surge.pages.need_acts import MOST_PEOPLE
from surge.pages.office import On, Placed
from surge.scripts.runbook import Ending

ENGLISH = "en"


class Sitting(Given):
    """state: ready, on a break, or off duty."""

    state: Literal["ready", "break", "offline"]


class Next(Given):
    """contact_id: a certain one before its turn, as somebody in danger; without it the next whom this agent can answer."""

    contact_id: str = Field("", max_length=64)


class ReadIt(Given):
    """version: of the script whose change was read."""

    version: StrictInt


class Counted(Given):
    """What one call was about: a language and a ZIP, never a name. at: when, if the desk was cut off meanwhile."""

    reason: Reason
    language: str = ENGLISH
    zip: str = Field("", max_length=5)
    at: Moment | None = None


class Address(Given):
    """address: as it is said on the line. Nothing of it is kept."""

    address: str = Field(min_length=1, max_length=120)


class Question(Given):
    """words: the caller's, without their name. step: of the script, where it came up."""

    words: str = Field(min_length=1, max_length=1_000)
    language: str = ENGLISH
    step: str = Field("", max_length=80)
    contact_id: str | None = Field(None, max_length=64)


class Step(Given):
    """One step of the script that was walked, and what was answered there."""

    anchor: str = Field(max_length=120)
    answer: str = Field("", max_length=120)


class Finished(Given):
    """ending: how it ended. path: the way through the script, if the desk keeps it; without it everything counts as read."""

    ending: Ending
    language: str = ENGLISH
    path: list[Step] = Field(default=[], max_length=200)
    begun_at: Moment | None = None


class AnsweredBy(Given):
    """words: what is sent, or told at the counter. source: of a suggestion that is sent as it is."""

    words: str = Field(min_length=1, max_length=1_600)
    language: str = ENGLISH
    source: str = Field("", max_length=120)
    ending: Ending = Ending.INFORMED


class GuideTo(Given):
    """to: the caller's own number or mailbox. consent: they said yes on the line; without it nothing leaves."""

    to: str = Field(min_length=1, max_length=120)
    consent: StrictBool
    language: str = ENGLISH
    contact_id: str | None = Field(None, max_length=64)


class AtCounter(Given):
    """words: what they ask, without their name. reply_to: a number or mailbox; without it they wait for the answer."""

    words: str = Field(min_length=1, max_length=1_600)
    language: str = ENGLISH
    reply_to: str = Field("", max_length=120)
    zip: str = Field("", max_length=5)


class NeedNoted(Given):
    """code: as the script or an accommodation is named. address: kept sealed, and looked up for its cell of the map. consent:
    whoever brings it may have the address."""

    code: str = Field(min_length=1, max_length=40)
    people: StrictInt = Field(1, ge=1, le=MOST_PEOPLE)
    language: str = ENGLISH
    address: str = Field("", max_length=200)
    reply_to: str = Field("", max_length=120)
    words: str = Field("", max_length=500)
    consent: StrictBool = False
    due_at: Moment | None = None
    contact_id: str | None = Field(None, max_length=64)


class NeedMoved(Given):
    """to: what came of it. routed_to: who has it now. rev: of the need as it was read; without it whatever it is."""

    to: NeedStatus
    routed_to: str = Field("", max_length=120)
    note: str = Field("", max_length=500)
    rev: StrictInt | None = None


class Approved(Given):
    """An answer for all desks. question_id: the question that it answers. faq_id: an earlier answer in whose place it stands,
    or that it says in one more language. always: not of this incident alone."""

    question: str = Field(min_length=1, max_length=1_000)
    answer: str = Field(min_length=1, max_length=4_000)
    language: str = ENGLISH
    question_id: str = Field("", max_length=40)
    faq_id: str = Field("", max_length=40)
    always: StrictBool = False


class Merged(Given):
    """faq_id: the answer that stands already."""

    faq_id: str = Field("", max_length=40)


def at_desk_json(on: On | None, waits: Waits | None, held: Held, choices: dict[str, Sequence[StrEnum | str]]) -> dict[str, Any]:
    return {
        "activation": _activation(on),
        "script": on.script.version if on is not None and on.script is not None else None,
        "unread": on is not None and on.unread,
        "unread_by": list(on.unread_by) if on is not None else [],
        "state": waits.state.value if waits is not None else None,
        "line": _figures(waits.figures) if waits is not None else None,
        "given": _contact(waits.given) if waits is not None and waits.given is not None else None,
        "danger": [_letter(one) for one in waits.danger] if waits is not None else [],
        "emergency_centre": _handed(waits),
        "contact": _held(held),
        **{name: [str(one) for one in found] for name, found in choices.items()},
    }


def placed_json(placed: Placed) -> dict[str, Any]:
    return {
        "verdicts": [{"incident": one.title, "verdict": one.verdict.value} for one in placed.judged],
        "places": list(placed.places),
        "zip": placed.zip,
    }


def found_json(found: Sequence[Found], language: str) -> list[dict[str, Any]]:
    said = [(one, one.entry.said(language), one.entry.about) for one in found]
    return [
        {
            "source": one.entry.source,
            "kind": one.entry.kind.value,
            "about": about.get(language) or about.get(ENGLISH) or "",
            "words": words,
            "language": tag,
            "likeness": round(one.likeness, 3),
        }
        for one, (words, tag), about in said
    ]


def question_json(one: Opened) -> dict[str, Any]:
    row = one.row
    return {
        "question_id": row.question_id,
        "words": one.words,
        "language": row.language,
        "step": row.step,
        "asked_at": row.asked_at.isoformat(),
    }


def need_json(row: NeedRow) -> dict[str, Any]:
    """Without what is sealed in it."""
    times = ("due_at", "logged_at", "changed_at", "ended_at")
    plain = row.model_dump(
        include={"need_id", "code", "status", "language", "people", "area", "routed_to", "rev", "contact_id", "activation_id"}
    )
    return plain | {"accommodation": row.accommodation} | {name: _iso(getattr(row, name)) for name in times}


def _activation(on: On | None) -> dict[str, Any] | None:
    if on is None:
        return None
    return on.row.model_dump(include={"activation_id", "title", "runbook", "status", "level", "drill"})


def _figures(line: Figures) -> dict[str, Any]:
    return {
        "waiting": line.waiting,
        "longest_s": line.longest.total_seconds(),
        "offered": line.offered,
        "answered": line.answered,
        "abandoned": line.abandoned,
        "deflected": line.deflected,
        "callbacks": line.callbacks,
        "agents": dict(line.agents),
        "languages": dict(line.languages),
    }


def _contact(one: Contact) -> dict[str, Any]:
    return {
        "contact_id": one.contact_id,
        "way": one.way.value,
        "standing": one.standing.value,
        "language": one.language,
        "zip": one.area,
        "offered_at": one.offered_at.isoformat(),
    }


def _letter(one: Letter) -> dict[str, Any]:
    return {
        "contact_id": one.contact_id,
        "way": one.way.value,
        "language": one.language,
        "words": one.words,
        "at": one.at.isoformat(),
        "danger": one.danger,
        "can_be_answered": bool(one.reply_to),
    }


def _held(held: Held) -> dict[str, Any] | None:
    if held.contact is None:
        return None
    sent = [{"at": row.made_at.isoformat(), "state": row.state, "source": row.source} for row in held.sent]
    letter = _letter(held.letter) if held.letter is not None else None
    return _contact(held.contact) | {"letter": letter, "sent": sent}


def _handed(waits: Waits | None) -> dict[str, Any] | None:
    """How far the emergency centre is, and what to read out to it."""
    if waits is None or waits.handed is None:
        return None
    return {"state": waits.handed.state.value, "number": waits.handed.number, "zip": waits.handed.area}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
