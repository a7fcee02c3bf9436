"""Ports of this machine for processes that must be told beforehand where to listen."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from typing import Final

# Below what the system itself hands to whoever connects, so that none is taken between the choice and its use.
PORTS: Final = range(20_000, 32_000)
SPREAD: Final = 997  # processes of one run begin far from one another


def _each_once() -> Iterator[int]:
    start = os.getpid() * SPREAD
    for step in range(len(PORTS)):
        yield PORTS[(start + step) % len(PORTS)]


_left = _each_once()
_ASKING: Final = threading.Lock()


def free_port() -> int:
    """A port that nobody listens on and that this run has not handed out before."""
    while port := _next():
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("Every port has been handed out.")


def _next() -> int:
    """0 when there is none left."""
    with _ASKING:
        return next(_left, 0)


async def listens(port: int) -> bool:
    """Whether somebody on this machine takes connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
