"""Open sites near a ZIP, in a resident's language: what "SHELTER 97214" is answered with.

The list is one file: the city pack's until `tocsin sites` has written one beside the database. It is read anew whenever it has
changed, so opening and closing a site needs no restart.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from notify.alerts.hazards import Hazard
from notify.city import City
from subscribers import relief
from subscribers.dialog.turn import Reply
from subscribers.relief import ReliefSite
from subscribers.sheet import BadFile

logger = logging.getLogger(__name__)

FILE: Final = "sites.csv"
SIZE_MAX: Final = 1 << 20  # bytes

Stamp = tuple[Path, int, int] | None


def topics(hazards: Mapping[str, Hazard]) -> frozenset[str]:
    """The words that may ask for a site: those that some hazard's alerts answer."""
    return frozenset(word for hazard in hazards.values() for word in hazard.topics)


class SiteList:
    """The sites as the file has them now. A file that cannot be read leaves the last good list, and says so in the log."""

    def __init__(self, data_dir: Path, pack: City, words: Collection[str]) -> None:
        self.own, self._packs = data_dir / FILE, pack.folder / FILE
        self._pack, self._words = pack, words
        self._stamp: Stamp = None
        self._sites: tuple[ReliefSite, ...] = ()

    def read(self, path: Path) -> tuple[ReliefSite, ...]:
        """The sites of any file. Raises BadFile with everything wrong with it, and OSError."""
        data = path.read_bytes()
        if len(data) > SIZE_MAX:
            raise BadFile([f"The file has {len(data):,} bytes; a list of sites has at most {SIZE_MAX:,}."])
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise BadFile(["The file is not UTF-8; save it as UTF-8."]) from error
        return relief.read(text, self._words, self._pack.pack.box)

    def current(self) -> tuple[ReliefSite, ...]:
        """The list in use, from memory while its file stays the same. Never fails."""
        try:
            path = self.path()
            stamp = _stamp(path) if path else None
            if stamp != self._stamp:
                self._stamp = stamp  # first: a broken file is complained of once
                self._sites = self.read(path) if path else ()
        except (BadFile, OSError) as error:
            logger.error("the list of sites cannot be read, the last good one is used: %s", error)
        return self._sites

    def write(self, sites: Sequence[ReliefSite]) -> None:
        """Puts a list in the place of the one before, whole or not at all. Raises OSError."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.own.parent, suffix=".part", delete=False) as file:
            file.write(relief.written(sites))
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, self.own)

    def path(self) -> Path | None:
        """The file in use; None without any."""
        return next((path for path in (self.own, self._packs) if path.is_file()), None)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return path, found.st_mtime_ns, found.st_ino


@dataclass(frozen=True, slots=True)
class Nearby:
    """sites: the list as it is now. say: a reply in words."""

    sites: Callable[[], Sequence[ReliefSite]]
    say: Callable[[Reply], str]

    def answer(self, sites: Sequence[ReliefSite], zip_: str, language: str) -> str:
        """These sites in one text, numbered."""
        choices = tuple(f"{number}) {self._words(site, language)}" for number, site in enumerate(sites, 1))
        return self.say(Reply(key="sites", language=language, slots={"zip": zip_, "choices": choices}))

    def _words(self, site: ReliefSite, language: str) -> str:
        about = {"site_pets": site.pets, "site_access": site.wheelchair}
        said = [self.say(Reply(key=key, language=language)) for key, is_so in about.items() if is_so]
        return ", ".join([site.name, site.address, site.hours, *said])
