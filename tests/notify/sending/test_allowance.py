"""What a sender may take of slowed alerts: their share of its rate over any longer while, never nothing."""

from hypothesis import given
from hypothesis import strategies as st

from notify.sending.allowance import AHEAD_S, CATCH_UP_S, Allowance

LOOKS = st.lists(st.floats(0.02, 2.0), min_size=60, max_size=200)


def sent(rate: float, share: float, looks: list[float], units: int) -> tuple[float, float]:
    """A sender that looks after each of these pauses and sends all it may: (units sent, seconds)."""
    allowance, now, total = Allowance(rate), 0.0, 0
    for pause in looks:
        for _ in range(allowance.rows({"a": share}, now).get("a", 0)):
            allowance.spent("a", units)
            total += units
        now += pause
    return float(total), now


@given(st.floats(2.0, 200.0), st.sampled_from([0.25, 0.5]), LOOKS, st.integers(1, 6))
def test_an_alert_leaves_at_its_share_whatever_its_messages_cost(
    rate: float, share: float, looks: list[float], units: int
) -> None:
    found, seconds = sent(rate, share, looks, units)
    due = rate * share * seconds
    # Before the first message nobody knows what one costs: what was taken too many is made up for.
    assert due - rate * share * 2.0 - units <= found <= due + rate * share * (AHEAD_S + 0.1) * max(units, 2) + units


@given(st.floats(0.1, 200.0), st.sampled_from([0.25, 0.5]), st.integers(1, 10))
def test_it_never_stalls(rate: float, share: float, units: int) -> None:
    allowance = Allowance(rate)
    allowance.rows({"a": share}, 0.0)
    for _ in range(1000):
        allowance.spent("a", units)
    assert allowance.rows({"a": share}, 1.0)["a"] == 0
    assert allowance.rows({"a": share}, 1.0 + max(10.0, units / (rate * share)) + 0.1)["a"] >= 1


def test_time_in_which_nothing_was_taken_is_made_up_for_up_to_a_few_seconds() -> None:
    allowance = Allowance(100.0)
    allowance.rows({"a": 0.25}, 0.0)
    assert allowance.rows({"a": 0.25}, 2.0) == {"a": int(25 * (2.0 + AHEAD_S))}
    assert allowance.rows({"a": 0.25}, 1000.0) == {"a": int(25 * (CATCH_UP_S + AHEAD_S))}


def test_each_alert_has_its_own_and_one_that_is_slowed_no_more_is_forgotten() -> None:
    allowance = Allowance(100.0)
    assert allowance.rows({"a": 0.5, "b": 0.25}, 0.0) == {"a": 25, "b": 12}
    for _ in range(50):
        allowance.spent("a", 1)
    assert allowance.rows({"a": 0.5, "b": 0.25}, 0.0) == {"a": 0, "b": 12}
    assert allowance.rows({}, 0.0) == {}
    allowance.spent("a", 1)
    assert allowance.rows({"a": 0.5}, 0.0) == {"a": 25}
