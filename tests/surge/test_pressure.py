"""What callers wait, as measured; and nothing where nobody measured it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from surge.contact import Contact, Standing, Way
from surge.numbers import pressure
from surge.numbers.number_tables import IntervalRow

NOW = datetime(2026, 5, 23, 18, 0, tzinfo=UTC)


def caller(minutes: float, way: Way = Way.VOICE) -> Contact:
    at = NOW - timedelta(minutes=minutes)
    return Contact(contact_id=f"{way}{minutes}", offered_at=at, enqueued_at=at, way=way, standing=Standing.QUEUEING)


def row(queue: str = "311", begins: int = -15, answered: int = 10, wait: float | None = 60.0, minutes: int = 15) -> IntervalRow:
    return IntervalRow(
        queue=queue, begins_at=NOW + timedelta(minutes=begins), minutes=minutes, offered=20, answered=answered, abandoned=2,
        mean_wait_s=wait, source="api", entered_by="centre", entered_at=NOW,
    )  # fmt: skip


@given(st.lists(st.integers(0, 120), min_size=5, max_size=60))
def test_half_of_those_in_the_line_have_waited_that_long(minutes: list[int]) -> None:
    found = pressure.of_line([caller(one) for one in minutes], NOW)
    longer = sum(one * 60 >= found.wait_s for one in minutes)
    shorter = sum(one * 60 <= found.wait_s for one in minutes)
    assert found.at == NOW and longer * 2 >= len(minutes) and shorter * 2 >= len(minutes)


def test_a_few_callers_are_no_line_and_what_is_written_can_wait() -> None:
    assert pressure.of_line([caller(60)] * 4, NOW).wait_s == 0
    assert pressure.of_line([caller(60, Way.SMS)] * 50, NOW).wait_s == 0
    assert pressure.of_line([caller(60)] * 5, NOW).wait_s == 3600
    assert pressure.of_line([], NOW).wait_s == 0


def test_intervals_count_by_whom_they_answered_and_only_the_last_counts() -> None:
    rows = [row(wait=900.0, begins=-30), row(answered=30, wait=100.0), row("water", answered=10, wait=500.0)]
    found = pressure.of_intervals(rows)
    assert found is not None and found.wait_s == 200.0 and found.at == NOW


def test_an_interval_that_measured_no_wait_says_nothing_and_no_older_one_stands_in() -> None:
    assert pressure.of_intervals([]) is None
    assert pressure.of_intervals([row(begins=-30), row(wait=None)]) is None
    assert pressure.of_intervals([row(begins=-30), row(answered=0)]) is None
