"""One, two and four sender processes on one PostgreSQL: how fast all together, and how evenly by number and by person.

Everything is real but the carrier, which is the simulator: all of it on this machine, so that processors are shared with it.
Four numbers without a rate worth the name show what processes add; four numbers of 60 segments/s show that the rate holds
whoever drives them.
"""

import asyncio
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from bench.figures import Figure
from tests.nemesis.cluster import Cluster, cluster
from tests.nemesis.test_processes import busiest_second
from tests.stories.town import BOIL_WATER, SENDER, Town, numbers

RUNS: Final = 3
PROCESSES: Final = (1, 2, 4)
PEOPLE: Final = 6_000
FAST: Final = 100_000.0
PACED: Final = 60.0
PACED_PEOPLE: Final = 1_000
OURS: Final = (SENDER, "+15035550101", "+15035550102", "+15035550103")


def run() -> list[Figure]:
    with cluster(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(server, Path(folder)))


async def _run(server: Cluster, folder: Path) -> list[Figure]:
    figures = []
    town = await _town(server, folder, FAST, PEOPLE)
    alone: list[float] = []
    for processes in PROCESSES:
        rates, shares = [], []
        for _ in range(RUNS):
            texts = await _send(town, processes)
            rates.append(len(texts) / (texts[-1][0] - texts[0][0]))
            by_number = Counter(number for _, number in texts)
            shares.append(100 * (max(by_number.values()) - min(by_number.values())) / statistics.mean(by_number.values()))
        alone = alone or rates
        note = f"{PEOPLE:,} people; busiest and idlest number apart by {statistics.median(shares):.0f} %"
        name = f"texts through 4 numbers, {processes} sender process{'es' if processes > 1 else ''}, PostgreSQL durable"
        figures.append(Figure(name=name, unit="texts/s", ours=rates, peer=alone, peer_name="one process", note=note))
    return [*figures, *await _paced(server, folder / "paced")]


async def _paced(server: Cluster, folder: Path) -> list[Figure]:
    town = await _town(server, folder, PACED, PACED_PEOPLE, fresh="paced")
    figures = []
    for processes in PROCESSES[1:]:
        before = len(town.sms())
        texts = await _send(town, processes)
        used = sum(int(line["num_segments"]) for line in town.sms()[before:])
        share = 100 * used / (len(OURS) * PACED * (texts[-1][0] - texts[0][0]))
        busiest = [float(busiest_second(town, number)) for number in OURS]
        figures += [
            Figure(
                name=f"busiest second of a number of {PACED:g} segments/s, {processes} sender processes",
                unit="segments",
                ours=busiest,
                limit=PACED,
                higher_is_better=False,
            ),
            Figure(name=f"share of 4 x {PACED:g} segments/s used, {processes} sender processes", unit="%", ours=[share]),
        ]
    return figures


async def _town(server: Cluster, folder: Path, rate: float, people: int, fresh: str = "fast") -> Town:
    await asyncio.to_thread(server.create, fresh)
    town = await asyncio.to_thread(Town.create, folder / "town", server.url_of(fresh), rate=rate)
    town.settings |= {"TOCSIN_SMS_SENDERS": ",".join(f"{number}={rate:g}" for number in OURS)}
    await asyncio.to_thread(town.settle, numbers(people))
    return town


@asynccontextmanager
async def _processes(town: Town, senders: int) -> AsyncIterator[None]:
    more = [option for number in OURS[1:] for option in ("--sender", f"{number}={town.rate:g}")]
    async with AsyncExitStack() as stack:
        carrier = await town.carrier(*more, "--sms-faults", '{"reports_off": true}')
        stack.push_async_callback(carrier.end)
        for process in await asyncio.gather(town.process("web"), *(town.process("sender") for _ in range(senders))):
            stack.push_async_callback(process.end)
        yield


async def _send(town: Town, senders: int) -> list[tuple[float, str]]:
    """One alert through so many processes: (seconds since 1970, our number) of each text."""
    before = len(town.sms())
    async with _processes(town, senders):
        await town.until((await town.send(BOIL_WATER)), "active")
    texts = [(datetime.fromisoformat(line["at"]).timestamp(), line["from"], line["to"]) for line in town.sms()[before:]]
    if len({to for _, _, to in texts}) != len(texts):
        raise RuntimeError("somebody was told twice")
    return sorted((at, number) for at, number, _ in texts)


if __name__ == "__main__":
    for figure in run():
        print(figure.line(), flush=True)
