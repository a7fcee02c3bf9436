"""All that the report of an activation is made of, read from the database in one go."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlmodel import col, select

from notify.alerts.alert import Stage
from notify.tables import EventRow
from surge.contact import Contact, Standing, Way
from surge.desk.desk_tables import NeedRow
from surge.desk.needs import NeedStatus
from surge.floor.callback import State
from surge.floor.queue import Head, Place
from surge.numbers import agent_time, number_rows, relief
from surge.numbers.costs import PUBLISHED, Rates
from surge.numbers.forecast import NotMeasured, Span, forecast
from surge.numbers.number_files import CentreLine
from surge.numbers.outcomes import Promised
from surge.numbers.relief import Answering, Load, Loads
from surge.numbers.report import NOT_IMPORTED, Happened, Relief
from surge.numbers.rights import Request
from surge.tables import ActivationRow, CallbackRow, ContactRow

LONGEST: Final = timedelta(days=30)  # an activation nobody closed is not compared with a year of 911


class NoSuchActivation(LookupError):
    """The message says which one, or that there is none."""


def activations(conn: Connection) -> list[ActivationRow]:
    """Every one that was ever open, the newest first."""
    query = select(ActivationRow).where(col(ActivationRow.opened_at).is_not(None))
    return [ActivationRow(**row._mapping) for row in conn.execute(query.order_by(col(ActivationRow.opened_at).desc()))]


def activation(conn: Connection, activation_id: str = "") -> ActivationRow:
    """One that was open; the newest without an id. Raises NoSuchActivation."""
    known = activations(conn)
    for one in known:
        if activation_id in ("", one.activation_id):
            return one
    why = f"Surge mode was never open as {activation_id}." if activation_id else "Surge mode has never been open."
    raise NoSuchActivation(why)


def of_incident(conn: Connection, incident_id: str) -> list[ActivationRow]:
    return [one for one in activations(conn) if one.incident_id == incident_id]


def happened(conn: Connection, one: ActivationRow, now: datetime, zone: ZoneInfo, rates: Rates = PUBLISHED) -> Happened:
    """zone: of the city's wall clock, for the minutes of the week."""
    span = span_of(one, now)
    rows = _contacts(conn, one.activation_id)
    contacts = [as_contact(row) for row in rows]
    from_911 = {row.contact_id for row in rows if row.head == Head.FROM_911}
    moved = relief.moved(contacts, from_911, {row.contact_id: row.disposition for row in rows})
    return Happened(
        span=span,
        now=now,
        contacts=contacts,
        relief=_relief(conn, one, span, (zone, rates), moved),
        places={row.contact_id: Place(virtual=row.virtual, seq=row.place or 0) for row in rows if row.virtual is not None},
        callbacks=_callbacks(conn, one.activation_id),
        agents=agent_time.times(agent_time.changes(conn, span), span),
        grades=number_rows.grades(conn, one.activation_id),
        requests=_requests(conn, one.activation_id),
        rates=rates,
    )


def span_of(one: ActivationRow, now: datetime) -> Span:
    """From opened to closed, or until now."""
    assert one.opened_at is not None, "only one that was open has a report"
    ends = one.closed_at or now
    return Span(start=one.opened_at, end=max(min(ends, one.opened_at + LONGEST), one.opened_at + timedelta(minutes=1)))


def _contacts(conn: Connection, activation_id: str) -> Sequence[Any]:
    """Rows with the columns of ContactRow; objects of it would take seconds for a day of calls."""
    query = select(ContactRow).where(col(ContactRow.activation_id) == activation_id).order_by(col(ContactRow.offered_at))
    return conn.execute(query).all()


def as_contact(row: Any) -> Contact:
    return Contact(
        contact_id=row.contact_id,
        offered_at=row.offered_at,
        caller=row.caller.hex() if row.caller else "",
        language=row.language,
        area=row.area,
        way=Way(row.way),
        activation_id=row.activation_id,
        seq=row.seq,
        standing=Standing(row.standing),
        enqueued_at=row.enqueued_at,
        answered_at=row.answered_at,
        left_queue_at=row.left_queue_at,
        talked=timedelta(seconds=row.talked_s),
        wrapped=timedelta(seconds=row.wrapped_s),
        since=row.ended_at,
    )


def _callbacks(conn: Connection, activation_id: str) -> list[Promised]:
    mine = select(ContactRow.contact_id).where(col(ContactRow.activation_id) == activation_id)
    query = select(CallbackRow).where(col(CallbackRow.contact_id).in_(mine))
    return [
        Promised(
            contact_id=row.contact_id,
            state=State(row.state),
            asked_at=row.asked_at,
            begins=row.promised_from,
            ends=row.promised_to,
            attempts=row.attempts,
            reached_at=(row.connected_at or row.ended_at) if row.state == State.DONE else None,
        )
        for row in conn.execute(query)
    ]


def _requests(conn: Connection, activation_id: str) -> list[Request]:
    query = select(NeedRow).where(col(NeedRow.activation_id) == activation_id)
    return [
        Request(
            code=row.code,
            language=row.language,
            status=NeedStatus(row.status),
            logged_at=row.logged_at,
            ended_at=row.ended_at,
            due_at=row.due_at,
            accommodation=row.accommodation,
        )
        for row in conn.execute(query)
    ]


def _relief(conn: Connection, one: ActivationRow, span: Span, city: tuple[ZoneInfo, Rates], moved: relief.Moved) -> Relief:
    zone, rates = city
    if one.drill:
        drill = NotMeasured(why="A drill takes nothing off 911.")
        return Relief(moved=moved, calls=drill, load=drill, answering=drill)
    minutes = number_rows.minutes(conn, span)
    load = _load(minutes, moved, span, rates)
    if not minutes:
        return Relief(moved=moved, load=load)
    counted = number_rows.offered(conn, CentreLine.NON_EMERGENCY, span)
    basis = forecast(counted, span, zone, unclean(conn, one, span))
    return Relief(
        moved=moved,
        calls=relief.counterfactual(basis),
        load=load,
        answering=_answering(minutes),
        simulated=any(row.source == number_rows.SIMULATED for row in minutes),
    )


def unclean(conn: Connection, one: ActivationRow, span: Span) -> list[Span]:
    """When something else was the matter: other surges that were no drills, and alerts that were no tests."""
    found = [
        span_of(other, span.end) for other in activations(conn) if other.activation_id != one.activation_id and not other.drill
    ]
    query = select(EventRow.started_at, EventRow.ended_at, EventRow.expires_at).where(
        col(EventRow.started_at).is_not(None), col(EventRow.stage) != Stage.TEST.value
    )
    for started_at, ended_at, expires_at in conn.execute(query):
        if (ends := ended_at or expires_at) > started_at:
            found.append(Span(start=started_at, end=ends))
    return found


def _load(minutes: Sequence[Any], moved: relief.Moved, span: Span, rates: Rates) -> Load | Loads | NotMeasured:
    """How long 911 needs for a call of its ten-digit line stands for every contact: its export knows no topics. Where the
    export does not say how long, the city's range does."""
    timed = [row for row in minutes if row.mean_handling_s is not None and row.answered]
    period = span.end - span.start
    beside = _worked(timed) / period.total_seconds() if timed else None
    calm = relief.handling([(row.answered, row.mean_handling_s) for row in timed if row.line == CentreLine.NON_EMERGENCY])
    if calm is not None:
        return relief.measured(moved.net, calm, period, beside)
    if rates.centre_handling_s is not None:
        return relief.loads(moved.net, rates.centre_handling_s, rates.source, period, beside)
    if not minutes:
        return NOT_IMPORTED
    why = "Neither the minutes (mean_handling_s with answered) nor costs.toml say how long 911 needs for a call."
    return NotMeasured(why=why)


def _worked(minutes: Sequence[Any]) -> float:
    """Seconds of telephone work."""
    return sum((row.mean_handling_s or 0.0) * (row.answered or 0) for row in minutes)


def _answering(minutes: Sequence[Any]) -> Answering | NotMeasured:
    urgent = [row for row in minutes if row.line == CentreLine.EMERGENCY]
    if not urgent:
        return NOT_IMPORTED
    if any(row.within_15_s is None or row.within_20_s is None for row in urgent):
        return NotMeasured(why="The export does not say how many 911 calls were answered within 15 and 20 seconds.")
    return relief.answering(
        sum(row.offered for row in urgent),
        sum(row.within_15_s or 0 for row in urgent),
        sum(row.within_20_s or 0 for row in urgent),
    )


def heading(one: ActivationRow, now: datetime) -> dict[str, Any]:
    """What stands above the sections, for programs."""
    span = span_of(one, now)
    return {
        "activation": one.activation_id,
        "title": one.title,
        "runbook": one.runbook,
        "incident": one.incident_id,
        "drill": one.drill,
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "closed": one.closed_at is not None,
    }
