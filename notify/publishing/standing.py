"""How things stand, told to the public: the status page, how to know our messages, and the banner for the city's own site.

Numbers of people are rounded down to tens, and small ones are not told: nobody can be found out by what changes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import phonenumbers

from notify.alerts.alert import Mode
from notify.publishing.bulletin import Message, Thread
from notify.publishing.pages import listed_line, standing_words
from notify.publishing.site import Site
from notify.wording.labels import Labels, labels
from notify.wording.layout import Layout, in_each, moment

FEWEST = 10
MOST_SENDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """How far the log of acts had come at a moment: whoever keeps this sees a log that was shortened or written anew."""

    line: int
    head: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What only the running service knows. at: when it was looked at; people: addresses by language; gateways: whether each
    channel sends now; log: taken once an hour."""

    at: datetime
    log: Pinned | None = None
    people: Mapping[str, int] = field(default_factory=dict)
    gateways: Mapping[str, bool] = field(default_factory=dict)


def blurred(count: int) -> int | None:
    """A number of people as the public may see it: rounded down to tens; None for fewer than ten."""
    return count // FEWEST * FEWEST if count >= FEWEST else None


def files(layout: Layout, threads: Sequence[Thread], figures: Figures, site: Site) -> dict[str, bytes]:
    """status.html and real.html in every language, and status.json for programs: without the log's head where it is not
    known, so that what was published last stays."""
    made = in_each(site, "status.html", lambda words: _status(layout, threads, figures, words, site))
    made |= in_each(site, "real.html", lambda words: _real(layout, words, site))
    return made | ({f"{site.prefix}status.json": _log_head(figures.log, site)} if figures.log is not None else {})


def _log_head(log: Pinned, site: Site) -> bytes:
    told = {"line": log.line, "head": log.head, "at": site.local(log.at).replace(microsecond=0).isoformat()}
    return (json.dumps({"mode": site.mode.value, "log": told}, indent=1) + "\n").encode()


def _status(layout: Layout, threads: Sequence[Thread], figures: Figures, words: Labels, site: Site) -> str:
    tests = [thread for thread in threads if thread.test]
    told = sorted(figures.people.items(), key=lambda one: -one[1])
    return layout.render(
        "status.html",
        words,
        site,
        "status",
        test=site.mode is Mode.TRAINING,
        as_of=moment(figures.at.replace(second=0, microsecond=0), words, site),
        gateways=sorted(figures.gateways.items(), reverse=True),
        last_test=listed_line(max(tests, key=_began), words, site) if tests else None,
        sends=[
            (listed_line(thread, words, site), moment(message.published_at, words, site), _took(message))
            for thread, message in _sends(threads)
        ],
        people=[(tag, labels(tag).endonym, blurred(count)) for tag, count in told if tag in site.languages],
    )


def _began(thread: Thread) -> datetime:
    return thread.oldest.published_at


def _sends(threads: Sequence[Thread]) -> list[tuple[Thread, Message]]:
    """The newest messages that were no tests, newest first."""
    all_of_them = [(thread, message) for thread in threads if not thread.test for message in thread.messages]
    return sorted(all_of_them, key=lambda one: one[1].published_at, reverse=True)[:MOST_SENDS]


def _took(message: Message) -> str:
    """How long after its start the last message had left, as "0:03:12"; "" while some have not."""
    if message.done_at is None:
        return ""
    return str(timedelta(seconds=round((message.done_at - message.published_at).total_seconds())))


def _real(layout: Layout, words: Labels, site: Site) -> str:
    spoken = [phonenumbers.parse(number) for number in site.numbers]
    return layout.render(
        "real.html",
        words,
        site,
        "real",
        test=site.mode is Mode.TRAINING,
        numbers=[phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL) for number in spoken],
        address=urlsplit(site.base).netloc,
    )


def banner(layout: Layout, threads: Sequence[Thread], now: datetime, site: Site) -> dict[str, bytes]:
    """What the city's own site shows above everything: banner.json, and banner.html to be put in as it is, without script or
    style. Empty of words when there is nothing to say; what has ended is shown for a day, as ended."""
    shown = [thread for thread in threads if thread.shown(now) and not thread.test]
    made = in_each(site, "banner.html", lambda words: _fragment(layout, shown, words, site))
    return made | {f"{site.prefix}banner.json": _as_json(shown, site)}


def _fragment(layout: Layout, shown: Sequence[Thread], words: Labels, site: Site) -> str:
    lines = [(listed_line(thread, words, site), *_told(thread, words, site)) for thread in shown]
    return layout.render("banner.html", words, site, "banner.html", lines=lines)


def _told(thread: Thread, words: Labels, site: Site) -> tuple[str, str]:
    url = site.url(site.page(thread.incident_id, words.language))
    return url, standing_words(thread.newest, words, site)


def _as_json(shown: Sequence[Thread], site: Site) -> bytes:
    found = [
        {
            "incident": thread.incident_id,
            "active": thread.active,
            "status": thread.newest.status.value,
            "stage": thread.newest.event.stage.value,
            "severity": thread.newest.event.severity.value,
            "updated": site.local(thread.updated_at).isoformat(),
            "languages": {language: _in(thread, labels(language), site) for language in site.languages},
        }
        for thread in shown
    ]
    return (json.dumps({"mode": site.mode.value, "alerts": found}, ensure_ascii=False, indent=1) + "\n").encode()


def _in(thread: Thread, words: Labels, site: Site) -> dict[str, str]:
    url, status = _told(thread, words, site)
    return {"title": listed_line(thread, words, site).title, "status": status, "url": url}
