"""Publishing: the city's bulletins become CAP documents, feeds and pages in the public folder, before the first text leaves."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice

from channels.feed_folder import FeedFolder, Written
from notify import feeds
from notify.bulletin import Bulletin, Status, Thread, changed_at, threads
from notify.pages import Pages
from notify.site import Site

logger = logging.getLogger(__name__)

OLD_PAGES_AT_ONCE = 20  # incidents; years of them must not delay a new alert after a start

Part = tuple[str, Callable[[], Mapping[str, bytes]]]
Standing = tuple[str, bool, tuple[tuple[str, Status, datetime | None], ...]]


class Incomplete(OSError):
    """Something could not be rendered, and is in the log; everything else is published."""


class Publisher:
    """The one writer of a public folder.

    `bulletins` gives every bulletin there ever was. It is asked anew each time, after any publishing before has ended, so
    that what was true last is written last.
    """

    def __init__(
        self, folder: FeedFolder, site: Site, pages: Pages, bulletins: Callable[[], Awaitable[Sequence[Bulletin]]]
    ) -> None:
        self._folder = folder
        self._site = site
        self._pages = pages
        self._bulletins = bulletins
        self._one_at_a_time = asyncio.Lock()
        self._writing = threading.Lock()  # a cancelled publish goes on in its thread; the next one waits for it
        self._rendered: dict[Standing, Mapping[str, bytes]] = {}
        self._settled: set[Standing] = set()  # long over, with pages that say so

    async def publish(self, now: datetime) -> Written:
        """Writes what has changed, by a message or by the clock alone: call it after every change and once a minute.

        Raises OSError when a part could not be written (Differs: a CAP document was given with other bytes than it was
        published with) or rendered (Incomplete); every other part is out by then. Raises what `bulletins` raises, and then
        the folder stays as it was.
        """
        async with self._one_at_a_time:
            given = await self._bulletins()
            written = await asyncio.to_thread(self._write, given, now)
        if written.written or written.deleted:
            logger.info("published %s files, removed %s", len(written.written), len(written.deleted))
        return written

    def _write(self, bulletins: Sequence[Bulletin], now: datetime) -> Written:
        with self._writing:
            found = self._due(bulletins, now)
            made: dict[str, bytes] = {}
            missing = []
            for name, render in self._parts(found, bulletins, now):
                try:
                    made |= render()
                except Exception:  # one incident's words must not keep another's alert off the feeds
                    logger.exception("cannot publish %s (docs/operations.md#publishing)", name)
                    missing.append(name)
            written = self._folder.write(made, whole=not missing)
            if missing:
                raise Incomplete("These could not be made: " + ", ".join(missing))
            self._settled |= {_standing(thread) for thread in found if not thread.shown(now)}
            return written

    def _due(self, bulletins: Sequence[Bulletin], now: datetime) -> list[Thread]:
        """The incidents whose pages may have to be written: all that are shown, and some of the old ones not yet looked at."""
        found = threads(bulletins, now)
        shown = [thread for thread in found if thread.shown(now)]
        old = (thread for thread in found if not thread.shown(now) and _standing(thread) not in self._settled)
        return [*shown, *islice(old, OLD_PAGES_AT_ONCE)]

    def _parts(self, found: Sequence[Thread], bulletins: Sequence[Bulletin], now: datetime) -> Iterator[Part]:
        """What is published, by name: what is linked to before what links to it."""
        site = self._site
        as_of = feeds.heartbeat(now, changed_at(bulletins, now) or feeds.NEVER)
        yield "the CAP documents", lambda: {site.cap(bulletin.event.identifier): bulletin.cap for bulletin in bulletins}
        yield "the style sheet", partial(self._pages.sheet, site)
        before, self._rendered = self._rendered, {}
        for thread in sorted(found, key=lambda thread: not thread.test):  # a test never takes the page of an alert
            yield f"the page of incident {thread.incident_id}", partial(self._page, thread, before)
        yield "the list of alerts", lambda: self._pages.of_list(found, as_of, site)
        yield "the feeds", lambda: feeds.files(bulletins, now, site)

    def _page(self, thread: Thread, before: Mapping[Standing, Mapping[str, bytes]]) -> Mapping[str, bytes]:
        standing = _standing(thread)
        pages = before.get(standing) or self._pages.of_thread(thread, self._site)
        self._rendered[standing] = pages
        return pages


def _standing(thread: Thread) -> Standing:
    """All that a page depends on: which messages, and how they stand."""
    messages = tuple((message.event.identifier, message.status, message.ended_at) for message in thread.messages)
    return thread.incident_id, thread.test, messages
