"""The phones on the screen as they are now, kept in a file beside the log, so that a restart loses none."""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from channels.simulator.carrier import Carrier
from channels.simulator.handsets import Handsets
from channels.simulator.journal import Journal, JournalBroken
from channels.simulator.phones import BadPhone, Handset, Line, Phone, changed, equipped, phone_of
from channels.simulator.tap import Tap, lines_about


class Phonebook:
    """`open` must have returned before anything else is called. `log_id` names the log the phones belong to: a page that finds
    another one begins afresh."""

    def __init__(self, folder: Path, journal: Journal, tap: Tap, carrier: Carrier, first: Sequence[Mapping[str, Any]]) -> None:
        self.log_id = ""
        self.version = 0
        self.tap = tap
        self._file, self._log = folder / "phones.json", folder / "sms.jsonl"
        self._journal, self._carrier, self._first = journal, carrier, first
        self._handsets: Handsets = carrier.handsets
        self._phones: dict[str, Phone] = {}

    @property
    def phones(self) -> tuple[Phone, ...]:
        """In order of their coming."""
        return tuple(self._phones.values())

    def get(self, number: str) -> Phone | None:
        return self._phones.get(number)

    async def open(self) -> None:
        """Takes up the phones of an earlier run, or the first row. Raises BadPhone, or JournalBroken for a useless file."""
        self.tap.seq = self._journal.seq
        if self._file.is_file():
            self.log_id, kept = _read(self._file)
        else:
            self.log_id, kept = secrets.token_hex(8), []
            for wish in self._first:
                kept.append(phone_of(wish, {phone.number for phone in kept}))
        await self._take_in(kept)

    async def add(self, wish: object) -> Phone:
        """Puts one more phone on the screen, with all it ever got and wrote. Raises BadPhone."""
        phone = replace(phone_of(wish, self._phones.keys()), known_from=self.tap.seq)
        await self._take_in([phone])
        return phone

    def change(self, number: str, wish: object) -> Phone:
        """Raises BadPhone, also for a number that is not on the screen."""
        phone = self._phones.get(number)
        if phone is None:
            raise BadPhone([f"There is no phone {number} on the screen."])
        self._phones[number] = phone = changed(phone, wish, self.tap.seq)
        self._settle()
        return phone

    def remove(self, number: str) -> None:
        """Takes a phone off the screen; its number goes on as the set-up has it. Raises BadPhone."""
        if self._phones.pop(number, None) is None:
            raise BadPhone([f"There is no phone {number} on the screen."])
        self.tap.forget(number)
        self._settle()

    async def synced(self) -> None:
        """Waits until all that the tap has heard is on disk. Raises JournalBroken."""
        await self._journal.synced()

    async def _take_in(self, phones: Sequence[Phone]) -> None:
        numbers = frozenset(phone.number for phone in phones)
        for phone in phones:
            self._phones[phone.number] = phone
            self.tap.watch(phone.number)
        if self._journal.seq:  # what comes meanwhile the tap hears; what was there before stands in the file
            await self._journal.synced()
            self.tap.fill(await asyncio.to_thread(lines_about, self._log, numbers))
        self._settle()

    def _settle(self) -> None:
        self._carrier.handsets = equipped(self._handsets, self.phones)
        _write(self._file, {"log": self.log_id, "phones": [asdict(phone) for phone in self.phones]})
        self.version += 1
        self.tap.pulse()


def _read(file: Path) -> tuple[str, list[Phone]]:
    try:
        document = json.loads(file.read_text("utf-8"))
        phones = [
            Phone(**(given | {"handset": Handset(given["handset"]), "line": Line(given["line"])}))
            for given in document["phones"]
        ]
        return str(document["log"]), phones
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalBroken(
            f"The phones in {file} cannot be read: {error!r}. Without the file the first row comes again."
        ) from error


def _write(file: Path, document: Mapping[str, Any]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
    os.replace(fresh, file)
