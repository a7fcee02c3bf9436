import asyncio
import random
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from channels.base import Handed, Receipt, Retry, Unknown
from notify.alerts import register
from notify.alerts.alert import Event, Stage
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import leases, ledger, planning
from notify.sending.planning import Audience, Groups, Planner
from notify.tables import EventRow
from tests.notify.incident_factory import LANGUAGES, Incident


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    return Incident(db, clock)


async def test_an_update_speaks_to_three_audiences_and_an_all_clear_to_everybody_told(incident: Incident) -> None:
    people = incident.people(12)
    first = incident.countdown(1, Stage.FIRST, people[:8])
    await incident.start(first)
    assert incident.wordings(first) == {"first": set(people[:8])}
    incident.hand_over(first, people[:6])

    update = incident.countdown(2, Stage.UPDATE, people[4:12])
    await incident.start(update)
    assert incident.wordings(update) == {
        "update": set(people[4:6]),
        "first": set(people[6:12]),
        "outside": set(people[:4]),
    }
    assert {state for _, state in incident.rows(first).values()} == {"handed", "withdrawn"}
    incident.hand_over(update, people[:9])

    clear = incident.countdown(3, Stage.ALL_CLEAR, people)
    await incident.start(clear)
    assert incident.wordings(clear) == {"all_clear": set(people[:9])}


async def test_people_whose_call_is_under_way_are_decided_when_it_has_ended(incident: Incident) -> None:
    people = incident.people(4)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    handed, refused, doubtful, back = incident.claimed(first)
    update = incident.countdown(2, Stage.UPDATE, people)
    starting = asyncio.create_task(incident.start(update))
    async with asyncio.timeout(60):
        while incident.event(update).status != "sending":
            await asyncio.sleep(0.01)
    assert incident.rows(update) == {}
    for row, outcome in ((handed, Handed("SM1")), (doubtful, Unknown("cut")), (back, Retry(timedelta(0)))):
        result = [(row, Receipt(row.delivery_id, outcome))]
        incident.db.write_now(lambda conn, result=result: ledger.record(conn, result, now=incident.clock.now()))  # type: ignore[misc]
    incident.clock.forward(timedelta(seconds=9))  # the last one's sender has died
    incident.db.write_now(lambda conn: leases.release_expired(conn, now=incident.clock.now()))
    await starting
    told = {handed.address_id, doubtful.address_id, refused.address_id}
    assert incident.wordings(update) == {"update": told, "first": {back.address_id}}


async def test_those_a_renewal_told_get_the_all_clear_that_was_approved_before_it(incident: Incident) -> None:
    people = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, people[:1])
    await incident.start(first)
    incident.hand_over(first)
    clear = incident.countdown(2, Stage.ALL_CLEAR, people)  # approved, its countdown still runs
    renewal = incident.countdown(3, Stage.RENEWAL, people)
    await incident.start(renewal)
    incident.hand_over(renewal)
    incident.clock.forward(timedelta(seconds=1))
    await incident.start(clear)
    assert incident.wordings(clear) == {"all_clear": set(people)}


class Cut(Exception):
    """The process dies here."""


@pytest.mark.parametrize("survives", [0, 1, 2, 3])
async def test_a_plan_cut_off_after_any_chunk_and_repeated_has_everybody_once(
    incident: Incident, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    monkeypatch.setattr(planning, "FIRST_CHUNK", 4)
    monkeypatch.setattr(planning, "CHUNK", 10)
    people = incident.people(25)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    incident.db.write_now(lambda conn: conn.execute(text("DELETE FROM delivery")))
    real, done = ledger.plan, 0

    def plan(*given: Any) -> int:
        nonlocal done
        if done == survives:
            raise Cut
        done += 1
        return real(*given)

    planner, row = Planner(incident.db, incident.clock, incident.choosing), incident.row(first)
    event = incident.db.read_now(lambda conn: register.frozen(conn, first))
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "plan", plan)
        if survives < 4:
            with pytest.raises(Cut):
                await planner.plan(row, event)
    assert len(incident.rows(first)) == (0, 4, 14, 24)[survives]
    await planner.plan(row, event)
    await planner.plan(row, event)
    assert sorted(incident.rows(first)) == people


async def test_planning_ends_with_a_stop_and_leaves_no_row_behind(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "FIRST_CHUNK", 5)
    monkeypatch.setattr(planning, "CHUNK", 5)
    people = incident.people(30)
    first = incident.countdown(1, Stage.FIRST, people)
    real = ledger.plan

    def plan(conn: Any, *given: Any) -> int:
        if conn.execute(text("SELECT COUNT(*) FROM delivery")).scalar_one() == 10:
            conn.execute(text("UPDATE event SET status = 'stopped'"))
        return real(conn, *given)

    monkeypatch.setattr(ledger, "plan", plan)
    await incident.start(first)
    conductor = incident.conductor()
    await conductor.settle()
    assert len(incident.rows(first)) == 15
    assert {state for _, state in incident.rows(first).values()} == {"withdrawn"}
    assert incident.event(first).done_at is not None


async def test_languages_advance_together(incident: Incident) -> None:
    people = incident.people(90)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    order = list(incident.rows(first))
    for start in range(0, 90, 9):
        groups = [address_id % 3 for address_id in order[start : start + 9]]
        assert {groups.count(group) for group in range(3)} == {3}


async def test_whom_an_event_left_out_is_noted_once(incident: Incident) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(1))
    await incident.start(first)
    await incident.start(first)
    found = incident.db.read_now(lambda conn: conn.execute(text("SELECT reason, people FROM skip")).all())
    assert [tuple(row) for row in found] == [("stopped", 2)]


class Numbered:
    """Numbers each language on a channel as they come."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], int] = {}

    async def choose(self, event: Event) -> Audience:
        raise AssertionError("nobody is chosen anew where languages are only numbered")

    def group(self, channel: str, language: str) -> int:
        return self.known.setdefault((channel, language), len(self.known))


STANDS = ("planned", "claimed", "handed", "delivered", "unknown", "refused", "withdrawn")
TONGUES = ("zh-Hant", "zh", "en", "a-en", "t")  # some are a part of another one's name


def said_at_random(chance: random.Random, events: list[str], people: list[int]) -> list[dict[str, Any]]:
    """Rows of some of these people in each event; somebody told "outside" may hear a second word."""
    rows = []
    for event_id in events:
        for person in chance.sample(people, len(people) // 2):
            row = {"event_id": event_id, "address_id": person, "channel": ("sms", "email")[person % 2]}
            row["language"] = chance.choice(TONGUES)
            for word, wording in enumerate(chance.choice([["first"], ["outside"], ["outside", "first"]]), start=1):
                said = {"word": word, "wording": wording, "state": chance.choice(STANDS), "ambiguous": chance.random() < 0.2}
                rows.append({**row, **said})
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_how_everybody_stands_is_what_their_rows_say_read_one_by_one(incident: Incident, seed: int) -> None:
    chance = random.Random(seed)
    people = incident.people(200)
    events = [incident.countdown(number, Stage.FIRST, []) for number in (1, 2, 3)]
    rows = said_at_random(chance, events, people)
    chance.shuffle(rows)
    insert = text("""
        INSERT INTO delivery (event_id, address_id, channel, language, wording, word, priority, state, fence, attempts,
                              ambiguous, planned_at)
        VALUES (:event_id, :address_id, :channel, :language, :wording, :word, 3, :state, 0, 0, :ambiguous, 0)""")
    incident.db.write_now(lambda conn: conn.execute(insert, rows))
    began = text("UPDATE event SET started_at = approved_at WHERE event_id = :id")
    incident.db.write_now(lambda conn: [conn.execute(began, {"id": event_id}) for event_id in events])

    stands: dict[int, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["event_id"], row["word"])):
        if row["state"] in ("claimed", "handed", "delivered", "unknown") or row["ambiguous"]:
            stood = stands.setdefault(row["address_id"], {"open": False, "outside": None})
            stood["kind"] = (row["channel"], row["language"])
            if row["state"] == "claimed":
                stood["open"] = True
            else:
                stood["outside"] = row["wording"] == "outside"

    choosing, now = Numbered(), EventRow(**(incident.row(events[-1]).model_dump() | {"event_id": ""}))
    told, groups = incident.db.read_now(lambda conn: planning.told_so_far(conn, now, choosing))
    assert told.open.tolist() == sorted(one for one, stood in stands.items() if stood["open"])
    for ids, outside in ((told.inside, False), (told.outside, True)):
        settled = [one for one, stood in stands.items() if not stood["open"] and stood["outside"] is outside]
        assert ids.tolist() == sorted(settled)
    assert dict(groups) == {one: choosing.known[stood["kind"]] for one, stood in stands.items()}


async def test_somebody_told_in_a_new_language_between_two_questions_is_not_overlooked(
    incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    incident.hand_over(first)
    kinds = "UPDATE delivery SET language = CASE address_id WHEN :one THEN :language ELSE 'en' END"
    incident.db.write_now(lambda conn: conn.execute(text(kinds), {"one": people[0], "language": "en"}))
    listed = planning._listed

    def change(words: Collection[str]) -> str:
        incident.db.write_now(lambda conn: conn.execute(text(kinds), {"one": people[0], "language": "vi"}))
        return listed(words)

    monkeypatch.setattr(planning, "_listed", change)
    now = EventRow(**(incident.row(first).model_dump() | {"event_id": ""}))
    told, groups = incident.db.read_now(lambda conn: planning.told_so_far(conn, now, incident.choosing))
    assert told.inside.tolist() == people
    assert groups[people[0]] in (LANGUAGES.index("en"), LANGUAGES.index("vi"))  # as they stood at one moment or the other


@given(st.dictionaries(st.integers(1, 50), st.integers(0, 5)), st.lists(st.integers(1, 60), max_size=20))
def test_groups_answer_as_a_dict_would(known: dict[int, int], asked: list[int]) -> None:
    ids = sorted(known)
    groups = Groups(np.array(ids, np.int64), np.array([known[one] for one in ids], np.int64))
    assert dict(groups) == known
    people = np.array(asked, np.int64)
    assert groups.of(people, np.full(len(people), -1, np.int64)).tolist() == [known.get(one, -1) for one in asked]
