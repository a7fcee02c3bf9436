"""An evacuation for about 1,000 people overtakes a boil-water notice that is leaving to 670,000, through four sender processes
on one PostgreSQL: from the approver's send until the carrier has 50, 99 and 100 % of its texts.

`python -m bench.overtaking [PEOPLE [ROUNDS]]`. The town takes about two minutes to make.
"""

import asyncio
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bench import metropolis
from bench.figures import Figure
from bench.senders import OURS, _processes
from tests.nemesis.cluster import Cluster, cluster
from tests.stories.town import BOIL_WATER, CITY, Town

PEOPLE: Final = 670_000
RATE: Final = 100.0  # segments a second of each of four numbers
ENDANGERED: Final = 1_000
CITY_KM2: Final = 724.0
PATIENCE_S: Final = 600.0


def run(people: int = PEOPLE, rounds: int = 3) -> list[Figure]:
    with cluster(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(server, Path(folder), people, rounds))


async def _run(server: Cluster, folder: Path, people: int, rounds: int) -> list[Figure]:
    await asyncio.to_thread(server.create, "town")
    town = await asyncio.to_thread(metropolis.town, folder / "town", people, server.url_of("town"), rate=RATE)
    town.settings |= {"TOCSIN_SMS_SENDERS": ",".join(f"{number}={RATE:g}" for number in OURS)}
    times: dict[float, list[float]] = {0.5: [], 0.99: [], 1.0: []}
    async with _processes(town, len(OURS)):
        bulk = await town.send(BOIL_WATER)
        await _planned(town, bulk, people)
        for number in range(rounds):
            clicked, told = await _evacuated(town, _fire(people, number))
            for share, waits in times.items():
                waits.append(told[max(0, int(share * len(told)) - 1)] - clicked)
        still = (await town.must("author", "GET", f"/alerts/{bulk}"))["progress"]["total"]["planned"]
        if not still:
            raise RuntimeError("the notice had left before the evacuation: there was nothing to overtake")
        await town.must("approver", "POST", f"/alerts/{bulk}/stop", {"reason": "bench"})
    note = f"{len(told):,} people through 4 x {RATE:g} segments/s in 4 processes, {still:,} of the notice still waiting"
    return [
        Figure(
            name=f"an evacuation overtakes {people:,}: from send to {share:.0%} of its texts",
            unit="s",
            ours=waits,
            limit=10 if share == 0.99 else None,
            higher_is_better=False,
            note=note,
        )
        for share, waits in times.items()
    ]


def _fire(people: int, number: int) -> dict[str, Any]:
    """An order to leave, around another place each time, for as many people as live on so much of the city."""
    west, south, east, north = CITY.bounds
    radius_m = 1_000 * (min(1.0, ENDANGERED / people) * CITY_KM2 / 3.1416) ** 0.5
    where = {"lat": south + (north - south) / 2, "lon": west + (east - west) * (number + 1) / 8, "radius_m": int(radius_m)}
    area = {"circle": where, "words": "Linnton"}
    return {"hazard": "wildfire_leave_now", "area": area, "slots": {"toward": "NW Front Ave"}, "until": "cleared"}


async def _planned(town: Town, alert_id: str, people: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["total"]["total"] < people:
            await asyncio.sleep(1)


async def _evacuated(town: Town, draft: dict[str, Any]) -> tuple[float, list[float]]:
    """When it was sent, and when the carrier took each of its texts, seconds since 1970."""
    made = await town.must("author", "POST", "/alerts", draft)
    alert_id = str(made["alert_id"])
    submitted = await town.must("author", "POST", f"/alerts/{alert_id}/submit")
    await town.must("approver", "POST", f"/alerts/{alert_id}/approve", {"digest": submitted["digest"]})
    before, clicked = len(town.sms()), time.time()
    await town.must("approver", "POST", f"/alerts/{alert_id}/send")
    reply = await town.until(alert_id, "active", within_s=PATIENCE_S)
    total = reply["progress"]["total"]["total"]
    link = f"/a/{made['incident_id']}"
    orders = [line for line in town.sms()[before:] if link in line["body"]]
    if not len({line["to"] for line in orders}) == len(orders) == total:
        raise RuntimeError(f"{len(orders)} texts tell people to leave, of {total}")
    return clicked, sorted(datetime.fromisoformat(line["at"]).timestamp() for line in orders)


if __name__ == "__main__":
    for figure in run(*map(int, sys.argv[1:])):
        print(figure.line(), flush=True)
