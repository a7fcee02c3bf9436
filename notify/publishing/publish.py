"""Publishing: the city's bulletins become CAP documents, feeds and pages in the public folder, before the first text leaves."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from sqlalchemy.exc import SQLAlchemyError

from channels.calendar_file import Planned
from channels.feed_folder import Differs, FeedFolder, Written
from notify.alerts.affected import Touched
from notify.publishing import archive, feed_archive, feeds, flyer, planned, standing
from notify.publishing.bulletin import Bulletin, Status, Thread, changed_at, threads
from notify.publishing.pages import Pages
from notify.publishing.site import Site
from notify.publishing.standing import Figures

logger = logging.getLogger(__name__)

OLD_PAGES_AT_ONCE = 20  # incidents; years of them must not delay a new alert after a start
PATIENT = timedelta(minutes=1)  # what is no alert may be this old: it is written when nothing else is

Part = tuple[str, Callable[[], Mapping[str, bytes]]]
Standing = tuple[str, bool, tuple[tuple[str, Status, datetime | None, Touched], ...]]


class Incomplete(OSError):
    """Something could not be rendered, and is in the log; everything else is published."""


class Publisher:
    """The one writer of a public folder.

    `bulletins` gives every bulletin there ever was. It is asked anew each time, after any publishing before has ended, so
    that what was true last is written last. `figures` says how the service stands, for the status page; an alert never waits
    for them.
    """

    def __init__(
        self,
        folder: FeedFolder,
        site: Site,
        pages: Pages,
        bulletins: Callable[[], Awaitable[Sequence[Bulletin]]],
        figures: Callable[[], Awaitable[Figures]] | None = None,
        plans: Callable[[Site], Sequence[Planned]] = lambda _: (),
    ) -> None:
        self.told: list[Callable[[], None]] = []  # called after each publishing, whole or not; each returns at once
        self._figures, self._plans = figures, plans
        self.certificates = b""  # that CAP documents are signed with, in PEM; none: there is no such file
        self._urgent: dict[str, bytes] = {}  # all but archive and status, as last made from these threads
        self._is_whole = False  # nothing of it is missing
        self._told: Sequence[Thread] = ()
        self._patient: dict[str, bytes] = {}  # archive and status, as last made
        self._patient_at: datetime | None = None
        self._folder = folder
        self._site = site
        self._pages = pages
        self._bulletins = bulletins
        self._one_at_a_time = asyncio.Lock()
        self._writing = threading.Lock()  # a cancelled publish goes on in its thread; the next one waits for it
        self._rendered: dict[Standing, Mapping[str, bytes]] = {}
        self._flyers: dict[Standing, Mapping[str, bytes]] = {}
        self._archived: tuple[tuple[Standing, ...], Mapping[str, bytes]] | None = None
        self._left: tuple[tuple[Standing, ...], Mapping[str, bytes]] | None = None
        self._settled: set[Standing] = set()  # long over, with pages that say so

    async def publish(self, now: datetime) -> Written:
        """Writes what has changed, by a message or by the clock alone: call it after every change and once a minute.

        Raises OSError when a part could not be written (Differs: a CAP document was given with other bytes than it was
        published with) or rendered (Incomplete); every other part is out by then. Raises what `bulletins` raises, and then
        the folder stays as it was.
        """
        try:
            written = await self._publish(now)
        except (Incomplete, Differs):
            if self._is_overdue(now):  # one page that cannot be made must not stop the clock of the others
                await self._publish_patient(now)
            raise
        finally:
            self._tell()
        if self._is_overdue(now) or written == Written():
            more = await self._publish_patient(now)
            self._tell()
            written = Written(written=written.written + more.written, deleted=written.deleted + more.deleted)
        if written.written or written.deleted:
            logger.info("published %s files, removed %s", len(written.written), len(written.deleted))
        return written

    def _tell(self) -> None:
        for tell in self.told:
            tell()

    def _is_overdue(self, now: datetime) -> bool:
        return self._patient_at is None or now - self._patient_at >= PATIENT

    async def _publish(self, now: datetime) -> Written:
        async with self._one_at_a_time:
            given = await self._bulletins()
            return await asyncio.to_thread(self._write, given, now)

    async def _publish_patient(self, now: datetime) -> Written:
        figures = await self._looked_up(now)
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._write_patient, figures)

    async def _looked_up(self, now: datetime) -> Figures:
        if self._figures is not None:
            try:
                return replace(await self._figures(), at=now)
            except (SQLAlchemyError, OSError):
                logger.exception("the figures of the status page cannot be had")
        return Figures(at=now)

    def _write(self, bulletins: Sequence[Bulletin], now: datetime) -> Written:
        """Everything as it is now; of what can wait, what was made last."""
        with self._writing:
            found = self._due(bulletins, now)
            made, missing = _made(self._parts(found, bulletins, now))
            self._urgent, self._is_whole = made, not missing
            self._told = threads(bulletins, now)
            written = self._folder.write(made | self._patient, whole=self._is_whole and self._patient_at is not None)
            if missing:
                raise Incomplete("These could not be made: " + ", ".join(missing))
            self._settled |= {_standing(thread) for thread in found if not thread.shown(now)}
            return written

    def _write_patient(self, figures: Figures) -> Written:
        with self._writing:
            made, missing = _made(self._patient_parts(figures))
            self._patient = self._patient | made
            self._patient_at = figures.at
            written = self._folder.write(self._urgent | self._patient, whole=self._is_whole and not missing)
            if missing:
                raise Incomplete("These could not be made: " + ", ".join(missing))
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
        if self.certificates:
            yield "the signing certificates", lambda: {site.signers_path: self.certificates}
        yield "the style sheet", partial(self._pages.sheet, site)
        before, self._rendered = self._rendered, {}
        for thread in sorted(found, key=lambda thread: not thread.test):  # a test never takes the page of an alert
            yield f"the areas of incident {thread.incident_id}", partial(self._pages.of_areas, thread, site)
            yield f"the page of incident {thread.incident_id}", partial(self._page, thread, before)
        yield "the list of alerts", lambda: self._pages.of_list(found, as_of, site)
        archived = feed_archive.newest(tuple(self._patient), site)  # of those that are there
        yield "the feeds", lambda: feeds.files(bulletins, now, site, archived=archived)
        yield "the banner", lambda: standing.banner(self._pages.layout, found, now, site)
        for thread in sorted(
            found, key=lambda thread: not thread.test
        ):  # last: nothing that residents are texted waits for paper
            yield f"the flyer of incident {thread.incident_id}", partial(self._flyer, thread)

    def _patient_parts(self, figures: Figures) -> Iterator[Part]:
        yield "the status page", lambda: standing.files(self._pages.layout, self._told, figures, self._site)
        yield "the archive", partial(self._archive, self._told)
        yield "the archive of the feed", partial(self._feed_archive, [one for one in self._told if not one.shown(figures.at)])
        yield "what is planned", lambda: planned.files(self._plans(self._site), self._site)

    def _archive(self, every: Sequence[Thread]) -> Mapping[str, bytes]:
        """Made anew only when something in it has changed: it holds years."""
        key = tuple(map(_standing, every))
        if self._archived is None or self._archived[0] != key:
            self._archived = (key, archive.files(self._pages.layout, every, self._site))
        return self._archived[1]

    def _feed_archive(self, past: Sequence[Thread]) -> Mapping[str, bytes]:
        """As above: an incident enters it when it leaves the feed."""
        key = tuple(map(_standing, past))
        if self._left is None or self._left[0] != key:
            self._left = (key, feed_archive.files(past, self._site))
        return self._left[1]

    def _page(self, thread: Thread, before: Mapping[Standing, Mapping[str, bytes]]) -> Mapping[str, bytes]:
        standing = _standing(thread)
        pages = before.get(standing) or self._pages.of_thread(thread, self._site)
        self._rendered[standing] = pages
        return pages

    def _flyer(self, thread: Thread) -> Mapping[str, bytes]:
        """Made anew only when the alert has changed."""
        standing = _standing(thread)
        if standing not in self._flyers:
            self._flyers = {kept: made for kept, made in self._flyers.items() if kept in self._rendered}
            self._flyers[standing] = flyer.files(self._pages.layout, thread, self._site)
        return self._flyers[standing]


def _made(parts: Iterable[Part]) -> tuple[dict[str, bytes], list[str]]:
    """What could be made, and the names of the parts that could not."""
    made: dict[str, bytes] = {}
    missing = []
    for name, render in parts:
        try:
            made |= render()
        except Exception:  # one incident's words must not keep another's alert off the feeds
            logger.exception("cannot publish %s (docs/operations.md#publishing)", name)
            missing.append(name)
    return made, missing


def _standing(thread: Thread) -> Standing:
    """All that a page depends on: which messages, and how they stand."""
    messages = tuple(
        (message.event.identifier, message.status, message.ended_at, message.touched) for message in thread.messages
    )
    return thread.incident_id, thread.test, messages
