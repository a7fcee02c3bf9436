"""What monitoring reads: every number there, right, and no label that names anybody."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, insert

from notify import audit
from notify.alerts import register
from notify.audit import Act
from notify.db import Database
from notify.metrics import SHARES, by_state, look, quantile
from notify.tables import Delivery, OpenPromise, Report
from subscribers.tables import Noted
from tests.notify.api_factory import Desk, a_desk
from tests.notify.newsroom_factory import BOIL_WATER

on_the_desk = pytest.mark.asyncio(loop_scope="module")
LABELS = {"status", "channel", "state", "quantile", "sender", "kind", "mode"}
ALARMS = (
    "ready",
    "sender_up",
    "due_late_seconds",
    "queue_depth",
    "outcomes_open",
    "promises_overdue",
    "audit_head_age_seconds",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("metrics") / "home", migrated_sqlite) as found:
        found.served.tokens["nobody"] = "none"
        yield found


async def scraped(desk: Desk) -> dict[str, float]:
    """Every sample, by its name and the values of its labels."""
    answer = await desk.ask("nobody", "GET", "/metrics")
    assert answer.status == 200 and answer.kind == "text/plain"
    families = list(text_string_to_metric_families(answer.text))
    samples = [sample for family in families for sample in family.samples]
    assert {name for sample in samples for name in sample.labels} <= LABELS
    return {" ".join([one.name.removeprefix("tocsin_"), *one.labels.values()]): one.value for one in samples}


@on_the_desk
async def test_a_quiet_service_is_ready_and_nothing_is_late(desk: Desk) -> None:
    found = await scraped(desk)
    assert found["ready"] == 1 and found["mode demo"] == 1
    assert found["due_late"] == found["due_late_seconds"] == found["promises_overdue"] == 0


@on_the_desk
async def test_alerts_are_counted_by_status(desk: Desk) -> None:
    before = (await scraped(desk))["alerts draft"]
    await desk.ask("author", "POST", "/api/v1/alerts", BOIL_WATER, "counted")
    assert (await scraped(desk))["alerts draft"] == before + 1


def test_what_waits_is_late_and_how_long_reports_take_is_seen(db: Database) -> None:
    """Straight on the tables: what a running service leaves there only when something is wrong."""
    now = datetime.now(UTC)
    second = 1_000_000
    at = int(now.timestamp()) * second
    rows = [
        Delivery(
            delivery_id=900 + number, event_id="AAAAA-1", address_id=number, channel="sms", language="en", wording="first",
            priority=1, state=state, planned_at=at - 60 * second, handed_at=at - 30 * second if state == "handed" else None,
        )
        for number, state in enumerate(["planned", "planned", "claimed", "unknown", "handed", "handed"])
    ]  # fmt: skip

    def fill(conn: Connection) -> None:
        for row in rows:
            conn.execute(insert(Delivery).values(**row.model_dump()))
        for number, after_s in ((904, 10), (905, 20)):
            report = Report(delivery_id=number, provider_id="x", outcome="delivered", at=at - (30 - after_s) * second)
            conn.execute(insert(Report).values(**report.model_dump(exclude={"report_id"})))
        conn.execute(insert(Noted).values(day="2026-01-01", note="missed stop", detail="", count=3))
        promise = OpenPromise(promise_id="AAAAA-1/update", incident_id="AAAAA", what="an update", by=now - timedelta(minutes=1))
        register.add(conn, promise)
        register.due(conn, "send", "AAAAA-1", now - timedelta(seconds=90))
        audit.append(conn, Act(actor="test", action="looked", subject="x", detail={}), now - timedelta(hours=1))

    db.write_now(fill)
    found = db.read_now(lambda conn: look(conn, now))
    assert found.waiting == {"sms": 2} and found.open == {"claimed": 1, "unknown": 1}
    assert found.latencies == [10, 20]
    assert found.mismatches == {"missed stop": 3} and found.promises_late == 1
    assert found.due_late == 1 and found.due_late_s == pytest.approx(90)
    assert found.audit_age_s == pytest.approx(3600)


@on_the_desk
async def test_two_scrapes_at_once_read_the_same(desk: Desk) -> None:
    one, other = await asyncio.gather(scraped(desk), scraped(desk))
    assert one.keys() == other.keys()


def test_operations_say_which_numbers_to_alarm_on() -> None:
    words = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for name in ALARMS:
        assert f"`tocsin_{name}" in words, name


def test_nothing_sent_is_nothing_counted() -> None:
    assert sum(by_state({}).values()) == 0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from(SHARES))
def test_at_least_that_share_is_not_above_its_quantile(values: list[float], share: float) -> None:
    found = quantile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
