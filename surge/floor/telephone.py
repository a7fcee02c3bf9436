"""What the floor asks of a telephone network; channels.voice is the one over Twilio, a simulator or a fake another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from channels.base import Inbound
from channels.calls import LiveCall, Lost, Outcome, Ring


class Telephone(Protocol):
    """Nothing here is ever done twice by itself."""

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

    async def calls(self, since: datetime) -> Sequence[LiveCall]:
        """Every call to or from our number that began since then, ended ones as well. Raises ConnectionError."""

    async def lost(self, since: datetime) -> Sequence[Lost]:
        """Webhooks since then that the provider got no answer of use to. Raises ConnectionError."""

    def read(self, request: Inbound) -> dict[str, str]:
        """The fields of a webhook, its signature checked. Pure. Raises Forged."""
