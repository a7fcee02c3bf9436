"""Where a contact stands follows from its events, whatever is repeated or out of turn."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.contact import ALLOWED, TERMINAL, Moved, NotThere, Standing, moved, replayed
from tests.surge.calls import START, a_call, events, walks


def test_a_call_that_is_answered_keeps_its_times() -> None:
    call = replayed(
        a_call(),
        events(
            (5, Standing.GREETED), (20, Standing.QUEUEING), (80, Standing.RESERVED), (95, Standing.QUEUEING),
            (100, Standing.RESERVED), (110, Standing.TALKING), (400, Standing.WRAP), (430, Standing.DONE),
        ),
    )  # fmt: skip
    assert call.waited == timedelta(seconds=90)  # the agent who did not pick up cost no place
    assert (call.talked, call.wrapped) == (timedelta(seconds=290), timedelta(seconds=30))
    assert call.standing is Standing.DONE and call.answered_at == START + timedelta(seconds=110)


@pytest.mark.parametrize("end", sorted(TERMINAL))
def test_nothing_follows_an_end(end: Standing) -> None:
    for to in Standing:
        with pytest.raises(NotThere):
            moved(a_call(standing=end), Moved(seq=1, at=START, to=to))


def test_only_what_may_follow_follows() -> None:
    for here in Standing:
        for to in Standing:
            event = Moved(seq=1, at=START, to=to)
            if to in ALLOWED[here]:
                assert moved(a_call(standing=here), event).standing is to
            else:
                with pytest.raises(NotThere, match=f"it cannot become {to}"):
                    moved(a_call(standing=here), event)
    assert all(Standing.EMERGENCY_OUT in ALLOWED[here] for here in set(Standing) - TERMINAL - {Standing.WRAP})


@given(walks(), st.data())
def test_events_that_come_twice_change_nothing(path: Sequence[Moved], data: st.DataObject) -> None:
    call = a_call()
    for event in path:
        call = moved(call, event)
        old = data.draw(st.sampled_from(path[: event.seq]))
        assert moved(call, old) == call
    assert call == replayed(a_call(), path)


def test_an_event_before_its_time_is_refused_and_not_lost_silently() -> None:
    with pytest.raises(NotThere, match="event 2 of c1 came before event 1"):
        moved(a_call(), Moved(seq=2, at=START, to=Standing.GREETED))


@given(walks())
def test_times_run_forward(path: Sequence[Moved]) -> None:
    call = replayed(a_call(), path)
    assert call.talked >= timedelta() and call.wrapped >= timedelta()
    if call.waited is not None:
        assert call.waited >= timedelta() and call.enqueued_at is not None
    assert (call.answered_at is not None) == any(event.to is Standing.TALKING for event in path)
