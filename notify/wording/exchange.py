"""All words of one language in one .po file, for Weblate, Poedit or a translator's own program, and back without loss.

Each message stands under its context, with what it is for, what its slots mean with a sample, and how long it may be. What
comes back is looked at whole before anything is written: one broken placeholder, and no catalogue is touched.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import PoFileError, read_po

from notify.wording import catalogs, english, sayings
from notify.wording.english import Message
from notify.wording.second_reading import noted, without_note
from notify.wording.slots import Slot
from notify.wording.words import Words, fault, placeholders

MADE: Final = {  # what the program makes of slots and controlled sentences
    "danger": "one whole sentence: what the danger is",
    "statements": "whole sentences, as many as still fit, or nothing",
    "over": "one whole sentence: what the reader can do again",
    "sites_number": "how many places are named",
}
UNITS: Final = {1: (160, 70), 2: (306, 134), 3: (459, 201)}  # parts -> units in GSM-7 and in UCS-2 (3GPP 23.038)


class BadReturn(ValueError):
    """A file that cannot be taken over; the text holds one sentence a line, every problem at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a file brought. changed: contexts whose translation is new; fuzzy: left to be looked at, not used; behind: contexts
    whose English has changed since the file was written, kept as fuzzy; written: catalogues that changed."""

    changed: Sequence[str]
    fuzzy: Sequence[str]
    behind: Sequence[str]
    written: Sequence[Path]


def file(words: Words, language: str) -> bytes:
    """One .po file with every message that the language is promised or prepared for, as its catalogues have them now."""
    catalog = Catalog(locale=catalogs.locale(language), domain="tocsin")
    for message, entry in _standing(words, language):
        added = catalog.add(
            message.text,
            entry.string,
            context=message.context,
            auto_comments=_comments(words, message),
            locations=[(_location(message), 0)],
            user_comments=entry.user_comments,
        )
        if entry.fuzzy:
            added.flags.add("fuzzy")
        if message.file.endswith(english.REPLIES):  # may leave slots out, which other programs would call an error
            added.flags.discard("python-format")
            added.flags.add("no-python-format")
    return catalogs.opening("alerts", language) + catalogs.entries(catalog)


def take(words: Words, language: str, content: bytes) -> Taken:
    """Writes what a file brings into the language's catalogues. What it leaves empty stays as it is. Raises BadReturn."""
    brought = _brought(language, content)
    standing = {message.context: (message, entry) for message, entry in _standing(words, language)}
    problems = [f"There is no message {context!r} in {language}." for context in brought if context not in standing]
    behind = []
    for context, entry in brought.items():
        if context not in standing:
            continue
        message = standing[context][0]
        if entry.id != message.text:
            behind.append(context)
        elif wrong := _fault(message, str(entry.string)):
            problems.append(f"{context}: {wrong}.")
    if problems:
        raise BadReturn("\n".join(problems))
    changed = [context for context, entry in brought.items() if entry.string != standing[context][1].string]
    return Taken(
        changed=changed,
        fuzzy=[context for context, entry in brought.items() if entry.fuzzy and context not in behind],
        behind=behind,
        written=tuple(_written(words, language, brought, behind)),
    )


def _fault(message: Message, target: str) -> str:
    return sayings.fault(message, target) if message.domain == english.SPOKEN else fault(message, target)


def _brought(language: str, content: bytes) -> Mapping[str, Entry]:
    """What the file translates, by context."""
    try:
        catalog = read_po(io.BytesIO(content), charset="utf-8", abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise BadReturn(f"This is no .po file in UTF-8: {error}.") from error
    named = dict(catalog.mime_headers).get("Language") or str(catalog.locale_identifier or "")
    if named and named.replace("_", "-").casefold() != language.casefold():
        raise BadReturn(f"The file says that it is in {named}, not in {language}.")
    return {str(entry.context): entry for entry in catalog if entry.id and entry.string}


def _standing(words: Words, language: str) -> Iterator[tuple[Message, Entry]]:
    """Every message of the language's catalogues with its entry, folder by folder."""
    for domain in dict.fromkeys(message.domain for message in words.messages.values()):
        path = catalogs.po_path(words.templates, language, domain)
        if not path.exists():
            continue
        for entry in catalogs.read(path, language):
            if entry.id and (message := words.messages.get(str(entry.context))):
                yield message, entry


def _written(words: Words, language: str, brought: Mapping[str, Entry], behind: Sequence[str]) -> Iterator[Path]:
    for domain in dict.fromkeys(words.messages[context].domain for context in brought):
        path = catalogs.po_path(words.templates, language, domain)
        before, catalog = path.read_bytes(), catalogs.read(path, language)
        for entry in catalog:
            theirs = brought.get(str(entry.context)) if entry.id else None
            if theirs is None or (entry.string == theirs.string and entry.fuzzy == theirs.fuzzy and not theirs.user_comments):
                continue
            if entry.string != theirs.string and noted(entry.user_comments) == noted(theirs.user_comments):
                theirs.user_comments = without_note(theirs.user_comments)  # it says what the old words said
            elif entry.string == theirs.string and not noted(theirs.user_comments):
                note = entry.user_comments[len(without_note(entry.user_comments)) :]
                theirs.user_comments = [*theirs.user_comments, *note]
            entry.string, entry.user_comments = theirs.string, theirs.user_comments
            entry.flags.discard("fuzzy")
            if theirs.fuzzy or entry.context in behind:
                entry.flags.add("fuzzy")
        after = before.partition(b"\n\n")[0] + b"\n\n" + catalogs.entries(catalog)
        if after != before:
            whole = path.with_suffix(".po.new")
            whole.write_bytes(after)
            whole.replace(path)
            yield path


def _comments(words: Words, message: Message) -> list[str]:
    """What it is for, its slots with a sample each, and how long it may be."""
    declared = words.declared(message.domain)
    slots = [_slot(name, declared.get(name)) for name in sorted(placeholders(message.text))]
    limit = []
    if english.is_text(message):
        most = words.most_parts[message.context.split(".")[2]]
        limit = [f"At most {UNITS[most][0]} GSM-7 or {UNITS[most][1]} UCS-2 units with these samples ({most} parts)."]
    return [message.comment, *slots, *limit] if message.comment else [*slots, *limit]


def _slot(name: str, slot: Slot | None) -> str:
    if slot is None:
        return f"{name}: {MADE.get(name, 'filled in by the program')}."
    return f'{name} ({slot.type}): {slot.meaning}. Sample: "{slot.sample}".'


def _location(message: Message) -> str:
    return message.file if message.domain == english.SPOKEN else f"templates/{message.file}"
