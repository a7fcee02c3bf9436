"""A second person hears what was recorded, and lets callers hear it or not. Each verb is one transaction, with its log line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.life import Staff
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from surge.recorded import recorded_rows, takes
from surge.recorded.takes import Line, State, Take
from surge.switch.activation import FACT_KEEPERS

LONGEST_REASON: Final = 500
UNHEARD: Final = "Say that you understand the language, have heard all of it, and that it says these words."


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasing:
    """lines: what can be recorded in a language now."""

    db: Database
    clock: Clock
    lines: Callable[[Connection, str], Sequence[Line]]

    async def release(self, staff: Staff, take_id: int, *, heard: bool) -> Take:
        """Callers hear it from now on. heard: this person says that they understand the language and have heard all of it.
        Raises NotAllowed, and Unfit for whoever recorded it and for words that have changed since."""
        return await self.db.write(partial(self._released, staff=staff, take_id=take_id, heard=heard))

    def _released(self, conn: Connection, staff: Staff, take_id: int, heard: bool) -> Take:
        now, by, one = self.clock.now(), staff.person_id, _locked(conn, staff, take_id)
        said = {line.digest for line in self.lines(conn, one.language) if line.key == one.key}
        wrong = takes.refusal(one, by, is_said=one.digest in said)
        if problems := [sentence for sentence in (wrong, "" if heard else UNHEARD) if sentence]:
            raise Unfit(problems)
        recorded_rows.give_way(conn, one, by, now)
        recorded_rows.move(conn, one, State.RELEASED, released_by=by, released_at=now, decided_by=by, decided_at=now)
        note(conn, by, "released a recording", one, now)
        return one

    async def refuse(self, staff: Staff, take_id: int, why: str) -> Take:
        """It is not to be heard; and what callers hear already is heard no more. One person may do this: callers only hear
        less. Raises NotAllowed and Unfit."""
        return await self.db.write(partial(self._refused, staff=staff, take_id=take_id, why=why.strip()))

    def _refused(self, conn: Connection, staff: Staff, take_id: int, why: str) -> Take:
        now, one = self.clock.now(), _locked(conn, staff, take_id)
        if not 0 < len(why) <= LONGEST_REASON:
            raise Unfit([f"Say why, in at most {LONGEST_REASON} characters."])
        to = State.WITHDRAWN if one.state is State.RELEASED else State.REFUSED
        if not recorded_rows.move(conn, one, to, decided_by=staff.person_id, decided_at=now, why=why):
            raise Unfit([f"This recording is {one.state} already."])
        withdrawn = to is State.WITHDRAWN
        note(conn, staff.person_id, "withdrew a recording" if withdrawn else "refused a recording", one, now, why=why)
        return one


def _locked(conn: Connection, staff: Staff, take_id: int) -> Take:
    may(staff)
    one = recorded_rows.by_id(conn, take_id, locked=True)
    if one is None:
        raise Unfit(["There is no such recording."])
    return one


def may(staff: Staff) -> None:
    """Who publishes scripts records and releases. Raises NotAllowed."""
    if not staff.roles & FACT_KEEPERS:
        raise NotAllowed([f"It takes the role {' or '.join(sorted(FACT_KEEPERS))}."])


def note(conn: Connection, actor: str, action: str, one: Take, now: datetime, **more: str) -> None:
    detail = {"key": one.key, "language": one.language, "sound": one.sound_id, "words": one.digest} | more
    audit.append(conn, Act(actor=actor, action=action, subject=f"recording {one.take_id}", detail=detail), now)
