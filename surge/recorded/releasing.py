"""A second person hears what was recorded, and lets callers hear it or not. Each verb is a step of the caller's transaction,
with its log line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.life import Staff
from notify.audit import Act
from notify.clock import Clock
from surge.recorded import recorded_rows, takes
from surge.recorded.takes import Line, State, Take
from surge.switch.activation import FACT_KEEPERS

LONGEST_REASON: Final = 500
UNHEARD: Final = "Say that you understand the language, have heard all of it, and that it says these words."


class NoSuchTake(LookupError):
    """The message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasing:
    """lines: what can be recorded in a language now."""

    clock: Clock
    lines: Callable[[Connection, str], Sequence[Line]]

    def release(self, conn: Connection, staff: Staff, take_id: int, *, heard: bool) -> Take:
        """Callers hear it from now on. heard: this person says that they understand the language and have heard all of it.
        Raises NotAllowed, NoSuchTake, and Unfit for whoever recorded it and for words that have changed since."""
        now, by, one = self.clock.now(), staff.person_id, _locked(conn, staff, take_id)
        said = {line.digest for line in self.lines(conn, one.language) if line.key == one.key}
        wrong = takes.refusal(one, by, is_said=one.digest in said)
        if problems := [sentence for sentence in (wrong, "" if heard else UNHEARD) if sentence]:
            raise Unfit(problems)
        recorded_rows.give_way(conn, one, by, now)
        recorded_rows.move(conn, one, State.RELEASED, released_by=by, released_at=now, decided_by=by, decided_at=now)
        note(conn, by, "released a recording", one, now)
        return _locked(conn, staff, take_id)

    def refuse(self, conn: Connection, staff: Staff, take_id: int, why: str) -> Take:
        """It is not to be heard; and what callers hear already is heard no more. One person may do this: callers only hear
        less. Raises NotAllowed, NoSuchTake and Unfit."""
        now, one, why = self.clock.now(), _locked(conn, staff, take_id), why.strip()
        if not 0 < len(why) <= LONGEST_REASON:
            raise Unfit([f"Say why, in at most {LONGEST_REASON} characters."])
        to = State.WITHDRAWN if one.state is State.RELEASED else State.REFUSED
        if not recorded_rows.move(conn, one, to, decided_by=staff.person_id, decided_at=now, why=why):
            raise Unfit([f"This recording is {one.state} already."])
        withdrawn = to is State.WITHDRAWN
        note(conn, staff.person_id, "withdrew a recording" if withdrawn else "refused a recording", one, now, why=why)
        return _locked(conn, staff, take_id)


def _locked(conn: Connection, staff: Staff, take_id: int) -> Take:
    may(staff)
    one = recorded_rows.by_id(conn, take_id, locked=True)
    if one is None:
        raise NoSuchTake(f"Nothing was recorded under the number {take_id}.")
    return one


def may(staff: Staff) -> None:
    """Who publishes scripts records and releases. Raises NotAllowed."""
    if not staff.roles & FACT_KEEPERS:
        raise NotAllowed([f"It takes the role {' or '.join(sorted(FACT_KEEPERS))}."])


def note(conn: Connection, actor: str, action: str, one: Take, now: datetime, **more: str) -> None:
    detail = {"key": one.key, "language": one.language, "sound": one.sound_id, "words": one.digest} | more
    audit.append(conn, Act(actor=actor, action=action, subject=f"recording {one.take_id}", detail=detail), now)
