"""How a sender tries a route that is shut: a question that reaches nobody, then one row; and who looks for silence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from channels.base import Channel, Misconfigured, Probes
from notify.clock import Clock
from notify.sending.desk import Light
from notify.sending.route import Route

WATCH_S: Final = 0.5  # between two looks at the routes
PROBE_S: Final = 3.0  # a probe that is not answered by then has failed


class Trial:
    """Of one sender. light: tells when the provider turns out not to know us."""

    def __init__(self, route: Route, channel: Channel, clock: Clock, light: Light) -> None:
        self.route, self._channel, self._clock, self._light = route, channel, clock, light
        self.is_on = False

    @property
    def bars(self) -> bool:
        """Whether nothing may start: the route is shut, and this is not the one who tries it."""
        return not self.route.stands.is_open and not self.is_on

    def is_due(self) -> bool:
        return self.route.probe_due(self._clock.monotonic())

    async def run(self, start: Callable[[], Awaitable[set["asyncio.Task[None]"] | None]]) -> bool:
        """Tries. start: begins the call of one row and returns what there is to wait for; None when no row is due, and False
        comes back: then nothing is known that was not known before."""
        self.route.probing()
        tried = True
        try:
            if await self._is_there():
                self.is_on = True
                calls = await start()
                tried = calls is not None
                if calls:
                    await asyncio.wait(calls, timeout=PROBE_S)
        finally:
            self.is_on = False
            self.route.probed(self._clock.monotonic(), tried=tried)
        return tried

    async def _is_there(self) -> bool:
        if not isinstance(self._channel, Probes):
            return True
        try:
            async with asyncio.timeout(PROBE_S):
                await self._channel.probe()
        except (ConnectionError, TimeoutError):
            return False
        except Misconfigured as error:
            self._light.trouble = str(error)
            return False
        return True

    async def reopen(self) -> None:
        """Tries a channel that could not work. One that now can has a route that carries."""
        try:
            await self._channel.open()
        except Misconfigured as error:
            self._light.trouble = str(error)
            return
        self._light.trouble = ""
        self.route.repaired(self._clock.monotonic())

    async def watch(self) -> None:
        """Silence shows by itself only to somebody who looks."""
        while True:
            await asyncio.sleep(WATCH_S)
            self.route.routes.look(self._clock.monotonic())
