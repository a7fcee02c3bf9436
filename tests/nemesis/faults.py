"""What is done to a running town. Each fault waits until texts leave, does its harm, sets it right, and says when that was."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from notify.reserve import FILE
from tests.nemesis.cluster import Cluster, Pair, Trio
from tests.nemesis.field import Field, Injury
from tests.nemesis.set_clock_service import FILE as CLOCK
from tests.stories.town import BOIL_WATER

CARRIER_S = 8.0  # how long the carrier is out of order
BLOCK = 4096
FULL_S = 10.0  # how long the disk is full


async def killed(on: Field) -> Sequence[Injury]:
    """kill -9 at random points of the send; started again, as systemd does."""
    found = []
    for number in range(on.kills):
        await on.told((number + on.chance.uniform(0.2, 0.8)) / (on.kills + 0.5))
        if on.is_over:  # the other sender was done before this one was back
            break
        since = time.time()
        await on.victim.kill()
        began = time.time()
        await on.again()
        found.append(Injury(since, began if len(on.working) == 1 else since))
    return found


async def frozen(on: Field) -> Sequence[Injury]:
    """SIGSTOP in the middle of the send, SIGCONT long after its leases have ended."""
    await on.told(0.2)
    on.victim.child.send_signal(signal.SIGSTOP)
    since = time.time()
    await asyncio.sleep(on.frozen_s)
    woken = time.time()
    on.victim.child.send_signal(signal.SIGCONT)
    return [Injury(woken, woken) if len(on.working) == 1 else Injury(since, since)]


async def cut_after_accepting(on: Field) -> Sequence[Injury]:
    """One call in a hundred is accepted, and its connection cut before the answer."""
    await on.carrier(cut_after=0.01)
    return []


async def too_many_requests(on: Field) -> Sequence[Injury]:
    """429 with Retry-After: 2 to everything for a while."""
    return await _carrier_fails(on, {}, {"too_many": 1.0, "retry_after_s": 2})


async def server_errors(on: Field) -> Sequence[Injury]:
    """503 to everything for a while; and one call in a hundred is accepted and answered with 500."""
    return await _carrier_fails(on, {"error_after": 0.01}, {"refuse_all": True, "error_after": 0.01})


async def hang(on: Field) -> Sequence[Injury]:
    """No answer to anything for a while: half of what hangs was accepted, half was not."""
    return await _carrier_fails(on, {}, {"hang_before": 0.5, "hang_after": 1.0, "hang_s": 30})


async def slow(on: Field) -> Sequence[Injury]:
    """Every answer takes three seconds for a while."""
    return await _carrier_fails(on, {}, {"slow_s": 3.0})


async def unreachable(on: Field) -> Sequence[Injury]:
    """One address in a hundred does not open, is no number, is ten thousand digits long or is refused by the carrier."""
    return []


async def _carrier_fails(on: Field, usual: dict[str, object], fault: dict[str, object]) -> Sequence[Injury]:
    await on.carrier(**usual)
    await on.told(0.3)
    await on.carrier(**fault)
    await on.asked(CARRIER_S)
    await on.carrier(**usual)
    right = time.time()
    return [Injury(right, right)]


async def disk_full(on: Field) -> Sequence[Injury]:
    """The disk of the database has no byte left for ten seconds, also when the service gives its reserve back; then it has. On
    SQLite drafts are refused meanwhile as not written, and progress and log are read."""
    assert on.disk is not None
    await on.told(0.3)
    ballast, until = on.disk / "ballast", time.monotonic() + FULL_S
    with ballast.open("wb", buffering=0) as file:
        await asyncio.to_thread(_fill, on, file)
        if isinstance(on.server, Cluster):
            with contextlib.suppress(Exception):  # it ends itself over this
                await asyncio.to_thread(on.server.ask, "SELECT pg_switch_wal()")  # needs a new file
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
            await asyncio.to_thread(_fill, on, file)
        if on.server is None:
            await _is_clean(on)
    ballast.unlink()
    if isinstance(on.server, Cluster) and not on.server.runs():
        await asyncio.to_thread(on.server.back)
    right = time.time()
    return [Injury(right, right)]


async def _is_clean(on: Field) -> None:
    """How the service answers with nothing left to write in."""
    said = {(await on.town.call("author", "POST", "/alerts", BOIL_WATER))[0] for _ in range(3)}
    read = [(await on.town.call("admin", "GET", path))[0] for path in ("/alerts", "/audit?limit=5", "/status")]
    assert said == {507} and read == [200, 200, 200], f"on a full disk: drafts {said}, reading {read}"
    assert not (on.town.home / FILE).exists(), "the reserve was never given back"


def _fill(on: Field, ballast: BinaryIO) -> None:
    """To the last byte, and what SQLite's log has, too."""
    if on.server is None:
        _cut_log(on.town.home / "tocsin.db")
    with contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(BLOCK))


def _cut_log(database: Path) -> None:
    """SQLite's log keeps its length, and room in it is room: it has none of it when the disk is full."""
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def fsync_fails(on: Field) -> Sequence[Injury]:
    """Every fsync of the database's files fails with EIO for five seconds (PostgreSQL ends itself at the first, and starts)."""
    await on.told(0.3)
    if isinstance(on.server, Cluster):
        injected, paths, pids = "EIO:when=1", [], on.server.sessions()
    else:
        found = sorted(on.town.home.glob("tocsin.db*"))
        injected, paths, pids = "EIO", found, [on.victim.child.pid]
    inject = f"inject=fsync,fdatasync:error={injected}"
    arguments = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject]
    arguments += [part for path in paths for part in ("-P", str(path))]
    arguments += [part for pid in pids for part in ("-p", str(pid))]
    tracer = await asyncio.create_subprocess_exec("strace", *arguments, stderr=asyncio.subprocess.PIPE)
    since = time.time()
    await asyncio.sleep(5)
    if tracer.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            tracer.send_signal(signal.SIGINT)
    _, said = await tracer.communicate()
    if b"Operation not permitted" in said:
        raise AssertionError(f"strace may not trace here: {said.decode()}")
    right = time.time()
    return [Injury(since, right)]


async def clock_set(on: Field) -> Sequence[Injury]:
    """The clock that the service goes by is set an hour forward, then two hours back."""
    found = []
    for share, ahead_s in ((0.25, 3600.0), (0.6, -3600.0)):
        await on.told(share)
        set_clock(on.town.home, ahead_s)
        since = time.time()
        await on.leaves(since)
        found.append(Injury(since, since))
    return found


def set_clock(home: Path, ahead_s: float) -> None:
    """At once, or whoever looks in between finds half a number."""
    fresh = home / f"{CLOCK}.new"
    fresh.write_text(str(ahead_s))
    os.replace(fresh, home / CLOCK)


async def database_restarted(on: Field) -> Sequence[Injury]:
    """pg_ctl restart -m immediate: as a crash of the server."""
    assert isinstance(on.server, Cluster)
    await on.told(0.3)
    since = time.time()
    await asyncio.to_thread(on.server.control, "restart", "-m", "immediate")
    return [Injury(since, time.time())]


async def standby_silent(on: Field) -> Sequence[Injury]:
    """The synchronous standby stands still for twelve seconds: no commit is answered meanwhile."""
    assert isinstance(on.server, Pair)
    await on.told(0.3)
    still = [on.server.standby.pid, *on.server.standby.sessions()]
    for pid in still:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(12)
    for pid in still:
        os.kill(pid, signal.SIGCONT)
    right = time.time()
    return [Injury(right, right)]


async def failed_over(on: Field) -> Sequence[Injury]:
    """The primary is gone with its machine (SIGKILL), its synchronous standby is promoted; then the old primary comes back and
    takes writes, as if nothing had happened."""
    assert isinstance(on.server, Pair)
    await on.told(0.3)
    since = time.time()
    await asyncio.to_thread(on.server.fail_over)
    again = time.time()
    await on.leaves(again)
    await asyncio.to_thread(on.server.first.back)
    return [Injury(since, again)]


async def one_after_the_other(on: Field) -> Sequence[Injury]:
    """Of three servers, either standby answers for a commit. One standby is gone with its machine, and back; then the primary
    is gone, the standby that has more of its log is promoted and the other follows it; then the old primary comes back and
    takes writes."""
    assert isinstance(on.server, Trio)
    await on.told(0.2)
    gone = time.time()
    await asyncio.to_thread(on.server.others[0].kill)
    await on.leaves(gone)
    await asyncio.to_thread(on.server.others[0].back)
    await on.told(0.4)
    since = time.time()
    await asyncio.to_thread(on.server.fail_over)
    again = time.time()
    await on.leaves(again)
    await asyncio.to_thread(on.server.first.back)
    return [Injury(gone, gone), Injury(since, again)]
