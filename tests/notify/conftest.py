"""What the tests of the notifying half share beyond the factories."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from notify.clock import ManualClock
from notify.residents.replies import Replies
from subscribers.dialog import lexicon
from tests.notify.duties_factory import Watch, watching
from tests.notify.newsroom_factory import Room
from tests.notify.subjects import TEMPLATES, the_words


@pytest.fixture
async def watch(room: Room, clock: ManualClock) -> AsyncIterator[Watch]:
    async with watching(room.db, clock, room.newsroom.assembler) as found:
        yield found


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    """What an inbox understands and answers with."""
    return {
        "lexicon": lexicon.load(TEMPLATES / "dialog" / "vocabulary"),
        "replies": Replies(the_words(), (), allow_drafts=True),
    }
