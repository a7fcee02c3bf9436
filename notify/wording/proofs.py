"""The proofs of all texts: how long each is with its samples filled in, and everything wrong with the translations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from typing import Final

from channels.text import Encoding, encoding, measure, sanitise, split
from notify.wording import catalogs, english, guidance, slots
from notify.wording.english import Message
from notify.wording.samples import ZONE
from notify.wording.slots import ENGLISH, Kind, Slot
from notify.wording.words import Words, fill, placeholders
from subscribers.plain import spoken

_ON_ITS_OWN_LINE: Final = "\n%(url)s"  # so that it is read left to right under any script


def problems(words: Words, language: str = "") -> tuple[str, ...]:
    """What is wrong with the translations, as sentences: those that cannot be used, those out of step with the templates, and
    those that say more than fits; of one language, where one is named."""
    rows = (row for row in table(words) if row.parts > row.most_parts and language in ("", row.language))
    return (
        *(fault for fault in words.faults if not language or f" in {language}: " in fault),
        *(f"{path.parts[-3]}/{path.name} is not in step: run `words extract`." for path in catalogs.stale(words.templates)),
        *(f"{row.context} in {row.language} has {row.parts} parts, at most {row.most_parts} fit." for row in rows),
        *(
            f"{context} in {other}: the link must stand alone on the last line."
            for other, texts in words.translations.items()
            for context, text in texts.items()
            if language in ("", other)
            if context.startswith("sms.") and not text.endswith(_ON_ITS_OWN_LINE)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The size of one text message with the sample slots in one language."""

    language: str
    context: str
    encoding: Encoding
    units: int
    parts: int
    most_parts: int
    text: str


def table(words: Words, *, typed: bool = False) -> tuple[Row, ...]:
    """Every text message there is, in every language it is in, measured with the sample slots on the weekday on which it is
    longest; a title is the longest there is.
    Free text is empty unless `typed`: limits are for the words around it, and its writer sees what it costs."""
    samples = cache(partial(_samples, words, typed=typed))  # many messages share a folder
    return tuple(
        row
        for language in (*words.languages(), *words.plain)
        for message in words.messages.values()
        if (english.is_text(message) or message.file.endswith(english.REPLIES))
        and (row := _row(words, message, language, samples))
    )


def _row(words: Words, message: Message, language: str, samples: Callable[[str, str, int], Mapping[str, str]]) -> Row | None:
    text = words.text(message.context, language)
    if text is None:
        return None
    days = range(7) if any(slot.type is Kind.TIME for slot in _slots_of(words, message)) else range(1)
    filled = {fill(text, samples(message.domain, language, day)): None for day in days}
    written = max((sanitise(one).text for one in filled), key=_cost)
    return Row(
        language=language,
        context=message.context,
        encoding=encoding(written),
        units=_cost(written)[1],
        parts=_cost(written)[0],
        most_parts=words.most_parts[_wording(message)],
        text=written,
    )


def _wording(message: Message) -> str:
    return "reply" if message.file.endswith(english.REPLIES) else message.context.split(".")[2]


def _cost(text: str) -> tuple[int, int]:
    """Parts and units. `measure` names each letter that is outside GSM-7 besides, which takes most of its time."""
    if encoding(text) is Encoding.GSM_7:
        size = measure(text)
        return size.parts, size.units
    return len(split(text)), len(text.encode("utf-16-le")) // 2


def _slots_of(words: Words, message: Message) -> Iterator[Slot]:
    """The declared slots that a message's placeholders name."""
    declared = words.declared(message.domain)
    return (declared[name] for name in sorted(placeholders(message.text)) if name in declared)


def _samples(words: Words, folder: str, language: str, days: int, *, typed: bool) -> Mapping[str, str]:
    """The sample of every slot of a folder, as a text message in this language would have it so many days later."""
    declared = {name: _later(slot, days) for name, slot in words.declared(folder).items()}
    samples = {name: _sample(words, folder, name, slot, language) for name, slot in declared.items()}
    empty = {name: "" for name, slot in declared.items() if slot.type is Kind.TEXT and not typed}
    filled = {**samples, **empty, "sites_number": "2", "statements": ""}
    return {**filled, **(_controlled(words, language, filled) if folder == guidance.FOLDER else {})}


def _controlled(words: Words, language: str, samples: Mapping[str, str]) -> Mapping[str, str]:
    """The longest that the controlled sentences can be: the first of a text, which always stands in it, and the last word."""
    named = {
        "statements": {one.text[0] for one in words.guidance.values()},
        "over": {one.over for one in words.guidance.values()},
    }
    said: dict[str, list[str]] = {name: [] for name in named}
    for context in words.messages:
        for name, blocks in named.items():
            if "_".join(context.split(".")[1:3]) in blocks and context.startswith(guidance.FOLDER):
                said[name].append(fill(words.text(context, language) or "", samples))
    return {name: max(texts, key=len, default="") for name, texts in said.items()}


def _later(slot: Slot, days: int) -> Slot:
    if slot.type is not Kind.TIME:
        return slot
    return replace(slot, sample=slots.moment(slot.sample) + timedelta(days=days))


def _sample(words: Words, folder: str, name: str, slot: Slot, language: str) -> str:
    match slot.type:
        case Kind.TIME:
            at = slots.moment(slot.sample)
            return slots.short_time(at, language, ZONE)
        case Kind.TITLE:
            titles = [words.text(context, language) or "" for context in words.messages if context.startswith("hazard.")]
            return max(titles, key=len)
        case Kind.CHOICE:
            return words.text(f"{folder}.{name}.{slot.sample}", language) or "" if name == "danger" else str(slot.sample)
        case Kind.URL:
            path = "/a/" if language == ENGLISH else f"/{spoken(language)}/a/"
            return str(slot.sample).replace("/a/", path)
        case Kind.SITES:
            return "; ".join(slot.sample)
        case _:
            return str(slot.sample)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table as lines for a terminal: language, encoding, units, parts, and the text's context."""
    for row in rows:
        mark = "  TOO LONG" if row.parts > row.most_parts else ""
        yield f"{row.language:8} {row.encoding:6} {row.units:4} units  {row.parts} of {row.most_parts}  {row.context}{mark}"
