"""Anything that can happen on a telephone, in any order, twice or too late: what the board must never do. STORMS and STEPS in
the environment make it as long as one likes."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from surge.contact import TERMINAL, Standing, Way
from surge.floor import queue
from surge.floor.board import Arrival, Board
from surge.floor.books import IN_LINE
from surge.floor.callback import TERMINAL as CALLBACK_ENDS
from surge.floor.callback import State
from surge.floor.orders import Dial, HangUp, Redirect, Ring, Step, Text, Turn
from surge.floor.queue import HEAD_STARTS, Head
from surge.floor.recalling import Answer
from surge.floor.records import Surge
from surge.floor.seats import BUSY, AgentState, Profile, Seat
from surge.numbers import measures
from surge.numbers.agent_time import Change, times
from surge.numbers.forecast import Span
from tests.surge.floor_factory import NOON, a_partner, rules

CALLERS = 6
AGENTS = ("a0", "a1", "a2")
SPOKEN = ("en", "es", "vi")


class Storm(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        partners = (a_partner(), a_partner("next county"))
        self.rules = rules(partners=partners, most_waiting=5, longest_min=30, overflow_min=8)
        self.board = Board(self.rules)
        self.now = NOON
        self.kept: dict[str, dict[str, object]] = {}
        self.said: list[Callable[[datetime], Turn]] = []  # all that was ever said, so that it can be said again
        self.rings: list[str] = []
        self.dials: list[tuple[datetime, str]] = []
        self.texts: list[Text] = []
        self.hung_up: list[str] = []
        self.seqs: dict[str, int] = {}
        self.ends: dict[str, Standing] = {}
        self.changes: dict[tuple[str, datetime, int], Change] = {}  # as they are written down
        self.lived: dict[str, dict[AgentState, timedelta]] = {}  # as they were

    def say(self, what: Callable[[datetime], Turn]) -> None:
        self.said.append(what)
        self.take(what(self.now))

    def forward(self, by: timedelta) -> None:
        for seat in self.board.books.seats.values():
            theirs = self.lived.setdefault(seat.agent_id, dict.fromkeys(AgentState, timedelta()))
            theirs[seat.state] += by
        self.now += by

    def keep(self, turn: Turn) -> None:
        for seat in turn.changed.get("seat", {}).values():
            assert isinstance(seat, Seat)
            change = Change(agent_id=seat.agent_id, at=seat.since, turns=seat.turns, state=seat.state)
            assert self.changes.setdefault((seat.agent_id, seat.since, seat.turns), change) == change
        for kind, entities in turn.changed.items():
            for key, entity in entities.items():
                if entity is None:
                    self.kept.get(kind, {}).pop(key, None)
                else:
                    self.kept.setdefault(kind, {})[key] = entity

    def take(self, turn: Turn) -> None:
        self.keep(turn)
        for event in turn.events:
            assert event.seq == self.seqs.get(event.contact_id, 0) + 1, "events are counted without a gap"
            assert event.contact_id not in self.ends, "nothing follows an end"
            self.seqs[event.contact_id] = event.seq
            if event.stands in TERMINAL:
                self.ends[event.contact_id] = event.stands
        for order in turn.orders:
            match order:
                case Ring():
                    self.rings.append(order.reservation_id)
                    self._nobody_is_overtaken(order)
                case Dial():
                    self._is_dialled(order)
                case Text():
                    self.texts.append(order)
                case HangUp():
                    self.hung_up.append(order.call_sid)
                case Redirect(step=Step.BRIDGE):
                    assert self.board.books.held_for(order.contact_id) is not None

    def _nobody_is_overtaken(self, ring: Ring) -> None:
        """Whoever still waits, and could be served by this agent, has a larger place than whom the agent got."""
        books = self.board.books
        mine = books.records[ring.contact_id]
        assert mine.place is not None
        agent = books.seats[ring.agent_id].as_agent()
        most = max(HEAD_STARTS.values())
        for contact_id in books.line:
            other = books.records[contact_id]
            came = other.contact.enqueued_at
            if came is None or other.place is None or other.contact.standing is not Standing.QUEUEING:
                continue
            waiting = queue.Waiting(
                contact_id=contact_id, place=other.place, enqueued_at=came, language=other.contact.language, skill=other.skill
            )
            if queue.can_serve(agent, waiting, self.now, self.rules.patience):
                assert other.place > mine.place
                if mine.contact.enqueued_at is not None and mine.promise is None:
                    assert mine.contact.enqueued_at - came <= most

    def _is_dialled(self, dial: Dial) -> None:
        callback = self.board.books.callbacks[dial.callback_id]
        assert self.now <= callback.promise.ends or callback.told
        if self.dials:
            assert (self.now - self.dials[-1][0]).total_seconds() >= 1 / self.rules.dials_per_s
        self.dials.append((self.now, dial.callback_id))
        assert sum(one == dial.callback_id for _, one in self.dials) <= 3

    @initialize(draining=st.booleans())
    def opens(self, draining: bool) -> None:
        self.take(self.board.activate(Surge(activation_id="s1"), self.now))

    @rule(caller=st.integers(0, CALLERS), language=st.sampled_from(SPOKEN), head=st.sampled_from(Head), returned=st.booleans())
    def rings_us(self, caller: int, language: str, head: Head, returned: bool) -> None:
        number = len(self.board.books.records)
        arrival = Arrival(
            contact_id=f"c{number}",
            provider_id=f"CA{number}",
            caller=f"caller {caller}" if caller else "",
            language=language,
            head=head,
            returned=returned,
        )
        self.say(lambda now: self.board.arrive(arrival, now))

    @rule(language=st.sampled_from(SPOKEN), way=st.sampled_from([Way.SMS, Way.EMAIL, Way.WEB, Way.WALK_IN]))
    def writes(self, language: str, way: Way) -> None:
        number = len(self.board.books.records)
        arrival = Arrival(contact_id=f"c{number}", way=way, provider_id=f"M{number}", language=language)
        self.say(lambda now: self.board.arrive(arrival, now))

    @precondition(lambda self: self.board.books.records)
    @rule(data=st.data(), to=st.sampled_from(Standing))
    def moves(self, data: Any, to: Standing) -> None:
        contact_id = self._some_contact(data)
        self.say(lambda now: self.board.move(contact_id, to, now))

    @precondition(lambda self: self.board.books.records)
    @rule(data=st.data(), what=st.sampled_from(["queue", "queue", "queue", "end", "bridge", "fall over", "book", "book"]))
    def calls(self, data: Any, what: str) -> None:
        contact_id = self._some_contact(data)
        board = self.board
        match what:
            case "queue":
                self.say(lambda now: self.board.move(contact_id, Standing.QUEUEING, now))
            case "end":
                self.say(lambda now: self.board.ended(contact_id, now))
            case "bridge":
                self.say(lambda now: self.board.bridged(contact_id, now))
            case "fall over":
                self.say(lambda now: self.board.failed_over(contact_id, now))
            case "book" if (promise := board.promise(self.now)) is not None:
                self.say(lambda now: self.board.book(contact_id, promise, now))

    @precondition(lambda self: self.board.books.records)
    @rule(data=st.data(), talked=st.none() | st.integers(1, 300))
    def is_with_a_partner(self, data: Any, talked: int | None) -> None:
        contact_id = self._some_contact(data)
        partner = self.board.partner_for(contact_id, self.now)
        if partner is not None:
            self.say(lambda now: self.board.forward(contact_id, partner.name, now))
        else:
            spoke = timedelta(seconds=talked) if talked else None
            self.say(lambda now: self.board.partner_ended(contact_id, spoke, now))

    @rule(
        agent=st.sampled_from(AGENTS),
        state=st.sampled_from([AgentState.READY, AgentState.READY, AgentState.BREAK, AgentState.OFFLINE]),
    )
    def sits(self, agent: str, state: AgentState) -> None:
        spoken = {"a0": {"en"}, "a1": {"en", "es"}, "a2": {"vi"}}[agent]
        who = Profile(agent_id=agent, languages=frozenset(spoken), has_line=agent != "a2", interpreter=agent != "a1")
        self.say(lambda now: self.board.sit(who, state, now))

    @precondition(lambda self: self.rings)
    @rule(data=st.data(), what=st.sampled_from(["rung", "not rung", "accept", "accept", "accept", "left"]))
    def agent_is_rung(self, data: Any, what: str) -> None:
        ring = data.draw(st.sampled_from(self.rings[-3:]))
        match what:
            case "rung":
                self.say(lambda now: self.board.rung(ring, f"CA{ring}", now))
            case "not rung":
                self.say(lambda now: self.board.not_rung(ring, now, fault=True))
            case "accept":
                self.say(lambda now: self.board.accept(ring, now))
            case "left":
                self.say(lambda now: self.board.agent_left(ring, now))

    @precondition(lambda self: self.board.books.records)
    @rule(data=st.data(), agent=st.sampled_from(AGENTS))
    def takes_somebody(self, data: Any, agent: str) -> None:
        contact_id = self._some_contact(data)
        self.say(lambda now: self.board.take(agent, contact_id, now))

    @rule(agent=st.sampled_from(AGENTS), takes=st.booleans())
    def works(self, agent: str, takes: bool) -> None:
        seat = self.board.books.seats.get(agent)
        if takes or seat is None or seat.contact_id is None:
            self.say(lambda now: self.board.take_next(agent, now))
        else:
            contact_id = seat.contact_id
            self.say(lambda now: self.board.finish(agent, contact_id, "informed", 1, now))

    @precondition(lambda self: self.board.books.callbacks)
    @rule(data=st.data(), what=st.sampled_from([*Answer, "completed", "busy", "no-answer", "refused", "not taken"]))
    def resident_is_dialled(self, data: Any, what: str) -> None:
        callback = data.draw(st.sampled_from(sorted(self.board.books.callbacks)))
        if what in set(Answer):
            self.say(lambda now: self.board.callback_answered(callback, Answer(what), now))
        elif what in {"refused", "not taken"}:
            self.say(lambda now: self.board.not_dialled(callback, now, again=what == "not taken"))
        else:
            self.say(lambda now: self.board.callback_ended(callback, what, now))

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def something_is_said_again(self, data: Any) -> None:
        self.take(data.draw(st.sampled_from(self.said[-20:]))(self.now))

    @rule(seconds=st.sampled_from([1, 5, 31, 95, 400, 1300]))
    def time_passes(self, seconds: int) -> None:
        self.forward(timedelta(seconds=seconds))
        self.take(self.board.tick(self.now))

    @rule()
    def dies_and_starts_again(self) -> None:
        before = self.board.books
        self.board = Board(self.rules)
        self.board.load(self.kept)
        after = self.board.books
        assert (after.records, after.callbacks, after.uses, after.surge) == (
            before.records,
            before.callbacks,
            before.uses,
            before.surge,
        )
        assert (after.seats, after.reservations, list(after.line)) == (before.seats, before.reservations, list(before.line))
        assert after.ready == before.ready and after.callers_waiting() == before.callers_waiting()
        after.next_dial = before.next_dial  # at worst one dial comes early; the telephone keeps its own pace

    @invariant()
    def everybody_is_accounted_for(self) -> None:
        books = self.board.books
        assert measures.counts([one.contact for one in books.records.values()]).problems() == []
        for record in books.records.values():
            callback, standing = books.callback_of(record.contact_id), record.contact.standing
            waits = standing is Standing.QUEUEING and not record.partner
            if standing is Standing.CALLBACK:
                assert callback is not None
                waits = callback.state in IN_LINE and books.held_for(record.contact_id) is None
            assert (record.contact_id in books.line) == waits
            assert (standing in TERMINAL) == (record.contact_id in self.ends)
            if standing is Standing.RESERVED:
                assert books.held_for(record.contact_id) is not None

    @invariant()
    def no_agent_is_in_two_places(self) -> None:
        books = self.board.books
        assert len({one.agent_id for one in books.reservations.values()}) == len(books.reservations)
        assert len({one.contact_id for one in books.reservations.values()}) == len(books.reservations)
        seated = [seat.contact_id for seat in books.seats.values() if seat.contact_id]
        assert len(seated) == len(set(seated))
        for seat in books.seats.values():
            assert (seat.contact_id is not None) == (seat.state in BUSY)
            held = books.held_by(seat.agent_id)
            assert (held is not None) == (seat.state in {AgentState.RESERVED, AgentState.TALKING})
            assert held is None or held.contact_id == seat.contact_id
        assert books.ready == sum(seat.state is AgentState.READY for seat in books.seats.values())

    @invariant()
    def agents_time_is_written_down_as_it_was(self) -> None:
        if self.now == NOON:
            return
        found = {one.agent_id: one for one in times(self.changes.values(), Span(start=NOON, end=self.now))}
        for agent_id, lived in self.lived.items():
            there = sum((lasted for state, lasted in lived.items() if state is not AgentState.OFFLINE), timedelta())
            if not there:
                assert agent_id not in found
                continue
            one = found[agent_id]
            told = (one.available, one.reserved, one.talking, one.wrapping, one.paused)
            states = (AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP, AgentState.BREAK)
            assert told == tuple(lived[state] for state in states) and one.signed_in == there == sum(told, timedelta())

    @invariant()
    def partners_keep_their_limits(self) -> None:
        for use in self.board.books.uses.values():
            partner = next(one for one in self.rules.partners if one.name == use.name)
            assert 0 <= use.taken <= partner.quota and len(use.under_way) <= partner.at_once
            assert use.under_way == {one.contact_id for one in self.board.books.records.values() if one.partner == use.name}
        assert all(one.forwards <= 1 for one in self.board.books.records.values())

    def _some_contact(self, data: Any) -> str:
        return str(data.draw(st.sampled_from(sorted(self.board.books.records)[-6:])))

    def teardown(self) -> None:
        """In the end the callers hang up, agents go, and time passes: everybody has exactly one end."""
        for contact_id in list(self.board.books.records):
            if self.board.books.records[contact_id].is_call:
                self.say(lambda now, one=contact_id: self.board.ended(one, now))  # type: ignore[misc]
        sitting = [seat.profile for seat in self.board.books.seats.values()]
        for who in sitting:
            self.say(lambda now, one=who: self.board.sit(one, AgentState.OFFLINE, now))  # type: ignore[misc]
        writer = Profile(agent_id="late", languages=frozenset(SPOKEN), has_line=False)
        for _ in range(60 + 2 * len(self.board.books.records)):
            self.forward(timedelta(minutes=10))
            self.take(self.board.tick(self.now))
            for callback in list(self.board.books.callbacks.values()):
                self.take(self.board.callback_ended(callback.callback_id, "completed", self.now))
            self.take(self.board.sit(writer, AgentState.READY, self.now))
            self.take(self.board.take_next("late", self.now))
            seat = self.board.books.seats["late"]
            if seat.contact_id:
                self.take(self.board.finish("late", seat.contact_id, "informed", 1, self.now))
        self.everybody_is_accounted_for()
        assert all(one.contact.standing in TERMINAL for one in self.board.books.records.values() if one.contact.seq)
        ended = [one.state for one in self.board.books.callbacks.values()]
        assert all(state in CALLBACK_ENDS for state in ended)
        for callback in self.board.books.callbacks.values():
            if callback.state is State.EXPIRED:
                assert any(text.contact_id == callback.contact_id for text in self.texts), "nobody expires without a text"


Storm.TestCase.settings = settings(
    max_examples=int(os.environ.get("STORMS", "25")), stateful_step_count=int(os.environ.get("STEPS", "30")), deadline=None
)
TestStorm = Storm.TestCase
