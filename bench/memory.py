"""What a service takes that sends to a million people: resident memory once they are loaded, and its peak while it plans and
sends.

Carrier, service and this program are processes of their own. The process that renders texts is counted apart.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench import metropolis
from bench.figures import Figure
from tests.stories.town import BOIL_WATER, Process, Town

PEOPLE: Final = 1_000_000
RATE: Final = 1_000.0  # segments a second
WATCHED_S: Final = 20.0  # after the last row was planned
LIMIT_MB: Final = 500


def run(people: int = PEOPLE) -> list[Figure]:
    return asyncio.run(_measured(people))


async def _measured(people: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        town = metropolis.town(Path(folder) / "town", people, rate=RATE)
        carrier = await town.carrier("--sms-faults", '{"reports_off": true}')
        service = await town.service()
        try:
            loaded = _megabytes(service.child.pid, "VmRSS")
            await _sending(town, people)
            peak, sending = (_megabytes(service.child.pid, name) for name in ("VmHWM", "VmRSS"))
            renders = _megabytes(_child_of(service), "VmHWM")
        finally:
            await service.end()
            await carrier.end()
    noted = [
        (f"memory with {people:,} people loaded", loaded, ""),
        ("memory while sending to them", sending, ""),
        ("peak memory, loading and planning included", peak, f"the process that renders texts: {renders:.0f} MB"),
    ]
    return [
        Figure(name=f"P11 {name}", unit="MB", ours=[value], limit=LIMIT_MB, higher_is_better=False, note=note)
        for name, value, note in noted
    ]


async def _sending(town: Town, people: int) -> None:
    """Until everybody is planned, and a while of sending more."""
    sent = await town.send(BOIL_WATER)
    async with asyncio.timeout(600):
        while (await _planned(town, sent)) < people:
            await asyncio.sleep(1)
    await asyncio.sleep(WATCHED_S)


async def _planned(town: Town, alert_id: str) -> int:
    progress = (await town.must("author", "GET", f"/alerts/{alert_id}")).get("progress", {})
    return int(progress.get("channels", {}).get("sms", {}).get("total", 0))


def _child_of(service: Process) -> int:
    pid = service.child.pid
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _megabytes(pid: int, name: str) -> float:
    """A line of /proc/PID/status, in units of 1,000,000 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(name)


if __name__ == "__main__":
    for figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        print(figure.line())
