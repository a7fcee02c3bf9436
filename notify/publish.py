"""Publishing: the city's bulletins become CAP documents, feeds and pages in the public folder, before the first text leaves."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from channels.feed_folder import FeedFolder, Written
from notify import feeds
from notify.bulletin import Bulletin, Thread, changed_at, threads
from notify.pages import Pages
from notify.site import Site

logger = logging.getLogger(__name__)

Part = tuple[str, Callable[[], Mapping[str, bytes]]]


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
        self._rendered: dict[tuple[str, bool], tuple[object, Mapping[str, bytes]]] = {}

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
        made: dict[str, bytes] = {}
        missing = []
        for name, render in self._parts(bulletins, now):
            try:
                made |= render()
            except Exception:  # one incident's words must not keep another's alert off the feeds
                logger.exception("cannot publish %s (docs/operations.md#publishing)", name)
                missing.append(name)
        written = self._folder.write(made, whole=not missing)
        if missing:
            raise Incomplete("These could not be made: " + ", ".join(missing))
        return written

    def _parts(self, bulletins: Sequence[Bulletin], now: datetime) -> Iterator[Part]:
        """What is published, by name: documents before what links to them."""
        site = self._site
        found = threads(bulletins, now)
        as_of = feeds.heartbeat(now, changed_at(bulletins, now) or feeds.NEVER)
        yield "the CAP documents", lambda: {site.cap(bulletin.event.identifier): bulletin.cap for bulletin in bulletins}
        yield "the style sheet", partial(self._pages.sheet, site)
        for thread in sorted(found, key=lambda thread: not thread.test):  # a test never takes the page of an alert
            yield f"the page of incident {thread.incident_id}", partial(self._page, thread)
        yield "the list of alerts", lambda: self._pages.of_list(found, as_of, site)
        yield "the feeds", lambda: feeds.files(bulletins, now, site)

    def _page(self, thread: Thread) -> Mapping[str, bytes]:
        """An old incident's page stays as it was rendered: years of them must not delay a new one."""
        key = (thread.incident_id, thread.test)
        standing = [(message.event.identifier, message.status, message.ended_at) for message in thread.messages]
        if key not in self._rendered or self._rendered[key][0] != standing:
            self._rendered[key] = (standing, self._pages.of_thread(thread, self._site))
        return self._rendered[key][1]
