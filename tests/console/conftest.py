"""One house for each file of tests: a running service with staff who can sign in. Its clock only moves forward, and `enrol`
gives a person a fresh start, so that no test minds what came before it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.console.desk_factory import Desk, desked
from tests.console.staff_factory import House, opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    async with opened(tmp_path_factory.mktemp("house") / "home", migrated_sqlite) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(house: House) -> AsyncIterator[Desk]:
    async with desked(house) as found:
        yield found


@pytest.fixture
def desk(counter: Desk) -> Desk:
    """The 311 desk as on a quiet morning."""
    counter.clear()
    counter.house.clock.forward(timedelta(minutes=1))
    return counter
