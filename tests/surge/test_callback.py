from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.floor import callback
from surge.floor.callback import Callback, Capacity, NotThere, Promise, State
from surge.floor.queue import Place

NOON = datetime(2014, 5, 23, 19, tzinfo=UTC)  # in Portland
ZONE = ZoneInfo("America/Los_Angeles")
TODAY = Promise(begins=NOON - timedelta(hours=4), ends=NOON + timedelta(hours=6))


def a_callback(state: State = State.HOLDING, *, attempts: int = 0, told: bool = False) -> Callback:
    return Callback(
        callback_id="b1",
        contact_id="c1",
        place=Place(virtual=NOON, seq=1),
        asked_at=NOON,
        promise=Promise(begins=NOON + timedelta(minutes=20), ends=NOON + timedelta(minutes=40)),
        next_at=NOON,
        state=state,
        attempts=attempts,
        told=told,
    )


def capacity(*, before: int = 10, agents: int = 5, minutes: int = 5) -> Capacity:
    return Capacity(before=before, callbacks=0, agents=agents, handle=timedelta(minutes=minutes))


def test_a_callback_is_tried_three_times_with_longer_pauses_and_keeps_its_place() -> None:
    one, now, waits = a_callback(), NOON, []
    while one.state is State.HOLDING:
        now = max(now, one.next_at)
        dialing = callback.stands(callback.stands(one, State.DUE, now), State.DIALING, now)
        tried, one = callback.missed(dialing, State.NO_ANSWER, now)
        assert tried.state is State.NO_ANSWER
        waits.append(one.next_at - now)
    assert one.state is State.EXPIRED and one.attempts == 3 and one.ended_at == now
    assert waits[:2] == [timedelta(minutes=5), timedelta(minutes=15)]
    assert one.place == a_callback().place


def test_a_step_that_cannot_follow_is_refused() -> None:
    with pytest.raises(NotThere, match="it cannot become connected"):
        callback.stands(a_callback(), State.CONNECTED, NOON)


def test_a_callback_knows_when_its_resident_was_last_put_through() -> None:
    one, minute = a_callback(), timedelta(minutes=1)
    path = (State.DUE, State.DIALING, State.ANSWERED_HUMAN, State.CONNECTED, State.WAITING_AGENT, State.CONNECTED, State.DONE)
    for number, to in enumerate(path):
        one = callback.stands(one, to, NOON + number * minute)
    assert one.connected_at == NOON + 5 * minute and one.ended_at == NOON + 6 * minute
    assert callback.stands(a_callback(), State.DECLINED, NOON).connected_at is None


def test_nothing_follows_an_end() -> None:
    assert {State.DONE, State.DECLINED, State.EXPIRED, State.MERGED} == callback.TERMINAL


def test_nobody_is_dialled_after_the_promised_time_without_having_been_told() -> None:
    late = NOON + timedelta(minutes=41)
    assert callback.may_dial(a_callback(), NOON + timedelta(minutes=30), ZONE)
    assert not callback.may_dial(a_callback(), late, ZONE)
    assert callback.is_broken(a_callback(), late)
    assert callback.may_dial(a_callback(told=True), late, ZONE)
    assert callback.is_over(a_callback(told=True), late + timedelta(hours=1))


def test_nobody_is_dialled_at_night() -> None:
    night = NOON + timedelta(hours=9, minutes=1)
    promise = Promise(begins=night, ends=night + timedelta(hours=1))
    assert not callback.may_dial(replace(a_callback(), promise=promise), night, ZONE)


def test_a_promise_is_expected_time_to_half_as_much_again() -> None:
    promise = callback.can_promise(NOON, capacity(before=29, agents=5, minutes=10), TODAY, ZONE)
    assert promise == Promise(begins=NOON + timedelta(hours=1), ends=NOON + timedelta(hours=1, minutes=35))


def test_what_would_end_past_staffed_hours_is_not_promised() -> None:
    assert callback.can_promise(NOON, capacity(before=300, agents=5, minutes=10), TODAY, ZONE) is None


def test_at_three_on_a_sunday_the_promise_is_for_the_next_opening() -> None:
    opening = NOON + timedelta(hours=20)
    staffed = Promise(begins=opening, ends=opening + timedelta(hours=10))
    promise = callback.can_promise(NOON, capacity(), staffed, ZONE)
    assert promise is not None and promise.begins > opening


def test_nobody_there_promises_nothing() -> None:
    assert callback.can_promise(NOON, capacity(agents=0), TODAY, ZONE) is None
    assert callback.can_promise(NOON, capacity(), None, ZONE) is None


@given(before=st.integers(0, 2000), agents=st.integers(1, 60), minutes=st.integers(1, 30))
def test_a_promise_lies_in_the_staffed_hours_and_never_in_the_past(before: int, agents: int, minutes: int) -> None:
    promise = callback.can_promise(NOON, capacity(before=before, agents=agents, minutes=minutes), TODAY, ZONE)
    if promise is not None:
        assert NOON < promise.begins < promise.ends <= TODAY.ends
        assert promise.ends - promise.begins >= callback.LEAST_WINDOW


@given(st.lists(st.sampled_from(State), max_size=12))
def test_whatever_is_asked_of_it_a_callback_ends_once_and_for_all(steps: list[State]) -> None:
    one = a_callback()
    for to in steps:
        ended = one.state in callback.TERMINAL
        try:
            after = callback.stands(one, to, NOON)
        except NotThere:
            continue
        assert not ended and after.rev == one.rev + 1 and after.place == one.place
        one = after
