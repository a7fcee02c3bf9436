"""The duty officer is reminded of a surge that is left on, every so many hours, by one process, until it is closed."""

from datetime import timedelta

import pytest

from notify.clock import ManualClock
from notify.db import Database
from surge.switch import reminder
from surge.switch.control import Control
from surge.switch.reminder import Reminder
from tests.surge.incident_factory import LEAD, Desk

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


async def test_the_duty_officer_is_reminded_again_and_again_and_a_restart_repeats_nothing(desk: Desk) -> None:
    control = Control(db=desk.db, publishing=desk.publishing, remind_every=12 * HOUR)
    pages: list[str] = []
    watches = [Reminder(control=control, page=pages.append) for _ in range(2)]  # two processes, or one and the next

    async def look() -> int:
        for one in watches:
            await one.tick()
        return len(pages)

    assert await look() == 0, "it is not on"
    row = desk.opened()
    desk.clock.forward(12 * HOUR - timedelta(minutes=1))
    assert await look() == 0
    desk.clock.forward(timedelta(minutes=1))
    assert await look() == 1 and "has been on for 12 hours" in pages[0] and "stand it down" in pages[0]
    desk.clock.forward(30 * HOUR)
    assert await look() == 2, "what was missed meanwhile is one reminder"
    shown = desk.db.read_now(
        lambda conn: reminder.left(conn, desk.switch.row(conn, row.activation_id), 12 * HOUR, desk.clock.now())
    )
    assert shown is not None and (shown.hours, shown.times, shown.last) == (42, 2, desk.clock.now())
    desk.db.write_now(lambda conn: desk.switch.stand_down(conn, LEAD, row.activation_id, "The load is over."))
    desk.clock.forward(12 * HOUR)
    assert await look() == 3 and "close it" in pages[2]
    desk.db.write_now(lambda conn: desk.switch.close(conn, LEAD, row.activation_id, "All is said."))
    desk.clock.forward(12 * HOUR)
    assert await look() == 3


async def test_nobody_is_reminded_where_the_setting_says_never(desk: Desk) -> None:
    assert not reminder.due(reminder.Left(on_for=99 * HOUR, every=None), desk.clock.now())
