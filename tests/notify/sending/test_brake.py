"""Which alerts are slowed now: those alone whose author chose it and whose hazard allows it, each change written down first."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from notify.alerts.alert import Severity, Stage, to_json
from notify.alerts.hazards import catalogue
from notify.clock import ManualClock
from notify.db import Database
from notify.sending.brake import LAPSES_S, Brake, Standing
from notify.sending.coupling import Queue
from tests.notify.factories import an_event
from tests.notify.ledger_factory import add_event, an_event_row

NOW = datetime(2026, 5, 23, 18, 0, tzinfo=UTC)


class Line:
    """What callers wait, as the test says; None where nobody knows."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.wait_s, self.asked = clock, 0.0, 0
        self.fault: Exception | None = None

    async def measure(self, now: datetime) -> Queue | None:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return Queue(wait_s=self.wait_s, at=now) if self.wait_s >= 0 else None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def line(clock: ManualClock) -> Line:
    return Line(clock)


@pytest.fixture
def brake(db: Database, clock: ManualClock, line: Line) -> Brake:
    return Brake(db=db, clock=clock, hazards=catalogue(), measure=line.measure)


@pytest.fixture
def leaving(db: Database) -> Callable[..., None]:
    """Adds an event whose texts leave; slows: as its author chose."""

    def add(event_id: str, *, slows: bool = True, status: str = "sending", **given: Any) -> None:
        event = an_event(event_id=event_id, alert_id=event_id, incident_id=event_id[:4], slows=slows, **given)
        row = an_event_row(
            NOW, event_id=event_id, alert_id=event_id, incident_id=event_id[:4], identifier=event_id, status=status,
            content=to_json(event), started_at=NOW,
        )  # fmt: skip
        db.write_now(lambda conn: add_event(conn, row, NOW))

    return add


def logged(db: Database) -> list[tuple[str, float, float | None]]:
    query = text("SELECT subject, detail FROM audit WHERE action = 'changed the send rate' ORDER BY seq")
    rows = db.read_now(lambda conn: list(conn.execute(query)))
    return [(row.subject, json.loads(row.detail)["share"], json.loads(row.detail)["callers_wait_s"]) for row in rows]


async def test_only_alerts_that_may_be_slowed_are(brake: Brake, line: Line, leaving: Callable[..., None]) -> None:
    line.wait_s = 700
    leaving("AAAA-1")
    leaving("BBBB-1", slows=False)
    leaving("CCCC-1", severity=Severity.EXTREME)
    leaving("DDDD-1", stage=Stage.CORRECTION)
    leaving("EEEE-1", hazard="gas_leak")
    leaving("GGGG-1", status="active")
    await brake.tick()
    assert brake.shares() == {"AAAA-1": 0.5}
    assert brake.standing("AAAA-1") == Standing(share=0.5, wait_s=700, since=NOW)
    assert brake.standing("BBBB-1") is None and brake.standing("GGGG-1") is None


async def test_every_change_is_in_the_log_with_its_figures(
    brake: Brake, line: Line, clock: ManualClock, db: Database, leaving: Callable[..., None]
) -> None:
    leaving("AAAA-1")
    for wait in (10, 400, 650, 500, 200, 100, 100):
        line.wait_s = wait
        for _ in range(13):
            await brake.tick()
            clock.forward(timedelta(seconds=5))
    steps = [("AAAA-1", 0.5, 400), ("AAAA-1", 0.25, 650), ("AAAA-1", 0.5, 200), ("AAAA-1", 1.0, 100)]
    assert logged(db) == steps


async def test_what_was_not_looked_at_for_long_is_slowed_no_more(
    brake: Brake, line: Line, clock: ManualClock, db: Database, leaving: Callable[..., None]
) -> None:
    leaving("AAAA-1")
    line.wait_s = 700
    await brake.tick()
    line.fault = RuntimeError("the floor is gone")
    clock.forward(timedelta(seconds=LAPSES_S))
    with pytest.raises(RuntimeError):
        await brake.tick()
    assert brake.shares() == {"AAAA-1": 0.5}
    clock.forward(timedelta(seconds=1))
    assert brake.shares() == {} and brake.standing("AAAA-1") == Standing()
    line.fault = None
    await brake.tick()
    assert brake.shares() == {"AAAA-1": 0.5}
    assert logged(db) == [("AAAA-1", 0.5, 700), ("AAAA-1", 1.0, None), ("AAAA-1", 0.5, 700)]


async def test_figures_that_are_gone_are_the_full_rate_at_once(
    brake: Brake, line: Line, clock: ManualClock, db: Database, leaving: Callable[..., None]
) -> None:
    leaving("AAAA-1")
    line.wait_s = 700
    await brake.tick()
    clock.forward(timedelta(seconds=5))
    line.wait_s = -1.0
    await brake.tick()
    assert brake.shares() == {} and brake.standing("AAAA-1") == Standing(since=NOW + timedelta(seconds=5))
    assert logged(db) == [("AAAA-1", 0.5, 700), ("AAAA-1", 1.0, None)]


async def test_nothing_is_slowed_that_could_not_be_written_down_and_nothing_stays_slow_for_it(
    brake: Brake, line: Line, clock: ManualClock, db: Database, leaving: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    async def cannot_be_written_down() -> None:
        with monkeypatch.context() as broken:
            broken.setattr(brake.db, "write", full)
            with pytest.raises(OperationalError):
                await brake.tick()

    leaving("AAAA-1")
    line.wait_s = 700
    await cannot_be_written_down()
    assert brake.shares() == {}
    await brake.tick()
    assert brake.shares() == {"AAAA-1": 0.5}
    clock.forward(timedelta(seconds=5))
    line.wait_s = 0
    await cannot_be_written_down()
    assert brake.shares() == {}
    await brake.tick()
    assert logged(db) == [("AAAA-1", 0.5, 700), ("AAAA-1", 1.0, 0)]


async def test_an_alert_of_a_hazard_that_is_no_longer_known_is_not_slowed(
    line: Line, clock: ManualClock, db: Database, leaving: Callable[..., None]
) -> None:
    leaving("AAAA-1")
    line.wait_s = 700
    brake = Brake(db=db, clock=clock, hazards={}, measure=line.measure)
    await brake.tick()
    assert brake.shares() == {}


async def test_the_line_is_not_even_looked_at_while_no_coupled_alert_leaves(
    brake: Brake, line: Line, leaving: Callable[..., None]
) -> None:
    leaving("BBBB-1", slows=False)
    await brake.tick()
    assert line.asked == 0 and brake.shares() == {}


async def test_an_alert_is_slowed_for_an_hour_at_most(
    brake: Brake, line: Line, clock: ManualClock, leaving: Callable[..., None]
) -> None:
    leaving("AAAA-1")
    line.wait_s = 900
    for share in (0.5, 0.25):
        await brake.tick()
        assert brake.shares() == {"AAAA-1": share}
        clock.forward(timedelta(seconds=60))
    clock.forward(timedelta(minutes=58))
    await brake.tick()
    assert brake.shares() == {}
