"""What call-takers read aloud, as messages for translators: the `Say:` sentences of the runbooks, their catalogues and reviews.

They are kept apart from the words of alerts: an alert never waits for a script, and a script is read by the interpreter where
its words are missing.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import PoFileError

from channels.text import bidi_controls
from notify.wording import catalogs, english, reviews
from notify.wording.catalogs import Translated
from notify.wording.english import SPOKEN, Message
from notify.wording.reviews import Reviewed, State
from notify.wording.words import Words

INDEX: Final = "README.md"
_HEADING: Final = re.compile(r"(#{1,3})\s+(.+?)\s*#*")
_SAY: Final = re.compile(r'Say:\s*"(.+)"')
_FACT: Final = re.compile(r"\{fact:[a-z][a-z0-9_]*\}")
_SCRIPT: Final = "script"


def messages(runbooks: Path) -> tuple[Message, ...]:
    """Every sentence that is read aloud, runbook by runbook, in the order of the pages."""
    pages = (page for page in sorted(runbooks.glob("*.md")) if page.name != INDEX)
    return tuple(one for page in pages for one in _of_page(page.stem, page.read_text("utf-8")))


@cache
def _of_page(name: str, text: str) -> tuple[Message, ...]:
    return tuple(_extracted(name, text))


def _extracted(name: str, text: str) -> Iterator[Message]:
    section, heading, number, fenced = "", "", 0, False
    for line in (one.strip() for one in text.splitlines()):
        fenced ^= line.startswith("```")
        if fenced:
            continue
        if found := _HEADING.fullmatch(line):
            section = found[2].casefold() if len(found[1]) == 2 else section
            heading, number = found[2], 0
        elif section == _SCRIPT and (said := _SAY.fullmatch(line)):
            number += 1
            yield Message(
                domain=SPOKEN,
                context=f"runbook.{name}.{_anchor(heading)}.{number}",
                text=said[1],
                comment=f"Read aloud by whoever answers 311, in the step '{heading}'. What stands in braces stays as it is.",
                file=f"{SPOKEN}/{name}.md",
            )


def _anchor(heading: str) -> str:
    """What forges make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def load(templates: Path, runbooks: Path) -> Words:
    """The sentences with their translations. One that cannot be used counts as missing, and is a fault."""
    languages = english.config(templates)[SPOKEN]["languages"]
    found = {message.context: message for message in messages(runbooks)}
    faults: list[str] = []
    usable = {language: _usable(templates, language, found, faults) for language in languages}
    return Words(
        templates=templates,
        messages=found,
        translations={language: {name: one.target for name, one in kept.items()} for language, kept in usable.items()},
        faults=tuple(faults),
        folders={},
        dangers={},
        promised={SPOKEN: {"spoken": languages}},
        timed=frozenset(),
        most_parts={},
        slots={},
        backs={language: {name: one.back for name, one in kept.items() if one.back} for language, kept in usable.items()},
    )


def _usable(templates: Path, language: str, found: Mapping[str, Message], faults: list[str]) -> Mapping[str, Translated]:
    try:
        entries = catalogs.translated(catalogs.po_path(templates, language, SPOKEN), language)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, PoFileError) as error:
        faults.append(f"{SPOKEN} in {language}: the catalogue cannot be read, so all of it counts as missing: {error}.")
        return {}
    kept = {}
    for entry in entries:
        message = found.get(entry.context)
        if entry.is_fuzzy or message is None or message.text != entry.source:
            continue  # of another edition of the page: `words extract` brings it into step
        if wrong := fault(message, entry.target):
            faults.append(f"{SPOKEN} in {language}: {entry.context} counts as missing: {wrong}.")
        else:
            kept[entry.context] = replace(entry, target=" ".join(entry.target.split()))
    return kept


def fault(message: Message, target: str) -> str:
    """Why a translation cannot be used; empty when it can."""
    if sorted(_FACT.findall(message.text)) != sorted(_FACT.findall(target)):
        return "its facts are not those of the English"
    if set(_FACT.sub("", target)) & set("{}"):
        return "braces stand alone"
    return " ".join(bidi_controls(target))


def joined(words: Words, spoken: Words) -> Words:
    """Both, for translators, who see one list."""
    languages = {*words.translations, *spoken.translations}
    both = {tag: {**words.translations.get(tag, {}), **spoken.translations.get(tag, {})} for tag in languages}
    backs = {tag: {**words.backs.get(tag, {}), **spoken.backs.get(tag, {})} for tag in languages}
    return replace(
        words,
        messages={**words.messages, **spoken.messages},
        translations=both,
        promised={**words.promised, **spoken.promised},
        faults=(*words.faults, *spoken.faults),
        backs=backs,
    )


def readable(spoken: Words, reviewed: Reviewed, *, allow_drafts: bool) -> dict[str, dict[str, tuple[str, str]]]:
    """What may be read aloud: language -> context -> (English, its words). Without drafts only what somebody has reviewed."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for language in spoken.languages():
        for context, message in spoken.messages.items():
            target = spoken.text(context, language)
            if target is not None and (allow_drafts or _approved(spoken, message, language, reviewed)):
                found.setdefault(language, {})[context] = (message.text, target)
    return found


def _approved(spoken: Words, message: Message, language: str, reviewed: Reviewed) -> bool:
    return reviews.state(spoken, message, language, reviewed) is State.APPROVED


def files(templates: Path, runbooks: Path) -> Mapping[Path, bytes]:
    """What every catalogue of the runbooks must hold for the pages of now."""
    return catalogs.bodies(templates, SPOKEN, messages(runbooks), english.config(templates)[SPOKEN]["languages"])


def stale(templates: Path, runbooks: Path) -> Sequence[Path]:
    """The catalogues that are not in step with the runbooks."""
    return [path for path, wanted in files(templates, runbooks).items() if not path.exists() or path.read_bytes() != wanted]


def extract(templates: Path, runbooks: Path) -> Collection[Path]:
    """Writes every catalogue that is not in step; returns what it wrote."""
    written = stale(templates, runbooks)
    wanted = files(templates, runbooks)
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    return written
