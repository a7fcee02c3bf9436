"""All feed files of a city as a pure function of its bulletins, the moment and the site.

What partners may build on:
- One Atom entry an incident: its id never changes, `updated` moves with every message, end and expiry.
- One RSS item and one GeoJSON feature a message. RSS leaves replaced messages out (a reader would take them for news);
  GeoJSON keeps them for 24 hours with `status` replaced and `replacedBy`, so that no client must guess.
- Ended ones stay 24 hours, titled "ENDED:", without a polygon.
- `generated` is the writer's heartbeat. It moves in steps of five minutes (and with every change), so that an unchanged feed
  keeps its ETag in between; a feed whose `generated` is older than 15 minutes is dead.
- A feed has at most 100,000 bytes as long as leaving things out can do that; messages in force are never left out.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from channels import feed
from channels.feed import FeedEntry, FeedHead, FeedLink
from notify.alerts.alert import Mode
from notify.publishing.bulletin import Bulletin, Thread, changed_at, is_test, still_shown, threads
from notify.publishing.feed_entries import Detail, entry
from notify.publishing.feed_list import Listed, opml
from notify.publishing.site import ENGLISH, Site
from notify.wording.labels import Labels, labels

HEARTBEAT = timedelta(minutes=5)
MOST_BYTES = 100_000
DETAILS = (
    Detail(),
    Detail(replaced=False),
    Detail(replaced=False, description=False),
    Detail(replaced=False, description=False, most_points=25),
    Detail(replaced=False, description=False, instruction=False, most_points=12),
)
FORMS: Mapping[str, tuple[str, Callable[[FeedHead, Sequence[FeedEntry]], bytes]]] = {
    "atom": ("application/atom+xml", feed.atom),
    "rss": ("application/rss+xml", feed.rss),
    "geojson": ("application/geo+json", feed.geojson),
}
ACTIVE, TEST = "active", "test"
NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # when a feed that was always empty last changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What one feed tells, whatever its form and language."""

    name: str
    threads: tuple[Thread, ...]
    now: datetime
    updated: datetime
    archived: str = ""

    @property
    def generated(self) -> datetime:
        return heartbeat(self.now, self.updated)


def files(bulletins: Sequence[Bulletin], now: datetime, site: Site, *, archived: str = "") -> Mapping[str, bytes]:
    """Name -> bytes: the CAP documents first, so that no link ever leads nowhere, then the feeds, then the discovery file.

    archived: the address of the newest archive document, if there is one.
    Give every bulletin there ever was: what is missing here is missing in the feeds, and `updated` could go back.
    """
    made: dict[str, bytes] = {site.cap(bulletin.event.identifier): bulletin.cap for bulletin in bulletins}
    active = edition(ACTIVE, [bulletin for bulletin in bulletins if not is_test(bulletin.event)], now, archived)
    test = edition(TEST, [bulletin for bulletin in bulletins if is_test(bulletin.event)], now)
    details: Sequence[Detail] = DETAILS
    for language in (ENGLISH, *(other for other in site.languages if other != ENGLISH)):
        written, details = _forms(active, language, site, details)
        made |= {site.feed(ACTIVE, form, language): content for form, content in written.items()}
        if language == ENGLISH:
            made |= {site.feed(ACTIVE, form): content for form, content in written.items()}
    written, _ = _forms(test, ENGLISH, site, DETAILS)
    made |= {site.feed(TEST, form): content for form, content in written.items()}
    made[site.feed_list()] = opml(list(_listed(site)), site)
    made[site.discovery()] = _discovery(active, site)
    return made


def edition(name: str, bulletins: Sequence[Bulletin], now: datetime, archived: str = "") -> Edition:
    shown = tuple(thread for thread in threads(bulletins, now) if thread.shown(now))
    return Edition(name=name, threads=shown, now=now, updated=changed_at(bulletins, now) or NEVER, archived=archived)


def heartbeat(now: datetime, updated: datetime) -> datetime:
    """When the files were made, to five minutes, but never before their last change."""
    step = HEARTBEAT.total_seconds()
    return max(datetime.fromtimestamp(now.timestamp() // step * step, UTC), updated)


def _forms(
    edition: Edition, language: str, site: Site, details: Sequence[Detail]
) -> tuple[Mapping[str, bytes], Sequence[Detail]]:
    """The feed in every form, with the most detail that keeps all of them small enough; and the details from there on, since
    what was too much in one language will be in the next."""
    written: dict[str, bytes] = {}
    for skipped, detail in enumerate(details):
        newest = [entry(thread, thread.newest, language, site, detail) for thread in edition.threads]
        everything = list(_everything(edition, newest, language, site, detail))
        for form, (_, write) in FORMS.items():
            head = _head(edition, form, language, site)
            written[form] = write(head, everything if form == "geojson" else newest)
        if max(map(len, written.values())) <= MOST_BYTES:
            return written, details[skipped:]
    return written, details[-1:]


def _everything(
    edition: Edition, newest: Sequence[FeedEntry], language: str, site: Site, detail: Detail
) -> Iterator[FeedEntry]:
    """Each incident's newest message followed by those it replaced in the last 24 hours, newest first."""
    for thread, told in zip(edition.threads, newest, strict=True):
        yield told
        if detail.replaced:
            older = (message for message in thread.messages[1:] if still_shown(message, edition.now))
            yield from (entry(thread, message, language, site, detail) for message in older)


def _head(edition: Edition, form: str, language: str, site: Site) -> FeedHead:
    words = labels(language)
    title = _title(edition.name, words, site)
    languages = site.languages if edition.name == ACTIVE else (ENGLISH,)
    links = [
        FeedLink(href=_address(edition.name, other, language, site), type=type_, language=language)
        for other, (type_, _) in FORMS.items()
        if other != form
    ] + [
        FeedLink(href=_address(edition.name, form, other, site), type=FORMS[form][0], language=other)
        for other in languages
        if other != language
    ]
    links.append(FeedLink(href=site.url(site.hub()), rel="hub"))
    if edition.archived and (form, language) == ("atom", ENGLISH):
        links.append(FeedLink(href=edition.archived, rel="prev-archive", type=FORMS["atom"][0]))
    return FeedHead(
        id=site.tag(f"feeds/{language}/{edition.name}"),
        title=title,
        subtitle=words.say("Emergency alerts in effect, and those that ended in the last 24 hours."),
        language=language,
        author=site.publisher,
        email=site.email,
        updated=site.local(edition.updated),
        generated=site.local(edition.generated),
        self_url=_address(edition.name, form, language, site),
        link=site.url(site.index(language)),
        links=tuple(links),
    )


def _title(name: str, words: Labels, site: Site) -> str:
    title = words.say("Tests from {publisher}" if name == TEST else "Alerts from {publisher}", publisher=site.publisher)
    return words.say("DEMO: {headline}", headline=title) if site.mode is Mode.DEMO else title


def _listed(site: Site) -> Iterator[Listed]:
    """Atom and RSS of every language, and the tests' feeds after them."""
    for name, language in (*((ACTIVE, language) for language in site.languages), (TEST, ENGLISH)):
        title, page = _title(name, labels(language), site), site.url(site.index(language))
        for form, said in (("atom", "Atom"), ("rss", "RSS2")):
            url = _address(name, form, language, site)
            yield Listed(title=f"{title} ({said})", language=language, form=said, url=url, page=page)


def _address(name: str, form: str, language: str, site: Site) -> str:
    return site.url(site.feed(name, form, "" if language == ENGLISH else language))


def _discovery(edition: Edition, site: Site) -> bytes:
    """Everything a partner can find here, and how many alerts are in force: a second opinion on the feeds."""
    index = {
        "title": f"Alerts from {site.publisher}",
        "mode": site.mode.value,
        "updated": site.local(edition.updated).isoformat(),
        "generated": site.local(edition.generated).isoformat(),
        "heartbeatSeconds": int(HEARTBEAT.total_seconds()),
        "active": sum(thread.active for thread in edition.threads),
        "ended": sum(not thread.active for thread in edition.threads),
        "feeds": [
            {"language": language, "name": labels(language).endonym, "page": site.url(site.index(language))}
            | {form: _address(ACTIVE, form, language, site) for form in FORMS}
            for language in site.languages
        ],
        "test": {form: _address(TEST, form, ENGLISH, site) for form in FORMS},
        "cap": site.url(site.cap("{identifier}")),
        "opml": site.url(site.feed_list()),
        "hub": site.url(site.hub()),
        "planned": site.url(f"{site.prefix}feeds/planned.ics"),
    }
    return (json.dumps(index, ensure_ascii=False, indent=1) + "\n").encode()
