"""The lines of the carrier's log that concern the phones on the screen, kept at hand and told of as they come."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from channels.simulator.seen import phone_number

MOST_LINES: Final = 2_000  # of one phone; older ones stay in the log alone


class Tap:
    """Hears every line the journal gets. Keeps those of watched numbers; all others cost one look-up."""

    def __init__(self) -> None:
        self.seq = 0
        self.version = 0  # grows with all that the screen should know of
        self._kept: dict[str, dict[int, Mapping[str, Any]]] = {}
        self._changed = asyncio.Event()

    def hear(self, entry: Mapping[str, Any]) -> None:
        """A line just written."""
        self.seq = entry["seq"]
        if self._keep(entry):
            self.pulse()

    def watch(self, number: str) -> None:
        """Keeps this number's lines from now on."""
        self._kept.setdefault(number, {})

    def forget(self, number: str) -> None:
        self._kept.pop(number, None)

    def fill(self, earlier: Iterable[Mapping[str, Any]]) -> None:
        """Takes in lines of the log from before; those already kept stay once."""
        for entry in earlier:
            self._keep(entry)
        self.pulse()

    def lines(self, after: Mapping[str, int]) -> list[Mapping[str, Any]]:
        """The kept lines of these numbers, each number's above the seq given for it, in order."""
        kept = (
            (seq, entry) for number, floor in after.items() for seq, entry in self._kept.get(number, {}).items() if seq > floor
        )
        return [entry for _, entry in sorted(kept, key=lambda pair: pair[0])]

    def pulse(self) -> None:
        """Wakes everybody who waits for news."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def news(self, version: int) -> None:
        """Returns as soon as something came after this version."""
        while self.version == version:
            await self._changed.wait()

    def _keep(self, entry: Mapping[str, Any]) -> bool:
        kept = self._kept.get(phone_number(entry))
        if kept is None:
            return False
        kept[entry["seq"]] = entry
        if len(kept) > MOST_LINES:
            del kept[min(kept)]
        return True


def lines_about(path: Path, numbers: frozenset[str]) -> list[dict[str, Any]]:
    """The whole lines of a log that name one of these numbers; of a large log only those are parsed."""
    if not path.is_file():
        return []
    marks = tuple(f'"{number}"' for number in numbers)
    with path.open(encoding="ascii") as file:
        named = (line for line in file if line.endswith("\n") and any(mark in line for mark in marks))
        return [entry for entry in map(json.loads, named) if phone_number(entry) in numbers]
