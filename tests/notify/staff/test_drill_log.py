"""Drills in the log: one at a time, whoever else begins or ends one at the same moment."""

from datetime import UTC, datetime
from functools import partial

import pytest

from notify import audit
from notify.alerts.alert import Mode
from notify.alerts.life import Role, Staff
from notify.alerts.register import Conflict
from notify.db import Database
from notify.staff import drill_log, drills
from tests.notify.at_once import at_once

AT = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
LEADER = Staff(person_id="approver", roles=frozenset({Role.APPROVER}))
SCRIPT = next(iter(drills.catalogue().values()))
AREAS = {name for one in SCRIPT.right for name in one.areas}
BEGIN = partial(drill_log.start, staff=LEADER, script=SCRIPT, mode=Mode.TRAINING, now=AT, known=AREAS)
END = partial(drill_log.end, staff=LEADER, drill_id="drill-1", mode=Mode.TRAINING, now=AT)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_who_begin_a_drill_at_once_begin_one(db: Database) -> None:
    first, second = await at_once(db, lambda: db.write(BEGIN), lambda: db.write(BEGIN))
    assert first == "drill-1" and isinstance(second, Conflict)
    assert [line.subject for line in db.read_now(audit.lines)] == ["drill-1"]


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_who_end_a_drill_at_once_end_it_once(db: Database) -> None:
    db.write_now(BEGIN)
    first, second = await at_once(db, lambda: db.write(END), lambda: db.write(END))
    assert first is None and isinstance(second, Conflict)
    assert [line.action for line in db.read_now(audit.lines)] == [drill_log.STARTED, drill_log.ENDED]
