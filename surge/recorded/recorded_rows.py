"""The SQL of recorded prompts. Each function is one step of the caller's transaction.

Whatever comes twice changes nothing the second time: a take only leaves a state that it is in.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, insert, or_, text, update
from sqlmodel import col, select

from notify.db import is_sqlite
from notify.tables import WordReview
from surge.desk.desk_rows import once
from surge.recorded.recorded_tables import RecordingCallRow, SoundRow, TakeRow
from surge.recorded.sound import Sound
from surge.recorded.takes import FOLLOWS, MESSAGE, Line, State, Take

LIVE: Final = timedelta(minutes=30)  # after which a call that nobody ended is over
OPEN: Final = (State.ASKED.value, State.HELD.value)  # of a call that goes on
DECIDED: Final = frozenset({State.RELEASED, State.REFUSED, State.WITHDRAWN})
_ONE_AT_A_TIME: Final = 0x50_312  # any number; with a person, the advisory lock that keeps two calls from being ordered at once


def lock(conn: Connection, person_id: str) -> None:
    """Until this transaction ends nobody else orders a call to this person."""
    if not is_sqlite(conn):  # SQLite has one writer at a time already
        query = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, :lock))")
        conn.execute(query, {"person": person_id, "lock": _ONE_AT_A_TIME})


def add_call(conn: Connection, row: RecordingCallRow) -> None:
    conn.execute(insert(RecordingCallRow).values(**row.model_dump()))


def call(conn: Connection, call_id: str) -> RecordingCallRow | None:
    found = conn.execute(select(RecordingCallRow).where(col(RecordingCallRow.call_id) == call_id)).first()
    return RecordingCallRow(**found._mapping) if found else None


def live_call(conn: Connection, person_id: str, now: datetime) -> RecordingCallRow | None:
    """The call to somebody that goes on."""
    mine = (
        select(RecordingCallRow)
        .where(
            col(RecordingCallRow.person_id) == person_id,
            col(RecordingCallRow.ended_at).is_(None),
            col(RecordingCallRow.made_at) > now - LIVE,
        )
        .order_by(col(RecordingCallRow.made_at).desc())
    )
    found = conn.execute(mine).first()
    return RecordingCallRow(**found._mapping) if found else None


def last_call(conn: Connection, person_id: str) -> RecordingCallRow | None:
    mine = select(RecordingCallRow).where(col(RecordingCallRow.person_id) == person_id)
    found = conn.execute(mine.order_by(col(RecordingCallRow.made_at).desc())).first()
    return RecordingCallRow(**found._mapping) if found else None


def calls_since(conn: Connection, person_id: str, since: datetime) -> int:
    counted = select(func.count()).where(col(RecordingCallRow.person_id) == person_id, col(RecordingCallRow.made_at) > since)
    return int(conn.execute(counted).scalar_one())


def placed(conn: Connection, call_id: str, call_sid: str) -> None:
    conn.execute(update(RecordingCallRow).where(col(RecordingCallRow.call_id) == call_id).values(call_sid=call_sid))


def end_call(conn: Connection, call_id: str, now: datetime, why: str = "") -> bool:
    """What was not kept is dropped, and its sounds are erased. False for a call that had ended."""
    ended = conn.execute(
        update(RecordingCallRow)
        .where(col(RecordingCallRow.call_id) == call_id, col(RecordingCallRow.ended_at).is_(None))
        .values(ended_at=now, why=why)
    )
    conn.execute(
        update(TakeRow)
        .where(col(TakeRow.call_id) == call_id, col(TakeRow.state).in_(OPEN))
        .values(state=State.DROPPED.value, why="the call ended before it was kept")
    )
    _erase_dropped(conn, call_id)
    return bool(ended.rowcount)


def _erase_dropped(conn: Connection, call_id: str) -> None:
    """Sounds of a call that nobody kept, but for those that another take has, too."""
    dropped = (col(TakeRow.call_id) == call_id, col(TakeRow.state) == State.DROPPED.value, col(TakeRow.sound_id).is_not(None))
    gone = [row.sound_id for row in conn.execute(select(col(TakeRow.sound_id)).where(*dropped))]
    conn.execute(update(TakeRow).where(*dropped).values(sound_id=None))
    elsewhere = select(col(TakeRow.sound_id)).where(col(TakeRow.sound_id) == col(SoundRow.sound_id)).exists()
    conn.execute(delete(SoundRow).where(col(SoundRow.sound_id).in_(gone), ~elsewhere))


def wanted(row: RecordingCallRow) -> Sequence[Line]:
    return [Line(language=row.language, **one) for one in json.loads(row.wanted)]


def written(lines: Collection[Line]) -> str:
    return json.dumps([{"key": one.key, "english": one.english, "words": one.words} for one in lines], ensure_ascii=False)


def begin(conn: Connection, row: RecordingCallRow, turn: int, line: Line, now: datetime) -> None:
    """The take of this turn; one that is there already stays as it is."""
    conn.execute(
        once(conn, TakeRow).values(
            call_id=row.call_id,
            turn=turn,
            language=line.language,
            key=line.key,
            digest=line.digest,
            english=line.english,
            words=line.words,
            state=State.ASKED.value,
            recorded_by=row.person_id,
            at=now,
            why="",
        )
    )


def take(conn: Connection, call_id: str, turn: int, *, locked: bool = False) -> Take | None:
    """locked: nobody else moves it before this transaction ends."""
    query = select(TakeRow).where(col(TakeRow.call_id) == call_id, col(TakeRow.turn) == turn)
    found = conn.execute(query.with_for_update() if locked else query).first()
    return _value(found._mapping) if found else None


def by_id(conn: Connection, take_id: int, *, locked: bool = False) -> Take | None:
    query = select(TakeRow).where(col(TakeRow.take_id) == take_id)
    found = conn.execute(query.with_for_update() if locked else query).first()
    return _value(found._mapping) if found else None


def of_call(conn: Connection, call_id: str) -> list[Take]:
    query = select(TakeRow).where(col(TakeRow.call_id) == call_id).order_by(col(TakeRow.turn))
    return [_value(row._mapping) for row in conn.execute(query)]


def of_language(conn: Connection, language: str) -> list[Take]:
    """What was kept, with what became of it; the newest first."""
    states = [one.value for one in (State.KEPT, *DECIDED)]
    query = select(TakeRow).where(col(TakeRow.language) == language, col(TakeRow.state).in_(states))
    return [_value(row._mapping) for row in conn.execute(query.order_by(col(TakeRow.take_id).desc()))]


def in_state(conn: Connection, state: State) -> list[Take]:
    query = select(TakeRow).where(col(TakeRow.state) == state.value).order_by(col(TakeRow.take_id))
    return [_value(row._mapping) for row in conn.execute(query)]


def marked(conn: Connection, states: Collection[State]) -> tuple[tuple[int, str], ...]:
    """Numbers and states of these takes: small, and the same as before where nothing was decided."""
    query = select(col(TakeRow.take_id), col(TakeRow.state)).where(col(TakeRow.state).in_([one.value for one in states]))
    return tuple((row.take_id, row.state) for row in conn.execute(query.order_by(col(TakeRow.take_id))))


def reviewed_as_of(conn: Connection) -> tuple[object, ...]:
    """The reviews of words: small, and the same as before where none was made."""
    return tuple(conn.execute(select(func.count(), func.max(col(WordReview.at))).select_from(WordReview)).one())


def name_recording(conn: Connection, call_id: str, turn: int, ref: str) -> bool:
    """The provider's name for a take's recording; False where it has another one already, or is over."""
    taken = conn.execute(select(col(TakeRow.take_id), col(TakeRow.call_id), col(TakeRow.turn)).where(col(TakeRow.ref) == ref))
    if (known := taken.first()) is not None:
        return (known.call_id, known.turn) == (call_id, turn)
    mine = (col(TakeRow.call_id) == call_id, col(TakeRow.turn) == turn, col(TakeRow.state) == State.ASKED.value)
    return bool(conn.execute(update(TakeRow).where(*mine, col(TakeRow.ref).is_(None)).values(ref=ref)).rowcount)


def hold(conn: Connection, one: Take, sound: Sound, now: datetime) -> bool:
    """The sound of a take is here. False for a take that is over, or has one."""
    values = {"sound_id": sound.sound_id, "kind": sound.kind, "seconds": sound.seconds, "body": sound.body, "at": now}
    conn.execute(once(conn, SoundRow).values(**values))
    return move(conn, one, State.HELD, sound_id=sound.sound_id, seconds=sound.seconds)


def move(conn: Connection, one: Take, to: State, **more: Any) -> bool:
    """False where the take is not any more where it was, or the step is none that it can take."""
    if to not in FOLLOWS.get(one.state, frozenset()):
        return False
    still = (col(TakeRow.take_id) == one.take_id, col(TakeRow.state) == one.state.value)
    return bool(conn.execute(update(TakeRow).where(*still).values(state=to.value, **more)).rowcount)


def give_way(conn: Connection, to: Take, by: str, now: datetime) -> None:
    """What callers heard until now, and what was kept earlier, makes room. Of the message each wording has its own."""
    others = [col(TakeRow.language) == to.language, col(TakeRow.key) == to.key, col(TakeRow.take_id) != to.take_id]
    others += [col(TakeRow.digest) == to.digest] if to.key == MESSAGE else []
    earlier = and_(col(TakeRow.state) == State.KEPT.value, col(TakeRow.take_id) < to.take_id)
    values = {"state": State.WITHDRAWN.value, "decided_by": by, "decided_at": now, "why": "another one has its place"}
    conn.execute(update(TakeRow).where(*others, or_(col(TakeRow.state) == State.RELEASED.value, earlier)).values(**values))


def sound(conn: Connection, sound_id: str) -> Sound | None:
    found = conn.execute(select(SoundRow).where(col(SoundRow.sound_id) == sound_id)).first()
    if found is None:
        return None
    return Sound(sound_id=found.sound_id, kind=found.kind, seconds=found.seconds, body=bytes(found.body))


def kinds(conn: Connection, sound_ids: Collection[str]) -> dict[str, str]:
    """Content types, without the sounds."""
    query = select(col(SoundRow.sound_id), col(SoundRow.kind)).where(col(SoundRow.sound_id).in_(sound_ids))
    return {row.sound_id: row.kind for row in conn.execute(query)}


def _value(row: Any) -> Take:
    return Take(**dict(row) | {"state": State(row["state"])})
