"""Curves of the after-action report: when which share of a channel's messages had left."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.after_action import curves
from notify.clock import micros

APPROVED = datetime(2014, 5, 23, 10, 40, tzinfo=UTC)


def moments(*seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([micros(APPROVED + timedelta(seconds=one)) for one in seconds], np.int64)


def test_a_channel_is_one_curve_whatever_its_languages() -> None:
    found = curves({("sms", "en"): moments(1, 2), ("sms", "es"): moments(3, 10), ("email", "en"): moments(5)}, APPROVED)
    assert list(found) == ["email", "sms"]
    assert [found["sms"][percent] for percent in (0, 25, 26, 50, 75, 100)] == [1.0, 1.0, 2.0, 2.0, 3.0, 10.0]
    assert set(found["email"]) == {5.0}


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=300))
def test_a_share_is_out_when_the_curve_says_so_and_not_before(seconds: list[float]) -> None:
    curve = curves({("sms", "en"): moments(*seconds)}, APPROVED)["sms"]
    assert curve == sorted(curve) and len(curve) == 101
    for percent, at in enumerate(curve):
        out = sum(one <= at + 0.06 for one in seconds)  # the curve is rounded to tenths of seconds
        assert out * 100 >= percent * len(seconds)
    assert curve[100] == pytest.approx(max(seconds), abs=0.06)
