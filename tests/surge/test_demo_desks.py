"""The demo's agents see at once what their screens show."""

from datetime import UTC, datetime, timedelta
from typing import cast

from sqlalchemy import insert

from notify.cli.demo.desks import Desk, Glances
from notify.db import Database
from surge.floor.seats import AgentState
from surge.tables import SeatRow

NOON = datetime(2014, 5, 23, 19, 0, tzinfo=UTC)


def test_a_screen_is_looked_at_when_something_is_offered_or_was_missed_and_once_for_each(store: Database) -> None:
    desks = {name: cast(Desk, object()) for name in ("a1", "a2", "a3")}
    glances = Glances(store, desks)
    assert glances() == set()

    def becomes(agent: str, state: AgentState, turns: int) -> None:
        row = {"agent": agent, "at": NOON + timedelta(seconds=turns), "turns": turns, "state": state.value}
        store.write_now(lambda conn: conn.execute(insert(SeatRow).values(**row)))

    becomes("a1", AgentState.READY, 1)
    becomes("a2", AgentState.RESERVED, 1)
    assert glances() == {desks["a2"]}
    assert glances() == set()
    becomes("a2", AgentState.BREAK, 2)
    becomes("a3", AgentState.TALKING, 1)
    assert glances() == {desks["a2"]}
