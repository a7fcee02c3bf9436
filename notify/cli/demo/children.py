"""The demo's processes: started with settings of their own, ended in reverse order."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

END_S: Final = 120


class ChildFailed(Exception):
    """A process ended before it was ready; the message shows the end of its log."""


class Children:
    """home: where their logs go."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._running: list[subprocess.Popen[str]] = []

    def start(self, arguments: Sequence[str], settings: Mapping[str, str], log: str) -> dict[str, Any]:
        """Starts one process with no settings but these; returns the line of JSON it says when it is ready."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        with (self._home / log).open("a") as errors:
            child = subprocess.Popen(
                [sys.executable, *arguments], env=clean | dict(settings), stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._running.append(child)
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            written = (self._home / log).read_text()[-1500:]
            raise ChildFailed(f"A process of the demo ended at once; see {self._home / log}:\n{written}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def end(self) -> None:
        for child in reversed(self._running):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self._running.clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
