"""The public pages as files: one an incident and language, and the list of alerts.

`Pages` is loaded once from templates/pages/; what it renders depends on nothing but the threads, the moment and the site.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Self
from urllib.parse import quote

from channels.feed import legible
from notify import data
from notify.alerts import affected
from notify.alerts.affected import Verdict
from notify.alerts.alert import Event, Mode, Page, Stage
from notify.publishing.bulletin import Message, Status, Thread
from notify.publishing.qr_code import qr_code
from notify.publishing.site import Site
from notify.wording.labels import Labels, direction
from notify.wording.layout import Layout, Moment, in_each, moment
from notify.wording.translations import page_for, place_names, speaks

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
    """The alert's page and the list of alerts. Raises at loading, never at an alert, when a template is missing."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)

    @classmethod
    def load(cls) -> Self:
        return cls(data.folder("templates") / "pages")

    def sheet(self, site: Site) -> dict[str, bytes]:
        return self.layout.sheet(site)

    def of_thread(self, thread: Thread, site: Site) -> dict[str, bytes]:
        """One page for each language: /a/K7Q2 and /es/a/K7Q2."""
        return in_each(site, f"a/{thread.incident_id}.html", lambda words: self._page(thread, words, site))

    def of_areas(self, thread: Thread, site: Site) -> dict[str, bytes]:
        """While it is in force, its areas: what "is my place in it?" is answered from."""
        newest = thread.newest
        if not thread.active:
            return {}
        return {site.areas(thread.incident_id): affected.document(newest.event.areas, newest.touched, site.phone)}

    def of_list(self, threads: Sequence[Thread], now: datetime, site: Site) -> dict[str, bytes]:
        """The list of alerts for each language: / and /es/, as of `now`."""
        shown = [thread for thread in threads if thread.shown(now)]
        return in_each(site, "index.html", lambda words: self._list(shown, now, words, site))

    def _page(self, thread: Thread, words: Labels, site: Site) -> str:
        newest, name = thread.newest, f"a/{thread.incident_id}"
        entries = tuple(
            _entry(message, before, words, site) for message, before in pairwise((*thread.messages, None)) if message
        )
        url, title = site.url(site.index(words.language) + name), legible(entries[0].page.title)
        by = newest.event.next_update_by
        return self.layout.render(
            "alert.html",
            words,
            site,
            name,
            test=thread.test,
            entry=entries[0],
            earlier=entries[1:],
            active=thread.active,
            status=standing_words(newest, words, site),
            kind=(newest.event.stage if thread.active else newest.status).value,
            since=moment(thread.oldest.published_at, words, site),
            next_news=moment(by, words, site) if by and thread.active else None,
            video=newest.event.asl_video,
            zips=[newest.touched.codes(verdict) for verdict in (Verdict.INSIDE, Verdict.PART)],
            maps=newest.touched.maps if thread.active else (),
            check=site.path(f"{site.page(thread.incident_id, words.language)}/check"),
            flyer=site.path(f"{site.index(words.language)}flyer/{thread.incident_id}"),
            share=(f"sms:?&body={quote(f'{title} {url}')}", f"mailto:?subject={quote(title)}&body={quote(url)}"),
            picture=qr_code(url),
        )

    def _list(self, threads: Sequence[Thread], now: datetime, words: Labels, site: Site) -> str:
        listed = [(thread, listed_line(thread, words, site)) for thread in threads]
        return self.layout.render(
            "index.html",
            words,
            site,
            "",
            test=site.mode is Mode.TRAINING,
            active=[line for thread, line in listed if thread.active and not thread.test],
            ended=[line for thread, line in listed if not thread.active and not thread.test],
            tests=[line for thread, line in listed if thread.test],
            as_of=moment(now, words, site),
        )


def standing_words(newest: Message, words: Labels, site: Site) -> str:
    """What the newest message says of the whole alert."""
    over = OVER.get(newest.status)
    return words.say(over or IN_FORCE[newest.event.stage], phone=site.phone)


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
        sent=moment(event.sent, words, site),
        until=None if event.until_cleared else moment(event.expires, words, site),
        until_cleared=event.until_cleared,
        ended=moment(message.ended_at, words, site) if message.ended_at else None,
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


def listed_line(thread: Thread, words: Labels, site: Site) -> Listed:
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
        updated=moment(thread.updated_at, words, site),
    )
