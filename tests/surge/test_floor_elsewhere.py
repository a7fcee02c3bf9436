"""The floor on another machine: rebuilt from what the database has, and whoever had it before writes nothing any more."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from channels.calls import LiveCall
from notify.clock import ManualClock
from notify.db import Database
from surge.contact import Standing
from surge.floor import contacts
from surge.floor.floor import Parts
from surge.floor.journal import Kept, read
from surge.floor.seats import AgentState
from surge.tables import ContactRow
from tests.surge.phone_fake import FakePhone, House, a_floor, crash, staff, standing
from tests.surge.voice_factory import NOON, portland


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on PostgreSQL, where several processes use one database."""
    monkeypatch.setattr(Parts, "shared", True)
    yield


@pytest.fixture
def city(store: Database) -> Database:
    store.write_now(staff)
    return store


async def three_wait(house: House) -> list[str]:
    """Somebody is at the desk and has not answered; three callers wait."""
    await house.floor.set_state("a1", AgentState.READY)
    found = [house.wait_in_line(f"CA{number}", f"+1503555014{number}") for number in range(3)]
    await house.floor.flush()
    return found


def seq_of(house: House, contact_id: str) -> int:
    place = house.floor.board.books.records[contact_id].place
    assert place is not None
    return place.seq


def provider_ids(city: Database) -> set[str | None]:
    return set(city.read_now(lambda conn: conn.scalars(select(ContactRow.provider_id)).all()))


async def test_another_machine_goes_on_with_the_same_callers_at_the_same_places(city: Database, tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with a_floor(city, clock, tmp_path / "a" / "floor.journal") as here:
        waiting = await three_wait(here)
        places = {one: here.floor.board.books.records[one].place for one in waiting}
        await crash(here.floor)
        async with a_floor(city, clock, tmp_path / "b" / "floor.journal") as there:
            books = there.floor.board.books
            assert {one: books.records[one].place for one in waiting} == places
            assert [standing(there, one) for one in waiting].count(Standing.QUEUEING) >= 2
            assert {"CA0", "CA1", "CA2"} <= there.floor.calls.keys(), "how far each call was in its menu"
            late = there.wait_in_line("CA9", "+15035550149")
            assert seq_of(there, late) > max(place.seq for place in places.values() if place is not None)
            await there.floor.flush()
        known = Kept()
        assert list(read(tmp_path / "b" / "floor.journal", known)) and known.after, "it says which journal it follows"


async def test_calls_that_reached_nobody_between_two_machines_are_looked_for(city: Database, tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with a_floor(city, clock, tmp_path / "a" / "floor.journal") as here:
        await three_wait(here)
        await crash(here.floor)
        died, phone = clock.now(), FakePhone()
        clock.forward(timedelta(minutes=2))
        phone.known = [
            LiveCall(
                call_sid="CA8",
                status="completed",
                to=portland().number,
                from_="+15035550148",
                began_at=died + timedelta(seconds=30),
                is_inbound=True,
            )
        ]
        async with a_floor(city, clock, tmp_path / "b" / "floor.journal", phone) as there:
            await there.floor._reconcile()
            standings = [one.standing for one in there.floor.contacts()]
            assert standings.count(Standing.FAILED_OVER) == 1


async def test_a_process_that_froze_is_superseded_and_writes_nothing(city: Database, tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with a_floor(city, clock, tmp_path / "a" / "floor.journal") as frozen:
        await three_wait(frozen)
        async with a_floor(city, clock, tmp_path / "b" / "floor.journal") as there:
            before = city.read_now(contacts.position)
            frozen.wait_in_line("CA7", "+15035550147")
            with suppress(contacts.Superseded):  # unless its own scribe came first, and has given up
                await frozen.floor.flush()
            assert city.read_now(contacts.position) == before
            assert "CA7" not in provider_ids(city)
            there.wait_in_line("CA8", "+15035550148")
            await there.floor.flush()


async def test_a_floor_on_the_same_machine_goes_on_with_its_own_file_which_has_more(city: Database, tmp_path: Path) -> None:
    clock, path = ManualClock(NOON), tmp_path / "floor.journal"
    async with a_floor(city, clock, path) as here:
        await three_wait(here)
        last = here.wait_in_line("CA7", "+15035550147")  # in the file, and not in the database yet
        await crash(here.floor)
        async with a_floor(city, clock, path) as again:
            assert again.floor.record(last) is not None
            await again.floor.flush()


async def test_a_new_journal_that_the_database_has_not_heard_of_is_still_its_own(city: Database, tmp_path: Path) -> None:
    """A power cut between the new file and its first batch."""
    clock, path = ManualClock(NOON), tmp_path / "floor.journal"
    async with a_floor(city, clock, path) as here:
        waiting = await three_wait(here)
        here.floor._scribe.renew(here.floor.everything())
        last = here.wait_in_line("CA7", "+15035550147")
        await crash(here.floor)
        async with a_floor(city, clock, path) as again:
            assert all(again.floor.record(one) is not None for one in (*waiting, last))
