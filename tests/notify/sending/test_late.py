"""Latecomers get the alert in force once, whatever races with it; nobody gets one that is not for them, or an older one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from channels.base import Handed, Outcome, Receipt, Refused, Undelivered, Unknown
from notify.alerts import conductor
from notify.alerts.alert import Event, Severity, Stage, Wording
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import late, leases, ledger, planning
from notify.sending.deliveries import State
from notify.sending.late import Latecomers, Said
from notify.sending.outbox import Tampered
from tests.notify.incident_factory import DAY, Incident


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    return Incident(db, clock)


@dataclass(slots=True)
class Everywhere:
    """Events reach everybody but those `outside`; those `erased` are not there any more."""

    outside: Sequence[int] = ()
    erased: Sequence[int] = ()

    async def reached(self, event: Event, address_ids: Sequence[int]) -> list[int]:
        return [one for one in address_ids if one not in self.erased and one not in self.outside]


@dataclass(slots=True)
class Desk:
    incident: Incident
    woken: list[str] = field(default_factory=list)

    def latecomers(self, crowd: Everywhere | None = None) -> Latecomers:
        from notify.alerts import register

        return Latecomers(
            db=self.incident.db,
            clock=self.incident.clock,
            crowd=crowd or Everywhere(),
            event=lambda event_id: self.incident.db.read_now(partial(register.frozen, event_id=event_id)),
            wake=lambda: self.woken.append("woken"),
        )


@pytest.fixture
def desk(incident: Incident) -> Desk:
    return Desk(incident)


async def test_a_latecomer_gets_the_whole_alert_once(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    assert await desk.latecomers().tell([newcomer]) == [(first, newcomer)]
    assert await desk.latecomers().tell([newcomer]) == []
    assert incident.rows(first)[newcomer] == ("first", "planned")
    assert desk.woken == ["woken"]


async def test_an_alert_that_is_not_what_was_approved_keeps_no_other_from_a_latecomer(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(3)
    bad, good = incident.countdown(1, Stage.FIRST, early), incident.countdown(2, Stage.FIRST, early)
    elsewhere = text("UPDATE event SET incident_id = 'M3T8' WHERE event_id = :id")
    incident.db.write_now(lambda conn: conn.execute(elsewhere, {"id": good}))
    for event_id in (bad, good):
        await incident.start(event_id)
    latecomers = desk.latecomers()

    def event(event_id: str) -> Event:
        if event_id == bad:
            raise Tampered(f"{event_id} is not what was approved.")
        return latecomers.event(event_id)

    assert await replace(latecomers, event=event).tell([newcomer]) == [(good, newcomer)]


async def test_an_alert_that_had_handed_everything_over_leaves_once_more_and_is_done_again(
    incident: Incident, desk: Desk
) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    conductor = incident.conductor()
    await conductor.settle()
    assert incident.row(first).status == Status.ACTIVE and incident.row(first).done_at is not None
    await desk.latecomers().tell([newcomer])
    assert incident.row(first).done_at is None
    await conductor.settle()
    assert incident.row(first).done_at is None, "somebody still waits"
    incident.hand_over(first, [newcomer])
    await conductor.settle()
    assert incident.row(first).done_at is not None
    assert incident.rows(first)[newcomer] == ("first", "handed")


async def test_after_an_update_a_latecomer_gets_the_update_s_whole_alert_and_not_the_older_one(
    incident: Incident, desk: Desk
) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, early)
    await incident.start(update)
    assert await desk.latecomers().tell([newcomer]) == [(update, newcomer)]
    assert newcomer not in incident.rows(first)
    assert incident.rows(update)[newcomer] == ("first", "planned")


@pytest.mark.parametrize("stage", [Stage.ALL_CLEAR, Stage.FALSE_ALARM])
async def test_when_it_is_over_a_latecomer_gets_nothing(incident: Incident, desk: Desk, stage: Stage) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    end = incident.countdown(2, stage, early)
    await incident.start(end)
    assert await desk.latecomers().tell([newcomer]) == []


async def test_nobody_outside_stopped_events_or_past_their_end_is_told(incident: Incident, desk: Desk) -> None:
    *early, newcomer, outside = incident.people(4)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    assert await desk.latecomers(Everywhere(outside=[outside])).tell([outside]) == []
    assert await desk.latecomers(Everywhere(erased=[newcomer])).tell([newcomer]) == []
    incident.clock.forward(DAY)
    assert await desk.latecomers().tell([newcomer]) == []


async def test_who_was_told_that_it_does_not_concern_them_is_told_when_it_does_again(incident: Incident, desk: Desk) -> None:
    inside, moved = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, [inside, moved])
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, [inside])
    await incident.start(update)
    assert incident.rows(update)[moved] == ("outside", "planned")
    incident.hand_over(update)
    assert await desk.latecomers().tell([inside]) == []
    second = incident.countdown(3, Stage.UPDATE, [inside])
    await incident.start(second)
    assert await desk.latecomers().tell([moved]) == [(second, moved)]


async def test_latecomers_and_an_all_clear_at_the_same_moment_leave_nobody_with_an_alert_and_no_end(
    incident: Incident, desk: Desk
) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    incident.hand_over(first)
    end = incident.countdown(2, Stage.ALL_CLEAR, early)
    await asyncio.gather(incident.start(end), desk.latecomers().tell([newcomer]))
    rows = incident.rows(first)
    if newcomer in rows:
        assert rows[newcomer][1] == "withdrawn"
    assert newcomer not in incident.rows(end)


async def test_a_latecomer_does_not_wait_behind_everybody_else(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(6)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    await desk.latecomers().tell([newcomer])
    now, until = incident.clock.now(), incident.clock.now() + DAY
    leased = incident.db.write_now(lambda conn: leases.lease(conn, "s1", "sms", limit=1, below=100, now=now, until=until))
    assert [row.address_id for row in leased] == [newcomer]


async def test_a_latecomer_s_row_is_taken_back_with_the_others(incident: Incident, desk: Desk) -> None:
    *early, newcomer = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    await desk.latecomers().tell([newcomer])
    end = incident.countdown(2, Stage.ALL_CLEAR, early)
    await incident.start(end)
    assert incident.rows(first)[newcomer][1] == "withdrawn"


def opt_out(incident: Incident, address_id: int, *, back: bool = False) -> None:
    query = text(f"UPDATE address SET stopped_at = {'NULL' if back else repr('2014-05-23 15:15:00')} WHERE address_id = :id")
    incident.db.write_now(lambda conn: conn.execute(query, {"id": address_id}))


async def test_who_stopped_before_their_alert_left_and_starts_again_gets_it_once(incident: Incident, desk: Desk) -> None:
    (person,) = incident.people(1)
    first = incident.countdown(1, Stage.FIRST, [person])
    await incident.start(first)
    opt_out(incident, person)
    assert incident.claimed(first) and incident.rows(first) == {person: ("first", "withdrawn")}
    assert await desk.latecomers().tell([person]) == [], "still stopped"
    opt_out(incident, person, back=True)
    assert await desk.latecomers().tell([person]) == [(first, person)]
    assert await desk.latecomers().tell([person]) == []
    incident.hand_over(first)
    assert await desk.latecomers().tell([person]) == []
    assert incident.rows(first) == {person: ("first", "handed")}


def doubt(incident: Incident, address_id: int, *, ended: bool = False) -> None:
    """The number may have a new owner; ended: it has said that it has none."""
    new = """
        INSERT INTO contact (channel, blind, language, memory, changed_at, suspect_at)
        SELECT channel, blind, '', '{}', '2014-05-23 15:15:00', '2014-05-23 15:15:00' FROM address WHERE address_id = :id"""
    old = "UPDATE contact SET suspect_at = NULL WHERE blind = (SELECT blind FROM address WHERE address_id = :id)"
    incident.db.write_now(lambda conn: conn.execute(text(old if ended else new), {"id": address_id}))


@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE, Stage.CORRECTION])
async def test_a_number_that_may_have_a_new_owner_is_told_nothing_new_until_it_says_who_it_is(
    incident: Incident, desk: Desk, stage: Stage
) -> None:
    *early, doubted = incident.people(3)
    doubt(incident, doubted)
    alert = incident.countdown(1, stage, early)
    await incident.start(alert)
    assert await desk.latecomers().tell([doubted]) == []
    doubt(incident, doubted, ended=True)
    assert await desk.latecomers().tell([doubted]) == [(alert, doubted)]


async def test_a_number_in_doubt_that_was_told_hears_the_end_and_an_extreme_alert_passes_over_nobody(
    incident: Incident, desk: Desk
) -> None:
    (doubted,) = incident.people(1)
    doubt(incident, doubted)
    first = [late.Said(own=False, wording="first", state=State.HANDED)]
    assert late.next_words(Stage.ALL_CLEAR, first, reached=True, doubted=True) is Wording.ALL_CLEAR
    assert late.next_words(Stage.UPDATE, first, reached=True, doubted=True) is Wording.UPDATE
    worst = incident.countdown(1, Stage.FIRST, [], severity=Severity.EXTREME)
    await incident.start(worst)
    assert await desk.latecomers().tell([doubted]) == [(worst, doubted)]


async def test_an_old_lease_writes_nothing_over_a_row_planned_again(incident: Incident, desk: Desk) -> None:
    (person,) = incident.people(1)
    first = incident.countdown(1, Stage.FIRST, [person])
    await incident.start(first)
    (old,) = incident.claimed(first)
    incident.db.write_now(
        lambda conn: ledger.record(conn, [(old, Receipt(old.delivery_id, Refused("21610")))], now=incident.clock.now())
    )
    assert await desk.latecomers().tell([person]) == [(first, person)]
    late_word = [(old, Receipt(old.delivery_id, Handed("SM9")))]
    assert incident.db.write_now(lambda conn: ledger.record(conn, late_word, now=incident.clock.now())) == 0
    incident.hand_over(first)
    assert incident.rows(first) == {person: ("first", "handed")}


async def test_who_was_stopped_when_an_update_was_planned_gets_it_when_they_come_back(incident: Incident, desk: Desk) -> None:
    told, new = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, [told, new])
    await incident.start(first)
    incident.hand_over(first, [told])
    opt_out(incident, told)
    opt_out(incident, new)
    update = incident.countdown(2, Stage.UPDATE, [told, new])
    await incident.start(update)
    assert incident.rows(update) == {}
    for person in (told, new):
        opt_out(incident, person, back=True)
    await desk.latecomers().tell([told, new])
    assert incident.wordings(update) == {"update": {told}, "first": {new}}


@pytest.mark.parametrize("stage", [Stage.ALL_CLEAR, Stage.FALSE_ALARM])
async def test_who_was_told_and_comes_back_after_the_end_hears_of_it_wherever_they_are(
    incident: Incident, desk: Desk, stage: Stage
) -> None:
    (person,) = incident.people(1)
    first = incident.countdown(1, Stage.FIRST, [person])
    await incident.start(first)
    incident.hand_over(first)
    opt_out(incident, person)
    end = incident.countdown(2, stage, [person])
    await incident.start(end)
    opt_out(incident, person, back=True)
    assert await desk.latecomers(Everywhere(outside=[person])).tell([person]) == [(end, person)]
    assert incident.rows(end) == {person: (stage.value, "planned")}


async def test_who_was_told_that_they_are_outside_and_then_is_inside_gets_a_second_word_and_one_all_clear(
    incident: Incident, desk: Desk
) -> None:
    inside, moved = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, [inside, moved])
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, [inside])
    await incident.start(update)
    incident.hand_over(update)
    assert await desk.latecomers(Everywhere(outside=[moved])).tell([moved]) == []
    assert await desk.latecomers().tell([moved]) == [(update, moved)]
    assert await desk.latecomers().tell([moved]) == []
    assert words(incident, update, moved) == [(1, "outside", "handed"), (2, "first", "planned")]
    incident.hand_over(update)
    second = incident.countdown(3, Stage.UPDATE, [inside, moved])
    await incident.start(second)
    assert incident.wordings(second) == {"update": {inside, moved}}, "the second word counts"
    end = incident.countdown(4, Stage.ALL_CLEAR, [])
    await incident.start(end)
    assert incident.wordings(end) == {"all_clear": {inside, moved}}


async def test_a_word_that_they_are_outside_which_has_not_left_is_replaced(incident: Incident, desk: Desk) -> None:
    inside, moved = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, [inside, moved])
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, [inside])
    await incident.start(update)
    now, until = incident.clock.now(), incident.clock.now() + DAY
    held = incident.db.write_now(lambda conn: leases.lease(conn, "s1", "sms", limit=9, below=100, now=now, until=until))
    assert await desk.latecomers().tell([moved]) == [(update, moved)]
    mine = [row.delivery_id for row in held if row.address_id == moved]
    assert incident.db.write_now(lambda conn: leases.claim(conn, "s1", mine, now=now)) == set(), "the old words are void"
    assert words(incident, update, moved) == [(1, "update", "planned")]


async def test_while_a_call_is_under_way_nothing_is_decided_and_the_person_is_not_forgotten(
    incident: Incident, desk: Desk
) -> None:
    inside, moved = incident.people(2)
    first = incident.countdown(1, Stage.FIRST, [inside, moved])
    await incident.start(first)
    incident.hand_over(first)
    update = incident.countdown(2, Stage.UPDATE, [inside])
    await incident.start(update)
    (calling,) = incident.claimed(update, [moved])
    assert await desk.latecomers().tell([moved]) == []
    query = text("SELECT ref FROM due WHERE kind = 'latecomer' AND due_at > :now")
    now = incident.clock.now()
    assert incident.db.read_now(lambda conn: conn.scalars(query, {"now": now.replace(tzinfo=None)}).all()) == [str(moved)]
    result = [(calling, Receipt(calling.delivery_id, Handed("SM1")))]
    incident.db.write_now(lambda conn: ledger.record(conn, result, now=incident.clock.now()))
    assert await desk.latecomers().tell([moved]) == [(update, moved)]


async def test_a_row_waiting_in_a_replaced_alert_tells_nobody_anything(incident: Incident, desk: Desk) -> None:
    """Their update's audience was read just before they came; the older alert's row will be taken back."""
    (person,) = incident.people(1)
    first = incident.countdown(1, Stage.FIRST, [person])
    await incident.start(first)
    update = incident.countdown(2, Stage.UPDATE, [])
    incident.db.write_now(partial(conductor.begin, event_id=update, now=incident.clock.now()))
    assert incident.rows(first) == {person: ("first", "planned")}
    assert await desk.latecomers().tell([person]) == [(update, person)]


async def test_a_text_that_did_not_arrive_is_followed_by_a_second_when_its_person_is_heard_of(
    incident: Incident, desk: Desk
) -> None:
    (person,) = incident.people(1)
    first = incident.countdown(1, Stage.FIRST, [person])
    await incident.start(first)
    for number in range(1, 6):
        incident.hand_over(first)
        report(incident, person, Undelivered("30003"))
        assert bool(await desk.latecomers().tell([person])) is (number < late.MOST_WORDS)
    assert [word for word, _, _ in words(incident, first, person)] == [1, 2, 3]


async def test_what_may_have_arrived_is_not_sent_again(incident: Incident, desk: Desk) -> None:
    (person,) = incident.people(1)
    first = incident.countdown(1, Stage.FIRST, [person])
    await incident.start(first)
    incident.hand_over(first, outcome=Unknown("time-out"))
    assert await desk.latecomers().tell([person]) == []


async def test_many_looks_at_once_tell_everybody_once(incident: Incident, desk: Desk) -> None:
    *early, last = incident.people(40)
    first = incident.countdown(1, Stage.FIRST, early)
    await incident.start(first)
    for person in early[:20]:
        opt_out(incident, person)
    incident.hand_over(first)
    for person in early[:20]:
        opt_out(incident, person, back=True)
    back = [*early[:20], last]
    found = await asyncio.gather(*(desk.latecomers().tell(back) for _ in range(5)))
    assert sorted(address for told in found for _, address in told) == sorted(back)
    incident.hand_over(first)
    assert {state for _, state in incident.rows(first).values()} == {"handed"} and len(incident.rows(first)) == 40


def words(incident: Incident, event_id: str, address_id: int) -> list[tuple[int, str, str]]:
    query = text("SELECT word, wording, state FROM delivery WHERE event_id = :e AND address_id = :a ORDER BY word")
    found = incident.db.read_now(lambda conn: conn.execute(query, {"e": event_id, "a": address_id}).all())
    return [(row.word, row.wording, row.state) for row in found]


def report(incident: Incident, address_id: int, outcome: Outcome) -> None:
    query = text("SELECT delivery_id FROM delivery WHERE address_id = :a ORDER BY delivery_id DESC LIMIT 1")

    def work(conn: Connection) -> None:
        (delivery_id,) = conn.execute(query, {"a": address_id}).one()
        ledger.apply_reports(conn, [Receipt(delivery_id, outcome)], now=incident.clock.now())

    incident.db.write_now(work)


ROWS = st.lists(
    st.builds(
        Said,
        own=st.booleans(),
        wording=st.sampled_from([one.value for one in Wording] + ["first/why"]),
        state=st.sampled_from(State),
        ambiguous=st.booleans(),
    ),
    max_size=5,
).map(lambda rows: sorted(rows, key=lambda row: row.own))


@given(st.sampled_from(Stage), ROWS, st.booleans())
def test_nobody_is_told_twice_nor_of_an_end_without_a_beginning(stage: Stage, said: list[Said], reached: bool) -> None:
    own = [one for one in said if one.own]
    told = [one for one in said if one.is_told]
    try:
        wording = late.next_words(stage, said, reached=reached)
    except late.Undecided:
        assert any(one.state is State.CLAIMED for one in said)
        return
    assert wording is not Wording.OUTSIDE
    if own and own[-1].is_told and own[-1].concerns_them:
        assert wording is None
    if wording in (Wording.ALL_CLEAR, Wording.FALSE_ALARM, Wording.UPDATE):
        assert told and stage.value == wording.value
    if wording in (Wording.FIRST, Wording.UPDATE):
        assert reached
    if wording is Wording.FIRST:
        assert not told or not told[-1].concerns_them
    if reached and stage in (Stage.FIRST, Stage.UPDATE, Stage.RENEWAL) and not told and not own:
        assert wording is Wording.FIRST, "never missed"


def test_noting_the_same_person_twice_is_noting_them_once(db: Database, clock: ManualClock) -> None:
    for _ in range(2):
        db.write_now(lambda conn: late.note(conn, [1, 2], clock.now()))
    assert db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM due")).scalar_one()) == 2
