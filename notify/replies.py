"""The dialog's answers in words: the language asked for if it is ready, else English, and always short enough for its parts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from channels.text import measure, sanitise
from notify.reviews import Review, State, arrange, state
from notify.slots import ENGLISH
from notify.words import Words, fill
from subscribers.dialog.turn import Reply, Sent

MENUS: Final = frozenset({"M15", "M46"})  # endonyms only: the same in every language
WANTED: Final = 1  # parts an answer has
MOST: Final = 2  # and may have when names are long
MORE: Final = "+{}"
# The form without marks, for old handsets; only where readers take it for their own language.
PLAIN: Final = {"ro": str.maketrans("ăâîșțşţĂÂÎȘȚŞŢ", "aaistst" + "AAISTST")}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text as it leaves, in the language it is in, with its number of parts."""

    body: str
    language: str
    parts: int


class Replies:
    """words and reviews as they are now. Without allow_drafts, a text nobody has reviewed in its language comes in English."""

    def __init__(self, words: Words, reviews: Iterable[Review], *, allow_drafts: bool) -> None:
        self._words, self._reviewed, self._allow_drafts = words, arrange(reviews), allow_drafts

    def text(self, reply: Reply | Sent, *, plain: bool = False) -> Phrase:
        """Fills a reply in. Values that residents chose come out as they are: nothing in them is read as a placeholder."""
        if isinstance(reply, Sent):
            return _phrase(reply.body, reply.language, plain)
        if reply.key in MENUS:
            return _phrase(str(reply.slots["menu"]), reply.language, plain)
        language, source = self._source(f"dialog.{reply.key}", reply.language)
        for parts in (WANTED, MOST):
            for values in _shorter(reply.slots):
                phrase = _phrase(fill(source, values), language, plain)
                if phrase.parts <= parts:
                    return phrase
        return phrase

    def _source(self, context: str, language: str) -> tuple[str, str]:
        text = self._words.text(context, language)
        ready = text is not None and (
            self._allow_drafts or state(self._words, self._words.messages[context], language, self._reviewed) is State.APPROVED
        )
        if ready and text is not None:
            return language, text
        return ENGLISH, self._words.messages[context].text


def _phrase(body: str, language: str, plain: bool) -> Phrase:
    if plain and language in PLAIN:
        body = body.translate(PLAIN[language])
    said = sanitise(body).text
    return Phrase(said, language, measure(said).parts)


def _shorter(slots: Mapping[str, str | int | Sequence[str]]) -> Iterable[Mapping[str, str]]:
    """The slots in words; then again and again with one fewer item of each list, the rest counted."""
    lists = {name: list(value) for name, value in slots.items() if not isinstance(value, str | int)}
    plain = {name: str(value) for name, value in slots.items() if isinstance(value, str | int)}
    longest = max(map(len, lists.values()), default=1)
    for dropped in range(max(longest, 1)):
        yield plain | {name: _joined(items, max(1, len(items) - dropped)) for name, items in lists.items()}


def _joined(items: Sequence[str], shown: int) -> str:
    more = [MORE.format(len(items) - shown)] if len(items) > shown else []
    return ", ".join([*items[:shown], *more])
