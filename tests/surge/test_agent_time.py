"""Agents' time: every microsecond signed in is one thing, added up over everybody, and shown of nobody alone."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from notify.db import Database
from surge.contact import Standing
from surge.floor import contacts
from surge.floor.board import Board
from surge.floor.journal import Journal, Kept, read
from surge.floor.orders import Ring, Turn
from surge.floor.seats import AgentState
from surge.numbers import agent_time
from surge.numbers.agent_time import Change, times
from surge.numbers.forecast import Span
from surge.numbers.outcomes import AgentTime, occupancy
from surge.numbers.relief import Moved
from surge.numbers.report import Happened, Relief, report
from surge.numbers.sections import Lasting, Line, Part, Said
from surge.tables import SeatRow
from tests.surge.floor_factory import NOON, a_call, of, profile, ready, rules

MINUTE = timedelta(minutes=1)
HOUR = Span(start=NOON, end=NOON + timedelta(hours=1))
AT = st.integers(-3_600_000_000, 2 * 3_600_000_000).map(lambda us: NOON + timedelta(microseconds=us))
CHANGES = st.lists(
    st.builds(Change, agent_id=st.sampled_from("ab"), at=AT, turns=st.integers(0, 9), state=st.sampled_from(AgentState)),
    max_size=30,
    unique_by=lambda one: (one.agent_id, one.at, one.turns),
)


def parts(one: AgentTime) -> timedelta:
    return one.talking + one.wrapping + one.reserved + one.available + one.paused


def of_agent(found: Sequence[AgentTime], agent_id: str) -> AgentTime:
    return next((one for one in found if one.agent_id == agent_id), AgentTime(agent_id=agent_id, signed_in=timedelta()))


@given(CHANGES)
def test_what_agents_did_adds_up_to_the_time_they_were_signed_in(changes: list[Change]) -> None:
    for one in times(changes, HOUR):
        assert parts(one) == one.signed_in and timedelta() < one.signed_in <= timedelta(hours=1)


@given(CHANGES, st.integers(0, 3_600_000_000))
def test_two_parts_of_a_span_make_the_whole(changes: list[Change], cut_us: int) -> None:
    cut = NOON + timedelta(microseconds=cut_us)
    whole, before, after = (times(changes, span) for span in (HOUR, Span(start=NOON, end=cut), Span(start=cut, end=HOUR.end)))
    for agent_id in "ab":
        one, first, second = (of_agent(some, agent_id) for some in (whole, before, after))
        assert one.signed_in == first.signed_in + second.signed_in and one.talking == first.talking + second.talking


def test_the_floors_own_events_are_in_the_tables_and_add_up(db: Database, tmp_path: Path) -> None:
    """Also after a journal was renewed, which says once more how everybody stands, and written twice."""
    path = tmp_path / "floor.journal"
    journal, board = Journal(path), Board(rules())
    journal.open()

    def say(turn: Turn) -> Turn:
        journal.append(turn)
        return turn

    def write() -> None:
        kept = Kept()
        lines = list(read(path, kept))
        db.write_now(partial(contacts.write, name=kept.name, lines=lines))

    say(board.arrive(a_call(caller="ab" * 16), NOON))
    for to in (Standing.GREETED, Standing.QUEUEING):
        say(board.move("c1", to, NOON))
    (ring,) = of(say(ready(board)), Ring)
    say(board.accept(ring.reservation_id, NOON + MINUTE))
    say(board.bridged("c1", NOON + MINUTE))
    say(board.ended("c1", NOON + 3 * MINUTE))
    write()
    journal.renew({"seat": board.books.seats, "record": board.books.records})
    say(board.finish("a1", "c1", "informed", None, NOON + 4 * MINUTE))
    for minute, state in ((10, AgentState.BREAK), (15, AgentState.READY), (20, AgentState.OFFLINE)):
        say(board.sit(profile(), state, NOON + minute * MINUTE))
    say(ready(board, "a2", NOON + 50 * MINUTE))
    for _ in range(2):
        write()
    journal.close()
    first, second = times(db.read_now(lambda conn: agent_time.changes(conn, HOUR)), HOUR)
    assert first == AgentTime(
        agent_id="a1",
        signed_in=20 * MINUTE,
        paused=5 * MINUTE,
        talking=2 * MINUTE,
        wrapping=MINUTE,
        reserved=MINUTE,
        available=11 * MINUTE,
    )
    assert second.signed_in == second.available == 10 * MINUTE, "who does not sign off is there until the end"


def test_what_an_agent_was_when_it_began_counts_from_there_on(db: Database) -> None:
    rows = [
        SeatRow(agent="a1", at=NOON - 9 * MINUTE, turns=1, state="ready"),
        SeatRow(agent="a1", at=NOON - 5 * MINUTE, turns=2, state="break"),
        SeatRow(agent="a1", at=NOON + 5 * MINUTE, turns=3, state="offline"),
        SeatRow(agent="gone", at=NOON - MINUTE, turns=1, state="offline"),
        SeatRow(agent="later", at=HOUR.end, turns=1, state="ready"),
    ]
    db.write_now(lambda conn: conn.execute(insert(SeatRow), [row.model_dump() for row in rows]))
    (one,) = times(db.read_now(lambda conn: agent_time.changes(conn, HOUR)), HOUR)
    assert (one.agent_id, one.signed_in, one.paused) == ("a1", 5 * MINUTE, 5 * MINUTE)


def lines_of(agents: Sequence[AgentTime]) -> dict[str, Line]:
    found = report(
        Happened(span=HOUR, now=HOUR.end, contacts=(), relief=Relief(moved=Moved(gross=0, returned=0)), agents=agents)
    )
    return {line.name: line for section in found if section.name == "agents" for line in section.lines}


@given(st.lists(st.tuples(*[st.integers(0, 10**9)] * 5), min_size=3, max_size=6))
def test_the_report_shows_parts_that_add_up_to_their_whole_and_no_name(spent: list[tuple[int, ...]]) -> None:
    agents = []
    for number, parts_us in enumerate(spent):
        one, two, three, four, five = (timedelta(microseconds=us) for us in parts_us)
        agents.append(
            AgentTime(
                agent_id=f"somebody-{number}",
                signed_in=one + two + three + four + five,
                paused=one,
                talking=two,
                wrapping=three,
                reserved=four,
                available=five,
            )
        )
    found = lines_of(agents)
    shares = [line.value.share for name, line in found.items() if name.startswith("agents_") and isinstance(line.value, Part)]
    assert len(shares) == 5 and {sum(share.part for share in shares)} == {share.whole for share in shares}
    busy = found["occupancy"].value
    assert isinstance(busy, Part) and busy.share == occupancy(agents) and busy.share.part <= busy.share.whole + 1
    assert isinstance(found["signed_in"].value, Lasting) and "somebody" not in repr(found)


def test_the_time_of_one_or_two_agents_is_not_shown() -> None:
    few = [AgentTime(agent_id=agent_id, signed_in=MINUTE, available=MINUTE) for agent_id in ("a", "b")]
    found = lines_of(few)
    assert isinstance(found["occupancy"].value, Said) and "fewer than 3" in found["occupancy"].value.words
    assert set(found) == {"handling_time", "agents", "occupancy"}
