"""What an alert of Severe or more offers: surge mode, armed before the alert leaves and opened with it by the two people who
send it. The alert never waits for it: what surge mode lacks is said, and the alert goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.alert import Event, Severity, Stage, from_json
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Staff
from notify.alerts.life import Status as Life
from notify.alerts.register import Conflict
from notify.tables import AlertRow
from surge.switch import activation, store
from surge.switch.activate import REFUSALS
from surge.switch.activation import Status
from surge.switch.control import Control
from surge.switch.preflight import Check
from surge.switch.reminder import Reminder
from surge.switch.watch import Watch
from surge.tables import ActivationRow

GRAVE: Final = frozenset({Severity.SEVERE, Severity.EXTREME})
TELLING: Final = frozenset({Stage.FIRST, Stage.UPDATE, Stage.CORRECTION})
AT_ONCE: Final = 1  # the level that surge mode opens at with an alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What one person sees beside an alert. row: None as long as nobody chose surge mode. other: it stands for something else.
    checks: of the pre-flight of what is not armed yet. arms, opens: whether this person may now."""

    runbook: str
    title: str
    row: ActivationRow | None
    other: bool
    checks: Sequence[Check]
    arms: bool
    opens: bool


@dataclass(frozen=True, slots=True)
class Offers:
    """Surge mode as the rest of a service knows it. watch: looks at the load; None where nobody does. reminder: of a surge
    that is left on."""

    control: Control
    watch: Watch | None = None
    reminder: Reminder | None = None

    def advice(self) -> list[str]:
        """What the load says now, a sentence each."""
        return self.watch.advice() if self.watch is not None else []

    def beside(self, conn: Connection, alert: AlertRow, event: Event | None, staff: Staff) -> Offered | None:
        """None for an alert that is no reason for surge mode, or for which there is no runbook."""
        name = self._runbook(alert.hazard)
        if name is None or event is None or event.severity not in GRAVE or event.stage not in TELLING:
            return None
        switch = self.control.switch
        row = store.current(conn)
        if row is not None and row.drill and not switch.means.drills_only:
            row = None  # it would give way
        other = row is not None and not self._fits(row, alert)
        fresh = row is None or row.status == Status.DRAFT
        return Offered(
            runbook=name,
            title=switch.books[name].runbook.title,
            row=row,
            other=other,
            checks=switch.checks(conn, row) if row is not None and fresh and not other else (),
            arms=bool(staff.roles & activation.ARMERS) and fresh and not other,
            opens=_may_open(row, staff) and not other,
        )

    def of(self, conn: Connection, alert: AlertRow, staff: Staff) -> Offered | None:
        """The same, from what was submitted or approved of the alert; None for one that is over."""
        if Life(alert.status) in (Life.DRAFT, Life.RETURNED, Life.REJECTED, Life.ENDED):
            return None
        frozen = register.frozen(conn, alert.alert_id) if alert.approved_by else None
        return self.beside(conn, alert, frozen or (from_json(alert.frozen) if alert.frozen else None), staff)

    def arm(self, conn: Connection, staff: Staff, alert: AlertRow) -> ActivationRow:
        """Chooses the hazard's runbook, publishes what the alert and the facts say, and arms. What was chosen stays, also when
        it cannot be armed yet: raises Unfit with everything that is missing."""
        row = self.chosen(conn, staff, alert)
        if Status(row.status) is Status.DRAFT:
            self.control.publishing.publish_script(conn, staff, row.activation_id)
        return self.control.switch.arm(conn, staff, row.activation_id)

    def chosen(self, conn: Connection, staff: Staff, alert: AlertRow) -> ActivationRow:
        """The activation of an alert's incident, made if there is none. Raises Unfit without a runbook for its hazard."""
        row = store.current(conn)
        if row is not None and self._fits(row, alert):
            return self._tied(conn, staff, row, alert)
        name = self._runbook(alert.hazard)
        if name is None:
            raise Unfit([f"There is no runbook for {alert.hazard}."])
        why = f"With alert {alert.alert_id}."
        made = self.control.switch.make(conn, staff, name, why, incident_id=alert.incident_id)
        self.control.publishing.take_over(conn, made, self.control.switch.book(made))
        return made

    def open_with(self, conn: Connection, staff: Staff, alert: AlertRow, *, nobody: bool) -> list[str]:
        """Opens what somebody else armed, in the transaction that sends the alert; why it could not, as sentences. What goes
        wrong here undoes itself alone."""
        try:
            with conn.begin_nested():
                row = store.current(conn)
                if row is None or not self._fits(row, alert):
                    raise Conflict("Surge mode was not armed for this incident.")
                self._tied(conn, staff, row, alert)
                self.control.switch.open(conn, staff, row.activation_id, AT_ONCE, nobody=nobody)
        except REFUSALS as error:
            found = list(getattr(error, "problems", None) or [str(error)])
            self.control.switch.log(conn, staff, "could not open surge mode", alert.alert_id, why=found)
            return found
        return []

    def _fits(self, row: ActivationRow, alert: AlertRow) -> bool:
        """Whether an activation is the alert's own, or was got ready for its hazard before there was any alert. A drill is
        nobody's but a drill's."""
        if row.drill and not self.control.switch.means.drills_only:
            return False
        if row.incident_id is not None:
            return row.incident_id == alert.incident_id
        return row.runbook == self._runbook(alert.hazard) and row.status in (Status.DRAFT, Status.ARMED)

    def _tied(self, conn: Connection, staff: Staff, row: ActivationRow, alert: AlertRow) -> ActivationRow:
        """From now on its facts are the alert's, where the alert holds them."""
        if row.incident_id is not None:
            return row
        before = store.value(row)
        kept = store.keep(conn, before, replace(before, incident_id=alert.incident_id))
        self.control.switch.log(conn, staff, "tied surge mode to an alert", row.activation_id, incident=alert.incident_id)
        self.control.publishing.take_over(conn, kept, self.control.switch.book(kept))
        return kept

    def _runbook(self, hazard: str) -> str | None:
        books = self.control.switch.books
        return next((name for name, book in sorted(books.items()) if book.runbook.hazard == hazard), None)


def _may_open(row: ActivationRow | None, staff: Staff) -> bool:
    if row is None or not staff.roles & activation.OPENERS:
        return False
    return row.status in (Status.ARMED, Status.STANDING_DOWN) and row.armed_by != staff.person_id
