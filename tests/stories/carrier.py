"""What a story does to its town's simulated carrier, and asks of it."""

from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.stories.town import DEADLINE_S, Town


async def goes_wrong(town: Town, **faults: Any) -> None:
    """From now on this, and nothing else; channels/simulator/faults.py has the names."""
    await _control(town, "POST", {"sms": None})
    if faults:
        await _control(town, "POST", {"sms": faults})


async def has_read(town: Town) -> datetime:
    """When the carrier has read what was on its way to it before: it has answered to what was said after that, twice. However
    long it stood still, what it takes later was said later."""
    await _control(town, "GET")
    await _control(town, "GET")
    return datetime.now(UTC)


async def _control(town: Town, method: str, wish: Any = None) -> None:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session,
        session.request(method, f"http://127.0.0.1:{town.sms_port}/control", json=wish) as answer,
    ):
        assert answer.status == 200, await answer.text()
