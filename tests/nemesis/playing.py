"""Plays one scenario: an alert to a town, the fault in the middle of it, the end; and judges it from outside."""

import asyncio
import contextlib
import csv
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from notify.db import Database
from notify.sending import ledger_check
from notify.sending.ledger_check import Verdict
from subscribers.formulas import restored
from tests.nemesis import poison
from tests.nemesis.cluster import Cluster, Pair, Trio, cluster, pair, trio
from tests.nemesis.dump import dump
from tests.nemesis.field import OURS, WINDOW, Field, Injury, Sink
from tests.nemesis.scenarios import Base, Scenario
from tests.stories.town import BOIL_WATER, Town, numbers

LEASE_S = 3
LEAST_RATE = 60.0  # segments a second
SPREAD_S = 15.0  # a part of the text takes so long to everybody, so that there is time for a fault
_MIGRATES = threading.Lock()  # alembic does one at a time
DOUBTS_S = 60.0
HEADROOM_MB = 48  # that a small disk has beside what an alert needs on it
COUNTED = ("deliveries", "lost", "doubles", "bound", "unknown", "flagged", "injuries")
ANSWERED_S = 0.5  # 99 of a hundred answers of the API, while the carrier is out of order
TEXTS_ONLY = BOIL_WATER | {"channels": ["sms", "feed"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run came to. bound: how many doubles there may be. recovered_s: of each injury with texts still to
    leave. problems: sentences. answered_s: what answers of the API took while the fault lasted, if it was asked."""

    scenario: Scenario
    base: Base
    deliveries: int
    lost: int
    doubles: int
    bound: int
    unknown: int
    flagged: int
    injuries: int
    recovered_s: Sequence[float]
    problems: Sequence[str]
    answered_s: Sequence[float] = ()


class Missing(Exception):
    """A scenario cannot be played on this machine; says why."""


async def play(
    scenario: Scenario,
    base: Base,
    home: Path,
    *,
    people: int,
    seed: int = 0,
    frozen_s: float = 90.0,
    kills: int = 3,
    within: Path | None = None,
) -> Run:
    """within: where servers of databases keep their files; None: in memory. Raises Missing."""
    if missing := [tool for tool in scenario.tools if shutil.which(tool) is None]:
        raise Missing(f"needs {', '.join(missing)}")
    with ExitStack() as ground:
        disk = ground.enter_context(small_disk(home / "disk", people)) if scenario.small_disk else None
        server = ground.enter_context(_server(base, disk or within))
        town = await asyncio.to_thread(_town, scenario, base, disk or home, server, people)
        async with AsyncExitStack() as stack:
            more = ("--sender", f"{OURS[1]}={town.rate:g}")
            carrier = await town.carrier(*more, "--delivered-after", "1", "--seed", str(seed))
            stack.push_async_callback(carrier.end)
            on = Field(
                town=town,
                people=people,
                chance=random.Random(seed),
                stack=stack,
                roles=scenario.roles(base),
                module=scenario.module,
                server=server,
                disk=disk,
                frozen_s=frozen_s,
                kills=kills,
            )
            await on.begin()
            on.alert_id = await town.send(TEXTS_ONLY)
            injuries = await scenario.fault(on)
            await on.over(on.alert_id, DOUBTS_S)
        return await asyncio.to_thread(_judge, scenario, base, on, injuries)


@contextlib.contextmanager
def _server(base: Base, within: Path | None) -> Iterator[Cluster | Pair | Trio | None]:
    if base is Base.SQLITE:
        yield None
    elif base is Base.PAIR:
        with pair(within) as both:
            yield both
    elif base is Base.TRIO:
        with trio(within) as three:
            yield three
    else:
        with cluster(durable=True, within=within or Path("/dev/shm")) as one:
            yield one


def _town(scenario: Scenario, base: Base, home: Path, server: Cluster | Pair | Trio | None, people: int) -> Town:
    rate = max(LEAST_RATE, people / SPREAD_S)
    folder = home / "town"
    folder.mkdir(parents=True)
    if scenario.small_disk:  # the carrier has another machine
        (home.parent / "carrier").mkdir()
        (folder / "carrier").symlink_to(home.parent / "carrier")
    url = server.url if server is not None else f"sqlite:///{folder / 'tocsin.db'}"
    with _MIGRATES:
        town = Town.create(folder, url, rate=rate)
    town.settings |= {"TOCSIN_SMS_SENDERS": ",".join(f"{number}={rate / len(OURS):g}" for number in OURS)}
    town.settings |= {"TOCSIN_SMS_WINDOW": str(WINDOW), "TOCSIN_LEASE_S": str(LEASE_S), "TOCSIN_NOT_FOUND_AFTER_S": "3"}
    town.settings |= scenario.settings
    town.settle(numbers(people))
    if scenario.poisoned:
        poison.spoil(town, numbers(people))
    return town


@contextlib.contextmanager
def small_disk(folder: Path, people: int) -> Iterator[Path]:
    """A file system of its own, in memory. Raises Missing without the right to mount one."""
    folder.mkdir()
    size = f"size={HEADROOM_MB + 128 + people // 100}m,mode=755"
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=False).returncode:
        raise Missing("needs the right to mount a small disk (root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _judge(scenario: Scenario, base: Base, on: Field, injuries: Sequence[Injury]) -> Run:
    """From the ledger's dump, the carrier's log and the list of people alone."""
    town, people = on.town, numbers(on.people)
    judged = town.home.parent if not scenario.small_disk else town.home.parent.parent
    with closing(Database(town.database_url)) as db:
        dumped, texts = dump(db, town.ring, judged)
    verdict = ledger_check.check(dumped, town.logs, texts)
    with dumped.open(newline="", encoding="utf-8") as file:
        rows = [row | {"address": restored(row["address"])} for row in csv.DictReader(file)]
    forgotten = set(people) - {row["address"] for row in rows}
    sink = Sink(town.logs / "sms.jsonl")
    back = [(one, sink.first_after(one.again)) for one in injuries]
    recovered_s = [first - one.since for one, first in back if first is not None]
    found = slow_answers(on.answered_s)
    if scenario.poisoned:
        forgotten -= set(poison.chosen(people))
        found += poison.problems(rows, town.sms(), people, town.rate)
    run = judgement(scenario, base, verdict, forgotten, injuries, recovered_s)
    return replace(run, problems=[*run.problems, *found], answered_s=on.answered_s)


def slow_answers(seconds: Sequence[float]) -> list[str]:
    """A sentence when the API was held up; none when it was not asked."""
    usual = p99(seconds) if seconds else 0.0
    return [f"99 % of the API's answers took {usual:.2f} s; {ANSWERED_S:g} s are allowed."] if usual > ANSWERED_S else []


def p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


def judgement(
    scenario: Scenario,
    base: Base,
    verdict: Verdict,
    forgotten: Collection[str],
    injuries: Sequence[Injury],
    recovered_s: Sequence[float],
) -> Run:
    """forgotten: people without a row in the ledger."""
    bound = scenario.bound(verdict.rows, injuries)
    problems = list(verdict.problems)
    problems += [f"{len(forgotten)} people have no row in the ledger."] if forgotten else []
    problems += [f"{verdict.doubles} duplicates: the bound is {bound}."] if verdict.doubles > bound else []
    return Run(
        scenario=scenario,
        base=base,
        deliveries=verdict.rows,
        lost=verdict.lost + len(forgotten) + verdict.counts["planned"] + verdict.counts["claimed"],
        doubles=verdict.doubles,
        bound=bound,
        unknown=verdict.counts["unknown"],
        flagged=verdict.flagged,
        injuries=len(injuries),
        recovered_s=recovered_s,
        problems=problems,
    )


def several(runs: Sequence[Run]) -> Run:
    """Runs of one scenario on one database, added up."""
    first = runs[0]
    return replace(
        first,
        **{name: sum(getattr(one, name) for one in runs) for name in COUNTED},
        recovered_s=[seconds for one in runs for seconds in one.recovered_s],
        answered_s=[seconds for one in runs for seconds in one.answered_s],
        problems=[problem for one in runs for problem in one.problems],
    )
