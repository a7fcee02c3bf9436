"""What the tests of the notifying half share beyond the factories."""

from collections.abc import AsyncIterator

import pytest

from notify.clock import ManualClock
from tests.notify.duties_factory import Watch, watching
from tests.notify.newsroom_factory import Room


@pytest.fixture
async def watch(room: Room, clock: ManualClock) -> AsyncIterator[Watch]:
    async with watching(room.db, clock, room.newsroom.assembler) as found:
        yield found
