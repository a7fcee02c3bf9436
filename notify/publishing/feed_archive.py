"""What is no longer in the feed of alerts, by month, as archive documents of it (RFC 5005, section 4).

A month's document holds the incidents that ended in it and have left the feed; it changes only when another one leaves.
A reader that was away follows `prev-archive` from the feed back to what it knows. In English: each entry leads to its CAP
document, which has every language.
"""

from collections.abc import Mapping, Sequence

from channels import feed
from channels.feed import FeedHead, FeedLink
from notify.alerts.alert import Mode
from notify.publishing.bulletin import Thread
from notify.publishing.feed_entries import Detail, entry
from notify.publishing.site import ENGLISH, Site
from notify.wording.labels import labels

ATOM = "application/atom+xml"
SHORT = Detail(replaced=False)


def files(past: Sequence[Thread], site: Site) -> Mapping[str, bytes]:
    """feeds/archive-2014-05.atom and so on, of the incidents that the feed names no more; tests are not among them, unless
    the whole instance is there for training."""
    months: dict[str, list[Thread]] = {}
    for thread in past:
        if not thread.test or site.mode is Mode.TRAINING:
            months.setdefault(f"{site.local(thread.updated_at):%Y-%m}", []).append(thread)
    names = sorted(months)
    return {name_of(month, site): _document(months[month], names[:place], month, site) for place, month in enumerate(names)}


def name_of(month: str, site: Site) -> str:
    return site.feed(f"archive-{month}", "atom")


def newest(names: Sequence[str], site: Site) -> str:
    """The address of the newest of these files that is an archive document; "" when there is none."""
    start = site.feed("archive-", "atom").removesuffix(".atom")
    found = [name for name in names if name.startswith(start) and name.endswith(".atom")]
    return site.url(max(found)) if found else ""


def _document(threads: Sequence[Thread], before: Sequence[str], month: str, site: Site) -> bytes:
    ordered = sorted(threads, key=lambda thread: (thread.updated_at, thread.incident_id), reverse=True)
    changed_at = site.local(ordered[0].updated_at)
    words = labels(ENGLISH)
    links = [FeedLink(href=site.url(site.feed("active", "atom")), rel="current", type=ATOM)]
    links += [FeedLink(href=site.url(name_of(before[-1], site)), rel="prev-archive", type=ATOM)] if before else []
    head = FeedHead(
        id=site.tag(f"feeds/{ENGLISH}/active"),  # the same feed, an older part of it
        title=words.say("Alerts from {publisher}", publisher=site.publisher) + f", {month}",
        subtitle="",
        language=ENGLISH,
        author=site.publisher,
        email=site.email,
        updated=changed_at,
        generated=changed_at,
        self_url=site.url(name_of(month, site)),
        link=site.url(f"{site.index()}archive"),
        links=tuple(links),
        archive=True,
    )
    return feed.atom(head, [entry(thread, thread.newest, ENGLISH, site, SHORT) for thread in ordered])
