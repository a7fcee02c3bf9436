"""What is due is done once, by whoever is alive to do it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from notify import due
from notify.alerts import register
from notify.db import Database
from notify.due import BATCH, LEASE, Task

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def note(db: Database, ref: str, at: datetime = NOW, kind: str = "send") -> None:
    db.write_now(lambda conn: register.due(conn, kind, ref, at))


def claim(db: Database, at: datetime = NOW) -> list[Task]:
    return db.write_now(lambda conn: due.claim(conn, at))


def test_nothing_is_claimed_before_its_time_and_the_oldest_comes_first(db: Database) -> None:
    note(db, "later", NOW + SECOND)
    note(db, "old", NOW - SECOND)
    note(db, "now")
    assert [task.ref for task in claim(db)] == ["old", "now"]
    assert [task.ref for task in claim(db, NOW + SECOND)] == ["later"]


def test_noting_twice_is_noting_once(db: Database) -> None:
    note(db, "K7Q2X-1")
    note(db, "K7Q2X-1")
    assert len(claim(db)) == 1


def test_a_task_belongs_to_one_process_until_its_lease_ends(db: Database) -> None:
    note(db, "K7Q2X-1")
    (task,) = claim(db)
    assert claim(db, NOW + LEASE - SECOND) == []
    assert claim(db, NOW + LEASE) == [task], "the process that held it has died"


def test_work_that_takes_long_keeps_its_lease(db: Database) -> None:
    note(db, "K7Q2X-1")
    held = claim(db)
    db.write_now(lambda conn: due.keep(conn, held, NOW + LEASE / 2))
    assert claim(db, NOW + LEASE) == []


def test_what_is_done_never_comes_back(db: Database) -> None:
    note(db, "K7Q2X-1")
    (task,) = claim(db)
    db.write_now(lambda conn: due.done(conn, task, NOW))
    db.write_now(due.end_leases)
    assert claim(db, NOW + 2 * LEASE) == []


def test_a_process_that_took_over_does_at_once_what_a_dead_one_held(db: Database) -> None:
    note(db, "K7Q2X-1")
    (task,) = claim(db)
    db.write_now(due.end_leases)
    assert claim(db) == [task]


def test_many_claiming_at_once_get_each_task_once(db: Database) -> None:
    for number in range(3 * BATCH):
        note(db, f"K7Q2X-{number}")
    with ThreadPoolExecutor(8) as pool:
        found = [task.due_id for tasks in pool.map(lambda _: claim(db), range(8)) for task in tasks]
    while more := claim(db):
        found += [task.due_id for task in more]
    assert len(found) == len(set(found)) == 3 * BATCH
