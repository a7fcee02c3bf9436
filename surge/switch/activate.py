"""What people do with surge mode: make, arm, open, change the level, stand down, close. One transaction each.

Each verb checks who may, moves the activation, and writes its audit line in the same transaction. What follows outside the
database (the floor, pages to staff) is `control`'s. Facts and scripts: `publish`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.life import Role, Staff
from notify.alerts.register import Conflict
from notify.audit import Act
from notify.clock import Clock
from notify.staff import paging_rows, people
from notify.staff.paging import Kind
from surge.scripts import facts, review
from surge.scripts.runbook import EMERGENCY_LINE, Runbook
from surge.switch import activation, preflight, store
from surge.switch.activation import Activation, NotNow, NotReady, NotYou, Status
from surge.switch.preflight import Check, Found
from surge.tables import ActivationRow

LONGEST_REASON: Final = 500
REFUSALS: Final = (NotAllowed, Unfit, Conflict)  # what a verb may be refused with
CALLED_IN: Final = frozenset({Role.AGENT311, Role.LEAD311})


class NoSuchActivation(LookupError):
    """There is no activation of this id."""


@dataclass(frozen=True, slots=True)
class Book:
    """A runbook as it stands in its file."""

    source: str
    runbook: Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the city has. required: languages whose message must be heard. interpreter: those that go to an interpreter on
    purpose. telephone: callers reach us. partners: names. lines: what `Transfer:` may name. needed: trained agents.
    drills_only: this instance reaches nobody outside."""

    zone: ZoneInfo
    required: Sequence[str] = ("en",)
    interpreter: Collection[str] = ()
    telephone: bool = True
    partners: Sequence[str] = ()
    lines: Collection[str] = (EMERGENCY_LINE,)
    needed: int = 1
    drills_only: bool = False


def no_messages(conn: Connection, activation_id: str) -> Collection[str]:
    """Where nothing can be heard."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The verbs, with what they need; each runs inside the transaction of the Connection it is given. books: every runbook that
    has a script, by name. messages: the languages in which callers of an activation can hear its message. seen: the rev that
    the person had before them; None: whichever there is."""

    clock: Clock
    means: Means
    books: Mapping[str, Book]
    messages: Callable[[Connection, str], Collection[str]] = field(default=no_messages)

    def row(self, conn: Connection, activation_id: str, *, locked: bool = False) -> ActivationRow:
        """Raises NoSuchActivation."""
        found = store.activation(conn, activation_id, locked=locked)
        if found is None:
            raise NoSuchActivation(f"There is no activation {activation_id}.")
        return found

    def book(self, row: ActivationRow) -> Book:
        """The runbook an activation goes by. Raises Unfit when its file is gone."""
        if row.runbook not in self.books:
            raise Unfit([f"There is no runbook {row.runbook}; there are {', '.join(sorted(self.books))}."])
        return self.books[row.runbook]

    def make(
        self, conn: Connection, staff: Staff, runbook: str, why: str, *, incident_id: str | None = None, drill: bool = False
    ) -> ActivationRow:
        """A draft. There is one activation at a time; a drill gives way to what is real."""
        problems = reason_problems(why)
        if runbook not in self.books:
            problems.append(f"There is no runbook {runbook}; there are {', '.join(sorted(self.books))}.")
        if not staff.roles & activation.ARMERS:
            raise NotAllowed([f"It takes the role {' or '.join(sorted(activation.ARMERS))}."])
        if problems:
            raise Unfit(problems)
        store.lock(conn)
        drill, now = drill or self.means.drills_only, self.clock.now()
        self._make_way(conn, staff, drill=drill)
        row = ActivationRow(
            activation_id=store.new_id(),
            incident_id=incident_id,
            runbook=runbook,
            title=self.books[runbook].runbook.title,
            drill=drill,
            status=Status.DRAFT.value,
            why=why.strip(),
            made_by=staff.person_id,
            made_at=now,
        )
        store.add(conn, row)
        self.log(conn, staff, "chose surge mode", row.activation_id, runbook=runbook, why=why.strip(), drill=drill)
        return row

    def arm(self, conn: Connection, staff: Staff, activation_id: str, seen: int | None = None) -> ActivationRow:
        """Raises Unfit with every problem of the pre-flight."""
        before = self._before(conn, activation_id, seen)
        now = self.clock.now()
        with refusing():
            missing = preflight.problems(self.found(conn, before), now) if before.status is Status.DRAFT else []
            after = activation.armed(before, staff, now, missing)
        return self._keep(conn, staff, "armed surge mode", (before, after))

    def disarm(self, conn: Connection, staff: Staff, activation_id: str, why: str, seen: int | None = None) -> ActivationRow:
        before = self._before(conn, activation_id, seen)
        with refusing():
            after = activation.disarmed(before, staff)
        return self._keep(conn, staff, "disarmed surge mode", (before, after), why=why)

    def open(
        self, conn: Connection, staff: Staff, activation_id: str, level: int, *, seen: int | None = None, nobody: bool = False
    ) -> ActivationRow:
        """nobody: is at the desks; then everybody who answers for 311 and can be reached is called in, in this transaction."""
        before, now = self._before(conn, activation_id, seen), self.clock.now()
        with refusing():
            after = activation.opened(before, staff, level, now)
        called = self._call_in(conn, staff, activation_id, now) if nobody and after != before else 0
        return self._keep(conn, staff, "opened surge mode", (before, after), level=level, called_in=called)

    def level(
        self, conn: Connection, staff: Staff, activation_id: str, level: int, why: str, seen: int | None = None
    ) -> ActivationRow:
        before = self._before(conn, activation_id, seen)
        with refusing():
            after = activation.levelled(before, staff, level)
        return self._keep(conn, staff, "changed the level", (before, after), level=level, was=before.level, why=why)

    def stand_down(
        self, conn: Connection, staff: Staff, activation_id: str, why: str, *, handover: str = "", seen: int | None = None
    ) -> ActivationRow:
        before = self._before(conn, activation_id, seen)
        with refusing():
            after = activation.standing_down(before, staff, self.clock.now(), handover)
        return self._keep(conn, staff, "stood surge mode down", (before, after), why=why)

    def close(
        self, conn: Connection, staff: Staff, activation_id: str, handover: str, seen: int | None = None
    ) -> ActivationRow:
        """Nobody may be left alone by it."""
        before = self._before(conn, activation_id, seen)
        with refusing():
            after = activation.closed(before, staff, self.clock.now(), store.left(conn, activation_id), handover)
        return self._keep(conn, staff, "closed surge mode", (before, after), handover=after.handover)

    def report(self, conn: Connection, staff: Staff, activation_id: str, seen: int | None = None) -> ActivationRow:
        before = self._before(conn, activation_id, seen)
        with refusing():
            after = activation.reported(before, staff)
        return self._keep(conn, staff, "reported surge mode", (before, after))

    def tested(self, conn: Connection, staff: Staff, line: str) -> None:
        """Somebody called a line and it answered as it should: the number's fallback, or a partner's number."""
        if not staff.roles & activation.ARMERS:
            raise NotAllowed([f"It takes the role {' or '.join(sorted(activation.ARMERS))}."])
        known = {store.FALLBACK, *(f"partner {name}" for name in self.means.partners)}
        if line not in known:
            raise Unfit([f"There is no line '{line}'; there are {', '.join(sorted(known))}."])
        audit.append(conn, Act(actor=staff.person_id, action=store.TESTED, subject=f"line {line}", detail={}), self.clock.now())

    def checks(self, conn: Connection, row: ActivationRow) -> list[Check]:
        """The pre-flight, point by point."""
        return preflight.checks(self.found(conn, store.value(row)), self.clock.now())

    def found(self, conn: Connection, one: Activation) -> Found:
        now, book = self.clock.now(), self.books[one.runbook].runbook if one.runbook in self.books else None
        listed = [store.fact(row) for row in store.facts(conn, one.activation_id)]
        last = store.script(conn, one.activation_id)
        gone = [f"There is no runbook {one.runbook}."] if book is None else []
        return Found(
            telephone=self.means.telephone,
            fallback_at=store.tested(conn, store.FALLBACK),
            messages=self.messages(conn, one.activation_id),
            required=self.means.required,
            interpreter={*self.means.interpreter, *(book.interpreter if book else ())},
            script=last.version if last else None,
            script_problems=gone or (review.problems(book, self.means.lines) if book else []),
            fact_problems=facts.problems(book, listed, now) if book else [],
            trained=store.trained(conn, now),
            needed=self.means.needed,
            partners={name: store.tested(conn, f"partner {name}") for name in self.means.partners},
        )

    def log(self, conn: Connection, staff: Staff, action: str, subject: str, **detail: Any) -> None:
        audit.append(conn, Act(actor=staff.person_id, action=action, subject=subject, detail=detail), self.clock.now())

    def _before(self, conn: Connection, activation_id: str, seen: int | None) -> Activation:
        row = self.row(conn, activation_id, locked=True)
        if seen is not None and seen != row.rev:
            raise Conflict(f"Surge mode has been changed since you looked; it is {row.status} now. Read it again.")
        return store.value(row)

    def _keep(
        self, conn: Connection, staff: Staff, action: str, change: tuple[Activation, Activation], **detail: Any
    ) -> ActivationRow:
        """Writes a change and its audit line; what changes nothing leaves no line."""
        before, after = change
        if before == after:
            return self.row(conn, before.activation_id)
        if problems := reason_problems(str(detail.get("why", "-"))):
            raise Unfit(problems)
        kept = store.keep(conn, before, after)
        self.log(conn, staff, action, before.activation_id, status=after.status, drill=after.drill, **detail)
        return kept

    def _make_way(self, conn: Connection, staff: Staff, *, drill: bool) -> None:
        standing = store.current(conn)
        if standing is None:
            return
        if sentence := activation.in_the_way(store.value(standing), drill=drill):
            raise Conflict(sentence)
        before = store.value(self.row(conn, standing.activation_id, locked=True))
        after = activation.set_aside(before, staff, self.clock.now())
        self._keep(conn, staff, "closed surge mode", (before, after), handover=after.handover)

    def _call_in(self, conn: Connection, staff: Staff, activation_id: str, now: datetime) -> int:
        """Writes down everybody who is to be called in; how many people they are."""
        known = [one for one, active in people.everybody(conn) if active and one.roles & CALLED_IN]
        paging_rows.note(
            conn,
            paging_rows.blank(Kind.CALL_IN, activation_id, now, staff.person_id),
            [one.person_id for one in known if one.person_id != staff.person_id],
        )
        return len({page.person_id for page in paging_rows.of_kind(conn, Kind.CALL_IN, activation_id)})


def reason_problems(why: str) -> list[str]:
    if not why.strip():
        return ["A reason is required: it stands in the log, and everybody at a desk reads it."]
    return [f"The reason is too long; {LONGEST_REASON} characters fit."] if len(why) > LONGEST_REASON else []


@contextmanager
def refusing() -> Iterator[None]:
    """The rules' refusals as those that API and console answer with."""
    try:
        yield
    except NotNow as error:
        raise Conflict(str(error)) from None
    except NotYou as error:
        raise NotAllowed([str(error)]) from None
    except NotReady as error:
        raise Unfit(error.problems) from None
