import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from channels.base import Misconfigured
from channels.calls import LiveCall, Lost
from notify.clock import ManualClock
from notify.db import Database
from surge.contact import Standing, Way
from surge.desk.desk_line import DeskLine, Letter
from surge.floor.callback import State
from surge.floor.floor_desk import DeskFloor
from surge.floor.orders import Word
from surge.floor.seats import AgentState
from surge.numbers import measures
from surge.switch.activation import Activation, Status
from surge.tables import CallbackRow, ContactRow
from surge.voice.conversation import Conversation
from tests.surge.phone_fake import AIR, LINES, RING, FakePhone, a_floor, crash, staff, standing, talk
from tests.surge.voice_factory import NOON, portland, said


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def store(store: Database) -> Database:
    store.write_now(staff)
    return store


def test_the_floor_is_what_the_desk_needs(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    line: type[DeskLine] = DeskFloor
    assert line is DeskFloor


async def test_a_caller_waits_is_brought_to_an_agent_and_ends_with_what_it_was(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        await house.floor.set_state("a1", AgentState.READY)
        contact_id = await talk(house, "CA1", "a1")
        assert house.phone.rung[0].to == LINES["a1"]
        assert house.phone.sent == [("CA1", "https://city.example.gov/voice/said/bridge")]
        assert standing(house, contact_id) is Standing.TALKING
        clock.forward(timedelta(minutes=4))
        house.talk.status({"CallSid": "CA1", "CallStatus": "completed"}, {})
        assert standing(house, contact_id) is Standing.WRAP
        await house.floor.finish("a1", contact_id, "informed", 3)
        await house.floor.flush()
        row = store.read_now(lambda conn: conn.execute(select(ContactRow)).one())
    assert (row.contact_id, row.standing, row.agent, row.disposition) == (contact_id, "done", "a1", "informed")
    assert (
        row.provider_id == "CA1" and row.caller == RING.blind("sms", "+15035550142") and b"5550142" not in (row.sealed or b"")
    )


async def test_the_same_ring_twice_is_one_contact_and_the_same_words(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        first, second = house.ring("CA1"), house.ring("CA1")
        assert first == second and "9 1 1" in said(first)
        assert len(house.floor.contacts()) == 1


async def test_with_nobody_there_a_caller_is_offered_a_dated_promise_and_books_it(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        house.wait_in_line("CA1")
        contact_id = house.floor.calls["CA1"].contact_id
        house.press("CA1", "offer", "3")
        await house.settled()
        assert standing(house, contact_id) is Standing.CALLBACK
        (callback,) = house.floor.board.books.callbacks.values()
        assert callback.state is State.HOLDING and callback.promise.ends > NOON
        assert house.texts.sent == [("+15035550142", "en", Word.PROMISE)]


async def test_a_callback_is_dialled_when_an_agent_is_there_and_they_talk(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        house.wait_in_line("CA1")
        house.press("CA1", "offer", "3")
        (callback,) = house.floor.board.books.callbacks.values()
        clock.forward(callback.promise.begins - clock.now() + timedelta(minutes=1))
        await house.floor.set_state("a1", AgentState.READY)
        await house.settled()
        reservation = house.phone.rung[-1].url.rpartition("/")[2]
        house.talk.agent_said(reservation, {"CallSid": "CAa", "Digits": "1"})
        await house.settled()
        dial = house.phone.rung[-1]
        assert (
            dial.to == "+15035550142" and dial.hears_machines and dial.url.endswith(f"/voice/callback/{callback.callback_id}")
        )
        form = {"CallSid": "CAout2", "AnsweredBy": "human"}
        house.talk.callback(callback.callback_id, form)
        heard = house.talk.callback_said(callback.callback_id, form | {"Digits": "1"})
        assert b"Conference" in heard
        house.talk.status({"CallSid": "CAout2", "CallStatus": "completed"}, {"callback": callback.callback_id})
        assert house.floor.board.books.callbacks[callback.callback_id].state is State.DONE


async def test_what_is_written_is_opened_at_a_desk_without_a_telephone(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    letter = Letter(contact_id="", way=Way.SMS, language="en", words="is it safe?", at=NOON, reply_to="+15035550143", ours="+1")
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        await house.floor.set_state("desk", AgentState.READY)
        assert await house.floor.take_next("desk") is None
        contact_id = await house.floor.offer(letter, "SM1")
        assert await house.floor.offer(letter, "SM1") == contact_id
        assert house.floor.figures().waiting == 0 and house.floor.held_by("desk") is not None
        assert await house.floor.take_next("desk") == contact_id
        assert await house.floor.letter(contact_id) == replace(letter, contact_id=contact_id)
        await house.floor.finish("desk", contact_id, "informed")
        assert standing(house, contact_id) is Standing.DONE
        assert house.phone.rung == []
        raw = (tmp_path / "floor.journal").read_text()
        assert "safe" not in raw and "5550143" not in raw


async def test_somebody_in_danger_is_taken_before_their_turn(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    calm = Letter(contact_id="", way=Way.WEB, language="en", words="when?", at=NOON, reply_to="a@example.gov")
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        await house.floor.offer(calm, "form 1")
        urgent = await house.floor.offer(replace(calm, words="cannot breathe", danger=True), "form 2")
        await house.floor.set_state("desk", AgentState.READY)
        await house.floor.take("desk", urgent)
        assert (await house.floor.letter(urgent) or calm).danger and standing(house, urgent) is Standing.TALKING
        with pytest.raises(ValueError, match="Somebody else has this contact"):
            await house.floor.set_state("a1", AgentState.READY)
            await house.floor.take("a1", urgent)


async def test_after_kill_9_the_queue_is_as_it_was_and_the_database_gets_every_turn_once(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    journal = tmp_path / "floor.journal"
    async with a_floor(store, clock, journal) as house:
        await house.floor.set_state("a1", AgentState.READY)
        talking = await talk(house, "CA1", "a1")
        waiting = [house.wait_in_line(f"CA{number}", f"+1503555{number:04}") for number in range(2, 8)]
        await house.floor.flush()
        house.press("CA2", "menu", "1")
        house.talk.status({"CallSid": "CA3", "CallStatus": "completed"}, {})
        before = house.floor.board.books
        await crash(house.floor)
        async with a_floor(store, clock, journal) as again:
            books = again.floor.board.books
            assert (books.records, books.seats, books.reservations) == (before.records, before.seats, before.reservations)
            assert list(books.line) == list(before.line)
            assert again.floor.calls["CA4"] == house.floor.calls["CA4"]
            assert standing(again, waiting[1]) is Standing.ABANDONED and standing(again, talking) is Standing.TALKING
            await again.floor.flush()
            rows = store.read_now(lambda conn: list(conn.execute(select(ContactRow.contact_id, ContactRow.seq))))
            assert {row.contact_id: row.seq for row in rows} == {key: one.contact.seq for key, one in books.records.items()}
            assert measures.counts(again.floor.contacts()).problems() == []


async def test_calls_that_ended_or_fell_over_while_we_were_away_are_found_at_the_provider(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    phone, journal = FakePhone(), tmp_path / "floor.journal"

    def call(sid: str, status: str, began: datetime, number: str = "+15035550150") -> LiveCall:
        return LiveCall(call_sid=sid, status=status, to=portland().number, from_=number, began_at=began, is_inbound=True)

    async with a_floor(store, clock, journal, phone) as house:
        await house.floor.set_state("a2", AgentState.READY)
        await house.floor.set_state("a2", AgentState.BREAK)
        gone, there = house.wait_in_line("CA1"), house.wait_in_line("CA2", "+15035550151")
        house.floor.watched_from = house.floor.looked_to = NOON
        clock.forward(timedelta(minutes=5))
        fell = NOON + timedelta(minutes=2)
        phone.known = [call("CA1", "completed", NOON), call("CA2", "in-progress", NOON), call("CA9", "completed", fell)]
        await house.floor._reconcile()
        await house.floor._reconcile()
        assert standing(house, gone) is Standing.ABANDONED and standing(house, there) is Standing.QUEUEING
        failed = [one for one in house.floor.contacts() if one.standing is Standing.FAILED_OVER]
        assert [one.offered_at for one in failed] == [fell]
        assert measures.counts(house.floor.contacts()).failed_over == 1


async def test_callers_we_know_whose_next_word_reached_nobody_failed_over_too(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    phone, journal = FakePhone(), tmp_path / "floor.journal"
    async with a_floor(store, clock, journal, phone) as house:
        talking = await talk(house, "CA1", "a1")
        house.ring("CA2", "+15035550152")
        left, waiting = house.wait_in_line("CA3", "+15035550153"), house.wait_in_line("CA4", "+15035550154")
        greeted = house.floor.calls["CA2"].contact_id
        await crash(house.floor)
    paths = {"CA1": "/voice/said/bridge", "CA2": "/voice/said/greeting", "CA3": "/voice/said/greeting", "CA4": "/voice/wait"}
    phone.unheard = [Lost(call_sid=sid, path=path, at=clock.now()) for sid, path in paths.items()]
    async with a_floor(store, clock, journal, phone) as again:
        again.talk.status({"CallSid": "CA2", "CallStatus": "completed"}, {})
        assert standing(again, greeted) is not Standing.SELF_SERVED, "the provider was not asked yet"
        await again.floor._reconcile()
        assert standing(again, greeted) is Standing.FAILED_OVER and standing(again, left) is Standing.FAILED_OVER
        assert standing(again, waiting) is Standing.QUEUEING and standing(again, talking) is Standing.TALKING
        again.talk.status({"CallSid": "CA4", "CallStatus": "completed"}, {})
        assert standing(again, waiting) is Standing.ABANDONED, "it was, and said nothing of this one"
        counted = measures.counts(again.floor.contacts())
        assert (counted.failed_over, counted.left_otherwise, counted.problems()) == (1, 1, [])


async def test_who_was_on_the_line_at_a_crash_waits_for_a_provider_that_cannot_say_at_once_what_it_got_no_answer_to(
    store: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, journal, silent = FakePhone(), tmp_path / "floor.journal", True
    async with a_floor(store, clock, journal, phone) as house:
        for number in (1, 2):
            house.ring(f"CA{number}", f"+1503555015{number}")
        fell, helped = (house.floor.calls[f"CA{number}"].contact_id for number in (1, 2))
        phone.known = [
            LiveCall(call_sid=f"CA{number}", status="completed", to="", from_="", began_at=clock.now()) for number in (1, 2)
        ]
        phone.unheard = [Lost(call_sid="CA1", path="/tocsin/voice/said/greeting", at=clock.now())]
        await crash(house.floor)

    async def lost(phone: FakePhone, since: datetime) -> list[Lost]:
        if silent:
            raise ConnectionError("busy")
        return [one for one in phone.unheard if one.at >= since]

    monkeypatch.setattr(FakePhone, "lost", lost)
    clock.forward(timedelta(minutes=2))
    async with a_floor(store, clock, journal, phone) as again:
        await again.floor._reconcile()
        again.talk.status({"CallSid": "CA1", "CallStatus": "completed"}, {})
        assert standing(again, fell) is standing(again, helped) is Standing.GREETED, "nobody knows yet"
        silent = False
        clock.forward(timedelta(minutes=5))
        await again.floor._reconcile()
        assert standing(again, fell) is Standing.FAILED_OVER and standing(again, helped) is Standing.SELF_SERVED


async def test_nobody_waits_for_ever_for_a_log_that_cannot_be_read(
    store: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(phone: FakePhone, since: datetime) -> list[Lost]:
        raise ConnectionError("no such list")

    monkeypatch.setattr(FakePhone, "lost", silent)
    phone, journal = FakePhone(), tmp_path / "floor.journal"
    async with a_floor(store, clock, journal, phone) as house:
        house.ring("CA1")
        contact_id = house.floor.calls["CA1"].contact_id
        phone.known = [LiveCall(call_sid="CA1", status="completed", to="", from_="", began_at=clock.now())]
        await crash(house.floor)
    async with a_floor(store, clock, journal, phone) as again:
        clock.forward(timedelta(minutes=20))
        await again.floor._reconcile()
        assert standing(again, contact_id) is Standing.SELF_SERVED and again.floor.unsure == set()


async def test_a_provider_that_does_not_say_what_it_got_no_answer_to_is_asked_for_its_calls_all_the_same(
    store: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(phone: FakePhone, since: datetime) -> list[Lost]:
        raise ConnectionError("no such list")

    monkeypatch.setattr(FakePhone, "lost", silent)
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        await house.floor.set_state("a2", AgentState.READY)
        await house.floor.set_state("a2", AgentState.BREAK)
        contact_id, began = house.wait_in_line("CA1"), clock.now()
        clock.forward(timedelta(minutes=5))
        house.phone.known = [LiveCall(call_sid="CA1", status="completed", to="", from_="", began_at=began)]
        await house.floor._reconcile()
        assert standing(house, contact_id) is Standing.ABANDONED


async def test_the_provider_is_asked_for_what_nobody_has_looked_at_and_for_who_is_on_the_line(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    phone = FakePhone()
    async with a_floor(store, clock, tmp_path / "floor.journal", phone) as house:
        while not phone.asked_since:  # when it opens
            await asyncio.sleep(0)
        clock.forward(timedelta(hours=2))
        await house.floor._reconcile()
        clock.forward(timedelta(minutes=10))
        house.wait_in_line("CA1")
        called = clock.now()
        clock.forward(timedelta(minutes=20))
        await house.floor._reconcile()
        assert phone.asked_since[-1] == called - timedelta(minutes=12), "two minutes before the last look"
        clock.forward(timedelta(hours=1))
        phone.known = [
            LiveCall(call_sid="CA1", status="completed", to=portland().number, from_="+15035550150", began_at=called)
        ]
        await house.floor._reconcile()
        assert phone.asked_since[-1] == called, "who is still on the line"
        clock.forward(timedelta(hours=1))
        phone.away = True
        await house.floor._reconcile()
        phone.away = False
        await house.floor._reconcile()
        assert phone.asked_since[-1] == called + timedelta(minutes=78), "a look that failed is made up for"


async def test_a_provider_that_cannot_be_reached_leaves_the_agent_free_and_the_caller_in_the_line(
    store: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surge.floor.carrier.AGAIN_S", 0)
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        await house.floor.set_state("a1", AgentState.READY)
        contact_id = house.wait_in_line("CA1")
        await house.settled()
        house.phone.away = True
        reservation = house.phone.rung[-1].url.rpartition("/")[2]
        house.talk.agent_said(reservation, {"CallSid": "CAa", "Digits": "1"})
        await house.settled()
        assert standing(house, contact_id) in {Standing.RESERVED, Standing.QUEUEING}
        assert house.floor.board.holds(reservation) is None


async def test_the_switch_says_what_contacts_belong_to_and_its_end_ends_callbacks(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    open_now = Activation(
        activation_id="s1", runbook="boil-water", title="Boil", status=Status.OPEN, made_by="a1", made_at=NOON
    )
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        await house.floor.activate(replace(open_now, status=Status.ARMED))
        assert house.floor.board.books.surge is None
        await house.floor.activate(open_now)
        contact_id = house.wait_in_line("CA1")
        house.press("CA1", "offer", "3")
        await house.floor.activate(replace(open_now, status=Status.STANDING_DOWN))
        assert house.floor.board.promise(clock.now()) is None
        await house.floor.activate(None)
        await house.settled()
        assert house.texts.sent[-1][2] is Word.LIFTED
        record = house.floor.record(contact_id)
        assert record is not None and record.contact.activation_id == "s1"
        house.floor._scribe._behind.clear()  # its activation is in no table here


async def test_somebody_told_wrong_is_called_back(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        contact_id = house.wait_in_line("CA1")
        await house.floor.call_back([contact_id, "nobody"], "the time was wrong")
        await house.floor.call_back([contact_id], "the time was wrong")
        again = [one for one in house.floor.board.books.callbacks.values() if one.contact_id != contact_id]
        assert len(again) == 1 and again[0].state is State.HOLDING
        assert standing(house, again[0].contact_id) is Standing.CALLBACK
        assert isinstance(house.talk, Conversation) and AIR.activation_id is None


async def test_a_turn_that_no_database_takes_costs_its_neighbours_nothing(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    nowhere = Activation(activation_id="gone", runbook="r", title="t", status=Status.OPEN, made_by="a1", made_at=NOON)
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        house.ring("CA1")
        await house.floor.activate(nowhere)
        house.ring("CA2", "+15035550152")
        await house.floor.activate(None)
        house.ring("CA3", "+15035550153")
        await house.floor.flush()
        rows = store.read_now(lambda conn: sorted(conn.scalars(select(ContactRow.provider_id))))
    assert rows == ["CA1", "CA3"]


class Closed(FakePhone):
    """Does not know us at first."""

    async def open(self) -> None:
        if not self.known:
            raise Misconfigured("check the token")
        await FakePhone.open(self)


async def test_a_telephone_that_does_not_work_stops_no_desk_and_is_tried_again(
    store: Database, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    letter = Letter(contact_id="", way=Way.WEB, language="en", words="when?", at=NOON)
    phone = Closed()
    async with a_floor(store, clock, tmp_path / "floor.journal", phone) as house:
        assert "check the token" in caplog.text and phone.opened == 0
        await house.floor.set_state("desk", AgentState.READY)
        assert await house.floor.offer(letter, "form 1") == await house.floor.take_next("desk")
        phone.known = [LiveCall(call_sid="CA0", status="completed", to="", from_="", began_at=None)]
        await house.floor._reconcile()
        assert phone.opened == 1
    assert phone.opened == 0


async def test_a_promise_that_was_spoken_is_kept_although_the_contact_had_ended(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        contact_id = house.wait_in_line("CA1")
        house.floor.say(house.floor.board.failed_over(contact_id, clock.now()))
        house.press("CA1", "offer", "3")
        (callback,) = house.floor.board.books.callbacks.values()
        assert callback.state is State.HOLDING and callback.contact_id != contact_id


async def test_a_lead_may_end_the_callbacks_that_keep_a_stand_down_open(
    store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        house.wait_in_line("CA1")
        house.press("CA1", "offer", "3")
        assert not house.floor.board.is_empty
        await house.floor.lift()
        await house.settled()
        assert house.floor.board.is_empty and house.texts.sent[-1][2] is Word.LIFTED
        assert store.read_now(lambda conn: list(conn.scalars(select(CallbackRow.state)))) == ["expired"]
