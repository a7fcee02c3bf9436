"""P7 pacing, P8 stop, P9 recovery, P12 fairness, and what planning costs: a whole service measured by the carrier's own log.

The service, the simulated carrier and this program are three processes; every figure but the planner's is read from the
times at which the carrier accepted a text. These are figures of timing, not of speed: the carrier is the slow part.

`python -m bench.sending stop 100000` measures stop and correction alone, with so many people, stopped when 30 % have it.
"""

import asyncio
import contextlib
import resource
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np

from bench.figures import Figure
from bench.ledger import _people as add_people
from notify.alerts import register
from notify.alerts.alert import Event, Stage
from notify.clock import micros
from notify.db import Database
from notify.sending import ledger
from notify.sending.planning import Audience, Limits, _decided, told_so_far
from tests.notify.factories import an_event
from tests.stories.town import BOIL_WATER, Process, Town, numbers

LANGUAGES: Final = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
PACED_S: Final = 10.0
TOLD: Final = 670_000
PLANNED: Final = 80_000
STOPPED: Final = 20_000
PATIENCE_S: Final = 600
MISTAKEN: Final = {"area": {"names": ["East"]}, "slots": {"mistake": "area"}, "note": "The area was wrong."}


def run() -> list[Figure]:
    figures = [_all_clear()]
    for measure in (_pacing, _stop, _recovery, _fairness, _memory):
        figures += asyncio.run(measure())
    return figures


@contextlib.asynccontextmanager
async def _town(rate: float, people: Mapping[str, int]) -> AsyncIterator[tuple[Town, Process]]:
    """A running town with so many people of each language. The service may be killed and another put in its place."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}", rate=rate)
        start = 0
        for language, count in people.items():
            town.settle(numbers(count, start), language=language)
            start += count
        carrier = await town.carrier("--sms-faults", '{"reports_off": true}')
        service = await town.service()
        try:
            yield town, service
        finally:
            await service.end()
            await carrier.end()


def _times(town: Town) -> list[tuple[float, int, str]]:
    """(seconds since 1970, segments, number) of each text the carrier accepted, in order."""
    found = [(datetime.fromisoformat(line["at"]).timestamp(), int(line["num_segments"]), line["to"]) for line in town.sms()]
    return sorted(found)


def _busiest_second(texts: Sequence[tuple[float, int, str]]) -> int:
    times = [at for at, _, _ in texts]
    sums = [0, *accumulate(segments for _, segments, _ in texts)]
    return max(sums[bisect_left(times, at + 1.0)] - sums[number] for number, at in enumerate(times))


async def _pacing() -> list[Figure]:
    figures = []
    for rate in (20, 100, 1000):
        people = {language: int(rate * PACED_S) // 12 + 5 for language in LANGUAGES}
        async with _town(rate, people) as (town, _):
            await town.send(BOIL_WATER)
            await town.until_texts(1)
            await asyncio.sleep(PACED_S + 1)
            texts = _times(town)
        first = texts[0][0]
        within = [one for one in texts if one[0] < first + PACED_S]
        used = sum(segments for _, segments, _ in within) / (rate * PACED_S)
        lengths = sorted({segments for _, segments, _ in within})
        figures += [
            Figure(
                name=f"P7 busiest second at {rate} segments/s",
                unit="segments",
                ours=[_busiest_second(within)],
                limit=rate,
                higher_is_better=False,
                note=f"{len(within)} texts of {lengths[0]} to {lengths[-1]} parts",
            ),
            Figure(name=f"P7 share of {rate} segments/s used", unit="%", ours=[100 * used], limit=97),
        ]
    return figures


async def _stop(people: int = STOPPED, share: float = 0.05, rounds: int = 3) -> list[Figure]:
    """Stopped when this share of them has it; then the correction must reach exactly those who have it, each once."""
    late, corrected = [], []
    for _ in range(rounds):
        async with _town(100_000, {"en": people}) as (town, _):
            alert_id = await town.send(BOIL_WATER)
            await _until_accepted(town, int(share * people))
            clicked = time.time()
            await town.must("approver", "POST", f"/alerts/{alert_id}/stop", {"reason": "bench"})
            counts = (await town.settled(alert_id))["progress"]["total"]
            told = _times(town)
            late.append(max(0.0, told[-1][0] - clicked))
            if counts["total"] != people or counts["withdrawn"] != people - len(told):
                raise RuntimeError(f"{len(told)} of {people} were told, and the ledger says {counts}")
            await town.follow_up("correct", alert_id, MISTAKEN)
            await _until_accepted(town, 2 * len(told))
            texts = [one for one in _times(town) if one[0] > told[-1][0]]
            corrected.append(texts[0][0] - clicked)
            if sorted(number for _, _, number in texts) != sorted(number for _, _, number in told):
                raise RuntimeError("the correction reached others than those who had the alert")
    note = f"{people:,} people, {len(told):,} of them told in the last run"
    return [
        Figure(name="P8 last text after the click, full rate", unit="s", ours=late, limit=1, higher_is_better=False, note=note),
        Figure(
            name="P8 click to the first correction's text",
            unit="s",
            ours=corrected,
            limit=60,
            higher_is_better=False,
            note=f"{note}; then to exactly those, each once",
        ),
    ]


async def _until_accepted(town: Town, count: int) -> None:
    """Waits until the carrier has accepted so many texts; reads each line of its log once."""
    log, found, rest = town.logs / "sms.jsonl", 0, b""
    async with asyncio.timeout(PATIENCE_S):
        while not log.exists():
            await asyncio.sleep(0.02)
        with log.open("rb") as lines:
            while found < count:
                whole, _, rest = (rest + lines.read()).rpartition(b"\n")
                found += whole.count(b'"accepted"')
                await asyncio.sleep(0.02)


async def _recovery() -> list[Figure]:
    waits = []
    for _ in range(3):
        async with _town(500, {"en": 8_000}) as (town, service):
            await town.send(BOIL_WATER)
            await town.until_texts(500)
            await service.kill()
            killed = time.time()
            again = await town.service()
            before = len(town.sms())
            await town.until_texts(before + 1)
            waits.append(next(at for at, _, _ in _times(town) if at > killed + 0.2) - killed)
            await again.end()
    name = "P9 kill -9 to the next text, with the restart"
    return [Figure(name=name, unit="s", ours=waits, limit=10, higher_is_better=False)]


async def _fairness() -> list[Figure]:
    figures = []
    for rate, each in ((20, 20), (100, 60)):
        people = dict.fromkeys(LANGUAGES, each)
        async with _town(rate, people) as (town, _):
            alert_id = await town.send(BOIL_WATER)
            await town.until(alert_id, "active")
            texts = _times(town)
        language = {number: name for start, name in enumerate(LANGUAGES) for number in numbers(each, start * each)}
        for share in (0.5, 0.95):
            done = [
                [at - texts[0][0] for at, _, to in texts if language[to] == name][int(share * each) - 1] for name in LANGUAGES
            ]
            spread = 100 * (max(done) - min(done)) / statistics.mean(done)
            figures.append(
                Figure(
                    name=f"P12 spread of 12 languages' {share:.0%} times at {rate} segments/s",
                    unit="%",
                    ours=[spread],
                    limit=10,
                    higher_is_better=False,
                    note=f"{each} people each, mean {statistics.mean(done):.1f} s",
                )
            )
    return figures


async def _memory() -> list[Figure]:
    async with _town(100, {"en": PLANNED}) as (town, service):
        idle = _peak_mb(service)
        alert_id = await town.send(BOIL_WATER)
        begun = time.perf_counter()
        while (await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["total"]["total"] < PLANNED:
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - begun
        await town.must("approver", "POST", f"/alerts/{alert_id}/stop", {"reason": "bench"})
        return [
            Figure(
                name=f"peak memory of the service, {PLANNED:,} rows planned while sending",
                unit="MB",
                ours=[_peak_mb(service)],
                limit=500,
                higher_is_better=False,
                note=f"{idle:.0f} MB before, planned in {seconds:.1f} s",
            )
        ]


def _peak_mb(process: Process) -> float:
    status = Path(f"/proc/{process.child.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


class _Everybody:
    """Stands in for the audience index: the all clear goes by the ledger alone."""

    async def choose(self, event: Event) -> Audience:
        raise AssertionError("an all clear asked who lives where")

    def group(self, channel: str, language: str) -> int:
        return ("en", "es", "vi").index(language)


def _all_clear() -> Figure:
    """From the ledger of an alert that 670,000 people were told of to the packed rows of its all clear, ready to insert."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        add_people(path)
        with closing(Database(f"sqlite:///{path}")) as db:
            now = datetime.now(UTC)
            db.write_now(lambda conn: conn.exec_driver_sql("UPDATE event SET started_at = approved_at WHERE event_id = 'P0-1'"))
            row = db.read_now(lambda conn: register.event(conn, "P1-1"))
            first = db.read_now(lambda conn: register.event(conn, "P0-1"))
            ids = np.arange(1, TOLD + 1, dtype=np.int64) << ledger.WORDING_BITS
            db.write_now(lambda conn: ledger.plan(conn, first, ids.tolist(), now))
            handed = f"UPDATE delivery SET state = 'handed', handed_at = {micros(now)}"
            db.write_now(lambda conn: conn.exec_driver_sql(handed))
            matched = ids >> ledger.WORDING_BITS
            chosen = Audience(address_ids=matched, groups=matched % 3, skipped={})
            event, seconds = an_event(stage=Stage.ALL_CLEAR), []
            row.started_at = now + timedelta(seconds=1)
            for _ in range(3):
                begun = time.perf_counter()
                so_far = db.read_now(lambda conn: told_so_far(conn, row, _Everybody()))
                packed = _decided(event, chosen, so_far, Limits(None, np.empty(0, np.int64)))
                seconds.append(time.perf_counter() - begun)
            if len(packed) != TOLD:
                raise RuntimeError(f"the all clear reaches {len(packed)} of {TOLD}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = f"who gets the all clear, {TOLD:,} told"
    return Figure(name=name, unit="s", ours=seconds, limit=3, higher_is_better=False, note=f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    alone = sys.argv[1:2] == ["stop"]
    for figure in asyncio.run(_stop(int(sys.argv[2]), share=0.3)) if alone else run():
        print(figure.line())
