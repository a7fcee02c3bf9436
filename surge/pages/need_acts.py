"""Needs as they are noted, moved on and ended, by pages and by the API alike."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.audit import Act
from notify.web.answers import Problem
from surge.desk import need_rows, needs
from surge.desk.desk_tables import NeedRow
from surge.desk.need_rows import Asked, Change, ChangedSince
from surge.desk.needs import TERMINAL, NeedStatus
from surge.pages.acts import Verb, activation_of
from surge.pages.office import ENGLISH, Room

MOST_PEOPLE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A need as it was typed. address: looked up for its cell on the map, and kept sealed for whoever brings it."""

    code: str
    people: str = "1"
    language: str = ENGLISH
    address: str = ""
    reply_to: str = ""
    words: str = ""
    consent: bool = False
    due_at: datetime | None = None
    contact_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """rev: of the need as it was looked at; None: whatever it is."""

    to: str
    routed_to: str = ""
    note: str = ""
    rev: int | None = None


class NeedActs:
    def __init__(self, room: Room) -> None:
        self._room = room

    async def log(self, person_id: str, given: Wanted) -> Verb[str]:
        """Notes a need; the verb returns its id. Raises Unfit."""
        room, code = self._room, given.code[:40].upper()
        problems = [] if code.replace("_", "").isalnum() else ["Say what is needed."]
        if not (given.people.isascii() and given.people.isdigit() and 0 < int(given.people) <= MOST_PEOPLE):
            problems.append(f"Say for how many people: 1 to {MOST_PEOPLE}.")
        if problems:
            raise Unfit(problems)
        on, address = await room.on(person_id), given.address[:200]
        placed = await room.placed(on, address) if address else None
        asked = Asked(
            code=code,
            people=int(given.people),
            language=given.language if given.language in room.site.languages else ENGLISH,
            area=(placed.zip or None) if placed else None,
            lat=placed.lat if placed else None,
            lon=placed.lon if placed else None,
            address=address,
            reply_to=given.reply_to[:120],
            words=given.words[:500],
            consent_to_share=given.consent,
            due_at=given.due_at,
            routed_to=room.side.referrals.taker(code),
            contact_id=given.contact_id,
            activation_id=activation_of(on),
        )
        now, ring = room.now, room.ring
        return lambda conn: need_rows.log(conn, asked, person_id, ring, now)

    def change(self, person_id: str, need_id: str, given: Onward) -> Verb[NeedRow]:
        """The verb raises Problem: 404 for a need that there is not, 409 for a step that cannot follow. Raises Unfit."""
        if given.to not in {one.value for one in NeedStatus}:
            raise Unfit(["Say what came of it."])
        if NeedStatus(given.to) is NeedStatus.ROUTED and not given.routed_to:
            raise Unfit(["Say who has it now."])
        wanted = Change(to=NeedStatus(given.to), routed_to=given.routed_to[:120], note=given.note[:500], rev=given.rev)
        now, ring = self._room.now, self._room.ring

        def changed(conn: Connection) -> NeedRow:
            try:
                row = need_rows.change(conn, need_id, wanted, (person_id, ring), now)
            except LookupError as error:
                raise Problem(404, "There is no such need.", [str(error)]) from None
            except (needs.NotThere, ChangedSince) as error:
                raise Problem(409, "This is not possible now.", [str(error)]) from None
            if NeedStatus(row.status) in TERMINAL:
                detail = {"code": row.code, "status": row.status}
                audit.append(conn, Act(actor=person_id, action="ended a need", subject=need_id, detail=detail), now)
            return row

        return changed
