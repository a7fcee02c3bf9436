"""Sign-up on the web, as its tests reach it."""

from collections.abc import AsyncIterator

import pytest

from notify.clock import ManualClock
from notify.db import Database
from tests.notify.signup_factory import House, house


@pytest.fixture
async def home(db: Database, clock: ManualClock) -> AsyncIterator[House]:
    async with house(db, clock) as found:
        yield found
