"""The public pages as files: one an incident and language, and the list of alerts. Static HTML, no script, one small sheet.

`Pages` is loaded once from templates/pages/; what it renders depends on nothing but the threads, the moment and the site.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.feed import legible
from notify import data
from notify.alert import Event, Mode, Page, Stage
from notify.bulletin import Message, Status, Thread
from notify.isolate import isolate
from notify.labels import Labels, direction, labels
from notify.site import ENGLISH, Site
from notify.translations import page_for, place_names, speaks

STAGES = {
    Stage.FIRST: "Alert",
    Stage.RENEWAL: "Alert",  # the same words under a new identity: for readers nothing has changed
    Stage.UPDATE: "Update",
    Stage.CORRECTION: "Correction",
    Stage.ALL_CLEAR: "All clear",
    Stage.FALSE_ALARM: "False alarm",
    Stage.TEST: "Test",
}
# What the newest message says of the whole alert, in words: colour only repeats it.
IN_FORCE = {
    Stage.FIRST: "IN EFFECT NOW",
    Stage.RENEWAL: "IN EFFECT NOW",
    Stage.UPDATE: "UPDATE. In effect now. This replaces what we said before.",
    Stage.CORRECTION: "CORRECTION. What we said before was wrong. Read this instead.",
    Stage.TEST: "Test",
}
COMPARED = (Stage.UPDATE, Stage.CORRECTION)
OVER = {
    Status.CLEARED: "ALL CLEAR. This alert is over.",
    Status.FALSE_ALARM: "FALSE ALARM. The earlier alert was sent by mistake.",
    Status.CANCELLED: "CANCELLED. This alert no longer applies.",
    Status.EXPIRED: "The time of this alert has run out. No all clear was given. For information, call {phone}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time for people and, in `iso`, for machines."""

    text: str
    iso: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs from the message before."""

    label: str
    now: str
    before: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message laid out in one language. `foreign` says that its words are English on a page of another language."""

    page: Page
    foreign: bool
    direction: str
    stage: str
    sender: str
    contact: str
    where: tuple[str, ...]
    sent: Moment
    until: Moment | None
    until_cleared: bool
    ended: Moment | None
    changes: tuple[Change, ...]
    cap: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line of the list of alerts."""

    path: str
    title: str
    language: str
    direction: str
    stage: str
    over: str
    where: tuple[str, ...]
    updated: Moment


class Pages:
    """The layout. Raises at loading, never at an alert, when a template is missing."""

    def __init__(self, folder: Path) -> None:
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["isolate"] = isolate
        self._alert = environment.get_template("alert.html")
        self._index = environment.get_template("index.html")
        self._sheet = (folder / "page.css").read_bytes()

    @classmethod
    def load(cls) -> Self:
        return cls(data.folder("templates") / "pages")

    def sheet(self, site: Site) -> dict[str, bytes]:
        """The style sheet, under a name that changes with its content."""
        return {self._sheet_name(site): self._sheet}

    def of_thread(self, thread: Thread, site: Site) -> dict[str, bytes]:
        """One page for each language: /a/K7Q2 and /es/a/K7Q2."""
        return _files(site, f"a/{thread.incident_id}.html", lambda language: self._page(thread, language, site))

    def of_list(self, threads: Sequence[Thread], now: datetime, site: Site) -> dict[str, bytes]:
        """The list of alerts for each language: / and /es/, as of `now`."""
        shown = [thread for thread in threads if thread.shown(now)]
        return _files(site, "index.html", lambda language: self._list(shown, now, language, site))

    def _page(self, thread: Thread, language: str, site: Site) -> str:
        words = labels(language)
        newest = thread.newest
        over = newest.status is not Status.ACTIVE
        entries = tuple(
            _entry(message, before, words, site) for message, before in pairwise((*thread.messages, None)) if message
        )
        return self._alert.render(
            **self._frame(words, site, f"a/{thread.incident_id}", thread.test),
            entry=entries[0],
            earlier=entries[1:],
            status=words.say(OVER[newest.status] if over else IN_FORCE[newest.event.stage], phone=site.phone),
            kind=newest.status.value if over else newest.event.stage.value,
            url=site.url(site.page(thread.incident_id, language)),
        )

    def _list(self, threads: Sequence[Thread], now: datetime, language: str, site: Site) -> str:
        words = labels(language)
        listed = [(thread, _listed(thread, words, site)) for thread in threads]
        return self._index.render(
            **self._frame(words, site, "", site.mode is Mode.TRAINING),
            active=[line for thread, line in listed if thread.active and not thread.test],
            ended=[line for thread, line in listed if not thread.active and not thread.test],
            tests=[line for thread, line in listed if thread.test],
            as_of=_moment(now, words, site),
            url=site.url(site.index(language)),
        )

    def _frame(self, words: Labels, site: Site, page: str, test: bool) -> dict[str, object]:
        """What every page has around its content; `page` is its path after the language."""
        in_feeds = "" if words.language == ENGLISH else words.language
        return {
            "say": words.say,
            "language": words.language,
            "direction": words.direction,
            "demo": site.mode is Mode.DEMO,
            "test": test,
            "site": site,
            "sheet": site.path(self._sheet_name(site)),
            "home": site.path(site.index(words.language)),
            "canonical": site.url(site.index(words.language) + page),
            "default": site.url(site.index() + page),
            "languages": [
                (language, labels(language), site.path(site.index(language) + page), site.url(site.index(language) + page))
                for language in site.languages
            ],
            "feeds": [
                (name, type_, site.url(site.feed("test" if test else "active", form, "" if test else in_feeds)))
                for name, form, type_ in (
                    ("Atom", "atom", "application/atom+xml"),
                    ("RSS", "rss", "application/rss+xml"),
                    ("GeoJSON", "geojson", "application/geo+json"),
                )
            ],
        }

    def _sheet_name(self, site: Site) -> str:
        return f"{site.prefix}page.{sha256(self._sheet).hexdigest()[:8]}.css"


def _files(site: Site, name: str, render: Callable[[str], str]) -> dict[str, bytes]:
    files = {}
    for language in site.languages:
        html = legible(render(language)).encode()
        files[site.index(language) + name] = html
        if language == ENGLISH:  # /en/... is there too, for programs that put the language into every link
            files[f"{site.prefix}{ENGLISH}/{name}"] = html
    return files


def _entry(message: Message, before: Message | None, words: Labels, site: Site) -> Entry:
    event = message.event
    page = page_for(event, words.language)
    return Entry(
        page=page,
        foreign=not speaks(page.language, words.language),
        direction=direction(page.language),
        stage=words.say(STAGES[event.stage]),
        sender=event.sender_name,
        contact=event.contact,
        where=place_names(event, words.language),
        sent=_moment(event.sent, words, site),
        until=None if event.until_cleared else _moment(event.expires, words, site),
        until_cleared=event.until_cleared,
        ended=_moment(message.ended_at, words, site) if message.ended_at else None,
        changes=_changes(event, before.event, words, site) if before and event.stage in COMPARED else (),
        cap=site.path(site.cap(event.identifier)),
    )


def _changes(event: Event, before: Event, words: Labels, site: Site) -> tuple[Change, ...]:
    """Where, until when and which facts differ. Steps are never compared: "no longer" before a reworded step could kill."""
    language = words.language
    pairs = [
        (words.say("Where"), _where(event, words), _where(before, words), language),
        (words.say("Ends"), _until(event, words, site), _until(before, words, site), language),
    ]
    old, new = page_for(before, language), page_for(event, language)
    if old.language == new.language:
        answers = dict(old.facts)
        pairs += [(question, answer, answers[question], new.language) for question, answer in new.facts if question in answers]
    return tuple(Change(label=label, now=now, before=was, language=tongue) for label, now, was, tongue in pairs if now != was)


def _where(event: Event, words: Labels) -> str:
    return words.say(", ").join(place_names(event, words.language))


def _until(event: Event, words: Labels, site: Site) -> str:
    return words.say("when we say it is over") if event.until_cleared else words.moment(event.expires, site)


def _listed(thread: Thread, words: Labels, site: Site) -> Listed:
    newest = thread.newest
    page = page_for(newest.event, words.language)
    over = OVER.get(newest.status)
    return Listed(
        path=site.path(site.page(thread.incident_id, words.language)),
        title=page.title,
        language=page.language,
        direction=direction(page.language),
        stage=words.say(STAGES[newest.event.stage]),
        over=words.say(over, phone=site.phone) if over else "",
        where=place_names(newest.event, words.language),
        updated=_moment(thread.updated_at, words, site),
    )


def _moment(at: datetime, words: Labels, site: Site) -> Moment:
    return Moment(text=words.moment(at, site), iso=site.local(at).replace(microsecond=0).isoformat())
