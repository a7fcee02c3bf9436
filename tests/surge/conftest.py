"""On the floor it is noon, unless a file says otherwise."""

import pytest

from notify.clock import ManualClock
from tests.surge.voice_factory import NOON


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)
