"""The wallboard's table is worked out beside the service, once a minute, and said to be missing where it is."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from notify.clock import ManualClock
from notify.db import Database
from surge.numbers import number_rows, staffing
from surge.numbers.number_files import Interval
from surge.numbers.staffing import Basis, Missing, Table
from surge.pages.staffing import Staffing
from tests.surge.line_fake import FakeLine
from tests.surge.voice_factory import portland

NOW = datetime(2026, 5, 23, 18, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def sent(db: Database) -> Callable[..., None]:
    """Keeps one interval of the call centre that ended at a moment."""

    def send(until: datetime, offered: int = 60) -> None:
        one = Interval(
            begins_at=until - timedelta(minutes=15), minutes=15, queue="311", offered=offered, answered=50, abandoned=10,
            mean_wait_s=120.0, mean_handling_s=240.0, agents=3,
        )  # fmt: skip
        db.write_now(lambda conn: number_rows.take_intervals(conn, [one], "api", "centre", NOW))

    return send


async def test_the_first_look_waits_for_nothing_and_the_next_has_the_table(
    db: Database, clock: ManualClock, sent: Callable[..., None]
) -> None:
    sent(NOW)
    found = Staffing(db=db, clock=clock, line=None, pack=None)
    assert await found.look(None) is None
    await found.settled()
    table = await found.look(None)
    assert isinstance(table, Table) and table.at == NOW and table.basis.calls == 60
    assert [one.agents for one in table.options] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(table.options) == [staffing.option(table.basis.now, agents) for agents in range(1, 9)]


async def test_it_is_worked_out_once_a_minute_and_off_the_loop(
    db: Database, clock: ManualClock, sent: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, datetime]] = []

    def table(basis: Basis, at: datetime) -> Table:
        made.append((threading.get_ident(), at))
        return Table(basis=basis, options=(), at=at)

    monkeypatch.setattr(staffing, "table", table)
    sent(NOW)
    found = Staffing(db=db, clock=clock, line=None, pack=None)
    for _ in range(3):
        await asyncio.gather(*(found.look(None) for _ in range(20)))
        await found.settled()
        clock.forward(timedelta(seconds=20))
    assert [at for _, at in made] == [NOW] and made[0][0] != threading.get_ident()
    await found.look(None)
    await found.settled()
    assert [at for _, at in made] == [NOW, NOW + timedelta(seconds=60)]


async def test_a_table_that_cannot_be_worked_out_anew_is_not_shown_for_long(
    db: Database, clock: ManualClock, sent: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(basis: Basis, at: datetime) -> Table:
        raise FloatingPointError("no")

    sent(NOW)
    found = Staffing(db=db, clock=clock, line=None, pack=None)
    await found.look(None)
    await found.settled()
    monkeypatch.setattr(staffing, "table", fails)
    clock.forward(timedelta(minutes=5))
    assert isinstance(await found.look(None), Table)
    await found.settled()
    clock.forward(timedelta(seconds=1))
    assert await found.look(None) is None
    await found.settled()


@pytest.mark.parametrize("minutes", [21, 60])
async def test_old_figures_are_none(db: Database, clock: ManualClock, sent: Callable[..., None], minutes: int) -> None:
    sent(NOW - timedelta(minutes=minutes))
    found = Staffing(db=db, clock=clock, line=None, pack=None)
    await found.look(None)
    await found.settled()
    assert await found.look(None) == [Missing.LINE]


async def test_where_callers_wait_here_the_line_counts_and_not_what_others_sent(
    db: Database, clock: ManualClock, sent: Callable[..., None]
) -> None:
    sent(NOW)
    found = Staffing(db=db, clock=clock, line=FakeLine(clock), pack=portland())
    await found.look(None)
    await found.settled()
    assert await found.look(None) == [Missing.CALLS, Missing.ENDED, Missing.GONE, Missing.AGENTS]
