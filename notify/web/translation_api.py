"""Reviews of translations by the API: how far each language is, what waits for its readers, their yes and their notes. Words
themselves change in their catalogues alone (docs/translating.md)."""

from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from notify.service import Service
from notify.web.answers import STAFF
from notify.web.endpoints import GIVEN, LIMIT, Endpoint, Given, Query, acting, looking, next_page, wholes
from notify.web.replies import Replies
from notify.wording import reviewing
from notify.wording.english import Message
from notify.wording.review_desk import Answer, Card, Cards, NoSuchMessage, Pile
from notify.wording.reviewing import REVIEWERS
from notify.wording.reviews import Reader, Review

LANGUAGES: Final = "/translations"
ONE: Final = f"{LANGUAGES}/{{language}}"
LIST: Final = Query(name="list", says=f"one of {', '.join(Pile)}; the first without it")
AFTER: Final = Query(name="after", says="the context that the page before ended with")
NO_LANGUAGE: Final = frozenset({404})


class WordsRead(Given):
    """context, seen: as the list has them; whoever read other words than those of now is told so. reader: what makes them able
    to judge; native without it, owner for English."""

    context: str = Field(max_length=200)
    seen: str = Field(max_length=64)
    reader: Reader | None = None


class WordsDoubted(Given):
    """note: what is wrong with the words, or those one would use."""

    context: str = Field(max_length=200)
    seen: str = Field(max_length=64)
    note: str


class TranslationApi:
    def __init__(self, service: Service, replies: Replies) -> None:
        self._service, self._desk, self._db, self._replies = service, service.review_desk, service.db, replies

    def endpoints(self) -> list[Endpoint]:
        every = "Every language with how far its reviews are, and what is wrong with its words"
        one = "Messages of a language, source beside translation: those that wait, or another list; texts before pages"
        yes = "A reader's yes to exactly these words; a later change of either text voids it"
        no = "A reader's note on what is wrong; words of another language than English are approved no more"
        see = partial(looking, roles=REVIEWERS)
        act = partial(acting, gives="WordsAnswered", roles=REVIEWERS, refusals=NO_LANGUAGE)
        return [
            see(LANGUAGES, self.languages, every, "Translations"),
            see(ONE, self.messages, one, "WordsToRead", query=(LIST, LIMIT, AFTER), refusals=NO_LANGUAGE),
            act(f"{ONE}/review", self.review, yes, body=WordsRead),
            act(f"{ONE}/ask-for-change", self.ask_for_change, no, body=WordsDoubted),
        ]

    async def languages(self, _: web.Request) -> web.Response:
        names = self._service.assembly.city.pack.endonyms(self._desk.languages())
        found = [
            {
                "language": row.language,
                "endonym": names[row.language],
                "approved": row.approved,
                "draft": row.draft,
                "stale": row.stale,
                "missing": row.missing,
            }
            for row in await self._desk.standings()
        ]
        return web.json_response({"languages": found, "faults": list(self._desk.words.faults)})

    async def messages(self, request: web.Request) -> web.Response:
        cards = await self._desk.cards(request.match_info["language"])
        found, limit = _asked(request, cards)
        shown = found[:limit]
        following, headers = next_page(request, shown[-1].context if len(found) > len(shown) else None)
        messages = [card_json(card) for card in cards.shown(shown)]
        return web.json_response({"messages": messages, "next": following}, headers=headers)

    async def review(self, request: web.Request) -> web.Response:
        given, now = request[GIVEN], self._service.clock.now()
        assert isinstance(given, WordsRead)
        read = self._read(request, given, given.reader)

        def approve(conn: Connection) -> dict[str, Any]:
            reviewing.approve(conn, yes := self._desk.given(read, now), now)
            return _answered(conn, read, yes)

        return await self._replies.once(request, approve)

    async def ask_for_change(self, request: web.Request) -> web.Response:
        given, now = request[GIVEN], self._service.clock.now()
        assert isinstance(given, WordsDoubted)
        read = self._read(request, given)

        def ask(conn: Connection) -> dict[str, Any]:
            reviewing.ask_for_change(conn, doubted := self._desk.given(read, now), given.note, now)
            return _answered(conn, read, doubted)

        return await self._replies.once(request, ask)

    def _read(self, request: web.Request, given: WordsRead | WordsDoubted, reader: Reader | None = None) -> Answer:
        return Answer(
            language=request.match_info["language"],
            context=given.context,
            seen=given.seen,
            reviewer=request[STAFF].person_id,
            kind=reader,
        )


def _answered(conn: Connection, read: Answer, about: Review) -> dict[str, Any]:
    """approved: whether a live alert may say these words now."""
    approved = reviewing.holds(conn, about)
    return {"language": read.language, "context": read.context, "key": about.key, "approved": approved}


def card_json(card: Card) -> dict[str, Any]:
    """target: "" where there is none. size: of a text message filled with samples, and of its English in parts."""
    size, note, review = card.size, card.note, card.review
    return {
        "context": card.message.context,
        "key": card.message.key,
        "comment": card.message.comment,
        "source": card.message.text,
        "target": card.target,
        "back_translation": card.back,
        "seen": card.seen,
        "state": card.state,
        "list": card.pile,
        "kinds": sorted(card.kinds),
        "hazards": list(card.hazards),
        "size": size
        and {
            "parts": size.parts,
            "most_parts": size.most_parts,
            "units": size.units,
            "encoding": size.encoding,
            "english_parts": card.english.parts if card.english else None,
            "text": size.text,
        },
        "note": note and {"by": note.by, "at": note.at.isoformat(), "text": note.text},
        "review": review and {"by": review.reviewer, "at": review.at.isoformat(), "reader": review.kind},
    }


def _asked(request: web.Request, cards: Cards) -> tuple[list[Message], int | None]:
    """What a list asks for, and how much of it. Raises Problem with everything that is wrong."""
    typed, after = request.query.get(LIST.name, Pile.WAITING), request.query.get(AFTER.name)
    problems = [] if typed in set(Pile) else [f"list: must be one of {', '.join(Pile)}."]
    pile, found = Pile.WAITING if problems else Pile(typed), list[Message]()
    try:
        found = list(cards.on(pile) if after is None else cards.after(pile, after))
    except NoSuchMessage as error:
        problems.append(f"after: {error}")
    (limit,) = wholes(request, LIMIT, problems=problems)
    return found, limit
