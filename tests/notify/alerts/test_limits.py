"""Whoever is limited to a hazard, an area or a channel touches nothing outside it: not what somebody else writes, not what is
leaving, and not an incident that told more people than they may tell."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from notify.alerts import limits, register
from notify.alerts.alert import Stage
from notify.alerts.broadcast import NotAllowed
from notify.alerts.life import Role, Staff
from notify.clock import ManualClock
from notify.db import Database
from tests.notify.newsroom_factory import APPROVER, AUTHOR, Room, a_draft, follow_up, somebody

LENTS = {"area": {"names": ["Lents"]}}
LIMITS: list[dict[str, Any]] = [
    {"hazards": frozenset({"flood"})},
    {"areas": frozenset({"Lents"})},
    {"channels": frozenset({"email"})},
]
# What each of them would have to say instead to stay within their own limits.
WITHIN: list[dict[str, Any]] = [{"hazard": "flood"}, LENTS, {"channels": ["email"]}]


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock)


def limited(number: int) -> Staff:
    return somebody("limited", Role.AUTHOR, Role.APPROVER, **LIMITS[number])


def refused(room: Room, verb: str, *given: Any, **more: Any) -> list[str]:
    with pytest.raises(NotAllowed) as error:
        room.do(verb, *given, **more)
    return error.value.problems


def test_a_foreign_draft_is_not_made_ones_own_by_narrowing_it(room: Room) -> None:
    row = room.do("compose", AUTHOR, a_draft())
    for number in range(len(LIMITS)):
        refused(room, "edit", limited(number), row.alert_id, a_draft(**WITHIN[number]))
        refused(room, "submit", limited(number), row.alert_id)
    assert room.db.read_now(lambda conn: register.alert(conn, row.alert_id)) == row


def test_nobody_touches_or_ends_what_told_more_people_than_they_may_tell(room: Room) -> None:
    """However small what they write is themselves: the all clear of one neighbourhood would end the whole city's alert."""
    alert_id = room.left()
    before = room.event(alert_id)
    row = room.do("compose", AUTHOR, follow_up(alert_id, Stage.ALL_CLEAR, **LENTS))
    row = room.do("submit", AUTHOR, row.alert_id)
    for number, within in enumerate(WITHIN):
        who = limited(number)
        for stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM, Stage.UPDATE, Stage.CORRECTION):
            refused(room, "compose", who, follow_up(alert_id, stage, **within))
        refused(room, "approve", who, row.alert_id, row.digest)
        refused(room, "send_back", who, row.alert_id, "Why not.")
        refused(room, "stop", who, alert_id, "Not mine.")
        assert room.db.read_now(partial(room.newsroom.hindrances, staff=who, row=row))
    assert room.event(alert_id) == before
    room.do("approve", APPROVER, row.alert_id, row.digest)
    room.do("stop", AUTHOR, alert_id, "Wrong area.")


@pytest.mark.parametrize("stage", [Stage.CORRECTION, Stage.FALSE_ALARM])
def test_one_person_takes_an_alert_back_but_not_just_any_author(room: Room, stage: Stage) -> None:
    alert_id = room.left()
    stranger = somebody("stranger", Role.AUTHOR)
    row = room.do("compose", stranger, follow_up(alert_id, stage))
    row = room.do("submit", stranger, row.alert_id)
    told = refused(room, "approve", stranger, row.alert_id, row.digest)
    assert told == ["stranger neither wrote nor approved the alert before, and does not have the role approver."]
    room.do("approve", AUTHOR, row.alert_id, row.digest)


def test_each_reason_is_said_once(room: Room) -> None:
    row = room.do("compose", AUTHOR, a_draft())
    told = refused(room, "submit", somebody("limited", Role.AUTHOR, **LIMITS[0]), row.alert_id)
    assert told == ["limited may not act on 'boil_water', only on flood."]


def test_within_their_limits_they_do_everything(room: Room) -> None:
    """So that the refusals above are the limits' doing."""
    mine = somebody("mine", Role.AUTHOR, areas=frozenset({"Lents"}), hazards=frozenset({"boil_water"}))
    yours = somebody("yours", Role.APPROVER, areas=frozenset({"Lents", "Portland"}))
    alert_id, digest = room.submitted(a_draft(**LENTS), mine)
    room.do("approve", yours, alert_id, digest)
    room.do("send", yours, alert_id)
    assert room.begin(alert_id) is not None
    clear = room.do("compose", mine, follow_up(alert_id, Stage.ALL_CLEAR, **LENTS))
    room.do("submit", mine, clear.alert_id)
    room.do("stop", mine, alert_id, "Over.")


def test_an_incident_of_many_messages_is_read_once_to_see_whether_somebody_may_write_in_it(room: Room) -> None:
    alert_id = room.left()
    mine = somebody("mine", Role.AUTHOR, areas=frozenset({"Lents"}))

    def asked(conn: Connection) -> int:
        statements: list[str] = []
        event.listen(conn, "before_cursor_execute", lambda *given: statements.append(given[2]))
        assert limits.beyond(conn, mine, alert_id.partition("-")[0])
        return len(statements)

    once = room.db.read_now(asked)
    room.left(follow_up(alert_id, Stage.UPDATE))
    assert room.db.read_now(asked) == once == 1
