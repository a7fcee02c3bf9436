"""A town for each story: small, on SQLite, its processes ended whatever happens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.stories.town import Process, Town

Open = Callable[[Town], Awaitable[None]]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    home = tmp_path / "town"
    return Town.create(home, f"sqlite:///{home / 'tocsin.db'}")


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Starts a town's carrier and service; ends them after the story."""
    processes: list[Process] = []

    async def open_(town: Town) -> None:
        processes.append(await town.carrier("--delivered-after", "0.1"))
        processes.append(await town.service())

    yield open_
    for process in reversed(processes):
        await process.end()
