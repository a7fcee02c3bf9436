"""Prompts recorded by telephone: who is called, what comes twice, late or wrong, and who may let callers hear it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import Misconfigured
from channels.calls import NotPlaced, Outcome, Ring, Unsure
from channels.twilio_recordings import TooLarge
from notify import audit
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.clock import ManualClock
from notify.db import Database
from surge.recorded import recorded_rows, session, takes
from surge.recorded.recorder import CALLS_AN_HOUR
from surge.recorded.studio import Studio
from surge.recorded.takes import FOLLOWS, State, Take
from surge.voice.twiml import write
from surge.voice.verbs import Document
from tests.notify.at_once import at_once
from tests.surge.phone_fake import FakePhone
from tests.surge.studio_factory import (
    ONLOOKER,
    PHONES,
    SECOND,
    SOMALI,
    SPEAKER,
    a_studio,
    a_wav,
    changed,
    refuse,
    release,
    staffed,
)
from tests.surge.twiml_rules import broken
from tests.surge.voice_factory import NOON

WAY_OUT, HOLD = "voice.way_out", "voice.hold"


@dataclass(slots=True)
class Provider(FakePhone):
    """Keeps recordings by name; `faults` are raised first, one a fetch."""

    kept: dict[str, bytes] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)

    async def ring(self, ring: Ring) -> Outcome:
        placed = await FakePhone.ring(self, ring)
        return self.answers.pop(0) if self.answers else placed

    async def recording(self, name: str, most_bytes: int) -> bytes:
        self.fetched.append(name)
        if self.faults:
            raise self.faults.pop(0)
        if name not in self.kept:
            raise ConnectionError("HTTP 404")
        return self.kept[name]


@dataclass(slots=True)
class Room:
    studio: Studio
    phone: Provider
    clock: ManualClock
    db: Database

    async def call(self, *keys: str) -> str:
        return (await self.studio.recorder.order(SPEAKER, SOMALI, keys or (WAY_OUT,))).call_id

    async def spoken(self, call_id: str, turn: int, body: bytes, ref: str = "") -> Document:
        """Somebody speaks, and the provider stores it."""
        ref = ref or f"RE{call_id}{turn}"
        self.phone.kept[ref] = body
        await self.studio.recorder.said(call_id, turn, ref)
        await self.studio.recorder.stored(call_id, turn, ref, "completed")
        return await self.studio.recorder.hear(call_id, turn, 1)

    async def kept(self, *keys: str, body: bytes = b"") -> Take:
        """The last of these prompts, recorded and kept."""
        call_id = await self.call(*keys)
        for turn in range(max(1, len(keys))):
            await self.spoken(call_id, turn, body or a_wav(1.0, 300 + turn))
            await self.studio.recorder.key(call_id, turn, 0, "1")
        await self.studio.recorder.over(call_id, "completed")
        return (await self.takes(call_id))[-1]

    async def takes(self, call_id: str) -> list[Take]:
        return await self.db.read(lambda conn: recorded_rows.of_call(conn, call_id))

    async def states(self, call_id: str) -> list[State]:
        return [one.state for one in await self.takes(call_id)]

    async def acts(self) -> list[str]:
        return [line.action for line in await self.db.read(audit.lines)]


def a_room(db: Database, clock: ManualClock) -> Room:
    phone = Provider()
    return Room(studio=a_studio(db, clock, phone), phone=phone, clock=clock, db=db)


@pytest.fixture
def room(db: Database) -> Room:
    db.write_now(staffed)
    return a_room(db, ManualClock(NOON))


def tags(document: Document) -> list[str]:
    written = write(document)
    assert broken(written) == []
    return [verb.tag for verb in ElementTree.fromstring(written).iter()][1:]


async def test_only_the_confirmed_telephone_of_whoever_asks_is_called(room: Room) -> None:
    call_id = await room.call(WAY_OUT, HOLD)
    (ring,) = room.phone.rung
    assert ring.to == PHONES["speaker"] and call_id in ring.url and call_id in ring.status_url
    assert len(call_id) == 32 and not ring.hears_machines
    with pytest.raises(Unfit, match="goes on already"):
        await room.call()
    await room.studio.recorder.over(call_id, "completed")
    with pytest.raises(NotAllowed):
        await room.studio.recorder.order(ONLOOKER, SOMALI, [WAY_OUT])
    assert len(room.phone.rung) == 1


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_whoever_asks_twice_at_once_is_called_once(room: Room) -> None:
    first, second = await at_once(room.db, room.call, room.call)
    assert isinstance(first, str) and isinstance(second, Unfit) and "goes on already" in str(second)
    assert len(room.phone.rung) == 1


async def test_everything_that_is_wrong_with_an_order_is_said_at_once(room: Room) -> None:
    room.db.write_now(lambda conn: conn.exec_driver_sql("DELETE FROM staff_contact"))
    with pytest.raises(Unfit) as refused:
        await room.studio.recorder.order(SPEAKER, SOMALI, ["voice.wait", "nonsense"])
    said = " ".join(refused.value.problems)
    assert "voice.wait" in said and "nonsense" in said and "at least one prompt" in said and "no confirmed telephone" in said
    assert room.phone.rung == []
    with pytest.raises(Unfit, match="no telephone here"):
        await a_studio(room.db, room.clock, None).recorder.order(SPEAKER, SOMALI, [WAY_OUT])


async def test_nobody_is_called_without_end(room: Room) -> None:
    for _ in range(CALLS_AN_HOUR):
        await room.studio.recorder.over(await room.call(), "completed")
    with pytest.raises(Unfit, match="within an hour"):
        await room.call()
    room.clock.forward(timedelta(hours=1))
    assert await room.call()


@pytest.mark.parametrize("outcome", [NotPlaced("Twilio refused."), Unsure("timeout")])
async def test_a_call_that_was_not_placed_is_never_made_again_by_itself(room: Room, outcome: Outcome) -> None:
    room.phone.answers = [outcome]
    if isinstance(outcome, NotPlaced):
        with pytest.raises(Unfit, match="Twilio refused"):
            await room.call()
        assert await room.call(), "and nothing stands in the way of another one"
    else:
        await room.call()
        with pytest.raises(Unfit, match="goes on already"):
            await room.call()
        room.clock.forward(timedelta(minutes=31))
        assert await room.call()
    assert len(room.phone.rung) == 2


async def test_it_is_heard_again_recorded_anew_and_kept_and_the_next_prompt_follows(room: Room) -> None:
    call_id, recorder = await room.call(WAY_OUT, HOLD), room.studio.recorder
    assert tags(await recorder.ask(call_id, 0, 0)) == ["Record", "Redirect"]
    assert tags(await room.spoken(call_id, 0, a_wav(1.0))) == ["Gather", "Play", "Redirect"]
    assert tags(await recorder.key(call_id, 0, 1, "2")) == ["Gather", "Play", "Redirect"]
    assert tags(await recorder.key(call_id, 0, 2, "7")) == ["Gather", "Play", "Redirect"], "no key of ours: it is heard again"
    assert tags(await recorder.key(call_id, 0, 3, "3")) == ["Record", "Redirect"]
    await room.spoken(call_id, 1, a_wav(2.0))
    assert tags(await recorder.key(call_id, 1, 1, "1")) == ["Record", "Redirect"]
    await room.spoken(call_id, 2, a_wav(3.0))
    assert tags(await recorder.key(call_id, 2, 1, "1")) == ["Hangup"]
    await recorder.over(call_id, "completed")
    found = await room.takes(call_id)
    assert [(one.key, one.state) for one in found] == [
        (WAY_OUT, State.DROPPED),
        (WAY_OUT, State.KEPT),
        (HOLD, State.KEPT),
    ]
    assert (await room.acts()).count("recorded a prompt") == 2


async def test_a_webhook_that_comes_twice_changes_nothing_and_is_answered_the_same(room: Room) -> None:
    call_id, recorder = await room.call(WAY_OUT, HOLD), room.studio.recorder
    first = await room.spoken(call_id, 0, a_wav(1.0))
    assert await room.spoken(call_id, 0, a_wav(1.0)) == first
    assert len(room.phone.fetched) == 1
    kept = [await recorder.key(call_id, 0, 1, "1") for _ in range(3)]
    assert kept[0] == kept[1] == kept[2] == session.ask(call_id, 1)
    assert await recorder.key(call_id, 0, 1, "3") == session.ask(call_id, 1), "kept is kept"
    assert await room.states(call_id) == [State.KEPT, State.ASKED]
    await room.spoken(call_id, 1, a_wav(1.0, 500))
    ends = [await recorder.key(call_id, 1, 1, "1") for _ in range(2)]
    assert tags(ends[0]) == tags(ends[1]) == ["Hangup"]
    assert (await room.acts()).count("recorded a prompt") == 2
    await recorder.over(call_id, "completed")
    await recorder.over(call_id, "completed")
    assert await room.states(call_id) == [State.KEPT, State.KEPT]


async def test_two_webhooks_at_once_are_one(room: Room) -> None:
    call_id, recorder = await room.call(WAY_OUT, HOLD), room.studio.recorder
    ref = f"RE{call_id}"
    room.phone.kept[ref] = a_wav(1.0)
    await asyncio.gather(*(recorder.stored(call_id, 0, ref, "completed") for _ in range(4)))
    answers = await asyncio.gather(*(recorder.key(call_id, 0, 0, "1") for _ in range(4)))
    assert {write(one) for one in answers} == {write(session.ask(call_id, 1))}
    assert await room.states(call_id) == [State.KEPT, State.ASKED]
    assert (await room.acts()).count("recorded a prompt") == 1


async def test_a_recording_that_is_not_there_yet_is_waited_for(room: Room) -> None:
    call_id, recorder = await room.call(), room.studio.recorder
    ref = f"RE{call_id}"
    await recorder.said(call_id, 0, ref)
    room.phone.faults = [ConnectionError("away"), ConnectionError("away")]
    await recorder.stored(call_id, 0, ref, "completed")
    assert tags(await recorder.hear(call_id, 0, 1)) == ["Pause", "Redirect"]
    room.phone.kept[ref] = a_wav(1.0)
    assert tags(await recorder.hear(call_id, 0, 2)) == ["Gather", "Play", "Redirect"]
    assert await room.states(call_id) == [State.HELD]


async def test_a_lost_word_of_the_provider_is_no_loss(room: Room) -> None:
    """The status callback never comes: what the end of the recording said is enough."""
    call_id, recorder = await room.call(), room.studio.recorder
    ref = f"RE{call_id}"
    room.phone.kept[ref] = a_wav(1.0)
    await recorder.said(call_id, 0, ref)
    assert tags(await recorder.hear(call_id, 0, 1)) == ["Gather", "Play", "Redirect"]


@pytest.mark.parametrize(
    ("fault", "body", "says"),
    [
        (TooLarge("The recording has more than 2,000,000 bytes."), b"", "more than 2,000,000"),
        (None, b"<html>sign in</html>", "neither WAV nor MP3"),
        (None, a_wav(0.05), "too short"),
        (None, a_wav(61), "takes 61 s"),
        (Misconfigured("no account"), b"", "does not let us fetch"),
    ],
)
async def test_what_cannot_be_used_is_said_and_the_beep_comes_again(
    room: Room, fault: Exception | None, body: bytes, says: str
) -> None:
    call_id = await room.call()
    room.phone.faults = [fault] if fault is not None else []
    assert await room.spoken(call_id, 0, body) == session.ask(call_id, 1)
    failed, again = await room.takes(call_id)
    assert failed.state is State.FAILED and says in failed.why and failed.sound_id is None
    assert (again.key, again.state) == (WAY_OUT, State.ASKED)


async def test_a_recording_that_the_provider_lost_is_recorded_anew(room: Room) -> None:
    call_id, recorder = await room.call(), room.studio.recorder
    await recorder.stored(call_id, 0, f"RE{call_id}", "failed")
    assert await recorder.hear(call_id, 0, 1) == session.ask(call_id, 1)


async def test_nobody_hears_what_was_not_kept(room: Room) -> None:
    call_id, recorder = await room.call(), room.studio.recorder
    await room.spoken(call_id, 0, a_wav(1.0))
    await recorder.over(call_id, "completed")
    assert await room.states(call_id) == [State.DROPPED]
    assert tags(await recorder.key(call_id, 0, 1, "1")) == ["Hangup"], "the key came after the end"
    assert await room.states(call_id) == [State.DROPPED]
    (one,) = await room.takes(call_id)
    assert one.sound_id is None
    assert room.db.read_now(lambda conn: conn.exec_driver_sql("SELECT COUNT(*) FROM sound").scalar_one()) == 0
    with pytest.raises(Unfit, match="is dropped"):
        await release(room.studio, SECOND, one.take_id, heard=True)


async def test_an_answering_machine_is_left_alone(room: Room) -> None:
    call_id, recorder = await room.call(), room.studio.recorder
    assert tags(await recorder.ask(call_id, 0, session.MOST_BEEPS)) == ["Hangup"]
    await room.spoken(call_id, 0, a_wav(5.0))
    assert tags(await recorder.hear(call_id, 0, session.MOST_LAPS)) == ["Hangup"]
    assert tags(await recorder.ask("0" * 32, 0, 0)) == ["Hangup"]


async def test_a_recording_of_another_call_is_not_taken_for_this_one(room: Room) -> None:
    first = await room.call()
    await room.spoken(first, 0, a_wav(1.0), ref="RE" + "a" * 32)
    await room.studio.recorder.over(first, "completed")
    second = await room.call()
    await room.studio.recorder.stored(second, 0, "RE" + "a" * 32, "completed")
    assert await room.states(second) == [State.ASKED]


async def test_what_is_dropped_is_erased_unless_somebody_kept_the_same_sound(room: Room) -> None:
    kept = await room.kept(body=a_wav(1.0))
    call_id = await room.call()
    await room.spoken(call_id, 0, a_wav(1.0))
    await room.studio.recorder.over(call_id, "completed")
    assert kept.sound_id is not None
    assert await room.studio.recorder.sound(kept.sound_id) is not None


# -- the second person --


async def test_callers_hear_it_only_after_somebody_else_has_heard_it(room: Room) -> None:
    one = await room.kept()
    speech = await room.db.read(room.studio.speaking.now)
    assert speech.recordings == {}
    with pytest.raises(Unfit, match="You recorded it"):
        await release(room.studio, SPEAKER, one.take_id, heard=True)
    with pytest.raises(Unfit, match="heard all of it"):
        await release(room.studio, SECOND, one.take_id, heard=False)
    with pytest.raises(NotAllowed):
        await release(room.studio, ONLOOKER, one.take_id, heard=True)
    assert (await room.db.read(room.studio.speaking.now)) is speech
    await release(room.studio, SECOND, one.take_id, heard=True)
    now = await room.db.read(room.studio.speaking.now)
    assert now.recordings == {SOMALI: {WAY_OUT: f"https://city.example.gov/voice/sound/{one.sound_id}.wav"}}
    with pytest.raises(Unfit, match="is released"):
        await release(room.studio, SECOND, one.take_id, heard=True)
    assert (await room.acts())[-1] == "released a recording"


async def test_another_process_sees_what_was_released_here(room: Room) -> None:
    other = a_room(room.db, room.clock)
    one = await room.kept()
    before = await room.db.read(other.studio.speaking.now)
    await release(room.studio, SECOND, one.take_id, heard=True)
    after = await room.db.read(other.studio.speaking.now)
    assert before.recordings == {} and after.recordings[SOMALI].keys() == {WAY_OUT}
    assert await room.db.read(other.studio.speaking.now) is after, "nothing has changed, and nothing is made anew"


async def test_changed_words_take_it_off_and_the_same_words_bring_it_back(room: Room) -> None:
    one = await room.kept()
    await release(room.studio, SECOND, one.take_id, heard=True)
    speaking = room.studio.speaking
    known = speaking.words
    for english, is_heard in ((changed(known, WAY_OUT, "In danger press 9."), False), (known, True)):
        speaking.words, speaking._kept = english, None
        assert (WAY_OUT in (await room.db.read(speaking.now)).recordings.get(SOMALI, {})) is is_heard
        refused = (await room.db.read(speaking.refusals))[SOMALI]
        assert any(sentence.startswith(f"{WAY_OUT} in Somali") for sentence in refused) is not is_heard


async def test_what_was_recorded_of_old_words_cannot_be_released(room: Room) -> None:
    one = await room.kept()
    room.studio.speaking.words = changed(room.studio.speaking.words, WAY_OUT, "In danger press 9.")
    with pytest.raises(Unfit, match="words have changed"):
        await release(room.studio, SECOND, one.take_id, heard=True)


async def test_a_new_one_takes_the_place_of_the_old_one(room: Room) -> None:
    old = await room.kept()
    await release(room.studio, SECOND, old.take_id, heard=True)
    new = await room.kept(body=a_wav(1.2, 900))
    await release(room.studio, SECOND, new.take_id, heard=True)
    found = {one.take_id: one.state for one in await room.db.read(lambda conn: recorded_rows.of_language(conn, SOMALI))}
    assert found == {old.take_id: State.WITHDRAWN, new.take_id: State.RELEASED}
    speech = await room.db.read(room.studio.speaking.now)
    assert str(new.sound_id) in speech.recordings[SOMALI][WAY_OUT]


async def test_it_is_refused_or_taken_off_by_one_person_with_a_reason(room: Room) -> None:
    one = await room.kept()
    with pytest.raises(Unfit, match="Say why"):
        await refuse(room.studio, SECOND, one.take_id, "  ")
    await refuse(room.studio, SECOND, one.take_id, "A dog barks.")
    with pytest.raises(Unfit, match="is refused"):
        await release(room.studio, SECOND, one.take_id, heard=True)
    other = await room.kept()
    await release(room.studio, SECOND, other.take_id, heard=True)
    await refuse(room.studio, SPEAKER, other.take_id, "A name is said wrong.")
    assert (await room.db.read(room.studio.speaking.now)).recordings == {}
    with pytest.raises(Unfit, match="is withdrawn already"):
        await refuse(room.studio, SPEAKER, other.take_id, "Again.")


async def test_two_people_who_release_at_once_release_it_once(room: Room) -> None:
    one = await room.kept()
    done = await asyncio.gather(
        *(release(room.studio, SECOND, one.take_id, heard=True) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, Take) for each in done) == 1
    assert (await room.acts()).count("released a recording") == 1


# -- anything in any order --


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("key"), st.integers(0, 3), st.sampled_from(["1", "2", "3", "", "9"])),
        st.tuples(st.just("stored"), st.integers(0, 3), st.sampled_from(["completed", "failed"])),
        st.tuples(st.just("said"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("hear"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("ask"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("over"), st.just(0), st.sampled_from(["completed", "no-answer"])),
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_webhooks_in_any_order_never_release_lose_or_move_a_take_backwards(
    peopled: Database, steps: list[tuple[str, int, str]]
) -> None:
    asyncio.run(_in_any_order(a_room(peopled, ManualClock(NOON)), steps))


@pytest.fixture
def peopled(store: Database) -> Database:
    store.write_now(staffed)
    return store


async def _in_any_order(room: Room, steps: list[tuple[str, int, str]]) -> None:
    room.db.write_now(lambda conn: conn.exec_driver_sql("DELETE FROM take"))
    room.db.write_now(lambda conn: conn.exec_driver_sql("DELETE FROM recording_call"))
    call_id, recorder = await room.call(WAY_OUT, HOLD), room.studio.recorder
    for turn in range(4):
        room.phone.kept[f"RE{call_id}{turn}"] = a_wav(0.5)
    before: dict[int, State] = {}
    for what, turn, given_ in steps:
        ref = f"RE{call_id}{turn}"
        match what:
            case "key":
                assert tags(await recorder.key(call_id, turn, 0, given_))
            case "stored":
                await recorder.stored(call_id, turn, ref, given_)
            case "said":
                assert tags(await recorder.said(call_id, turn, ref))
            case "hear":
                assert tags(await recorder.hear(call_id, turn, 0))
            case "ask":
                assert tags(await recorder.ask(call_id, turn, 0))
            case _:
                await recorder.over(call_id, given_)
        found = await room.takes(call_id)
        after = {one.turn: one.state for one in found}
        assert all(_leads(before.get(turn, State.ASKED), state) for turn, state in after.items())
        assert before.keys() <= after.keys() and list(after) == list(range(len(after)))
        assert all(one.sound_id for one in found if one.state in (State.HELD, State.KEPT))
        assert State.RELEASED not in after.values()
        kept = [one.key for one in found if one.state is State.KEPT]
        assert len(kept) == len(set(kept))
        before = after
    assert (await room.acts()).count("released a recording") == 0


def _leads(before: State, after: State) -> bool:
    """Whether a take may come from one state to the other, over others."""
    return before is after or any(_leads(one, after) for one in FOLLOWS.get(before, frozenset()))


def test_a_prompt_with_a_number_in_it_cannot_be_recorded(room: Room) -> None:
    keys = {line.key for line in room.studio.speaking.lines(SOMALI)}
    assert {"voice.way_out", "voice.greeting", takes.CHOOSE} <= keys
    assert not {"voice.wait", "voice.zip_inside", "voice.promise", "voice.choose_other"} & keys
