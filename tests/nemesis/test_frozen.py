"""Two sender processes on one database; one is frozen in the middle of its work for longer than its lease, and wakes up."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from sqlalchemy.exc import OperationalError

from notify.clock import SystemClock
from notify.db import Database
from notify.sending import leases
from tests.nemesis.sender import LEASE, WINDOW
from tests.notify.sending_factory import Bench
from tests.stories.town import Process, start

PEOPLE = 800
DEADLINE_S = 90


def calls(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


async def sender(url: str, owner: str, folder: Path) -> Process:
    arguments = ["-m", "tests.nemesis.sender", url, owner, str(folder / f"{owner}.calls")]
    return await start(arguments, {}, folder / f"{owner}.log")


async def test_a_frozen_sender_that_wakes_up_doubles_nobody_and_its_late_words_are_refused(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    bench = Bench(db, SystemClock())
    bench.event(PEOPLE)
    frozen, other = await sender(database_url, "frozen", tmp_path), await sender(database_url, "other", tmp_path)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while len(calls(tmp_path / "frozen.calls")) < 50:
                await asyncio.sleep(0.01)
            await freeze(frozen, bench)
            before = len(calls(tmp_path / "frozen.calls"))
            await wait_past_the_lease(bench)
            assert len(calls(tmp_path / "frozen.calls")) == before
            frozen.child.send_signal(signal.SIGCONT)
            counts = await bench.until(lambda counts: counts["planned"] + counts["claimed"] == 0)
    finally:
        frozen.child.send_signal(signal.SIGCONT)
        await frozen.end()
        await other.end()
    made = Counter(calls(tmp_path / "frozen.calls") + calls(tmp_path / "other.calls"))
    assert max(made.values()) == 1, "somebody was called twice"
    assert counts["handed"] + counts["unknown"] == PEOPLE
    unknown = [row for row in bench.rows("delivery_id, state, ambiguous") if row.state == "unknown"]
    assert counts["unknown"] <= 2 * WINDOW, "the other one's window too, should the machine have stood still"
    for owner in ("frozen", "other"):
        assert len({row.delivery_id for row in unknown} & set(calls(tmp_path / f"{owner}.calls"))) <= WINDOW, owner
    assert all(row.ambiguous for row in unknown)
    assert len(made) >= counts["handed"]


async def freeze(sender: Process, bench: Bench) -> None:
    """Between two of its writes, on SQLite: in the middle of one it would hold the lock that the whole database has, so it is
    woken and stopped again. (A service on SQLite is alone; PostgreSQL ends the transaction of a frozen one.)"""
    while True:
        sender.child.send_signal(signal.SIGSTOP)
        try:
            return await bench.db.write(lambda conn: None)
        except OperationalError:
            sender.child.send_signal(signal.SIGCONT)


async def wait_past_the_lease(bench: Bench) -> None:
    """Until the other sender has done what can be done, and the leases of the frozen one have ended and been released."""
    over = bench.clock.monotonic() + 2 * LEASE.total_seconds()
    while bench.clock.monotonic() < over:
        await bench.db.write(lambda conn: leases.release_expired(conn, now=bench.clock.now()))
        await asyncio.sleep(0.1)
