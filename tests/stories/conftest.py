"""A town for each story: small, on SQLite, its processes ended whatever happens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.stories.town import Process, Town, mapped

Open = Callable[[Town], Awaitable[None]]
Restart = Callable[[Town], Awaitable[None]]


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Town:
    home = tmp_path_factory.mktemp("founded")
    return Town.create(home, f"sqlite:///{home / 'tocsin.db'}")


@pytest.fixture(scope="session")
def surveyed(founded: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = founded.copied(tmp_path_factory.mktemp("surveyed") / "town")
    mapped(town)
    return town


@pytest.fixture
def town(founded: Town, tmp_path: Path) -> Town:
    return founded.copied(tmp_path / "town")


@pytest.fixture
def mapped_town(surveyed: Town, tmp_path: Path) -> Town:
    """With ZIPs, neighbourhoods and addresses."""
    return surveyed.copied(tmp_path / "town")


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


@pytest.fixture
async def restarted() -> AsyncIterator[Restart]:
    """Starts a town's service, beside a carrier, from nothing as on a user's machine; called again, ends it before."""
    services: list[Process] = []

    async def restart(town: Town) -> None:
        if services:
            await services.pop().end()
        else:
            services.append(await town.carrier("--delivered-after", "0.1"))
        services.append(await town.service(fresh=True))

    yield restart
    for process in reversed(services):
        await process.end()
