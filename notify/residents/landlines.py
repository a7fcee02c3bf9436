"""Whether a number that somebody signs up with is a landline: asked of its carrier, where the city pays for that."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from channels.lookup import LineType, NotTold
from notify.clock import Clock
from notify.db import Database
from subscribers import lines
from subscribers.sealing import Keyring

logger = logging.getLogger(__name__)

# A kept answer comes at once, one from the carrier after a few tenths of a second: without a wait that hides the difference a
# page would tell whether a number was typed there before. A carrier that takes longer than this still shows.
AT_LEAST_S: Final = 1.0


class Carriers(Protocol):
    async def line_type(self, number: str) -> LineType: ...  # raises NotTold


@dataclass(frozen=True, slots=True, kw_only=True)
class Landlines:
    """at_least_s: how long every answer takes at least, in seconds."""

    db: Database
    clock: Clock
    keys: Keyring
    carriers: Carriers
    at_least_s: float = AT_LEAST_S

    async def has(self, number: str) -> bool:
        """Whether a number in E.164 is known to be a landline. One of which nothing is known is not: its owner gets the code,
        because a city that cannot ask must not turn people away."""
        kind, _ = await asyncio.gather(self.kind(number), asyncio.sleep(self.at_least_s))
        return kind == LineType.LANDLINE

    async def kind(self, number: str) -> str:
        """What kind of line it is, a LineType, as soon as anybody has said so."""
        now = self.clock.now()
        known = await self.db.read(partial(lines.find, keyring=self.keys, number=number, now=now))
        if known is not None:
            return known
        try:
            kind = await self.carriers.line_type(number)
        except NotTold as error:
            logger.warning("what kind of line a number is was not told: %s", error)
            return LineType.UNKNOWN
        await self.db.write(partial(lines.keep, keyring=self.keys, number=number, kind=kind, now=now))
        return kind
