"""Where the processes of stories come from: forks of one process that has imported everything and parsed the catalogues, which
takes seconds.

A fork is a process like any other: its own pid, its own memory, killed and waited for. What it runs is the `__main__` that
`python -m` would run. `python -m tests.stories.nursery FD` is that one process; it does nothing until it is asked over FD.
"""

import asyncio
import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from channels.simulator import carrier
from channels.simulator.telephone import webhooks
from notify import data
from notify.publishing.pages import Pages
from notify.web.screens import Screens
from notify.wording import words
from subscribers.dialog import lexicon
from tests.notify.feed_factory import a_site

REQUEST_BYTES: Final = 1 << 16
OWN_IDS: Final = (carrier._RANDOM, webhooks._RANDOM)
_ASKING: Final = threading.Lock()  # one question at a time on the line
IMPORTED: Final = ("notify.app", "notify.cli.main", "channels.simulator.server", "channels.simulator.__main__")


@dataclass(slots=True)
class Child:
    """What stories use of asyncio's own kind of process."""

    pid: int
    stdout: asyncio.StreamReader
    _ended: asyncio.StreamReader
    _pipes: list[asyncio.BaseTransport]
    returncode: int | None = None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self) -> int:
        if self.returncode is None:
            self.returncode = int(await self._ended.readline())
            for pipe in self._pipes:
                pipe.close()
        return self.returncode


async def born(arguments: Sequence[str], environment: dict[str, str], log: Path) -> Child:
    """As `python ARGUMENTS` (-m, a module, what it is given): standard output is piped, standard error appended to the log."""
    heard, out = os.pipe()
    ended, status = os.pipe()
    with log.open("ab") as errors:
        request = json.dumps([list(arguments), environment]).encode()
        pid = _asked(request, [out, errors.fileno(), status])
    os.close(out)
    os.close(status)
    (said, pipe), (end, other) = await _reader(heard), await _reader(ended)
    return Child(pid, said, end, [pipe, other])


@functools.cache
def _line() -> socket.socket:
    """To the one process, which is started when it is first asked and ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        arguments = [sys.executable, "-m", "tests.stories.nursery", str(theirs.fileno())]
        child = subprocess.Popen(arguments, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    atexit.register(child.wait)
    atexit.register(ours.close)  # called first
    return ours


def _asked(request: bytes, files: list[int]) -> int:
    with _ASKING:
        socket.send_fds(_line(), [request], files)
        return int(_line().recv(REQUEST_BYTES))


async def _reader(file: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(file, "rb"))
    return reader, pipe


def _serve(line: socket.socket) -> None:
    """Forks whenever it is asked; says of each child how it ended. Ends when nobody can ask any more."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    statuses: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == woken:
                    os.read(woken, 4096)
                    _bury(statuses)
                    continue
                request, files, *_ = socket.recv_fds(line, REQUEST_BYTES, 3)
                if not request:
                    return
                arguments, environment = json.loads(request)
                out, errors, status = files
                if (pid := os.fork()) == 0:
                    line.close()
                    _live(arguments, environment, out, errors)
                statuses[pid] = status
                os.close(out)
                os.close(errors)
                line.send(str(pid).encode())


def _bury(statuses: dict[int, int]) -> None:
    """Tells whoever waits for the children that have ended."""
    for pid in list(statuses):
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = statuses.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
            os.close(status)


def _live(arguments: list[str], environment: dict[str, str], out: int, errors: int) -> NoReturn:
    """The child, as a fresh interpreter would be."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(out, 1)
    os.dup2(errors, 2)
    os.closerange(3, max(out, errors) + 64)
    os.environ.update(environment)
    for ids in OWN_IDS:
        ids.seed()  # drawn once a process, and no two processes draw the same
    code = 1
    try:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _warm() -> None:
    """What every service would parse and compile at its start is kept by what does it: catalogues, vocabulary, layouts."""
    templates = data.folder("templates")
    words.load(templates)
    lexicon.load(templates / "dialog" / "vocabulary")
    Pages.load()
    Screens(templates, a_site())


if __name__ == "__main__":
    for _name in IMPORTED:
        importlib.import_module(_name)
    _warm()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as _asks:
        _serve(_asks)
