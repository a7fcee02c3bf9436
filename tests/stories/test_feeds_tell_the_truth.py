"""A partner who knows nothing but the address of a feed shows the right alerts, whatever becomes of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from shapely.geometry import Point

from tests.notify.reference_client import AtomClient, Client, GeoJsonClient
from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, DEADLINE_S, EAST, WEST, Town

LATER = "2030-01-01T00:00Z"
IN_THE_EAST, IN_THE_WEST = EAST.representative_point(), WEST.representative_point()


async def until_shown(client: Client, wanted: Any) -> None:
    """Polls as a partner would until the map is as wanted."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await client.poll()
            if wanted([alert.area for alert in client.shown(datetime.now(UTC)).values()]):
                return
            await asyncio.sleep(0.1)


def covers(*points: Point) -> Any:
    """One alert, over exactly these of the two points."""
    both = (IN_THE_EAST, IN_THE_WEST)
    return lambda areas: len(areas) == 1 and [p for p in both if areas[0].covers(p)] == [p for p in both if p in points]


def nothing(areas: list[Any]) -> bool:
    return not areas


@pytest.mark.parametrize(("kind", "name"), [(GeoJsonClient, "active.geojson"), (AtomClient, "active.atom")])
async def test_a_client_of_the_feed_alone_shows_what_is_in_force(
    town: Town, opened: Open, kind: type[Client], name: str
) -> None:
    await opened(town)
    quiet = BOIL_WATER | {"channels": ["feed"]}
    async with aiohttp.ClientSession() as session:
        client = kind(session, f"{town.url}/demo/feeds/{name}")
        await until_shown(client, lambda areas: client.generated is not None and not areas)
        client.answers.clear()
        first = await town.send(quiet | {"area": {"names": ["Portland"]}})
        await until_shown(client, covers(IN_THE_EAST, IN_THE_WEST))
        shrunk = await town.follow_up("update", first, {"area": {"names": ["West"]}, "next_update_by": LATER})
        await until_shown(client, covers(IN_THE_WEST))
        await town.follow_up("clear", shrunk, {"slots": {"flush_minutes": 2}})
        await until_shown(client, nothing)

        wrong = await town.send(quiet | {"area": {"names": ["East"]}})
        await until_shown(client, covers(IN_THE_EAST))
        await town.follow_up("cancel", wrong, {"note": "The samples were mixed up."})
        await until_shown(client, nothing)
    assert set(client.answers) <= {200, 304}
    assert not client.dead(datetime.now(UTC))


async def shown_until(town: Town, client: Client, expires: datetime) -> str | None:
    """An alert with this expiry, once it is shown; None where a busy machine did not get it out before."""
    smoke = {"hazard": "smoke", "area": {"names": ["East"]}, "channels": ["feed"], "next_update_by": LATER}
    alert_id = await town.send(smoke | {"expires": expires.isoformat()})
    while datetime.now(UTC) < expires:
        await client.poll()
        if covers(IN_THE_EAST)([alert.area for alert in client.shown(datetime.now(UTC)).values()]):
            return alert_id
        await asyncio.sleep(0.1)
    return None


async def test_an_alert_past_its_expiry_leaves_the_map_by_itself_and_its_rows_say_so(town: Town, opened: Open) -> None:
    await opened(town)
    async with aiohttp.ClientSession() as session:
        client = GeoJsonClient(session, f"{town.url}/demo/feeds/active.geojson")
        for seconds in (12, 60):
            expires = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
            if alert_id := await shown_until(town, client, expires):
                break
        assert alert_id is not None
        await until_shown(client, nothing)
        assert datetime.now(UTC) >= expires
        reply = await town.until(alert_id, "ended")
        assert reply["ended_why"] == "expired"
        async with asyncio.timeout(DEADLINE_S):  # not only by the client's own clock: the feed says so too
            while '"active"' in await (await session.get(client.url)).text():
                await asyncio.sleep(0.1)
