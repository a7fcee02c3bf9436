"""Waiting for what a simulated telephone brings about: asked again after each webhook that was answered, never by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from channels.simulator import Running

PATIENCE_S: Final = 120.0


async def until(simulator: Running, done: Callable[[], Awaitable[bool]]) -> None:
    """Returns when `done` says so. Raises TimeoutError after PATIENCE_S."""
    board, answered = simulator.telephone.board, asyncio.Event()
    usual = board.on_answer

    def heard() -> None:
        usual()
        answered.set()

    board.on_answer = heard
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await done():
                await answered.wait()
                answered.clear()
    finally:
        board.on_answer = usual
