"""The dialog's answers in words: the language asked for if it is ready, else English, and always short enough for its parts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from channels.text import parts, sanitise
from notify.wording.reviews import Review, State, arrange, promised, state
from notify.wording.slots import ENGLISH
from notify.wording.words import Words, fill
from subscribers.dialog.turn import Reply, Sent
from subscribers.plain import tagged

MENUS: Final = frozenset({"M15", "M46"})  # endonyms only: the same in every language
WANTED: Final = 1  # parts an answer has
MOST: Final = 2  # and may have when names are long
MORE: Final = "+{}"
CUT: Final = "..."  # stands for the words left out of a name
SHORTER: Final = (60, 40, 24, 12, 0)  # units left of each name, tried in turn where a text would have more than MOST parts
NAMES: Final = frozenset({"label", "place", "old"})  # what residents and the gazetteer call a place; all else is our own
INTERPRETER: Final = "line.interpreter"
CHOICES: Final = "choices"  # what people pick a number from: shown whole where MOST parts hold it
# The form without marks, for old handsets; only where readers take it for their own language.
PLAIN: Final = {"ro": str.maketrans("ăâîșțşţĂÂÎȘȚŞŢ", "aaistst" + "AAISTST")}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text as it leaves, in the language it is in, with its number of parts."""

    body: str
    language: str
    parts: int


class Replies:
    """words and reviews as they are now. Without allow_drafts, a text nobody has reviewed in its language comes in English.
    plain: languages whose form without marks may be used, for alerts' texts and for answers."""

    def __init__(self, words: Words, reviews: Iterable[Review], *, allow_drafts: bool) -> None:
        self._words, self._reviewed, self._allow_drafts = words, arrange(reviews), allow_drafts
        self.plain = frozenset(language for language in PLAIN if self._has_plain_form(language))

    def text(self, reply: Reply | Sent, *, plain: bool = False) -> Phrase:
        """Fills a reply in. Values that residents chose come out as they are: nothing in them is read as a placeholder. plain:
        for a handset that shows no marks; what comes in English for want of them has an interpreter's number where it fits."""
        is_foreign, plain = plain, plain and reply.language in self.plain
        if isinstance(reply, Sent):
            return _phrase(reply.body, reply.language, plain)
        if reply.key in MENUS:
            return _phrase(str(reply.slots["menu"]), reply.language, plain)
        language, source = self._source(f"dialog.{reply.key}", reply.language)
        phrase = _phrase("", language, plain)
        for most, values in _tries(reply.slots):
            phrase = _phrase(fill(source, values), language, plain)
            if phrase.parts <= most:
                break
        return self._interpreted(phrase, reply) if is_foreign and phrase.language == ENGLISH else phrase

    def _interpreted(self, phrase: Phrase, reply: Reply) -> Phrase:
        """With the line that alerts in English have for whoever reads another language, unless it would cost a part."""
        line = fill(self._words.messages[INTERPRETER].text, {"phone": str(reply.slots["phone"])})
        longer = _phrase(f"{phrase.body}\n{line}", ENGLISH, False)
        return longer if longer.parts == phrase.parts else phrase

    def _has_plain_form(self, language: str) -> bool:
        """Whether readers have approved all that alerts' texts are made of in it: PLAIN must be true of the next alert."""
        form = tagged(language, plain=True)
        if self._allow_drafts or form not in self._words.plain:
            return form in self._words.plain
        states = [state(self._words, message, form, self._reviewed) for message in promised(self._words, form)]
        return bool(states) and all(one is State.APPROVED for one in states)

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
    return Phrase(said, language, parts(said))


def _tries(slots: Mapping[str, str | int | Sequence[str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The slots in words, ever shorter, each with the parts it may take. Names are cut only where all else takes too many."""
    if CHOICES not in slots:
        yield from ((WANTED, values) for values in _fewer(slots))
    yield from ((MOST, values) for values in chain(_fewer(slots), (_cut_to(slots, units) for units in SHORTER)))


def _fewer(slots: Mapping[str, str | int | Sequence[str]]) -> Iterator[Mapping[str, str]]:
    """The slots in words; then again and again with one fewer item of each list, the rest counted."""
    lists = {name: value for name, value in slots.items() if not isinstance(value, str | int)}
    single = {name: str(value) for name, value in slots.items() if isinstance(value, str | int)}
    for dropped in range(max([1, *map(len, lists.values())])):
        yield single | {name: _joined(items, max(1, len(items) - dropped)) for name, items in lists.items()}


def _joined(items: Sequence[str], shown: int) -> str:
    more = [MORE.format(len(items) - shown)] if len(items) > shown else []
    return ", ".join([*items[:shown], *more])


def _cut_to(slots: Mapping[str, str | int | Sequence[str]], units: int) -> Mapping[str, str]:
    """The slots in words with one item of each list, and no name longer than so many units and CUT."""
    return {
        name: (_cut(str(value), units) if name in NAMES else str(value))
        if isinstance(value, str | int)
        else _joined([_cut(item, units) for item in value], 1)
        for name, value in slots.items()
    }


def _cut(name: str, units: int) -> str:
    """As many whole words of a name as fit; never a piece of a word."""
    if len(name.encode("utf-16-le")) // 2 <= units:
        return name
    kept: list[str] = []
    for word in name.split():
        if len(" ".join([*kept, word]).encode("utf-16-le")) // 2 > units:
            break
        kept.append(word)
    return " ".join([*kept, CUT])
