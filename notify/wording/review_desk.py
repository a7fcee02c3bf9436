"""What the readers of a language have before them, message by message, and what an answer of theirs has to be about. For the
console and the API alike."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from notify.db import Database
from notify.wording import proofs, reviewing, reviews
from notify.wording.english import Message, kinds
from notify.wording.reviewing import Note, NotKept
from notify.wording.reviews import Reader, Review, Reviewed, Standing, State, fingerprint
from notify.wording.slots import ENGLISH
from notify.wording.words import Words

CHANGED: Final = "These words have changed since you read them. Read them again; nothing was kept."
NOTHING: Final = "Nothing was kept."
Sizes = Mapping[tuple[str, str], proofs.Row]


class Pile(StrEnum):
    """Where a message lies in a language: what is to be done about it."""

    WAITING = "waiting"  # nobody has said anything about the words of now
    ASKED = "asked"  # somebody has asked for other words
    REVIEWED = "reviewed"
    MISSING = "missing"  # there are no words yet


class NoSuchMessage(NotKept):
    """Nothing with this name is said in this language."""


class NoSuchLanguage(NotKept):
    """Nothing is promised in this language."""


class WordsChanged(NotKept):
    """The answer is about other words than those of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One message as a reviewer sees it. back: what a second reader noted that it says. seen: what the answer has to be about.
    size: of a text message, in parts."""

    message: Message
    target: str
    back: str
    state: State
    pile: Pile
    seen: str
    size: proofs.Row | None
    english: proofs.Row | None
    kinds: frozenset[str]  # what it is part of, see english.kinds
    hazards: Sequence[str]  # keys of the dangers whose alerts say it
    note: Note | None
    review: Review | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Which words a reader answers about, as they saw them. kind: what makes them able to judge."""

    language: str
    context: str
    seen: str
    reviewer: str
    kind: Reader | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one language at one moment."""

    language: str
    reviewed: Reviewed
    reviews: Mapping[str, Review]  # by the message's key
    notes: Mapping[str, Note]


class ReviewDesk:
    """words: everything that is said, aloud too. hazards: their keys. stored: the reviews of now."""

    def __init__(
        self, db: Database, words: Words, hazards: Collection[str], stored: Callable[[Connection], Collection[Review]]
    ) -> None:
        self._db, self.words, self._hazards, self._stored = db, words, hazards, stored
        self._sizes: dict[str, Sizes] = {}

    def languages(self) -> Sequence[str]:
        """English, the others, and the forms without marks."""
        return (*self.words.languages(), *self.words.plain)

    def check(self, language: str) -> str:
        """Raises NoSuchLanguage."""
        if language not in self.languages():
            raise NoSuchLanguage([f"There are words in {', '.join(self.languages())}."])
        return language

    async def standings(self) -> Sequence[Standing]:
        """How far each language is."""
        return reviews.standings(self.words, reviews.arrange(await self._db.read(self._stored)))

    async def cards(self, language: str) -> "Cards":
        """Everything promised in a language. Raises NoSuchLanguage."""
        self.check(language)
        sizes = await self._measured(language)
        known = await self._db.read(lambda conn: self._known(conn, language))
        order = sorted(reviews.promised(self.words, language), key=lambda one: "sms" not in kinds(one))  # texts before pages
        return Cards(self, sizes, known, [(message, *self._stands(message, known)) for message in order])

    def given(self, answer: Answer, now: datetime) -> Review:
        """The yes that an answer gives or, asking for a change, would have given. Raises NoSuchLanguage, NoSuchMessage and
        WordsChanged."""
        language = self.check(answer.language)
        message = self.words.messages.get(answer.context)
        target = self.words.text(answer.context, language) if message else None
        if message is None or target is None:
            raise NoSuchMessage([NOTHING])
        if answer.seen != seen(message, target):
            raise WordsChanged([CHANGED])
        kind = answer.kind or usual_reader(language)
        return reviews.approve(self.words, answer.context, language, reviewer=answer.reviewer, at=now, kind=kind)

    def card(self, message: Message, known: Known, sizes: Sizes) -> Card:
        language, context = known.language, message.context
        target = self.words.text(context, language) or ""
        state, pile = self._stands(message, known)
        return Card(
            message=message,
            target=target,
            back=self.words.backs.get(language, {}).get(context, ""),
            state=state,
            pile=pile,
            seen=seen(message, target),
            size=sizes.get((language, context)),
            english=sizes.get((ENGLISH, context)) if language != ENGLISH else None,
            kinds=kinds(message),
            hazards=self._hazards_of(message),
            note=self._note(message, known),
            review=known.reviews.get(message.key),
        )

    def _known(self, conn: Connection, language: str) -> Known:
        stored = self._stored(conn)
        own = {one.key: one for one in stored if one.language == language}
        return Known(language=language, reviewed=reviews.arrange(stored), reviews=own, notes=reviewing.notes(conn, language))

    def _stands(self, message: Message, known: Known) -> tuple[State, Pile]:
        state = reviews.state(self.words, message, known.language, known.reviewed)
        if state is State.MISSING:
            return state, Pile.MISSING
        if state is State.APPROVED:
            return state, Pile.REVIEWED
        return state, Pile.ASKED if self._note(message, known) is not None else Pile.WAITING

    def _note(self, message: Message, known: Known) -> Note | None:
        """What was said about the words of now."""
        note = known.notes.get(message.key)
        target = self.words.text(message.context, known.language) or ""
        return note if note is not None and note.seen == seen(message, target) else None

    def _hazards_of(self, message: Message) -> Sequence[str]:
        if message.context.startswith("hazard."):
            key = message.context.removeprefix("hazard.")
            return [key] if key in self._hazards else []
        return [key for key, folder in self.words.folders.items() if folder == message.domain and key in self._hazards]

    async def _measured(self, language: str) -> Sizes:
        """What every text message of a language costs, and its English; measured once."""
        if language not in self._sizes:
            rows = await asyncio.to_thread(proofs.table, _only(self.words, language))
            self._sizes[language] = {(row.language, row.context): row for row in rows}
        return self._sizes[language]


class Cards:
    """The messages of one language in the order in which they are read, each where it lies."""

    def __init__(self, desk: ReviewDesk, sizes: Sizes, known: Known, order: Sequence[tuple[Message, State, Pile]]) -> None:
        self._desk, self._sizes, self._known, self._order = desk, sizes, known, order

    def on(self, pile: Pile) -> Sequence[Message]:
        return [message for message, _, lies in self._order if lies is pile]

    def after(self, pile: Pile, context: str) -> Sequence[Message]:
        """What lies behind a message, which may have moved to another pile meanwhile. Raises NoSuchMessage."""
        place = next((number for number, (one, *_) in enumerate(self._order) if one.context == context), None)
        if place is None:
            raise NoSuchMessage([f"Nothing called {context} is promised in {self._known.language}."])
        return [message for message, _, lies in self._order[place + 1 :] if lies is pile]

    def shown(self, messages: Sequence[Message]) -> list[Card]:
        return [self._desk.card(message, self._known, self._sizes) for message in messages]


def seen(message: Message, target: str) -> str:
    """Names these words of this message."""
    return reviewing.mark(fingerprint(message.text), fingerprint(target))


def usual_reader(language: str) -> Reader:
    return Reader.OWNER if language == ENGLISH else Reader.NATIVE


def _only(known: Words, language: str) -> Words:
    """The same words, promised in one language (and English) alone: measuring all takes a second."""
    if language in known.plain:
        return replace(known, promised={}, plain=(language,))
    return replace(known, promised={"": {"sms": [language]}}, plain=())
