"""The words of alerts in every language: English from the templates, translations from the .po files, checked when loaded.

A translation that cannot be used (its placeholders are not those of the source, its English has changed since, it holds hidden
controls) counts as missing in its language: that is logged as an ERROR and reported by `problems`, and never stops a send.
"""

import logging
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.messages.pofile import PoFileError

from channels.text import Encoding, bidi_controls, encoding, measure, sanitise, split
from notify import catalogs, slots
from notify.catalogs import Message
from notify.slots import ENGLISH, Kind, Slot
from subscribers.plain import spoken, tagged

logger = logging.getLogger(__name__)

# A placeholder with the full stop after it; an escaped sign; or a bare sign, which is a mistake.
_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s(\.?)|(%))?")
_ON_ITS_OWN_LINE: Final = "\n%(url)s"  # so that it is read left to right under any script
_SAMPLE_ZONE: Final = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that can be said. `faults` are sentences about translations that cannot be used as they are; `slots` has the
    declared slots of each folder, those that the program fills in under ""."""

    templates: Path
    messages: Mapping[str, Message]  # by context
    translations: Mapping[str, Mapping[str, str]]  # language -> context -> a translation that can be used
    faults: tuple[str, ...]
    folders: Mapping[str, str]  # hazard -> folder
    dangers: Mapping[str, str]  # hazard -> what the slot danger is when nobody fills it in
    promised: Mapping[str, Mapping[str, Sequence[str]]]  # folder -> kind of text -> languages
    timed: frozenset[str]  # folders whose words say until when
    most_parts: Mapping[str, int]  # wording -> parts its texts may have with the sample slots
    slots: Mapping[str, Mapping[str, Slot]]
    plain: tuple[str, ...] = ()  # forms without marks ("ro-x-plain"); each is reviewed like a language of its own

    def text(self, context: str, language: str) -> str | None:
        """The message in a language with its placeholders unfilled; None where nothing can be used."""
        return self.messages[context].text if language == ENGLISH else self.translations.get(language, {}).get(context)

    def languages(self) -> tuple[str, ...]:
        """English, and every language that anything is promised in."""
        return tuple(dict.fromkeys([ENGLISH, *(one for kinds in self.promised.values() for one in _of(kinds))]))

    def declared(self, folder: str) -> Mapping[str, Slot]:
        """The slots of a folder's words, those that the program fills in included."""
        return {**self.slots[""], **self.slots.get(folder, {})}


def _of(kinds: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return tuple(dict.fromkeys(language for languages in kinds.values() for language in languages))


def load(templates: Path) -> Words:
    """Reads templates and catalogues. Raises BadTemplate, BadSlots and OSError for what the program ships itself; a catalogue
    that cannot be read is a fault of its language, which is left without those words."""
    config = catalogs.config(templates)
    found = catalogs.messages(templates)
    translations: dict[str, dict[str, str]] = {}
    faults: list[str] = []
    for domain, kinds in config["folders"].items():
        for language in _of(kinds):
            usable = _usable(templates, language, domain, {message.context: message for message in found[domain]}, faults)
            translations.setdefault(language, {}).update(usable)
    messages = {message.context: message for listed in found.values() for message in listed}
    unmarked = config["plain"]["unmarked"]
    plain = {tagged(language, plain=True): _plain(messages, translations.get(language, {})) for language in unmarked}
    for fault in faults:
        logger.error("%s", fault)
    declared = {path.parent.name: slots.declared(path) for path in sorted(templates.glob("*/slots.toml"))}
    return Words(
        templates=templates,
        messages=messages,
        translations=translations | plain,
        faults=tuple(faults),
        folders=config["hazards"],
        dangers=config["danger"],
        promised=config["folders"],
        timed=frozenset(config["timed"]),
        most_parts=config["parts"],
        slots=declared | {"": slots.declared(templates / "slots.toml")},
        plain=tuple(plain),
    )


def _plain(messages: Mapping[str, Message], translated: Mapping[str, str]) -> Mapping[str, str]:
    """What a language says in texts, without its marks."""
    return {context: slots.unmarked(text) for context, text in translated.items() if catalogs.is_in_texts(messages[context])}


def _usable(
    templates: Path, language: str, domain: str, messages: Mapping[str, Message], faults: list[str]
) -> Mapping[str, str]:
    try:
        entries = catalogs.translated(catalogs.po_path(templates, language, domain), language)
    except (OSError, ValueError, PoFileError) as error:
        faults.append(f"{domain} in {language}: the catalogue cannot be read, so all of it counts as missing: {error}.")
        return {}
    kept: dict[str, str] = {}
    for entry in entries:
        if entry.is_fuzzy:
            continue
        context, message = entry.context, messages.get(entry.context)
        target = _tidy(entry.target, message)
        if message is None or message.text != entry.source:
            fault = "the English is no longer this: run `words extract`"
        else:
            fault = _fault(message, target)
        if fault:
            faults.append(f"{domain} in {language}: {context} counts as missing: {fault}.")
        else:
            kept[context] = target
    return kept


def _tidy(target: str, message: Message | None) -> str:
    """Line ends count in a text message only; elsewhere one message is one line."""
    composed = unicodedata.normalize("NFC", target).strip()
    return composed if message is None or "\n" in message.text else " ".join(composed.split())


def _fault(message: Message, target: str) -> str:
    """Why a translation cannot be used; empty when it can."""
    ours, theirs = placeholders(message.text), placeholders(target)
    if "" in theirs:
        return "a percent sign stands alone (write %% for one)"
    if unknown := theirs - ours:
        return f"unknown placeholders {', '.join(sorted(unknown))}"
    if (lost := ours - theirs) and not message.file.endswith(catalogs.REPLIES):  # 70 units do not hold all that 160 do
        return f"lost placeholders {', '.join(sorted(lost))}"
    return " ".join(bidi_controls(target)).rstrip(".")


def placeholders(text: str) -> frozenset[str]:
    """The names in %(name)s; an empty name stands for a percent sign that belongs to none and is not doubled."""
    return frozenset(match[1] or "" for match in _PLACEHOLDER.finditer(text) if not match[3])


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with its placeholders filled. A value that ends with a full stop ("10:40 a.m.") swallows the one that follows.
    Raises KeyError for a value that is not there."""

    def one(match: re.Match[str]) -> str:
        if not match[1]:
            return "%"
        value = str(values[match[1]])
        return value if match[2] and value.endswith(".") else value + match[2]

    return _PLACEHOLDER.sub(one, text)


def problems(words: Words) -> tuple[str, ...]:
    """What is wrong with the translations, as sentences: those that cannot be used, those out of step with the templates, and
    those that say more than fits."""
    rows = (row for row in table(words) if row.parts > row.most_parts)
    return (
        *words.faults,
        *(f"{path.parts[-3]}/{path.name} is not in step: run `words extract`." for path in catalogs.stale(words.templates)),
        *(f"{row.context} in {row.language} has {row.parts} parts, at most {row.most_parts} fit." for row in rows),
        *(
            f"{context} in {language}: the link must stand alone on the last line."
            for language, texts in words.translations.items()
            for context, text in texts.items()
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
        if message.file.endswith(("/sms.txt", catalogs.REPLIES)) and (row := _row(words, message, language, samples))
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
        most_parts=words.most_parts["reply" if message.file.endswith(catalogs.REPLIES) else message.context.split(".")[2]],
        text=written,
    )


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
    return {**samples, **empty, "sites_number": "2"}


def _later(slot: Slot, days: int) -> Slot:
    if slot.type is not Kind.TIME:
        return slot
    return replace(slot, sample=slots.moment(slot.sample) + timedelta(days=days))


def _sample(words: Words, folder: str, name: str, slot: Slot, language: str) -> str:
    match slot.type:
        case Kind.TIME:
            at = slots.moment(slot.sample)
            return slots.short_time(at, language, _SAMPLE_ZONE)
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
