"""What the floor asks of a telephone network; channels.voice is the one over Twilio, a simulator or a fake another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from channels.calls import LiveCall, Outcome, Ring


class Telephone(Protocol):
    """Every call here is made once and never repeated by itself."""

    async def open(self) -> None:
        """Connects. Raises Misconfigured."""

    async def close(self) -> None:
        """Lets requests under way end, then disconnects."""

    async def ring(self, ring: Ring) -> Outcome:
        """Makes a call, at the pace the account allows. Never a three-digit number: that is NotPlaced."""

    async def redirect(self, call_sid: str, url: str) -> bool:
        """Sends a live call to other instructions. False: it has ended. Raises ConnectionError."""

    async def hang_up(self, call_sid: str) -> bool:
        """Ends a call that rings or is live. False: it has ended already. Raises ConnectionError."""

    async def fetch(self, call_sid: str) -> LiveCall | None:
        """A call as the provider knows it; None for one it does not know. Raises ConnectionError."""

    async def live(self, since: datetime) -> Sequence[LiveCall]:
        """Every call begun since then that has not ended. Raises ConnectionError."""
