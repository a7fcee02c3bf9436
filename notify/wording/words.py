"""The words of alerts in every language: English from the templates, translations from the .po files, checked when loaded.

A translation that cannot be used (its placeholders are not those of the source, its English has changed since, it holds hidden
controls) counts as missing in its language: that is logged as an ERROR and reported by `problems`, and never stops a send.
"""

import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from babel.messages.pofile import PoFileError

from channels.text import bidi_controls
from notify.wording import catalogs, english, guidance, slots
from notify.wording.catalogs import Translated
from notify.wording.english import Message
from notify.wording.guidance import Guidance
from notify.wording.slots import ENGLISH, Slot
from subscribers.plain import tagged

logger = logging.getLogger(__name__)

# A placeholder with the full stop after it; an escaped sign; or a bare sign, which is a mistake.
_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s(\.?)|(%))?")


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
    sentences: Mapping[str, Mapping[str, Sequence[str]]] = field(
        default_factory=dict
    )  # folder -> wording -> what is cut to fit
    guidance: Mapping[str, Guidance] = field(default_factory=dict)  # hazard -> the controlled sentences its words are made of
    backs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language -> context -> what the translation says

    def text(self, context: str, language: str) -> str | None:
        """The message in a language with its placeholders unfilled; None where nothing can be used."""
        return self.messages[context].text if language == ENGLISH else self.translations.get(language, {}).get(context)

    def languages(self) -> tuple[str, ...]:
        """English, and every language that anything is promised in."""
        return tuple(dict.fromkeys([ENGLISH, *(one for kinds in self.promised.values() for one in _of(kinds))]))

    def declared(self, folder: str, hazard: str = "") -> Mapping[str, Slot]:
        """The slots of a folder's words, those that the program fills in included; of one hazard's, where one is named."""
        own = self.slots.get(folder, {})
        return {**self.slots[""], **{name: slot for name, slot in own.items() if not hazard or _has(slot, hazard)}}


def _has(slot: Slot, hazard: str) -> bool:
    return not slot.hazards or hazard in slot.hazards


def _of(kinds: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return tuple(dict.fromkeys(language for languages in kinds.values() for language in languages))


def load(templates: Path, trying: str = "") -> Words:
    """Reads templates and catalogues; `trying` is a language to treat as if it were promised all that is prepared for it.

    Raises BadTemplate, BadSlots, BadGuidance and OSError for what the program ships itself; a catalogue that cannot be read is
    a fault of its language, which is left without those words.
    """
    config = dict(english.config(templates))
    if trying:
        folders = [name for name in config["folders"] if trying in english.prepared(templates, name)]
        config["folders"] = english.with_prepared(config["folders"], trying, folders)
    found = english.messages(templates)
    translations: dict[str, dict[str, str]] = {}
    backs: dict[str, dict[str, str]] = {}
    faults: list[str] = []
    for domain, kinds in config["folders"].items():
        for language in _of(kinds):
            usable = _usable(templates, language, domain, {message.context: message for message in found[domain]}, faults)
            translations.setdefault(language, {}).update((context, one.target) for context, one in usable.items())
            backs.setdefault(language, {}).update((context, one.back) for context, one in usable.items() if one.back)
    messages = {message.context: message for listed in found.values() for message in listed}
    unmarked = config["plain"]["unmarked"]
    plain = {tagged(language, plain=True): _plain(messages, translations.get(language, {})) for language in unmarked}
    for sentence in faults:
        logger.error("%s", sentence)
    sentences = config.get("sentences", {})
    guidance.check(templates, sentences)
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
        sentences=sentences,
        guidance=guidance.read(templates),
        plain=tuple(plain),
        backs=backs,
    )


def _plain(messages: Mapping[str, Message], translated: Mapping[str, str]) -> Mapping[str, str]:
    """What a language says in texts, without its marks."""
    return {context: slots.unmarked(text) for context, text in translated.items() if english.is_in_texts(messages[context])}


def _usable(
    templates: Path, language: str, domain: str, messages: Mapping[str, Message], faults: list[str]
) -> Mapping[str, Translated]:
    try:
        entries = catalogs.translated(catalogs.po_path(templates, language, domain), language)
    except (OSError, ValueError, PoFileError) as error:
        faults.append(f"{domain} in {language}: the catalogue cannot be read, so all of it counts as missing: {error}.")
        return {}
    kept: dict[str, Translated] = {}
    for entry in entries:
        if entry.is_fuzzy:
            continue
        context, message = entry.context, messages.get(entry.context)
        target = _tidy(entry.target, message)
        if message is None or message.text != entry.source:
            wrong = "the English is no longer this: run `words extract`"
        else:
            wrong = fault(message, target)
        if wrong:
            faults.append(f"{domain} in {language}: {context} counts as missing: {wrong}.")
        else:
            kept[context] = replace(entry, target=target)
    return kept


def _tidy(target: str, message: Message | None) -> str:
    """Line ends count in a text message only; elsewhere one message is one line."""
    composed = unicodedata.normalize("NFC", target).strip()
    return composed if message is None or "\n" in message.text else " ".join(composed.split())


def fault(message: Message, target: str) -> str:
    """Why a translation cannot be used; empty when it can."""
    ours, theirs = placeholders(message.text), placeholders(target)
    if "" in theirs:
        return "a percent sign stands alone (write %% for one)"
    if unknown := theirs - ours:
        return f"unknown placeholders {', '.join(sorted(unknown))}"
    if (lost := ours - theirs) and not message.file.endswith(english.REPLIES):  # 70 units do not hold all that 160 do
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
