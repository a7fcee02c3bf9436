"""How a send goes: counts that add up, and a time left that is not wishful."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notify.alerts import progress
from notify.sending.deliveries import State, Tally

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
TALLIES = st.dictionaries(st.sampled_from(State), st.integers(0, 1_000)).map(Tally)
KINDS = st.dictionaries(
    st.tuples(st.sampled_from(["sms", "email"]), st.sampled_from(["en", "es", "vi"]), st.sampled_from(["first", "update"])),
    TALLIES,
)


@given(KINDS)
def test_every_count_adds_up_by_channel_and_language(kinds: dict[tuple[str, str, str], Tally]) -> None:
    whole = progress.whole(kinds)
    channels = progress.by_channel(kinds)
    assert sum(one.total for one in channels) == whole.total == sum(tally.total for tally in kinds.values())
    for channel in channels:
        languages = progress.by_language(kinds, channel.name)
        assert sum(one.total for one in languages) == channel.total
        assert sum(one.done for one in languages) == channel.done
    shown = progress.as_json(kinds)["total"]
    assert isinstance(shown, dict)
    assert sum(shown[state.value] for state in State) == shown["total"]


@given(TALLIES)
def test_done_is_all_that_does_not_wait(tally: Tally) -> None:
    one = progress.Progress(name="sms", tally=tally)
    assert one.done + tally.waiting == one.total
    assert 0 <= one.percent <= 100


def test_nothing_to_send_is_done() -> None:
    assert progress.Progress(name="sms", tally=Tally({})).percent == 100


def test_time_left_is_what_all_senders_take_together() -> None:
    assert progress.time_left(6_000, [60, 40]) == timedelta(minutes=1)
    assert progress.finishes_at(NOW, 6_000, [100]) == NOW + timedelta(minutes=1)
    assert progress.time_left(0, [100]) == timedelta(0)
    assert progress.time_left(10, []) is None
    assert progress.time_left(10, [1, math.inf]) is None


@given(st.integers(1, 10**7), st.integers(1, 120), st.floats(0.1, 1_000))
def test_so_many_senders_are_enough_and_one_less_is_not(units: int, minutes: int, rate: float) -> None:
    within = timedelta(minutes=minutes)
    count = progress.senders_needed(units, within, rate)
    assert units / (count * rate) <= within.total_seconds() * (1 + 1e-9)
    if count > 1:
        assert units / ((count - 1) * rate) > within.total_seconds() * (1 - 1e-9)


def test_nothing_needs_nobody() -> None:
    assert progress.senders_needed(0, timedelta(minutes=30), 1) == 0
