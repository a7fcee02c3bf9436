"""Figures of a call centre: every contact in one place, every share with its denominator."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from surge.contact import TERMINAL, Contact, Moved, Standing, replayed
from surge.numbers.measures import Share, abandonment, access, by, counts, little, service_levels, unfinished, waits
from tests.surge.calls import START, a_call, events, walks


def contacts(paths: Sequence[Sequence[Moved]]) -> list[Contact]:
    return [replayed(a_call(contact_id=f"c{n}", caller=f"h{n % 3}"), path) for n, path in enumerate(paths)]


def a_morning() -> list[Contact]:
    """Four are answered (10, 30, 70, 200 s), three hang up (2, 15, 300 s), one is blocked, one waits, one is deflected."""
    answered = [events((0, Standing.QUEUEING), (s, Standing.RESERVED), (s, Standing.TALKING), (s + 60, Standing.DONE))
                for s in (10, 30, 70, 200)]  # fmt: skip
    gone = [events((0, Standing.QUEUEING), (s, Standing.ABANDONED)) for s in (2, 15, 300)]
    rest = [
        events((0, Standing.BLOCKED)),
        events((0, Standing.QUEUEING)),
        events((1, Standing.GREETED), (2, Standing.DEFLECTED)),
    ]
    return [replayed(a_call(contact_id=f"c{n}", caller=f"h{n}"), path) for n, path in enumerate([*answered, *gone, *rest])]


@given(st.lists(walks(), max_size=30))
def test_every_contact_is_counted_once(paths: list[list[Moved]]) -> None:
    found = contacts(paths)
    assert counts(found).problems() == []
    assert len(unfinished(found)) == sum(one.standing not in TERMINAL for one in found)
    parts = by(found, lambda one: one.caller)
    assert sum(counts(part).offered_total for part in parts.values()) == len(found)


def test_the_same_morning_reads_four_ways() -> None:
    levels = service_levels(a_morning(), timedelta(seconds=30))
    assert levels.offered == Share(part=2, whole=8)
    assert levels.without_short == Share(part=2, whole=7)  # two seconds are no wait
    assert levels.answered == Share(part=2, whole=4)
    assert levels.with_abandoned == Share(part=4, whole=7)
    assert abandonment(a_morning()) == Share(part=2, whole=7)


def test_a_cap_makes_the_speed_of_answer_look_better_and_the_counts_say_why() -> None:
    free = a_morning()
    capped = [one if one.answered_at is None or (one.waited or timedelta()) < timedelta(seconds=100)
              else replayed(a_call(contact_id=one.contact_id, caller=one.caller), events((0, Standing.BLOCKED)))
              for one in free]  # fmt: skip
    before, after = waits(free), waits(capped)
    assert before.answered_mean is not None and after.answered_mean is not None and after.answered_mean < before.answered_mean
    assert counts(capped).blocked == counts(free).blocked + 1
    assert access(capped).part < access(free).part


def test_waits_are_of_those_answered_and_of_everybody() -> None:
    found = waits(a_morning())
    assert found.answered_mean == timedelta(seconds=77.5) and found.longest == timedelta(seconds=300)
    assert found.everybody_median == timedelta(seconds=30) and found.everybody_p90 == timedelta(seconds=300)
    nobody = waits([])
    assert nobody.answered_mean is nobody.longest is None
    assert service_levels([], timedelta(seconds=20)).offered.value is None


def test_whoever_calls_again_and_is_answered_was_reached() -> None:
    first = replayed(a_call(contact_id="c1", caller="same"), events((0, Standing.QUEUEING), (40, Standing.ABANDONED)))
    again = replayed(
        a_call(contact_id="c2", caller="same"), events((0, Standing.QUEUEING), (9, Standing.RESERVED), (9, Standing.TALKING))
    )
    hidden = [replayed(a_call(contact_id=f"n{n}"), events((0, Standing.BLOCKED))) for n in range(2)]
    assert access([first, again, *hidden]) == Share(part=1, whole=3)


@given(st.lists(walks(), max_size=20))
def test_no_share_is_above_one_and_losing_callers_never_helps_the_first(paths: list[list[Moved]]) -> None:
    found = contacts(paths)
    levels = service_levels(found, timedelta(seconds=60))
    for share in (
        levels.offered,
        levels.without_short,
        levels.answered,
        levels.with_abandoned,
        abandonment(found),
        access(found),
    ):
        assert 0 <= share.part <= share.whole
    if levels.offered.value is not None and levels.answered.value is not None:
        assert levels.offered.value <= levels.answered.value


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 600)), max_size=40))
def test_little_holds_for_any_log_that_is_whole(calls: list[tuple[int, int]]) -> None:
    found = [
        replayed(a_call(contact_id=f"c{n}"), events((at, Standing.QUEUEING), (at + wait, Standing.ABANDONED)))
        for n, (at, wait) in enumerate(calls)
    ]
    assert little(found, START, START + timedelta(hours=1)).holds
