"""What a monitoring system reads of a running service (Prometheus text format). No label holds a number, mailbox, street, name
or word of anybody: labels are channels, states, roles of machines."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Connection, bindparam, func, text
from sqlmodel import col, select

from notify.alerts import promises, register
from notify.alerts.life import IN_FORCE, LEAVING, Status
from notify.clock import micros
from notify.partners import webhook_rows
from notify.sending import hold
from notify.sending.deliveries import State
from notify.sending.dispatch import Dispatcher
from notify.sending.statements import OPEN
from notify.service import Service
from notify.tables import AlertRow, AuditLine, Due, Seed
from notify.tallies import Kinds, Tallies
from subscribers.tables import Consent, Noted, Words

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
REPORTS: Final = 1_000  # the last ones, within RECENT, say how long reports take
RECENT: Final = timedelta(minutes=10)
MINUTE: Final = timedelta(minutes=1)
SHARES: Final = (0.5, 0.95, 0.99)
MISMATCHES: Final = ("missed stop", "missed text")  # what the provider took and we never saw

_LATENCIES: Final = text("""
    SELECT r.at - d.handed_at FROM (SELECT delivery_id, at FROM report ORDER BY report_id DESC LIMIT :most) r
    JOIN delivery d ON d.delivery_id = r.delivery_id
    WHERE r.at > :since AND d.handed_at IS NOT NULL""")
_QUEUE: Final = text("SELECT channel, COUNT(*) FROM delivery WHERE state = 'planned' GROUP BY channel")
_SEEDS_SILENT: Final = text("""
    SELECT COUNT(*) FROM seed_copy c JOIN event e ON e.event_id = c.event_id
    WHERE c.alarmed_at IS NOT NULL AND c.reported_at IS NULL AND e.status IN ('sending', 'active')
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event_id = c.event_id AND d.address_id = c.address_id
    AND d.state = 'delivered')""")
_OPEN: Final = text(f"SELECT state, COUNT(*) FROM delivery WHERE {OPEN} GROUP BY state")
_INBOUND: Final = text("SELECT COUNT(*) FROM words WHERE inbound AND at > :since").bindparams(
    bindparam("since", type_=Words.__table__.c.at.type)  # type: ignore[attr-defined]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look at the database found. Durations in seconds; None where there is nothing to measure."""

    alerts: dict[str, int]
    in_force: list[str]
    waiting: dict[str, int]
    open: dict[str, int]
    due_late: int
    due_late_s: float
    latencies: list[float]
    inbound: int
    yes: int
    mismatches: dict[str, int]
    audit_lines: int
    audit_age_s: float | None
    promises_late: int
    webhooks: list[tuple[str, int, float]]
    held: bool
    seeds: int
    seeds_silent: int


async def text_of(service: Service, tallies: Tallies) -> bytes:
    """Everything, as it stands now. Raises SQLAlchemyError when the ledger cannot be read: a scrape that fails is an alarm."""
    now = service.clock.now()
    seen = await service.db.read(partial(look, now=now))
    counts: Counter[tuple[str, str]] = Counter()
    for event_id in seen.in_force:
        counts.update(by_state(await tallies.of(event_id)))
    problems = await service.not_ready()
    registry = CollectorRegistry()
    families = [*_alerts(seen, counts), *_senders(service.dispatchers), *_residents(seen), *_webhooks(seen)]
    families += _house(service, seen, problems)
    registry.register(_Families(families))
    return generate_latest(registry)


def look(conn: Connection, now: datetime) -> Seen:
    due = select(func.count(), func.min(col(Due.due_at))).where(col(Due.done_at).is_(None), col(Due.due_at) <= now)
    late, oldest = conn.execute(due).one()
    last = conn.execute(select(col(AuditLine.seq), col(AuditLine.at)).order_by(col(AuditLine.seq).desc()).limit(1)).first()
    statuses = conn.execute(select(col(AlertRow.status), func.count()).group_by(col(AlertRow.status)))
    mismatches = select(col(Noted.note), func.sum(col(Noted.count))).where(col(Noted.note).in_(MISMATCHES))
    latencies = conn.execute(_LATENCIES, {"most": REPORTS, "since": micros(now - RECENT)})
    return Seen(
        alerts=_dict(statuses),
        in_force=[row.event_id for row in register.standing(conn, [status.value for status in IN_FORCE])],
        waiting=_dict(conn.execute(_QUEUE)),
        open=_dict(conn.execute(_OPEN)),
        due_late=late,
        due_late_s=(now - oldest).total_seconds() if oldest is not None else 0.0,
        latencies=sorted(max(0, row[0]) / 1e6 for row in latencies),
        inbound=conn.execute(_INBOUND, {"since": now - MINUTE}).scalar_one(),
        yes=conn.execute(select(func.count()).select_from(Consent).where(col(Consent.granted))).scalar_one(),
        mismatches={note: int(count) for note, count in conn.execute(mismatches.group_by(col(Noted.note)))},
        audit_lines=last[0] if last else 0,
        audit_age_s=(now - datetime.fromisoformat(last[1])).total_seconds() if last else None,
        webhooks=webhook_rows.waiting(conn, now),
        held=hold.standing(conn) is not None,
        seeds=conn.execute(select(func.count()).select_from(Seed)).scalar_one(),
        seeds_silent=conn.execute(_SEEDS_SILENT).scalar_one(),
        promises_late=sum(1 for one in promises.still_open(conn) if one.by is not None and one.by < now),
    )


def _dict(rows: Iterable[Any]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in rows}


def by_state(kinds: Kinds) -> Counter[tuple[str, str]]:
    """Messages by channel and state."""
    found: Counter[tuple[str, str]] = Counter()
    for (channel, _language, _wording), tally in kinds.items():
        for state in State:
            found[channel, state.value] += tally[state]
    return found


def quantile(ascending: list[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank)."""
    return ascending[max(0, -(-len(ascending) * int(share * 100) // 100) - 1)]


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauge(name: str, says: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()) -> Metric:
    family = GaugeMetricFamily(f"tocsin_{name}", says, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _counter(name: str, says: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()) -> Metric:
    family = CounterMetricFamily(f"tocsin_{name}", says, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _alerts(seen: Seen, counts: Counter[tuple[str, str]]) -> Iterator[Metric]:
    statuses = [((status.value,), float(seen.alerts.get(status, 0))) for status in Status]
    yield _gauge("alerts", "Alerts by status.", statuses, ("status",))
    messages = [(key, float(count)) for key, count in sorted(counts.items())]
    yield _gauge("messages", "Messages of alerts in force, by channel and state.", messages, ("channel", "state"))
    waiting = [((channel,), float(count)) for channel, count in sorted(seen.waiting.items())]
    yield _gauge("queue_depth", "Messages planned and not yet taken by a sender.", waiting, ("channel",))
    opened = [((state,), float(seen.open.get(state, 0))) for state in ("claimed", "unknown")]
    yield _gauge("outcomes_open", "Messages under way, or of which nobody knows yet.", opened, ("state",))
    leaving = sum(seen.alerts.get(status, 0) for status in LEAVING)
    yield _gauge("alerts_leaving", "Alerts whose messages are leaving now.", [((), float(leaving))])
    late = [((f"{share:g}",), quantile(seen.latencies, share)) for share in SHARES] if seen.latencies else []
    says = "From handing a message over to the provider's report of it; the last thousand within ten minutes."
    yield _gauge("report_latency_seconds", says, late, ("quantile",))
    yield _gauge("promises_overdue", "Updates promised in texts and not sent in time.", [((), float(seen.promises_late))])


def _senders(dispatchers: Iterable[Dispatcher]) -> Iterator[Metric]:
    """Senders are numbered, in the order of the settings: their names are phone numbers and hosts."""
    names = [((f"{place}", one.sender.channel.name), one) for place, one in enumerate(dispatchers, 1)]
    labels = ("sender", "channel")
    started = [(key, float(one.light.started)) for key, one in names]
    yield _counter("calls", "Calls to providers started, since the service started.", started, labels)
    rates = [(key, one.sender.rate) for key, one in names]
    yield _gauge("sender_rate", "Most units (segments, mails) a second this sender may send.", rates, labels)
    lights = [(key, 0.0 if one.light.trouble else 1.0) for key, one in names]
    routes = [((one.route.name, one.sender.channel.name), one.route) for one in dispatchers]
    named = ("route", "channel")
    carried = {key: float(route.carried) for key, route in routes}
    yield _counter("route_carried", "Messages this route has handed over, since the service started.", carried.items(), named)
    shares = {key: route.share if route.stands.is_open else 0.0 for key, route in routes}
    yield _gauge("route_share", "How much of its pace this route may use now; 0 while it is shut.", shares.items(), named)
    yield _gauge("sender_up", "1 while the sender is in order.", lights, labels)


def _residents(seen: Seen) -> Iterator[Metric]:
    yield _gauge("inbound_per_minute", "Texts and mails from residents in the last minute.", [((), float(seen.inbound))])
    yield _counter("consents", "Times somebody said yes, by any way, ever.", [((), float(seen.yes))])
    missed = [((note.replace(" ", "_"),), float(seen.mismatches.get(note, 0))) for note in MISMATCHES]
    yield _counter("mismatches", "Texts the provider took from residents and we never saw.", missed, ("kind",))


def _webhooks(seen: Seen) -> Iterator[Metric]:
    """A webhook's name is an agency's."""
    waiting = [((name,), float(count)) for name, count, _ in seen.webhooks]
    yield _gauge("webhook_waiting", "Messages that a partner's webhook has not taken yet.", waiting, ("webhook",))
    failing = [((name,), failing_s) for name, _, failing_s in seen.webhooks]
    says = "Since when a partner's webhook has taken nothing, while it fails or is suspended."
    yield _gauge("webhook_failing_seconds", says, failing, ("webhook",))


def _house(service: Service, seen: Seen, problems: list[str]) -> Iterator[Metric]:
    yield _gauge("ready", "1 while an alert can be taken.", [((), 0.0 if problems else 1.0)])
    mode = [((service.assembly.mode.value,), 1.0)]
    yield _gauge("mode", "The mode this service runs in.", mode, ("mode",))
    yield _gauge("held", "1 while a restore keeps older incidents from leaving.", [((), float(seen.held))])
    gone = float(any(one.missing for one in service.reserves))
    yield _gauge("reserve_missing", "1 while no room is kept for a full disk.", [((), gone)])
    yield _gauge("seeds", "Phones and mailboxes of our own that get every alert.", [((), float(seen.seeds))])
    yield _gauge("seeds_silent", "Their copies of alerts in force that have not arrived.", [((), float(seen.seeds_silent))])
    size = [((), float(len(service.crowd.index)))]
    yield _gauge("audience", "Addresses that can be reached.", size)
    yield _gauge("due_late", "Due work that nobody has done yet.", [((), float(seen.due_late))])
    yield _gauge("due_late_seconds", "How long the oldest of it has been due.", [((), seen.due_late_s)])
    yield _counter("audit_lines", "Lines of the audit log.", [((), float(seen.audit_lines))])
    age = [((), seen.audit_age_s)] if seen.audit_age_s is not None else []
    yield _gauge("audit_head_age_seconds", "How old the last line of the audit log is.", age)
