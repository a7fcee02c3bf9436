"""The loop guard: two machines must not talk to each other for ever. In the silence that follows nothing is answered, but a
person who writes in it is still listened to."""

from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from typing import Final

from subscribers.dialog.hearing import fold
from subscribers.dialog.intent import Kind, Reading
from subscribers.dialog.turn import Count, Heard, Memory, Turn

SAME: Final = 3  # identical texts within SAME_WITHIN: a machine talks to us
SAME_WITHIN: Final = timedelta(seconds=60)
MANY: Final = 15  # texts within MANY_WITHIN; one more is too many
MANY_WITHIN: Final = timedelta(minutes=10)
SILENCE: Final = timedelta(minutes=10)
NEVER_LOOPS: Final = frozenset({Kind.STOP, Kind.HELP, Kind.WRONG})


def counted(memory: Memory, heard: Heard, reading: Reading) -> Memory:
    """This text among those of the last minutes: when, and a hash too short to find an address by."""
    if reading.kind in NEVER_LOOPS:
        return memory
    mark = blake2b(fold(heard.text).encode(), digest_size=2).hexdigest()
    recent = [one for one in memory.recent if heard.at - one[0] <= MANY_WITHIN][-MANY:]
    return replace(memory, recent=(*recent, (heard.at, mark)))


def too_many(memory: Memory) -> bool:
    """Whether the last text counted is one too many."""
    *_, (at, mark) = memory.recent
    same = sum(1 for when, what in memory.recent if what == mark and at - when <= SAME_WITHIN)
    return same >= SAME or len(memory.recent) > MANY


def quiet(done: Turn, memory: Memory) -> Turn:
    """What a text asks for, done without a word: nothing is asked that nobody could read, nor counted. memory: as it was."""
    asked_for = tuple(act for act in done.acts if not isinstance(act, Count))
    wishes = done.memory
    kept = replace(memory, question=None, tongue=wishes.tongue, plain=wishes.plain, night=wishes.night)
    return Turn(memory=kept, acts=asked_for)
