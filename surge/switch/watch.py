"""Looks at the load once a minute, and does what each rule's mode says: says so, arms, or opens what a person has armed.

Two people stand behind what opens here as well: a rule opens only what a person armed; what a rule armed a person opens.
Everything it does or advises stands in the log with its numbers.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, func
from sqlmodel import col, select

from notify.alerts import register
from notify.alerts.alert import Stage
from notify.alerts.life import Role, Staff
from surge.contact import Way
from surge.scripts.runbook import Trigger
from surge.switch import store, trigger
from surge.switch.activate import REFUSALS
from surge.switch.activation import SYSTEM, Status
from surge.switch.control import Control
from surge.switch.trigger import MINUTE, Minute, Mode, Rule, Signal, State, Turn, Usual
from surge.tables import ActivationRow, ContactRow

logger = logging.getLogger(__name__)

SERVICE: Final = Staff(person_id=SYSTEM, roles=frozenset({Role.LEAD311}))
WEEKS: Final = 8  # that are looked at for what is usual
RENEWED: Final = timedelta(hours=6)  # what is usual is counted anew after so long
REPLAYED: Final = timedelta(hours=2)  # minutes that are read again after a start
GRAVE: Final = (1, 3)  # priorities of alerts of Extreme and Severe (notify.alerts.alert.Event.priority)
USUAL_LIMITS: Final = Trigger(enter_at=2.5, leave_at=1.3, enter_minutes=3, window_minutes=5, dwell_minutes=45, leave_minutes=30)
# What ships (assumed; to be tuned by replay): the load is said, nothing is done by itself. A runbook "" is the one of the
# newest alert in force.
RULES: Final = (Rule(name="calls", signal=Signal.CALLS, mode=Mode.ADVISE, runbook="", limits=USUAL_LIMITS),)


def _unknown() -> float | None:
    return None


@dataclass(slots=True, kw_only=True)
class Watch:
    """page: tells the duty officer. oldest_wait_s, admin_wait_s: how long somebody waits, here and at 911; None where nobody
    knows."""

    control: Control
    page: Callable[[str], None]
    rules: Sequence[Rule] = RULES
    oldest_wait_s: Callable[[], float | None] = _unknown
    admin_wait_s: Callable[[], float | None] = _unknown
    _states: dict[str, State] = field(default_factory=dict)
    _usual: tuple[datetime, Usual] | None = None
    _last: datetime | None = None

    def advice(self) -> list[str]:
        """A sentence for each rule that is on."""
        zone = self.control.switch.means.zone
        on = ((rule, self._states.get(rule.name, State())) for rule in self.rules)
        return [trigger.explanation(rule, state, zone) for rule, state in on if state.on]

    async def tick(self) -> None:
        """Every whole minute that has ended since the last look."""
        now = self.control.switch.clock.now()
        end = now.replace(second=0, microsecond=0)
        if self._last is None:
            self._last = end - REPLAYED
            for minute in await self._minutes(self._last, end):
                for rule in self.rules:
                    self._states[rule.name] = trigger.step(rule, self._state(rule), minute).state
            self._last = end
            return
        for minute in await self._minutes(self._last, end):
            self._last = minute.at
            for rule in self.rules:
                await self._step(rule, minute)

    async def _step(self, rule: Rule, minute: Minute) -> None:
        done = trigger.step(rule, self._state(rule), minute)
        self._states[rule.name] = done.state
        if done.turn is Turn.NONE:
            return
        said = trigger.explanation(rule, done.state, self.control.switch.means.zone)
        logger.warning("trigger %s turned %s", rule.name, done.turn)
        await self.control.do(partial(self._turned, rule=rule, turn=done.turn, state=done.state, said=said))
        self.page(f"Surge mode: {said}")

    def _turned(self, conn: Connection, rule: Rule, turn: Turn, state: State, said: str) -> None:
        """Writes it down with its numbers, and does what the mode says. What cannot be done is advice."""
        numbers = {
            "signal": rule.signal,
            "value": round(state.value, 2) if state.value is not None else None,
            "attempts": round(state.attempts, 2),
            "callers": round(state.callers, 2),
            "usual": state.usual,
            "enter_at": rule.limits.enter_at,
            "leave_at": rule.limits.leave_at,
        }
        log = self.control.switch.log
        log(conn, SERVICE, "saw the load", rule.name, turned=turn, mode=rule.mode, said=said, **numbers)
        try:
            with conn.begin_nested():
                self._act(conn, rule, turn, state)
        except REFUSALS as error:
            why = list(getattr(error, "problems", None) or [str(error)])
            log(conn, SERVICE, "could only advise", rule.name, why=why)

    def _act(self, conn: Connection, rule: Rule, turn: Turn, state: State) -> None:
        row, switch = store.current(conn), self.control.switch
        if turn is Turn.OFF:
            if row is not None and row.status == Status.OPEN and row.opened_by == SYSTEM:
                switch.stand_down(conn, SERVICE, row.activation_id, f"The load is over ({rule.name}).")
            return
        if rule.mode is Mode.OPEN and row is not None and row.status == Status.ARMED and row.armed_by != SYSTEM:
            switch.open(conn, SERVICE, row.activation_id, trigger.level(state), nobody=self.control.nobody)
        elif rule.mode is not Mode.ADVISE:
            self._arm(conn, rule, row)

    def _arm(self, conn: Connection, rule: Rule, row: ActivationRow | None) -> None:
        switch, alert = self.control.switch, _in_force(conn)
        if row is None or (row.drill and not switch.means.drills_only):
            hazard = alert[1] if alert else None
            names = [name for name, book in switch.books.items() if name == rule.runbook or book.runbook.hazard == hazard]
            if not names:
                return
            why, incident_id = f"The load says so ({rule.name}).", alert[0] if alert else None
            row = switch.make(conn, SERVICE, names[0], why, incident_id=incident_id)
            self.control.publishing.publish_script(conn, SERVICE, row.activation_id)
        if row.status == Status.DRAFT:
            switch.arm(conn, SERVICE, row.activation_id)

    def _state(self, rule: Rule) -> State:
        return self._states.get(rule.name, State())

    async def _minutes(self, after: datetime, until: datetime) -> list[Minute]:
        if until <= after:
            return []
        known = await self._what_is_usual(until)
        found = await self.control.db.read(partial(counted, after=after, until=until))
        wait, admin = self.oldest_wait_s(), self.admin_wait_s()
        return [
            Minute(
                at=at,
                attempts=attempts,
                callers=callers,
                alerts=alerts,
                usual=known.at(at - MINUTE),
                oldest_wait_s=wait if at == until else None,
                admin_wait_s=admin if at == until else None,
            )
            for at, attempts, callers, alerts in found
        ]

    async def _what_is_usual(self, now: datetime) -> Usual:
        if self._usual is None or now - self._usual[0] >= RENEWED:
            zone = self.control.switch.means.zone
            weeks, offered = await self.control.db.read(partial(clean_weeks, now=now))
            self._usual = now, trigger.usual(offered, weeks, zone)
        return self._usual[1]


def counted(conn: Connection, after: datetime, until: datetime) -> list[tuple[datetime, int, int, int]]:
    """(end of a minute, calls, different callers, alerts of Severe or more that began to leave), drills left out. A caller that
    nobody knows is one of their own."""
    rows = _calls(conn, after, until)
    started = [
        one.started_at
        for one in register.standing(conn)
        if one.started_at is not None and one.priority in GRAVE and one.stage in (Stage.FIRST, Stage.UPDATE)
    ]
    found = []
    for number in range(1, int((until - after) / MINUTE) + 1):
        begin, end = after + (number - 1) * MINUTE, after + number * MINUTE
        calls = [caller for offered_at, caller in rows if begin <= offered_at < end]
        known = {caller for caller in calls if caller is not None}
        alerts = sum(begin <= at < end for at in started)
        found.append((end, len(calls), len(known) + sum(caller is None for caller in calls), alerts))
    return found


def clean_weeks(conn: Connection, now: datetime) -> tuple[list[datetime], list[datetime]]:
    """The beginnings of the last weeks in which no surge was on, and when calls were offered in them."""
    begins = [now - number * timedelta(weeks=1) for number in range(1, WEEKS + 1)]
    surges = [row for row in store.activations(conn) if row.opened_at is not None and not row.drill]
    first = conn.execute(select(func.min(col(ContactRow.offered_at)))).scalar_one()
    weeks = [
        begin
        for begin in begins
        if first is not None
        and begin >= first
        and not any(
            row.opened_at < begin + timedelta(weeks=1) and begin < (row.closed_at or now) for row in surges if row.opened_at
        )
    ]
    offered = []
    for begin in weeks:
        offered += [at for at, _ in _calls(conn, begin, begin + timedelta(weeks=1))]
    return weeks, offered


def _calls(conn: Connection, after: datetime, until: datetime) -> list[tuple[datetime, bytes | None]]:
    """When somebody called, and a keyed hash of who; drills left out."""
    drills = select(col(ActivationRow.activation_id)).where(col(ActivationRow.drill).is_(True))
    query = select(col(ContactRow.offered_at), col(ContactRow.caller)).where(
        col(ContactRow.offered_at) >= after,
        col(ContactRow.offered_at) < until,
        col(ContactRow.way) == Way.VOICE,
        (col(ContactRow.activation_id).is_(None)) | (col(ContactRow.activation_id).not_in(drills)),
    )
    return [(row.offered_at, row.caller) for row in conn.execute(query.order_by(col(ContactRow.offered_at)))]


def _in_force(conn: Connection) -> tuple[str, str] | None:
    """(incident, hazard) of the newest alert of Severe or more that is out and has not ended."""
    out = [one for one in register.standing(conn) if one.started_at and not one.ended_at and one.priority in GRAVE]
    if not out:
        return None
    return out[-1].incident_id, register.alert(conn, out[-1].alert_id).hazard
