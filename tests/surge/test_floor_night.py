"""Sunday, three in the morning, nobody at the desks, 500 callers: each ends with what to do or with a dated promise."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from notify.clock import ManualClock
from notify.db import Database
from surge.contact import TERMINAL, Standing
from surge.floor.callback import State
from surge.floor.orders import Word
from surge.numbers import measures
from tests.surge.phone_fake import AIR, House, a_floor
from tests.surge.voice_factory import SUNDAY_3_AM, portland

CALLERS = 500
CREW = 20


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SUNDAY_3_AM)


def call(house: House, number: int, chance: random.Random) -> None:
    """Somebody calls, presses what comes to mind, and hangs up sooner or later."""
    sid = f"CA{number}"
    house.ring(sid, f"+1503555{number:04}")
    for _ in range(chance.randrange(1, 9)):
        step = house.floor.calls[sid].step
        keys = ["", "0", "1", "3", "3", "5"] if step.value in {"offer", "menu"} else ["", "0", "1"]
        if step.value == "partner":
            status = chance.choice(["completed", "no-answer"])
            house.talk.dialed("partner", {"CallSid": sid, "DialCallStatus": status, "DialCallDuration": "60"})
        elif step.value == "voicemail":
            house.talk.recorded({"CallSid": sid, "RecordingUrl": f"https://record.example.gov/{number}"})
        else:
            house.press(sid, step.value, chance.choice(keys))
    if house.floor.calls[sid].step.value == "partner" and not house.floor.calls[sid].settled:
        house.talk.dialed("partner", {"CallSid": sid, "DialCallStatus": "completed", "DialCallDuration": "60"})
    house.talk.status({"CallSid": sid, "CallStatus": "completed"}, {})


async def test_at_night_nobody_waits_for_nobody(store: Database, clock: ManualClock, tmp_path: Path) -> None:
    chance = random.Random(311)
    async with a_floor(store, clock, tmp_path / "floor.journal") as house:
        house.floor.air = replace(AIR, activation_id="a1")
        house.floor.board.books.rules = replace(house.floor.board.books.rules, crew=CREW)
        for number in range(CALLERS):
            clock.forward(timedelta(seconds=2))
            call(house, number, chance)
        await house.settled()
        contacts = [one for one in house.floor.contacts() if one.way == "voice"]
        assert len(contacts) == CALLERS and all(one.standing in TERMINAL for one in contacts)
        assert measures.counts(house.floor.contacts()).problems() == []
        ends = Counter(one.standing for one in contacts)
        informed = {Standing.CALLBACK, Standing.SELF_SERVED, Standing.DEFLECTED, Standing.BLOCKED, Standing.OVERFLOWED}
        assert set(ends) <= informed | {Standing.TIMED_OUT, Standing.ABANDONED}
        late = [one for one in contacts if one.standing in {Standing.TIMED_OUT, Standing.ABANDONED}]
        assert all(house.floor.board.books.records[one.contact_id].forwards for one in late), "the partner did not answer"
        opens = portland().hours.opens(clock.now())
        assert opens is not None and opens - clock.now() > timedelta(hours=24), "the next day with somebody there is Monday"
        for callback in house.floor.board.books.callbacks.values():
            assert callback.state is State.HOLDING and opens < callback.promise.begins < opens + timedelta(hours=10)
        promised = sum(what is Word.PROMISE for _, _, what in house.texts.sent)
        assert promised == ends[Standing.CALLBACK] > 20
