"""Two and four sender processes on one PostgreSQL: how fast, how fair, at what rate in every second, and what a kill costs.

Everything is real but the carrier, which is the simulator: all of it on this machine, so that processors are shared with it.
Four numbers without a rate worth the name show what processes add, and what is lost when one is killed; four numbers of 25
segments/s show that the rate holds whoever drives them, and that no language waits for another (P12). Every time is read from
the carrier's log. `python -m bench.senders small` is the same with few people: whether it runs, not how fast.
"""

import asyncio
import bisect
import itertools
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from bench.figures import Figure
from bench.sending import LANGUAGES
from notify.db import Database
from notify.sending import ledger_check
from tests.nemesis.cluster import Cluster, cluster
from tests.nemesis.dump import dump
from tests.nemesis.test_processes import accepted
from tests.stories.town import BOIL_WATER, SENDER, Process, Town, numbers

PROCESSES: Final = (1, 2, 4)
FAST: Final = 100_000.0
PACED: Final = 25.0
WINDOW: Final = 50
TAKEN_S: Final = 60.0
OURS: Final = (SENDER, "+15035550101", "+15035550102", "+15035550103")
SHARES: Final = (0.5, 0.95)


class Text(NamedTuple):
    """One that the carrier took. at: seconds since 1970."""

    at: float
    number: str
    to: str
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    runs: int = 3
    people: int = 6_000
    each: int = 60  # people of each language


def run(size: Size | None = None) -> list[Figure]:
    with cluster(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(server, Path(folder), size or Size()))


async def _run(server: Cluster, folder: Path, size: Size) -> list[Figure]:
    figures: list[Figure] = []
    fast = await _town(server, folder, "fast", FAST, {"en": size.people})
    alone: list[float] = []
    for processes in PROCESSES:
        rates = []
        async with _processes(fast, processes):
            for _ in range(size.runs):
                texts = await _send(fast)
                rates.append(len(texts) / (texts[-1].at - texts[0].at))
        alone = alone or rates
        busy = Counter(text.number for text in texts)
        apart = 100 * (max(busy.values()) - min(busy.values())) / statistics.mean(busy.values())
        note = f"{size.people:,} people; busiest and idlest number of the last run apart by {apart:.0f} %"
        name = f"texts through 4 numbers, {_named(processes)}, PostgreSQL durable"
        peer = {"peer": alone, "peer_name": "one process"} if processes > 1 else {}
        figures.append(Figure(name=name, unit="texts/s", ours=rates, note=note, **peer))  # type: ignore[arg-type]
    figures += await _killed(fast, folder, size)
    for processes in PROCESSES[1:]:
        figures += await _paced(server, folder, processes, size)
    return figures


async def _killed(town: Town, folder: Path, size: Size) -> list[Figure]:
    """Of two senders one is killed with -9 when a third has left; judged from the ledger's dump and the carrier's log."""
    waits = []
    for _ in range(size.runs):
        async with _processes(town, 2) as (doomed, _survivor):
            before = len(town.sms())
            alert_id = await town.send(BOIL_WATER)
            await town.until_texts(before + size.people // 3)
            await doomed.kill()
            killed = time.time()
            await town.until(alert_id, "active")
            waits.append(_longest_silence(_texts(town, before), killed))
    with closing(Database(town.database_url)) as db:
        verdict = await asyncio.to_thread(lambda: ledger_check.check(*_dumped(db, town, folder)))
    if verdict.problems:
        raise RuntimeError(f"the judge: {verdict.problems[:5]}")
    note = f"{verdict.rows:,} rows, {verdict.lost} lost, {verdict.doubles} twice, all of them flagged"
    name = "P9 one of two senders killed in mid-send: the longest silence of a number afterwards"
    return [Figure(name=name, unit="s", ours=waits, limit=10, higher_is_better=False, note=note)]


def _dumped(db: Database, town: Town, folder: Path) -> tuple[Path, Path, Path]:
    dumped, texts = dump(db, town.ring, folder)
    return dumped, town.logs, texts


def _longest_silence(texts: Sequence[Text], since: float) -> float:
    """Seconds after the kill in which one of our numbers sent nothing: half of them were the dead process's."""
    ends = texts[-1].at
    longest = 0.0
    for number in OURS:
        times = [since, *(text.at for text in texts if text.number == number and text.at > since), ends]
        longest = max(longest, max(later - earlier for earlier, later in itertools.pairwise(times)))
    return longest


def _busiest_second(town: Town, number: str) -> int:
    """The most segments that the carrier took from this number within any second."""
    texts = [(at, units) for at, ours, units in accepted(town) if ours == number]
    times, sums = [at for at, _ in texts], [0, *itertools.accumulate(units for _, units in texts)]
    return max((sums[bisect.bisect_left(times, at + 1.0)] - sums[place] for place, at in enumerate(times)), default=0)


async def _paced(server: Cluster, folder: Path, processes: int, size: Size) -> list[Figure]:
    """Twelve languages through four numbers with a rate: how much leaves in a second, and who waits for whom."""
    town = await _town(server, folder, f"paced{processes}", PACED, dict.fromkeys(LANGUAGES, size.each))
    busiest, used, spreads = [], [], {share: list[float]() for share in SHARES}
    async with _processes(town, processes):
        for _ in range(size.runs):
            texts = await _send(town)
            used.append(100 * _share_used(texts))
            for share in SHARES:
                spreads[share].append(_spread(texts, share, size.each))
    busiest = [float(_busiest_second(town, number)) for number in OURS]
    at = f"4 x {PACED:g} segments/s, {_named(processes)}"
    rate = Figure(
        name=f"P7 busiest second of each number, {at}", unit="segments", ours=busiest, limit=PACED, higher_is_better=False
    )
    fair = [
        Figure(
            name=f"P12 spread of 12 languages' {share:.0%} times, {at}",
            unit="%",
            ours=spread,
            limit=10,
            higher_is_better=False,
            note=f"{size.each} people each",
        )
        for share, spread in spreads.items()
    ]
    return [
        replace(rate, ours=[max(busiest)], note="of all runs"),
        Figure(name=f"P7 share used, {at}", unit="%", ours=used),
        *fair,
    ]


def _share_used(texts: Sequence[Text]) -> float:
    """Of what four numbers may send while all of them still have something to send."""
    until = min(max(text.at for text in texts if text.number == number) for number in OURS)
    sent = sum(text.segments for text in texts if text.at <= until)
    return sent / (len(OURS) * PACED * (until - texts[0].at))


def _spread(texts: Sequence[Text], share: float, each: int) -> float:
    """By how many percent of their mean the languages' times are apart, at which so many of their people have it."""
    language = {number: name for start, name in enumerate(LANGUAGES) for number in numbers(each, start * each)}
    done = [[text.at - texts[0].at for text in texts if language[text.to] == name][int(share * each) - 1] for name in LANGUAGES]
    return 100 * (max(done) - min(done)) / statistics.mean(done)


def _named(processes: int) -> str:
    return f"{processes} sender process{'es' if processes > 1 else ''}"


async def _town(server: Cluster, folder: Path, name: str, rate: float, people: Mapping[str, int]) -> Town:
    await asyncio.to_thread(server.create, name)
    town = await asyncio.to_thread(Town.create, folder / name, server.url_of(name), rate=rate)
    town.settings |= {"TOCSIN_SMS_SENDERS": ",".join(f"{number}={rate:g}" for number in OURS)}
    town.settings |= {"TOCSIN_SMS_WINDOW": str(WINDOW), "TOCSIN_LEASE_S": "5", "TOCSIN_NOT_FOUND_AFTER_S": "3"}
    start = 0
    for language, count in people.items():
        await asyncio.to_thread(town.settle, numbers(count, start), language=language)
        start += count
    return town


@asynccontextmanager
async def _processes(town: Town, senders: int) -> AsyncIterator[Sequence[Process]]:
    """The carrier, one process that listens and so many that send, each of which has its share of the numbers."""
    more = [option for number in OURS[1:] for option in ("--sender", f"{number}={town.rate:g}")]
    async with AsyncExitStack() as stack:
        carrier = await town.carrier(*more, "--sms-faults", '{"reports_off": true}')
        stack.push_async_callback(carrier.end)
        web, *begun = await asyncio.gather(town.process("web"), *(town.process("sender") for _ in range(senders)))
        for process in (web, *begun):
            stack.push_async_callback(process.end)
        async with asyncio.timeout(TAKEN_S):
            while sum(_posts(town.said(process)) >= len(OURS) // senders for process in begun) < senders:
                await asyncio.sleep(0.1)
        try:
            yield begun
        except BaseException:
            for process in (web, *begun):
                print(town.said(process)[-3_000:], file=sys.stderr)
            raise


def _posts(log: str) -> int:
    """How many of the numbers a process has taken and not given up."""
    return log.count("has taken the post 'sender") - log.count("has given up the post 'sender")


async def _send(town: Town) -> list[Text]:
    """One alert: its texts, in order. Raises RuntimeError when somebody got two, or none."""
    before = len(town.sms())
    alert_id = await town.send(BOIL_WATER)
    counts = (await town.until(alert_id, "active"))["progress"]["total"]
    texts = _texts(town, before)
    if not len({text.to for text in texts}) == len(texts) == counts["total"]:
        raise RuntimeError(f"{len(texts)} texts for {counts['total']} people")
    return texts


def _texts(town: Town, before: int) -> list[Text]:
    return sorted(
        Text(datetime.fromisoformat(line["at"]).timestamp(), line["from"], line["to"], int(line["num_segments"]))
        for line in town.sms()[before:]
    )


if __name__ == "__main__":
    small = sys.argv[1:2] == ["small"]
    for figure in run(Size(runs=1, people=900, each=10) if small else None):
        print(figure.line(), flush=True)
