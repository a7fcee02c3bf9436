"""The inbox of people who read a language: what nobody has approved yet, one message at a time, on a phone."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from notify import audit, data
from notify.alerts.life import Role
from notify.audit import Act
from notify.console import reviewing
from notify.console.reviewing import Note
from notify.console.routing import FORM, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from notify.web.answers import Problem
from notify.wording import proofs, reviews, sayings
from notify.wording.catalogs import Message, kinds
from notify.wording.labels import direction
from notify.wording.reviews import Reader, Review, State, fingerprint
from notify.wording.slots import ENGLISH
from notify.wording.words import Words

REVIEWERS: Final = frozenset({Role.TRANSLATOR, Role.ADMIN})
PAGE: Final = 10
LONGEST_NOTE: Final = 1_000
READERS: Final = {
    Reader.NATIVE: "I read it as my own language",
    Reader.PROFESSIONAL: "I am a certified translator",
    Reader.OWNER: "I speak for the bureau whose words they are",
}
LISTS: Final = {"waiting": "Waiting", "asked": "A change was asked for", "reviewed": "Reviewed", "missing": "No words yet"}
FORMS: Final = {
    "sms": "text message",
    "short": "one-part text message",
    "page": "page, e-mail and CAP",
    "topic": "answer to a word texted back",
    "reply": "answer of the text dialog",
    "spoken": "read aloud to callers of 311",
}
NO_NOTE: Final = "Say what is wrong with these words, so that somebody can mend them."
LONG_NOTE: Final = "The note is too long; 1,000 characters fit."
CHANGED: Final = "These words have changed since you opened the page. Read them again; nothing was kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One message as a reviewer sees it. seen: what the answer has to be about. size: of a text message, in parts. back: what
    a second reader noted that the translation says."""

    message: Message
    target: str
    back: str
    state: State
    seen: str
    size: proofs.Row | None
    english: proofs.Row | None
    forms: Sequence[str]
    hazards: Sequence[str]  # titles of the dangers whose alerts say it
    note: Note | None
    review: Review | None


class Translations:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._db, self._screens = guard.db, guard.screens
        templates, runbooks = data.folder("templates"), data.folder("runbooks")
        self._words = sayings.joined(service.assembly.words, sayings.load(templates, runbooks))
        self._sizes: dict[str, Mapping[tuple[str, str], proofs.Row]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/translations", answer=self.show, roles=REVIEWERS),
            Route(method="POST", path="/translations", answer=self.answer, roles=REVIEWERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Every language with how far it is; or, of one, what waits."""
        language = request.query.get("language", "")
        if not language:
            return await self._overview(request)
        return await self._inbox(request, self._known(language))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Yes to a message exactly as it was shown, or a note on what is wrong with it."""
        form, staff, now = request[FORM], request[VISIT].staff, self._guard.clock.now()
        language, context, act = self._known(form.text("language")), form.text("context"), form.text("act")
        message = self._words.messages.get(context)
        target = self._words.text(context, language) if message else None
        if message is None or target is None or act not in ("reviewed", "change"):
            raise Problem(422, "There is no such message", ["Nothing was kept."])
        if form.text("seen") != _seen(message, target):
            raise Problem(409, "Not kept", [CHANGED])
        note = " ".join(form.text("note").split())
        problems = _problems_of(note) if act == "change" else []
        if problems:
            raise Problem(422, "Not kept", problems)
        kind = _kind(form.text("as"), language)
        given = reviews.approve(self._words, context, language, reviewer=staff.person_id, at=now, kind=kind)
        if act == "reviewed":
            await self._db.write(lambda conn: _approve(conn, given, now))
        else:
            await self._db.write(lambda conn: _ask_for_change(conn, given, note, now))
        shown = form.text("list") if form.text("list") in LISTS else "waiting"
        return self._screens.moved(f"/translations?{urlencode({'language': language, 'list': shown, 'as': kind.value})}")

    async def _overview(self, request: web.Request) -> web.Response:
        stored = await self._db.read(self._service.assembly.reviews)
        rows = reviews.standings(self._words, reviews.arrange(stored))
        return self._screens.page(request, "translations", rows=rows, endonyms=self._endonyms(), faults=self._words.faults)

    async def _inbox(self, request: web.Request, language: str) -> web.Response:
        """One list of one language, a few messages at a time."""
        shown = request.query.get("list", "waiting")
        shown = shown if shown in LISTS else "waiting"
        typed = request.query.get("from", "")
        start = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
        stored = await self._db.read(self._service.assembly.reviews)
        notes = await self._db.read(lambda conn: reviewing.notes(conn, language))
        sizes = await self._measured(language)
        lists = self._lists(language, stored, notes)
        start = start if start < len(lists[shown]) else 0
        cards = [self._card(each, language, sizes, notes, stored) for each in lists[shown][start : start + PAGE]]
        return self._screens.page(
            request,
            "translations_inbox",
            tongue=language,
            tongue_direction=direction(language),
            endonym=self._endonyms()[language],
            cards=cards,
            shown=shown,
            lists={key: (word, len(lists[key])) for key, word in LISTS.items()},
            start=start,
            page=PAGE,
            readers=READERS,
            kind=_kind(request.query.get("as", ""), language),
            plain=language in self._words.plain,
            english=language == ENGLISH,
        )

    def _lists(
        self, language: str, stored: Collection[Review], notes: Mapping[str, Note]
    ) -> Mapping[str, Sequence[tuple[Message, State]]]:
        """The messages promised in a language, by what is to be done about them; texts before pages."""
        arranged = reviews.arrange(stored)
        found: dict[str, list[tuple[Message, State]]] = {name: [] for name in LISTS}
        for message in sorted(reviews.promised(self._words, language), key=lambda one: "sms" not in kinds(one)):
            state = reviews.state(self._words, message, language, arranged)
            if state is State.MISSING:
                name = "missing"
            elif state is State.APPROVED:
                name = "reviewed"
            else:
                target = self._words.text(message.context, language) or ""
                note = notes.get(message.key)
                name = "asked" if note is not None and note.seen == _seen(message, target) else "waiting"
            found[name].append((message, state))
        return found

    def _card(
        self,
        each: tuple[Message, State],
        language: str,
        sizes: Mapping[tuple[str, str], proofs.Row],
        notes: Mapping[str, Note],
        stored: Collection[Review],
    ) -> Card:
        message, state = each
        target = self._words.text(message.context, language) or ""
        note, seen = notes.get(message.key), _seen(message, target)
        return Card(
            message=message,
            target=target,
            back=self._words.backs.get(language, {}).get(message.context, ""),
            state=state,
            seen=seen,
            size=sizes.get((language, message.context)),
            english=sizes.get((ENGLISH, message.context)) if language != ENGLISH else None,
            forms=[word for kind, word in FORMS.items() if kind in kinds(message)],
            hazards=self._hazards_of(message),
            note=note if note is not None and note.seen == seen else None,
            review=next((one for one in stored if (one.language, one.key) == (language, message.key)), None),
        )

    def _hazards_of(self, message: Message) -> Sequence[str]:
        known = self._service.assembly.hazards
        if message.context.startswith("hazard."):
            one = known.get(message.context.removeprefix("hazard."))
            return [one.title] if one else []
        return [known[key].title for key, folder in self._words.folders.items() if folder == message.domain and key in known]

    async def _measured(self, language: str) -> Mapping[tuple[str, str], proofs.Row]:
        """What every text message of a language costs, and its English; measured once."""
        if language not in self._sizes:
            rows = await asyncio.to_thread(proofs.table, _only(self._words, language))
            self._sizes[language] = {(row.language, row.context): row for row in rows}
        return self._sizes[language]

    def _known(self, language: str) -> str:
        """Raises Problem for a language that nothing is promised in."""
        if language not in (there := (*self._words.languages(), *self._words.plain)):
            raise Problem(404, "There are no words in this language", [f"There are words in {', '.join(there)}."])
        return language

    def _endonyms(self) -> Mapping[str, str]:
        named = {one.tag: one.endonym for one in self._service.assembly.city.pack.languages}
        tags = (*self._words.languages(), *self._words.plain)
        return {tag: named.get(tag, named.get(tag.partition("-x-")[0], tag)) for tag in tags}


def _only(known: Words, language: str) -> Words:
    """The same words, promised in one language (and English) alone: measuring all takes a second."""
    if language in known.plain:
        return replace(known, promised={}, plain=(language,))
    return replace(known, promised={"": {"sms": [language]}}, plain=())


def _seen(message: Message, target: str) -> str:
    """Names these words of this message: whatever is said about them is void once either text changes."""
    return _mark(fingerprint(message.text), fingerprint(target))


def _mark(source_hash: str, target_hash: str) -> str:
    return fingerprint(f"{source_hash} {target_hash}")[:32]


def _kind(typed: str, language: str) -> Reader:
    if typed in {one.value for one in Reader}:
        return Reader(typed)
    return Reader.OWNER if language == ENGLISH else Reader.NATIVE


def _problems_of(note: str) -> list[str]:
    if not note:
        return [NO_NOTE]
    return [LONG_NOTE] if len(note) > LONGEST_NOTE else []


def _approve(conn: Connection, given: Review, now: datetime) -> None:
    reviewing.keep(conn, given)
    detail = {"kind": given.kind, "source": given.source_hash[:12], "target": given.target_hash[:12]}
    subject = reviewing.subject(given.language, given.key)
    audit.append(conn, Act(actor=given.reviewer, action="reviewed words", subject=subject, detail=detail), now)


def _ask_for_change(conn: Connection, given: Review, note: str, now: datetime) -> None:
    """Keeps the note. Words that a reader finds wrong are approved no more; English stays, for there is nothing behind it."""
    taken_back = given.language != ENGLISH and reviewing.take_back(conn, given.language, given.key)
    detail = {"note": note, "seen": _mark(given.source_hash, given.target_hash), "approval taken back": taken_back}
    subject = reviewing.subject(given.language, given.key)
    audit.append(conn, Act(actor=given.reviewer, action=reviewing.ASKED, subject=subject, detail=detail), now)
