"""What a surge leaves behind of persons goes after its days; what is counted stays."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select

from notify import retention
from notify.clock import ManualClock
from notify.db import Database
from notify.retention import Keeping
from surge import forgetting
from surge.desk.desk_tables import DeskReplyRow, NeedEventRow, NeedRow, QuestionRow
from surge.tables import ContactRow, SeatRow

DAY = timedelta(days=1)
KEPT = Keeping(texts=365 * DAY, stopped=None)


def add(conn: Connection, row: object) -> None:
    conn.execute(insert(type(row)).values(**row.model_dump()))  # type: ignore[attr-defined]


def surge_of_last_year(conn: Connection, at: datetime) -> None:
    """One row of each kind that ended then, and one that goes on."""
    for name, ended in (("old", at), ("open", None)):
        sealed = {"sealed": b"+1 503 555 0142", "key_id": "k1"}
        more = {"offered_at": at, "ended_at": ended, "caller": b"hash", "words": b"where is water", **sealed}
        add(conn, ContactRow(contact_id=name, way="sms", standing="done" if ended else "queueing", **more))
        need = {"code": "WATER", "status": "open", "logged_by": "desk", "logged_at": at, "changed_at": at, "ended_at": ended}
        add(conn, NeedRow(need_id=name, people=3, **need, **sealed))
        asked = {
            "status": "open",
            "asked_by": "desk",
            "asked_at": at,
            "settled_at": ended,
            "words": b"is it safe",
            "key_id": "k1",
        }
        add(conn, QuestionRow(question_id=name, **asked))
    add(conn, NeedEventRow(need_id="old", seq=1, at=at, status="open", actor="desk", note=b"third floor", key_id="k1"))
    reply = {"channel": "sms", "language": "en", "source": "guide", "state": "handed", "made_by": "desk", "made_at": at}
    add(conn, DeskReplyRow(reply_id="old", mark="m", sealed=b"to and words", key_id="k1", **reply))


def told(conn: Connection) -> dict[str, tuple[bytes | None, ...]]:
    """What each row still tells of a person, by its first key and table."""
    found = {}
    for kind in forgetting.KINDS:
        key, *_ = kind.rows.primary_key.columns
        for row in conn.execute(select(key, *(kind.rows.c[name] for name in kind.emptied))):
            found[f"{kind.rows.name} {row[0]}"] = tuple(row[1:])
    return found


@pytest.fixture
def last_year(db: Database, clock: ManualClock) -> datetime:
    at = clock.now()
    db.write_now(lambda conn: surge_of_last_year(conn, at))
    clock.forward(366 * DAY)
    return at


def test_who_turned_to_311_is_forgotten_after_the_days_and_whoever_still_waits_is_not(
    db: Database, clock: ManualClock, last_year: datetime
) -> None:
    before = db.read_now(told)
    seen = db.read_now(lambda conn: retention.look(conn, KEPT, clock.now()))["contacts"]
    done = db.write_now(lambda conn: retention.erase(conn, KEPT, clock.now()))["contacts"]
    assert seen == done == 5
    after = db.read_now(told)
    assert {name for name, one in after.items() if any(one)} == {name for name in before if name.endswith(" open")}
    assert all(after[name] == before[name] for name in before if name.endswith(" open"))
    assert db.write_now(lambda conn: retention.erase(conn, KEPT, clock.now()))["contacts"] == 0


def test_nothing_goes_before_its_day_and_what_is_counted_stays(db: Database, clock: ManualClock, last_year: datetime) -> None:
    assert db.read_now(lambda conn: forgetting.count(conn, last_year - DAY)) == 0
    db.write_now(lambda conn: forgetting.erase(conn, clock.now(), 1))
    callers = db.read_now(lambda conn: conn.execute(select(ContactRow.caller, ContactRow.standing)).all())
    assert {bytes(row[0]) for row in callers} == {b"hash"} and {row[1] for row in callers} == {"done", "queueing"}
    assert db.read_now(lambda conn: list(conn.scalars(select(NeedRow.people)))) == [3, 3]


def test_when_an_agent_was_at_their_desk_goes_whole_and_later_changes_stay(db: Database, clock: ManualClock) -> None:
    at = clock.now()
    seats = [SeatRow(agent="a1", at=at + n * 200 * DAY, turns=n, state="ready") for n in range(3)]
    db.write_now(lambda conn: [add(conn, one) for one in seats])
    clock.forward(600 * DAY)
    assert db.read_now(lambda conn: retention.look(conn, KEPT, clock.now()))["seats"] == 2
    assert db.write_now(lambda conn: retention.erase(conn, KEPT, clock.now()))["seats"] == 2
    assert db.read_now(lambda conn: list(conn.scalars(select(SeatRow.turns)))) == [2]
    assert db.write_now(lambda conn: retention.erase(conn, KEPT, clock.now()))["seats"] == 0
