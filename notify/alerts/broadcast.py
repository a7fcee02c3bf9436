"""What people do with an alert: compose, edit, submit, return, reject, approve, send, stop. One transaction each.

Each verb checks who may, moves the alert by life.ALLOWED, and writes its audit line in the same transaction. The follow-ups
(update, correction, all clear, false alarm) are drafts of a later stage in the same incident: see followup.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection

from notify import audit
from notify.alerts import glass, limits, register
from notify.alerts.alert import Event, Mode, Stage, from_json, to_json
from notify.alerts.digest import digest
from notify.alerts.draft import Draft
from notify.alerts.glass import Glass
from notify.alerts.life import ALLOWED, EDITABLE, EXPIRY_LEAD, LEAVING, Staff, Status, may_approve, may_write
from notify.alerts.sequence import broken_promise, too_late
from notify.audit import Act
from notify.clock import Clock
from notify.db import thinks
from notify.staff import paging
from notify.staff.training import Waiting
from notify.tables import AlertRow, EventRow

PENDING_LIMIT = timedelta(minutes=10)  # then the next on the escalation list is paged
RENEWAL_WARNING = timedelta(minutes=30)  # before a danger that goes on would be renewed, the duty officer is asked


class NotAllowed(Exception):
    """This person may not do this; `problems` says why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Unfit(Exception):
    """The alert cannot go on as it is; `problems` holds every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Assembler(Protocol):
    """Turns a draft into the Event it would become. Implemented by notify.alerts.assembly."""

    @property
    def mode(self) -> Mode: ...

    def problems(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime) -> list[str]:
        """Everything wrong with a draft, as sentences."""

    def assemble(self, conn: Connection, draft: Draft, row: AlertRow, now: datetime) -> Event:
        """The Event, complete but for identifier, sent and digest. Only for a draft without problems."""

    def seal(self, conn: Connection, event: Event, now: datetime) -> tuple[Event, bytes]:
        """The Event with its identity fixed at this moment, and its CAP document."""

    def people_needed(self, event: Event) -> int: ...

    @property
    def glasses(self) -> Sequence[Glass]:
        """What one person alone may send."""

    def countdown(self, event: Event) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class Newsroom:
    """The verbs, with what they need. Every method runs inside the transaction of the Connection it is given. practised:
    why which of these may not approve for want of practice; None where nobody is asked for it."""

    clock: Clock
    assembler: Assembler
    practised: Callable[[Connection, Sequence[Staff], Waiting], dict[str, list[str]]] | None = None

    def compose(self, conn: Connection, staff: Staff, draft: Draft) -> AlertRow:
        """A new draft, in the draft's incident or a new one."""
        now = self.clock.now()
        if draft.incident and not register.lock_incident(conn, draft.incident):
            raise Unfit([f"There is no incident {draft.incident}."])
        self._may_write(conn, staff, draft, None)
        incident_id = draft.incident or register.new_incident(conn, draft.hazard, now)
        row = AlertRow(
            alert_id=register.next_alert_id(conn, incident_id),
            incident_id=incident_id,
            stage=draft.stage,
            hazard=draft.hazard,
            status=Status.DRAFT,
            content=draft.model_dump_json(),
            author=staff.person_id,
            last_editor=staff.person_id,
            created_at=now,
            changed_at=now,
        )
        register.add(conn, row)
        self._log(conn, staff, "composed", row.alert_id, stage=draft.stage, hazard=draft.hazard)
        return row

    def edit(self, conn: Connection, staff: Staff, alert_id: str, draft: Draft, seen: int | None = None) -> AlertRow:
        """Replaces a draft's content. A submitted alert must be returned first, and loses its approval by that. seen: the
        version the writer began from; Conflict when somebody wrote since."""
        row = register.alert(conn, alert_id, lock=True)
        if seen is not None and seen != row.version:
            raise register.Conflict(f"{row.last_editor} changed {alert_id} while you were writing; it is {row.status} now.")
        if Status(row.status) not in EDITABLE:
            raise register.Conflict(f"{alert_id} is {row.status}; only a draft or a returned alert can be edited.")
        self._may_write(conn, staff, Draft.model_validate_json(row.content), row)
        self._may_write(conn, staff, draft, row)
        if (draft.hazard, draft.stage) != (row.hazard, row.stage):
            raise Unfit([f"{alert_id} is about '{row.hazard}' ({row.stage}); compose another alert to change that."])
        row = register.change_alert(
            conn, row, self.clock.now(), content=draft.model_dump_json(), last_editor=staff.person_id, digest=None, frozen=None
        )
        self._log(conn, staff, "edited", alert_id, version=row.version)
        return row

    def submit(self, conn: Connection, staff: Staff, alert_id: str) -> AlertRow:
        """Freezes what would be sent, with its digest, and asks for approval. Raises Unfit with every problem."""
        thinks(conn)
        row = register.alert(conn, alert_id, lock=True)
        draft = Draft.model_validate_json(row.content)
        self._may_write(conn, staff, draft, row)
        now = self.clock.now()
        problems = self.assembler.problems(conn, draft, row, now)
        if problems:
            raise Unfit(problems)
        event = self.assembler.assemble(conn, draft, row, now)
        bound = digest(event)
        row = self._move(
            conn,
            row,
            Status.PENDING,
            digest=bound,
            frozen=to_json(replace(event, digest=bound)),
            submitted_by=staff.person_id,
            submitted_at=now,
        )
        register.due(conn, paging.ASK, str(paging.Ref(alert_id=alert_id, asked_at=now, step=0)), now)
        register.due(conn, "escalate", alert_id, now + PENDING_LIMIT)
        self._log(conn, staff, "submitted", alert_id, digest=bound)
        return row

    def send_back(self, conn: Connection, staff: Staff, alert_id: str, reason: str, *, reject: bool = False) -> AlertRow:
        """Returns an alert to its author, or rejects it for good. A reason is required; an approval, if any, is void."""
        row = register.alert(conn, alert_id, lock=True)
        if not reason.strip():
            raise Unfit(["A reason is required, so that the author knows what to change."])
        self._may_write(conn, staff, Draft.model_validate_json(row.content), row)
        if row.status == Status.APPROVED:
            raise register.Conflict(f"{alert_id} has been approved already; compose it anew if it must change.")
        row = self._move(conn, row, Status.REJECTED if reject else Status.RETURNED, reason=reason, digest=None, frozen=None)
        self._log(conn, staff, "rejected" if reject else "returned", alert_id, reason=reason)
        return row

    def approve(self, conn: Connection, staff: Staff, alert_id: str, seen: str, alone: str | None = None) -> EventRow:
        """Freezes the Event for ever. `seen` is the digest of what the approver read; anything else voids the approval. alone:
        why nobody else can approve; then the policy decides what one person may send (glass.py), and every deputy is paged."""
        now = self.clock.now()
        register.lock_incident_of(conn, alert_id)
        row = register.alert(conn, alert_id, lock=True)
        if row.status != Status.PENDING or row.frozen is None or row.digest is None:
            raise register.Conflict(f"{alert_id} is {row.status}; only a submitted alert can be approved.")
        if seen != row.digest:
            raise register.Conflict(f"{alert_id} is not what you read: it has been changed since. Read it again.")
        others = [other for other in register.standing(conn, incident_id=row.incident_id) if other.stage != Stage.RENEWAL]
        if any(other.approved_at > (row.submitted_at or now) for other in others):
            raise register.Conflict(
                f"Another alert of {row.incident_id} was approved since {alert_id} was submitted. Return it, so that it is "
                "looked at anew and submitted again."
            )
        event = from_json(row.frozen)
        if event.mode is not self.assembler.mode:
            raise Unfit([f"{alert_id} was written in mode {event.mode}; this service runs in mode {self.assembler.mode}."])
        if event.expires <= now:
            raise Unfit([f"{alert_id} would already have expired at {event.expires:%Y-%m-%d %H:%M} UTC."])
        draft = Draft.model_validate_json(row.content)
        matter = limits.matter(conn, draft, row)
        if alone is not None:
            beyond = limits.beyond(conn, staff, row.incident_id)
            problems = [*may_write(staff, matter), *glass.problems(self.assembler.glasses, draft, alone), *beyond]
        else:
            problems = self.hindrances(conn, staff, row)
        if problems:
            raise NotAllowed(problems)
        if alone is not None:
            self._log(conn, staff, "BROKE THE GLASS", alert_id, reason=alone)
            register.due(conn, paging.GLASS, alert_id, now)
        sealed, cap = self.assembler.seal(conn, event, now)
        added = self._event_row(draft, sealed, cap, now)
        register.add(conn, added)
        self._move(conn, row, Status.APPROVED, approved_by=staff.person_id)
        self._log(conn, staff, "approved", alert_id, digest=row.digest, identifier=sealed.identifier)
        return added

    def hindrances(self, conn: Connection, staff: Staff, row: AlertRow) -> list[str]:
        """Why this person may not approve this submitted alert, as sentences; empty when they may."""
        return self.hindrances_of(conn, [staff], row)[staff.person_id]

    def hindrances_of(self, conn: Connection, everybody: Sequence[Staff], row: AlertRow) -> dict[str, list[str]]:
        """The same of several people, by their names."""
        event = from_json(row.frozen or "")
        needed = self.assembler.people_needed(event)
        matter = limits.matter(conn, Draft.model_validate_json(row.content), row)

        def problems(staff: Staff) -> list[str]:
            return [*may_approve(staff, matter, needed), *limits.beyond(conn, staff, row.incident_id)]

        waiting, found = Waiting.of(row, event, self.clock.now(), problems), {one.person_id: problems(one) for one in everybody}
        if self.practised is not None:
            found |= self.practised(conn, [one for one in everybody if not found[one.person_id]], waiting)
        return found

    def send(self, conn: Connection, staff: Staff, alert_id: str) -> EventRow:
        """Starts the countdown; at its end the alert is published and sent. Only the approver's own token does this."""
        row = register.alert(conn, alert_id, lock=True)
        event = register.event(conn, alert_id, lock=True)
        if staff.person_id != row.approved_by:
            raise NotAllowed([f"Only {row.approved_by}, who approved {alert_id}, may send it."])
        if event.status != Status.APPROVED:
            raise register.Conflict(f"{alert_id} is already {event.status}.")
        now = self.clock.now()
        start = max(now, event.not_before or now) + self.assembler.countdown(from_json(event.content))
        if problems := [*too_late(conn, event, start), *broken_promise(event, start)]:
            raise Unfit(problems)
        self._move(conn, row, Status.COUNTDOWN)
        register.change_event(conn, alert_id, status=Status.COUNTDOWN.value, send_by=staff.person_id, countdown_until=start)
        register.due(conn, "send", alert_id, start)
        register.due(conn, "renewal warning", alert_id, event.expires_at - RENEWAL_WARNING)
        register.due(conn, "expire", alert_id, event.expires_at - EXPIRY_LEAD)
        self._log(conn, staff, "sent", alert_id, leaves_at=start.isoformat())
        return register.event(conn, alert_id)

    def stop(self, conn: Connection, staff: Staff, alert_id: str, reason: str) -> EventRow:
        """Nothing more is handed over from this commit on. Final: there is no resume."""
        row = register.alert(conn, alert_id, lock=True)
        event = register.event(conn, alert_id, lock=True)
        self._may_write(conn, staff, Draft.model_validate_json(row.content), row)
        if Status(event.status) not in LEAVING:
            raise register.Conflict(f"{alert_id} is {event.status}; only an alert that is leaving can be stopped.")
        now = self.clock.now()
        self._move(conn, row, Status.STOPPED, reason=reason)
        register.change_event(conn, alert_id, status=Status.STOPPED.value, stopped_at=now)
        self._log(conn, staff, "stopped", alert_id, reason=reason)
        return register.event(conn, alert_id)

    def _move(self, conn: Connection, row: AlertRow, to: Status, **values: Any) -> AlertRow:
        if to not in ALLOWED[Status(row.status)]:
            raise register.Conflict(f"{row.alert_id} is {row.status} and cannot become {to}.")
        return register.change_alert(conn, row, self.clock.now(), status=to.value, **values)

    def _may_write(self, conn: Connection, staff: Staff, draft: Draft, row: AlertRow | None) -> None:
        problems = may_write(staff, limits.matter(conn, draft, row, staff.person_id))
        if problems := [*problems, *limits.beyond(conn, staff, row.incident_id if row else draft.incident)]:
            raise NotAllowed(list(dict.fromkeys(problems)))

    def _event_row(self, draft: Draft, event: Event, cap: bytes, now: datetime) -> EventRow:
        return EventRow(
            event_id=event.event_id,
            alert_id=event.alert_id,
            incident_id=event.incident_id,
            stage=event.stage,
            content=to_json(event),
            digest=event.digest,
            identifier=event.identifier,
            cap=cap,
            status=Status.APPROVED,
            priority=event.priority,
            approved_at=now,
            expires_at=event.expires,
            not_before=draft.not_before,
            not_after=draft.not_after,
        )

    def _log(self, conn: Connection, staff: Staff, action: str, subject: str, **detail: Any) -> None:
        audit.append(conn, Act(actor=staff.person_id, action=action, subject=subject, detail=detail), self.clock.now())
