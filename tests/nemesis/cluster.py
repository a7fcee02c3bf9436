"""A PostgreSQL server of one's own, to be stopped and started: its own folder, its own port, gone at the end."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

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
        _run(self.folder, "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tocsin", database)

    async def restart(self) -> None:
        """As an administrator does: sessions are cut off, what was committed stays."""
        await asyncio.to_thread(self.control, "restart", "-m", "fast")

    def control(self, *arguments: str) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} {self.options}"
        log = self.folder / "server.log"
        _run(self.folder, "pg_ctl", "-D", str(self.folder / "data"), "-l", str(log), "-w", "-o", options, *arguments)


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """durable: on a disk and as it comes, for measurements; else in memory."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-cluster-", dir=None if durable else "/dev/shm"))
    try:
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
        _run(folder, "initdb", "-D", str(folder / "data"), "-U", "tocsin", "-A", "trust", "--no-sync", "-E", "UTF8")
        found = Cluster(folder, free_port(), "" if durable else QUICK)
        found.control("start")
        try:
            yield found
        finally:
            found.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


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
