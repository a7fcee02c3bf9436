"""An alert's own text, sent to its author or to those who may approve it: marked as a test, to confirmed staff addresses only.

There is no way from here to residents: who gets it is named by staff contacts, and the last hop lets nothing pass that does not
begin by saying that it is a test. So it works in live mode too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Content
from notify import audit
from notify.alerts import exercise
from notify.alerts.alert import Wording
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import Draft
from notify.alerts.life import Role, Staff
from notify.audit import Act
from notify.publishing.site import ENGLISH
from notify.service import Service
from notify.staff import paging, paging_rows, people
from notify.staff.paging import Kind
from notify.staff.paging_rows import blank
from notify.staff.paging_tables import StaffPage
from notify.tables import AlertRow
from notify.wording.render import Rendering
from notify.wording.subject import WORDINGS
from notify.wording.words import Words

HOUR: Final = timedelta(hours=1)


class To(StrEnum):
    ME = "me"
    DUTY = "duty"  # everybody who may approve


KINDS: Final = {To.ME: Kind.REHEARSAL, To.DUTY: Kind.DUTY_REHEARSAL}
MOST_AN_HOUR: Final = {To.ME: 12, To.DUTY: 3}  # that one person may send
NOWHERE: Final = {
    To.ME: "You have no confirmed phone or mailbox yet: nothing can be sent to you.",
    To.DUTY: "Nobody who may approve has a confirmed phone or mailbox yet.",
}
NOT_A_TEST: Final = "The text says of itself that it is no test, so it is never sent as one. Take those words out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """row: what the draft is of. language: which of the texts."""

    draft: Draft
    row: AlertRow
    language: str
    to: To


async def rehearse(service: Service, staff: Staff, asked: Asked) -> list[StaffPage]:
    """Sends it, and returns what came of each message. Raises Unfit with every problem of the draft, or why nothing leaves."""
    contents = await made(service, asked)
    pages = await service.db.write(partial(noted, service=service, staff=staff, asked=asked))
    return await service.paging.send(pages, contents)


async def made(service: Service, asked: Asked) -> Mapping[str, Content]:
    """What would leave on each channel. Raises Unfit with every problem."""
    now = service.clock.now()
    problems = await service.db.read(partial(service.assembly.problems, draft=asked.draft, row=asked.row, now=now))
    if problems:
        raise Unfit(problems)
    prepared = await service.db.read(partial(service.assembly.prepare, draft=asked.draft, row=asked.row, now=now))
    rendering = await service.db.read(partial(service.assembly.rendering, prepared=prepared))
    return texts(rendering, service.assembly.words, asked)


def texts(rendering: Rendering, words: Words, asked: Asked) -> Mapping[str, Content]:
    """What leaves on each channel. Raises Unfit for words that must never be sent as a test."""
    wording = WORDINGS[asked.draft.stage][0]
    if asked.draft.short and wording is Wording.FIRST:
        wording = Wording.SHORT
    known = exercise.marks(words)
    found = {}
    for channel in ("sms", "email"):
        keys = (f"{channel}/{one}/{language}" for language in (asked.language, ENGLISH) for one in (wording, Wording.FIRST))
        content = next((rendering.contents[key] for key in keys if key in rendering.contents), None)
        if content is None:
            continue
        if exercise.says_it_is_none(content.subject, content.body):
            raise Unfit([NOT_A_TEST])
        first = content.subject if channel == "email" else content.body
        found[channel] = paging.rehearsed(content, mark(words, content.language), exercise.begins_like_a_test(first, known))
    return found


def mark(words: Words, language: str) -> str:
    """What a test begins with, in this language or else in English."""
    return words.translations.get(language, {}).get(exercise.MARK) or words.messages[exercise.MARK].text


def noted(conn: Connection, service: Service, staff: Staff, asked: Asked) -> list[StaffPage]:
    """Writes down to whom it goes, within what one person may send an hour. Raises Unfit."""
    now, kind, alert_id = service.clock.now(), KINDS[asked.to], asked.row.alert_id
    if paging_rows.asked_since(conn, kind, staff.person_id, now - HOUR) >= MOST_AN_HOUR[asked.to]:
        raise Unfit([f"You have sent {MOST_AN_HOUR[asked.to]} of these within an hour. Wait before you send another one."])
    whom = [staff.person_id]
    if asked.to is To.DUTY:
        known = [one for one, active in people.everybody(conn) if active]
        whom = [one.person_id for one in known if Role.APPROVER in one.roles]
    page = blank(kind, alert_id, now, staff.person_id)
    paging_rows.note(conn, page, whom)
    pages = paging_rows.of_step(conn, page)
    if not pages:
        raise Unfit([NOWHERE[asked.to]])
    detail = {"to": asked.to.value, "language": asked.language, "messages": len(pages)}
    audit.append(conn, Act(actor=staff.person_id, action="tried it on staff", subject=alert_id, detail=detail), now)
    return pages
