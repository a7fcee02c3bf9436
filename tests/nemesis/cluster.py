"""A PostgreSQL server of one's own, to be stopped and started: its own folder, its own port, gone at the end."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import free_port

REACHED = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')"  # of its primary's log, in bytes
QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100"


@dataclass(frozen=True, slots=True)
class Cluster:
    folder: Path
    port: int
    options: str

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://tocsin@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> None:
        _run(self.folder, "createdb", *self._client, database)

    def dump(self, database: str) -> bytes:
        """A backup while it is written to, as docs/operations.md says."""
        file = self.folder / "copy.dump"
        _run(self.folder, "pg_dump", *self._client, "-Fc", "-f", str(file), database)
        return file.read_bytes()

    def restore(self, database: str, dumped: bytes) -> None:
        """Into a database that has nothing yet."""
        file = self.folder / "copy.dump"
        file.write_bytes(dumped)
        file.chmod(0o644)
        _run(self.folder, "pg_restore", *self._client, "--exit-on-error", "-d", database, str(file))

    @property
    def _client(self) -> Sequence[str]:
        return "-h", "127.0.0.1", "-p", str(self.port), "-U", "tocsin"

    async def restart(self) -> None:
        """As an administrator does: sessions are cut off, what was committed stays."""
        await asyncio.to_thread(self.control, "restart", "-m", "fast")

    def control(self, *arguments: str) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} {self.options}"
        log = self.folder / "server.log"
        _run(self.folder, "pg_ctl", "-D", str(self.folder / "data"), "-l", str(log), "-w", "-o", options, *arguments)

    def kill(self) -> None:
        """As its machine would be gone: the server and every session of it, with no time to write anything."""
        main = self.pid
        sessions = self.sessions()
        for pid in (main, *sessions):  # it first, or it would begin anew
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def ask(self, *statements: str) -> Any:
        """As an administrator at psql; returns what the last one found, if it finds anything."""
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=tocsin dbname=postgres", autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchone()[0] if cursor.description else None

    def back(self) -> None:
        """Its machine is started again, and it with it, as if nothing had happened."""
        for lock in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)  # whoever holds them is dead, but may still be unburied
        self.control("start")

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def sessions(self) -> list[int]:
        """The server's own processes and those of whoever is connected."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def runs(self) -> bool:
        """A killed one that nobody has buried yet does not."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, IndexError):
            return False
        return state != "Z"


@contextmanager
def cluster(*, durable: bool = False, within: Path | None = None) -> Iterator[Cluster]:
    """durable: on a disk and as it comes, for measurements and for faults of the server; else in memory. within: a folder."""
    with _folder(within or (None if durable else Path("/dev/shm"))) as folder:
        _run(folder, "initdb", "-D", str(folder / "data"), "-U", "tocsin", "-A", "trust", "--no-sync", "-E", "UTF8")
        with _started(Cluster(folder, free_port(), "" if durable else QUICK)) as found:
            yield found


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and its standby. What the first has answered to a commit is on both."""

    first: Cluster
    standby: Cluster

    @property
    def url(self) -> str:
        return _url(self.first, self.standby)

    def fail_over(self) -> None:
        """The first is gone, with its machine; somebody promotes the standby."""
        self.first.kill()
        self.standby.control("promote")


@dataclass(frozen=True, slots=True)
class Trio:
    """Three servers as docs/deployment.md has them. What the first has answered to a commit is on one of the others, too."""

    first: Cluster
    others: Sequence[Cluster]

    @property
    def url(self) -> str:
        return _url(self.first, *self.others)

    def fail_over(self) -> None:
        """The first is gone, with its machine; somebody promotes the one that has more of its log, and the other follows it."""
        self.first.kill()
        less, more = sorted(self.others, key=lambda one: int(one.ask(REACHED)))
        more.control("promote")
        less.ask(f"ALTER SYSTEM SET primary_conninfo = '{_source(more, NAMES[self.others.index(less) + 1])}'", RELOAD)


NAMES = ("a", "b", "c")
RELOAD = "SELECT pg_reload_conf()"


def _url(*servers: Cluster) -> str:
    """Of all of them: whichever takes writes is meant."""
    return "postgresql+psycopg://tocsin@/postgres?" + "&".join(f"host=127.0.0.1:{one.port}" for one in servers)


def _source(primary: Cluster, name: str) -> str:
    """What a standby of this name connects to."""
    return f"host=127.0.0.1 port={primary.port} user=tocsin application_name={name}"


@contextmanager
def _standby(first: Cluster, name: str) -> Iterator[Cluster]:
    with _folder(first.folder.parent) as folder:
        source, data = _source(first, name), str(folder / "data")
        _run(folder, "pg_basebackup", "-d", source, "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        with _started(Cluster(folder, free_port(), first.options)) as standby:
            yield standby


@contextmanager
def pair(within: Path | None = None) -> Iterator[Pair]:
    """within: a folder; else both are in memory."""
    with cluster(durable=True, within=within or Path("/dev/shm")) as first, _standby(first, "standby") as standby:
        # On the first alone: promoted, the standby has nobody behind it to wait for.
        first.ask("ALTER SYSTEM SET synchronous_standby_names = 'standby'", RELOAD)
        yield Pair(first, standby)


@contextmanager
def trio(within: Path | None = None) -> Iterator[Trio]:
    """As `pair`, with one more."""
    with cluster(durable=True, within=within or Path("/dev/shm")) as first:
        first.ask(
            f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({', '.join(NAMES)})'"
        )  # the others get it by their copy
        with _standby(first, NAMES[1]) as second, _standby(first, NAMES[2]) as third:
            first.ask(RELOAD)
            yield Trio(first, (second, third))


@contextmanager
def _folder(within: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-cluster-", dir=within))
    try:
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _started(found: Cluster) -> Iterator[Cluster]:
    found.control("start")
    try:
        yield found
    finally:
        if found.runs():
            found.control("stop", "-m", "immediate")


def _run(folder: Path, program: str, *arguments: str) -> None:
    command: Sequence[str] = [str(_programs() / program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    with (folder / "commands.log").open("ab") as said:
        subprocess.run(command, check=True, cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL)


def _programs() -> Path:
    """Debian keeps them by version, off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found, "PostgreSQL's programs are needed: run these tests through ./dev test"
    return found[-1]
