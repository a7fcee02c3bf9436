from datetime import timedelta

import pytest

from surge.contact import Standing
from surge.floor.board import Board
from surge.floor.callback import Promise, State
from surge.floor.orders import Dial, HangUp, Redirect, Ring, Step, Tell, Text, Word
from surge.floor.queue import Head
from surge.floor.recalling import Answer
from surge.floor.records import Surge
from surge.floor.seats import AgentState
from surge.numbers import measures
from tests.surge.floor_factory import NOON, a_call, a_letter, a_partner, of, profile, ready, rules

MINUTE = timedelta(minutes=1)
SOON = Promise(begins=NOON + 20 * MINUTE, ends=NOON + 40 * MINUTE)


def waiting_board(*contact_ids: str, **given: object) -> Board:
    board = Board(rules(**given))  # type: ignore[arg-type]
    for number, contact_id in enumerate(contact_ids):
        board.arrive(a_call(contact_id), NOON + timedelta(seconds=number))
        board.move(contact_id, Standing.GREETED, NOON + timedelta(seconds=number))
        board.move(contact_id, Standing.QUEUEING, NOON + timedelta(seconds=number))
    return board


def standing(board: Board, contact_id: str) -> Standing:
    return board.books.records[contact_id].contact.standing


def state(board: Board, agent_id: str = "a1") -> AgentState:
    return board.books.seats[agent_id].state


def test_a_caller_is_rung_through_to_an_agent_and_ends_when_the_agent_has_noted_what_it_was() -> None:
    board = waiting_board("c1")
    (ring,) = of(ready(board), Ring)
    assert (ring.agent_id, ring.contact_id, standing(board, "c1")) == ("a1", "c1", Standing.RESERVED)
    (bridge,) = of(board.accept(ring.reservation_id, NOON + MINUTE), Redirect)
    assert (bridge.call_sid, bridge.step, state(board)) == ("CAc1", Step.BRIDGE, AgentState.TALKING)
    board.bridged("c1", NOON + MINUTE)
    assert standing(board, "c1") is Standing.TALKING
    board.ended("c1", NOON + 3 * MINUTE)
    assert (standing(board, "c1"), state(board)) == (Standing.WRAP, AgentState.WRAP)
    board.finish("a1", "c1", "informed", 4, NOON + 4 * MINUTE)
    record = board.books.records["c1"]
    assert (record.contact.standing, record.disposition, record.script) == (Standing.DONE, "informed", 4)
    assert record.contact.waited == MINUTE and record.contact.talked == 2 * MINUTE and record.contact.wrapped == MINUTE
    assert state(board) is AgentState.READY


def test_a_ring_that_nobody_answers_returns_the_caller_to_the_same_place() -> None:
    board = waiting_board("c1", "c2")
    place = board.books.records["c1"].place
    (ring,) = of(ready(board), Ring)
    board.rung(ring.reservation_id, "CAagent", NOON)
    turn = board.tick(NOON + timedelta(seconds=30))
    assert of(turn, HangUp) == [HangUp(call_sid="CAagent")]
    assert board.books.records["c1"].place == place
    assert [one.contact_id for one in of(turn, Ring)] == ["c1"]


def test_after_two_misses_in_a_row_the_agent_has_a_break() -> None:
    board = waiting_board("c1")
    (first,) = of(ready(board), Ring)
    board.rung(first.reservation_id, "CA1", NOON)
    (second,) = of(board.tick(NOON + timedelta(seconds=30)), Ring)
    board.tick(NOON + timedelta(seconds=70))
    assert state(board) is AgentState.RESERVED, "its telephone does not ring yet"
    board.rung(second.reservation_id, "CA2", NOON + timedelta(seconds=75))
    board.tick(NOON + timedelta(seconds=105))
    assert (state(board), standing(board, "c1")) == (AgentState.BREAK, Standing.QUEUEING)


def test_a_caller_who_hangs_up_while_an_agent_is_rung_has_abandoned_and_the_agent_is_free() -> None:
    board = waiting_board("c1")
    (ring,) = of(ready(board), Ring)
    board.ended("c1", NOON + MINUTE)
    assert (standing(board, "c1"), state(board)) == (Standing.ABANDONED, AgentState.READY)
    assert of(board.rung(ring.reservation_id, "CAlate", NOON + MINUTE), HangUp) == [HangUp(call_sid="CAlate")]
    assert board.holds(ring.reservation_id) is None


def test_an_agent_whose_line_drops_before_the_caller_is_there_loses_nobody() -> None:
    board = waiting_board("c1")
    (ring,) = of(ready(board), Ring)
    board.accept(ring.reservation_id, NOON)
    place = board.books.records["c1"].place
    turn = board.agent_left(ring.reservation_id, NOON + timedelta(seconds=2))
    assert [one.step for one in of(turn, Redirect)] == [Step.WAIT]
    assert board.books.records["c1"].place == place and board.books.records["c1"].contact.answered_at is None


def test_the_emergency_centre_s_callers_start_two_minutes_ahead() -> None:
    board = waiting_board("c1")
    board.arrive(a_call("c2", head=Head.FROM_911), NOON + MINUTE)
    board.move("c2", Standing.QUEUEING, NOON + MINUTE)
    assert [one.contact_id for one in of(ready(board, at=NOON + MINUTE), Ring)] == ["c2"]


def test_a_full_queue_blocks_and_says_so() -> None:
    board = waiting_board("c1", most_waiting=1)
    board.arrive(a_call("c2"), NOON)
    (redirect,) = of(board.move("c2", Standing.QUEUEING, NOON), Redirect)
    assert (redirect.step, standing(board, "c2")) == (Step.FULL, Standing.BLOCKED)


def test_what_is_written_is_never_blocked_and_waits_in_the_same_line() -> None:
    board = waiting_board("c1", most_waiting=1)
    board.arrive(a_letter("w1"), NOON)
    assert list(board.books.line) == ["w1", "c1"] or list(board.books.line) == ["c1", "w1"]
    ready(board, "a2", has_line=False)
    assert board.books.seats["a2"].contact_id == "w1" and standing(board, "c1") is Standing.QUEUEING
    board.take_next("a2", NOON)
    assert standing(board, "w1") is Standing.TALKING
    board.finish("a2", "w1", "informed", None, NOON + MINUTE)
    assert standing(board, "w1") is Standing.DONE


def test_an_agent_who_goes_while_writing_hands_it_back() -> None:
    board = Board(rules())
    board.arrive(a_letter("w1"), NOON)
    ready(board, has_line=False)
    board.take_next("a1", NOON)
    board.sit(profile(has_line=False), AgentState.OFFLINE, NOON + MINUTE)
    assert (standing(board, "w1"), state(board)) == (Standing.QUEUEING, AgentState.OFFLINE)


def test_wrap_ends_by_itself() -> None:
    board = waiting_board("c1")
    (ring,) = of(ready(board), Ring)
    board.accept(ring.reservation_id, NOON)
    board.bridged("c1", NOON)
    board.ended("c1", NOON + MINUTE)
    board.tick(NOON + MINUTE + board.books.rules.wrap)
    assert (standing(board, "c1"), state(board)) == (Standing.DONE, AgentState.READY)
    board.finish("a1", "c1", "referred", 1, NOON + 9 * MINUTE)
    assert board.books.records["c1"].disposition == "referred"


def test_a_callback_keeps_its_place_and_its_agent_is_there_before_the_resident_is_called() -> None:
    board = waiting_board("c1", "c2")
    turn = board.book("c1", SOON, NOON + MINUTE)
    assert of(turn, Text) == [Text(contact_id="c1", what=Word.PROMISE)] and standing(board, "c1") is Standing.CALLBACK
    assert [one.contact_id for one in of(ready(board, at=NOON + 2 * MINUTE), Ring)] == ["c2"]
    turn = ready(board, "a2", NOON + 21 * MINUTE)
    (ring,) = of(turn, Ring)
    assert ring.contact_id == "c1" and not of(turn, Dial)
    (dial,) = of(board.accept(ring.reservation_id, NOON + 21 * MINUTE), Dial)
    board.dialled(dial.callback_id, "CAout", NOON + 21 * MINUTE)
    board.callback_answered(dial.callback_id, Answer.PERSON, NOON + 22 * MINUTE)
    board.callback_answered(dial.callback_id, Answer.AGREED, NOON + 22 * MINUTE)
    assert board.is_connected(dial.callback_id)
    board.callback_ended(dial.callback_id, "completed", NOON + 25 * MINUTE)
    assert board.books.callbacks[dial.callback_id].state is State.DONE and state(board, "a2") is AgentState.WRAP


def test_dials_keep_the_provider_s_pace() -> None:
    board = waiting_board("c1", "c2")
    board.book("c1", SOON, NOON)
    board.book("c2", SOON, NOON)
    now = NOON + 21 * MINUTE
    rings = [*of(ready(board, "a1", now), Ring), *of(ready(board, "a2", now), Ring)]
    dials = [dial for ring in rings for dial in of(board.accept(ring.reservation_id, now), Dial)]
    assert len(rings) == 2 and len(dials) == 1
    assert len(of(board.tick(now + timedelta(seconds=1)), Dial)) == 1


def test_a_callback_that_nobody_answers_is_tried_three_times_and_ends_with_a_text() -> None:
    board, now = waiting_board("c1"), NOON + 21 * MINUTE
    board.book("c1", SOON, NOON)
    turn = ready(board, at=now)
    texts: list[Text] = []
    for _ in range(3):
        (ring,) = of(turn, Ring)
        (dial,) = of(board.accept(ring.reservation_id, now), Dial)
        texts += of(board.callback_ended(dial.callback_id, "no-answer", now), Text)
        assert state(board) is AgentState.READY
        now += 16 * MINUTE
        turn = board.tick(now)
        texts += of(turn, Text)
    assert board.books.callbacks["bc1"].state is State.EXPIRED
    assert [text.what for text in texts] == [Word.LATE, Word.EXPIRED]


def test_whoever_calls_again_takes_the_place_they_were_promised_and_has_the_promise_still_if_they_hang_up() -> None:
    board = waiting_board("c1", "c2")
    board.book("c1", SOON, NOON + MINUTE)
    board.arrive(a_call("c3", caller="of c1"), NOON + 5 * MINUTE)
    board.move("c3", Standing.QUEUEING, NOON + 5 * MINUTE)
    assert board.books.callbacks["bc1"].state is State.MERGED and list(board.books.line) == ["c3", "c2"]
    board.ended("c3", NOON + 6 * MINUTE)
    callback = board.books.callbacks["bc3"]
    assert (callback.state, callback.promise, callback.place) == (State.HOLDING, SOON, board.books.callbacks["bc1"].place)


def test_nobody_is_called_after_the_promised_time_without_a_text() -> None:
    board = waiting_board("c1")
    board.book("c1", SOON, NOON)
    turn = board.tick(SOON.ends + timedelta(seconds=1))
    assert [text.what for text in of(turn, Text)] == [Word.LATE]
    assert [one.contact_id for one in of(ready(board, at=SOON.ends + MINUTE), Ring)] == ["c1"]


def test_a_resident_whose_agent_hung_up_waits_at_the_head_for_another_one() -> None:
    board = waiting_board("c1", "c2")
    board.book("c1", SOON, NOON)
    now = NOON + 21 * MINUTE
    (ring,) = of(ready(board, at=now), Ring)
    (dial,) = of(board.accept(ring.reservation_id, now), Dial)
    board.dialled(dial.callback_id, "CAout", now)
    board.agent_left(ring.reservation_id, now)
    board.sit(profile(), AgentState.OFFLINE, now)
    board.callback_answered(dial.callback_id, Answer.AGREED, now)
    assert board.books.callbacks["bc1"].state is State.WAITING_AGENT
    (ring,) = of(ready(board, "a2", now), Ring)
    (bridge,) = of(board.accept(ring.reservation_id, now), Redirect)
    assert (bridge.call_sid, bridge.step) == ("CAout", Step.BRIDGE) and board.is_connected("bc1")


def test_a_partner_gets_callers_within_its_pace_and_they_are_counted_when_it_has_answered() -> None:
    board = waiting_board("c1", "c2", "c3", partners=(a_partner(),))
    turn = board.tick(NOON + 11 * MINUTE)
    assert [(one.contact_id, one.partner) for one in of(turn, Redirect)] == [("c1", "county"), ("c2", "county")]
    board.partner_ended("c1", 2 * MINUTE, NOON + 14 * MINUTE)
    assert standing(board, "c1") is Standing.OVERFLOWED
    assert board.books.records["c1"].contact.waited == 12 * MINUTE
    board.partner_ended("c2", None, NOON + 14 * MINUTE)
    assert standing(board, "c2") is Standing.QUEUEING and board.before("c2") == 0
    assert board.partner_for("c2", NOON + 20 * MINUTE) is None


def test_a_partner_that_does_not_answer_is_left_alone_for_a_while() -> None:
    board = waiting_board("c1", "c2", "c3", partners=(a_partner(per_minute=9, at_once=9),))
    board.forward("c1", "county", NOON + MINUTE)
    board.forward("c2", "county", NOON + MINUTE)
    board.partner_ended("c1", None, NOON + 2 * MINUTE)
    board.partner_ended("c2", None, NOON + 2 * MINUTE)
    assert board.partner_for("c3", NOON + 3 * MINUTE) is None
    assert board.partner_for("c3", NOON + 13 * MINUTE) is not None


def test_after_the_longest_wait_they_are_told_and_then_have_timed_out() -> None:
    board = waiting_board("c1", longest_min=5)
    assert [one.step for one in of(board.tick(NOON + 5 * MINUTE), Redirect)] == [Step.LONGEST]
    board.tick(NOON + 6 * MINUTE)
    assert standing(board, "c1") is Standing.QUEUEING, "they choose what to do instead"
    board.tick(NOON + 15 * MINUTE)
    assert standing(board, "c1") is Standing.TIMED_OUT


def test_a_stand_down_books_nothing_serves_on_and_says_when_nobody_is_left() -> None:
    board = waiting_board("c1")
    ready(board, "a1")
    board.activate(Surge(activation_id="s1"), NOON)
    assert board.promise(NOON) is not None
    assert not of(board.activate(Surge(activation_id="s1", draining=True), NOON), Tell)
    assert board.promise(NOON) is None
    ring = next(iter(board.books.reservations))
    board.accept(ring, NOON)
    board.bridged("c1", NOON)
    board.ended("c1", NOON + MINUTE)
    assert len(of(board.finish("a1", "c1", "informed", 1, NOON + 2 * MINUTE), Tell)) == 1
    assert board.is_empty


def test_when_surge_is_closed_callbacks_end_with_a_text() -> None:
    board = waiting_board("c1")
    board.book("c1", SOON, NOON)
    assert of(board.lift(NOON + MINUTE), Text) == [Text(contact_id="c1", what=Word.LIFTED)]
    assert board.is_empty


def test_at_night_with_nobody_there_the_promise_is_for_the_morning() -> None:
    board = Board(rules())
    night = NOON + timedelta(hours=15)
    promise = board.promise(night)
    assert promise is not None and promise.begins > night + timedelta(hours=4)


def test_everything_said_twice_changes_nothing() -> None:
    board = waiting_board("c1", "c1", "c1")
    (ring,) = of(ready(board), Ring)
    for _ in range(2):
        board.accept(ring.reservation_id, NOON)
        board.bridged("c1", NOON)
    for _ in range(2):
        board.ended("c1", NOON + MINUTE)
        board.agent_left(ring.reservation_id, NOON + MINUTE)
    for _ in range(2):
        board.finish("a1", "c1", "informed", 1, NOON + MINUTE)
    assert measures.counts([one.contact for one in board.books.records.values()]).problems() == []
    assert board.books.records["c1"].contact.seq == 6


def test_an_agent_chooses_to_be_ready_on_a_break_or_gone_and_nothing_else() -> None:
    with pytest.raises(ValueError, match="cannot choose to be talking"):
        Board(rules()).sit(profile(), AgentState.TALKING, NOON)


def test_whoever_books_twice_is_called_once_at_the_older_place_and_the_later_time() -> None:
    board, later = waiting_board("c1", "c2"), Promise(begins=SOON.ends, ends=SOON.ends + 20 * MINUTE)
    board.book("c1", SOON, NOON)
    board.arrive(a_call("c3", caller="of c1"), NOON + MINUTE)
    board.move("c3", Standing.GREETED, NOON + MINUTE)
    board.book("c3", later, NOON + MINUTE)
    first, second = board.books.callbacks["bc1"], board.books.callbacks["bc3"]
    assert (first.state, second.state) == (State.MERGED, State.HOLDING)
    assert (second.place, second.promise) == (first.place, later)
