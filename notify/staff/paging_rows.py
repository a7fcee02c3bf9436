"""The SQL of pages to staff. Each function is one step of the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from notify.db import is_sqlite
from notify.staff.paging import REHEARSALS, USUAL_TURN, Kind, Member, PageState
from notify.staff.paging_tables import OnCall, StaffContact, StaffPage

LEASE: Final = timedelta(seconds=30)  # a page that a dead process was sending is sent again after this
PENDING: Final = (Kind.APPROVAL, Kind.AGAIN)  # what nobody needs any more once the alert is decided on


def members(conn: Connection, people: Collection[str], now: datetime) -> list[Member]:
    """Those of these people who can be reached at all, with whether they are on call."""
    reached = select(col(StaffContact.person_id)).where(col(StaffContact.person_id).in_(people)).distinct()
    calls = {row.person_id: row for row in calls_of(conn)}
    return [
        Member(
            person_id=person_id,
            turn=calls[person_id].turn if person_id in calls else USUAL_TURN,
            on_call=person_id in calls and is_on_call(calls[person_id], now),
        )
        for person_id in sorted(conn.execute(reached).scalars())
    ]


def calls_of(conn: Connection) -> list[OnCall]:
    """Everybody who was ever put on call, or given a turn."""
    return [OnCall(**row._mapping) for row in conn.execute(select(OnCall).order_by(col(OnCall.person_id)))]


def is_on_call(row: OnCall, now: datetime) -> bool:
    return row.until is not None and now < row.until


def set_call(conn: Connection, person_id: str, *, until: datetime | None, turn: int) -> None:
    done = conn.execute(update(OnCall).where(col(OnCall.person_id) == person_id).values(until=until, turn=turn))
    if not done.rowcount:
        conn.execute(_insert(conn, OnCall).values(person_id=person_id, until=until, turn=turn))


def note(conn: Connection, page: StaffPage, people: Collection[str]) -> None:
    """Writes down who is to be paged, on each channel that is theirs. page: all of it but person and channel. What stands
    there already is left alone: several workers at one step page everybody once."""
    query = select(col(StaffContact.person_id), col(StaffContact.channel)).where(col(StaffContact.person_id).in_(people))
    given = page.model_dump(exclude={"page_id"})
    rows = [given | {"person_id": person_id, "channel": channel} for person_id, channel in conn.execute(query)]
    if rows:
        conn.execute(_insert(conn, StaffPage).on_conflict_do_nothing(), rows)


def add(conn: Connection, page: StaffPage) -> int:
    """One page of its own; returns its number."""
    made = _insert(conn, StaffPage).values(**page.model_dump(exclude={"page_id"}))
    return conn.execute(made.returning(col(StaffPage.page_id))).scalar_one() or 0


def of_step(conn: Connection, page: StaffPage) -> list[StaffPage]:
    """Every page of the same kind, matter, time and step."""
    return _pages(
        conn,
        col(StaffPage.kind) == page.kind,
        col(StaffPage.about) == page.about,
        col(StaffPage.asked_at) == page.asked_at,
        col(StaffPage.step) == page.step,
    )


def paged(conn: Connection, alert_id: str, asked_at: datetime) -> frozenset[str]:
    """Who has been paged about one submission of an alert."""
    query = select(col(StaffPage.person_id)).where(
        col(StaffPage.kind) == Kind.APPROVAL, col(StaffPage.about) == alert_id, col(StaffPage.asked_at) == asked_at
    )
    return frozenset(conn.execute(query).scalars())


def history(conn: Connection, alert_id: str) -> list[StaffPage]:
    """Every page about an alert, the first first; rehearsals, which tell nobody anything, are left out."""
    return _pages(conn, col(StaffPage.about) == alert_id, col(StaffPage.kind).not_in(REHEARSALS))


def of_kind(conn: Connection, kind: Kind, about: str) -> list[StaffPage]:
    """Every page of one kind about one matter."""
    return _pages(conn, col(StaffPage.kind) == kind, col(StaffPage.about) == about)


def unsent(conn: Connection, kind: Kind) -> list[StaffPage]:
    """Pages of one kind that nobody has sent, or whose sender may be dead."""
    return _pages(conn, col(StaffPage.kind) == kind, col(StaffPage.state).in_([PageState.WAITING, PageState.LEAVING]))


def page(conn: Connection, page_id: int) -> StaffPage | None:
    return next(iter(_pages(conn, col(StaffPage.page_id) == page_id)), None)


def asked_since(conn: Connection, kind: Kind, person_id: str, since: datetime) -> int:
    """How many times a person asked for pages of a kind since then."""
    query = select(func.count(func.distinct(col(StaffPage.asked_at)))).where(
        col(StaffPage.kind) == kind, col(StaffPage.asked_by) == person_id, col(StaffPage.asked_at) >= since
    )
    return int(conn.execute(query).scalar_one())


def claim(conn: Connection, page_id: int, now: datetime) -> StaffPage | None:
    """Takes a page to send it; None when somebody else has it, or it is done."""
    free = or_(
        col(StaffPage.state) == PageState.WAITING,
        (col(StaffPage.state) == PageState.LEAVING) & (col(StaffPage.claimed_at) <= now - LEASE),
    )
    taken = update(StaffPage).where(col(StaffPage.page_id) == page_id, free)
    values = {"state": PageState.LEAVING.value, "claimed_at": now, "attempts": col(StaffPage.attempts) + 1}
    return page(conn, page_id) if conn.execute(taken.values(**values)).rowcount else None


def put_back(conn: Connection, page_id: int) -> None:
    """It did not leave, and is tried again."""
    _change(conn, page_id, state=PageState.WAITING.value)


def finish(conn: Connection, page_id: int, state: PageState, code: str, now: datetime) -> None:
    _change(conn, page_id, state=state.value, code=code, done_at=now)


def opened(conn: Connection, page_id: int, now: datetime) -> bool:
    """Uses a page's link; False when it was used before."""
    unused = update(StaffPage).where(col(StaffPage.page_id) == page_id, col(StaffPage.opened_at).is_(None))
    return conn.execute(unused.values(opened_at=now)).rowcount > 0


def _change(conn: Connection, page_id: int, **values: object) -> None:
    held = update(StaffPage).where(col(StaffPage.page_id) == page_id, col(StaffPage.state) == PageState.LEAVING)
    conn.execute(held.values(**values))


def _pages(conn: Connection, *which: object) -> list[StaffPage]:
    query = select(StaffPage).where(*which).order_by(col(StaffPage.asked_at), col(StaffPage.page_id))  # type: ignore[arg-type]
    return [StaffPage(**row._mapping) for row in conn.execute(query)]


def _insert(conn: Connection, table: type[OnCall | StaffPage]) -> sqlite.Insert | postgresql.Insert:
    """Both databases have ON CONFLICT, each under a name of its own."""
    return sqlite.insert(table) if is_sqlite(conn) else postgresql.insert(table)


def blank(kind: Kind, about: str, asked_at: datetime, asked_by: str, step: int = 0) -> StaffPage:
    """A page that nobody is named in yet."""
    return StaffPage(
        kind=kind.value,
        about=about,
        asked_at=asked_at,
        step=step,
        asked_by=asked_by,
        person_id="",
        channel="",
        state=PageState.WAITING.value,
    )


def reached(pages: Sequence[StaffPage]) -> list[str]:
    """The people of these pages of whom at least one page was taken by a carrier or relay."""
    return sorted({one.person_id for one in pages if one.state == PageState.ACCEPTED})
