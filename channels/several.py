"""Several channels of one name as one, for what comes back: the one whose account signed a report or a text reads it."""

from collections.abc import Sequence
from typing import Protocol

from channels.base import Channel, Forged, Heard, Hears, Inbound, Receipt


class Reads(Protocol):
    """What reads a provider's reports."""

    @property
    def name(self) -> str: ...

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        """Pure. Raises Forged."""


class AnyOf:
    """channels: all of one name, each of an account of its own."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.name = channels[0].name
        self._channels = channels

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        """Raises Forged when no account has signed it."""
        for channel in self._channels:
            try:
                return channel.read_report(request)
            except Forged:
                continue
        raise Forged("No account of ours has signed this report.")


class AnyOfHearing(AnyOf):
    """The same where residents can write to at least one of them."""

    def read_text(self, request: Inbound) -> Heard:
        """Raises Forged when no account has signed it."""
        for channel in self._channels:
            if isinstance(channel, Hears):
                try:
                    return channel.read_text(request)
                except Forged:
                    continue
        raise Forged("No account of ours has signed this text.")


def by_name(channels: Sequence[Channel]) -> dict[str, Reads]:
    """One reader for each name; channels in the order in which they are asked."""
    found: dict[str, list[Channel]] = {}
    for channel in channels:
        found.setdefault(channel.name, []).append(channel)
    return {name: _reader(ones) for name, ones in found.items()}


def _reader(channels: Sequence[Channel]) -> Reads:
    if len(channels) == 1:
        return channels[0]
    return AnyOfHearing(channels) if any(isinstance(one, Hears) for one in channels) else AnyOf(channels)
