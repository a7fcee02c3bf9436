"""An agent brings the emergency centre into their call: who is rung, who stays on, and what happens when nobody answers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from notify.clock import ManualClock
from notify.db import Database
from surge.contact import Standing
from surge.floor.seats import AgentState
from surge.floor.summons import State
from tests.surge.phone_fake import FakePhone, House, a_floor, crash, staff, standing, talk
from tests.surge.voice_factory import NOON, portland, said

BASE = "https://city.example.gov/voice"
TO_NO_CENTRE = ("CA1", f"{BASE}/said/no-centre")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest_asyncio.fixture
async def house(store: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[House]:
    store.write_now(staff)
    async with a_floor(store, clock, tmp_path / "floor.journal") as found:
        yield found


def far(house: House, contact_id: str) -> State:
    handed = house.floor.handed(contact_id)
    assert handed is not None
    return handed.state


async def summoned(house: House) -> str:
    """From the ring to the call to the centre."""
    contact_id = await talk(house, "CA1", "a1")
    await house.floor.summon("a1", contact_id)
    await house.settled()
    return contact_id


async def test_the_centres_ten_digit_line_is_rung_for_15_seconds_and_joins_the_two(house: House) -> None:
    contact_id = await summoned(house)
    rung = house.phone.rung[-1]
    assert rung.to == portland().emergency_line and rung.ring_s == 15 and rung.url == f"{BASE}/centre/{contact_id}"
    assert far(house, contact_id) is State.RINGING
    heard = house.talk.centre(contact_id, {"CallSid": "CAout2"})
    assert contact_id.encode() in heard and b'endConferenceOnExit="false"' in heard
    assert far(house, contact_id) is State.THERE and standing(house, contact_id) is Standing.TALKING


async def test_the_agent_sees_the_number_and_the_place_to_read_out(house: House) -> None:
    contact_id = await talk(house, "CA1", "a1")
    house.floor.say(house.floor.board.speaks(contact_id, "en", "97206", house.floor.now()))
    assert house.floor.handed(contact_id) is None
    await house.floor.summon("a1", contact_id)
    handed = house.floor.handed(contact_id)
    assert handed and (handed.number, handed.area) == ("+15035550142", "97206")


@pytest.mark.parametrize("status", ["no-answer", "busy", "failed", "canceled", "completed"])
async def test_where_the_centre_does_not_answer_the_caller_is_told_to_dial_911(house: House, status: str) -> None:
    contact_id = await summoned(house)
    house.talk.status({"CallSid": "CAout2", "CallStatus": status}, {"centre": contact_id})
    await house.settled()
    assert house.phone.sent[-1] == TO_NO_CENTRE and far(house, contact_id) is State.MISSED
    heard = house.press("CA1", "no-centre")
    assert "9 1 1" in said(heard) and b"Hangup" in heard
    assert standing(house, contact_id) is Standing.EMERGENCY_OUT


async def test_15_seconds_are_the_most_whatever_the_provider_says(house: House, clock: ManualClock) -> None:
    contact_id = await summoned(house)
    clock.forward(timedelta(seconds=14))
    house.floor.say(house.floor.board.tick(clock.now()))
    assert far(house, contact_id) is State.RINGING
    clock.forward(timedelta(seconds=1))
    house.floor.say(house.floor.board.tick(clock.now()))
    await house.settled()
    assert house.phone.sent[-1] == TO_NO_CENTRE and house.phone.hung_up == ["CAout2"]
    assert contact_id.encode() not in house.talk.centre(contact_id, {"CallSid": "CAout2"})  # answers in the 16th


async def test_a_provider_who_takes_no_call_leaves_nobody_waiting(house: House) -> None:
    contact_id = await talk(house, "CA1", "a1")
    house.phone.refuses = True
    await house.floor.summon("a1", contact_id)
    await house.settled()
    assert house.phone.sent[-1] == TO_NO_CENTRE and far(house, contact_id) is State.MISSED


async def test_where_the_caller_cannot_be_told_by_us_staff_are(house: House, caplog: pytest.LogCaptureFixture) -> None:
    contact_id = await summoned(house)
    house.phone.away = True
    with caplog.at_level("INFO"):
        house.talk.status({"CallSid": "CAout2", "CallStatus": "no-answer"}, {"centre": contact_id})
        await house.settled()
    assert "their agent must say to dial 911" in caplog.text


async def test_who_has_called_the_centre_cannot_end_the_call_under_it_and_may_afterwards(house: House) -> None:
    contact_id = await summoned(house)
    for _ in range(2):
        with pytest.raises(ValueError, match="stay on until"):
            await house.floor.finish("a1", contact_id, "emergency")
        house.talk.centre(contact_id, {"CallSid": "CAout2"})
    house.talk.status({"CallSid": "CAout2", "CallStatus": "completed"}, {"centre": contact_id})
    assert far(house, contact_id) is State.OVER and house.phone.sent[-1] != TO_NO_CENTRE
    await house.floor.finish("a1", contact_id, "emergency")
    assert standing(house, contact_id) is Standing.DONE


async def test_a_caller_whose_agent_falls_out_goes_on_to_the_centre_alone(house: House) -> None:
    contact_id = await summoned(house)
    house.talk.centre(contact_id, {"CallSid": "CAout2"})
    heard = house.talk.dialed("bridge", {"CallSid": "CA1", "DialCallStatus": "completed"})
    assert portland().emergency_line.encode() in heard


async def test_a_caller_who_hangs_up_first_leaves_no_centre_ringing(house: House, clock: ManualClock) -> None:
    contact_id = await summoned(house)
    house.talk.status({"CallSid": "CA1", "CallStatus": "completed"}, {})
    house.floor.say(house.floor.board.tick(clock.now()))
    await house.settled()
    assert "CAout2" in house.phone.hung_up and far(house, contact_id) is State.OVER
    assert house.phone.sent[-1] != TO_NO_CENTRE


async def test_only_whoever_talks_to_them_calls_the_centre_and_once(house: House) -> None:
    waits = house.wait_in_line("CA9", "+15035550149")
    for agent in ("a1", "a2", "nobody"):
        with pytest.raises(ValueError, match="talk to nobody"):
            await house.floor.summon(agent, waits)
    house.talk.status({"CallSid": "CA9", "CallStatus": "completed"}, {})
    contact_id = await summoned(house)
    with pytest.raises(ValueError, match="called already"):
        await house.floor.summon("a1", contact_id)
    assert [one.to for one in house.phone.rung].count(portland().emergency_line) == 1


async def test_after_a_crash_the_caller_is_told_as_well(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    store.write_now(staff)
    phone, journal = FakePhone(), tmp_path / "floor.journal"
    async with a_floor(store, clock, journal, phone) as house:
        contact_id = await summoned(house)
        await crash(house.floor)
        async with a_floor(store, clock, journal, phone) as again:
            clock.forward(timedelta(seconds=20))
            again.floor.say(again.floor.board.tick(clock.now()))
            await again.settled()
            assert phone.sent[-1] == TO_NO_CENTRE and phone.hung_up == ["CAout2"]
            assert far(again, contact_id) is State.MISSED
            assert again.floor.state_of("a1") is AgentState.TALKING
