"""The catalogues translators edit: the .pot and .po files that follow from the messages of the templates.

A changed English sentence keeps its name (its context), so its translations become *fuzzy* instead of vanishing.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from notify.wording.english import SPOKEN, Message, kinds, messages, prepared, promises
from notify.wording.second_reading import noted

KEPT: Final = 256  # files whose parsed or written form is kept in memory: twice as many as there are


def po_path(templates: Path, language: str, domain: str) -> Path:
    return templates / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def pot_path(templates: Path, domain: str) -> Path:
    return templates / "locale" / "messages" / f"{domain}.pot"


def read(path: Path, language: str) -> Catalog:
    """A catalogue as it stands, fuzzy entries included. Raises OSError, and ValueError when the file is not a .po file."""
    return _parsed(path.read_bytes(), language)


@dataclass(frozen=True, slots=True)
class Translated:
    """One entry of a .po file. back: what a second reader noted that the target says, in English; "" where nobody did."""

    context: str
    source: str
    target: str
    is_fuzzy: bool
    back: str


def translated(path: Path, language: str) -> tuple[Translated, ...]:
    """What a catalogue translates, fuzzy entries included. Raises OSError, and ValueError when the file is not a .po file."""
    return _translated(path.read_bytes(), language)


@lru_cache(maxsize=KEPT)
def _translated(content: bytes, language: str) -> tuple[Translated, ...]:
    found = (entry for entry in _parsed(content, language) if entry.id and entry.string)
    return tuple(
        Translated(str(one.context), str(one.id), str(one.string), one.fuzzy, noted(one.user_comments)) for one in found
    )


def _parsed(content: bytes, language: str) -> Catalog:
    return read_po(io.BytesIO(content), locale=locale(language), charset="utf-8", abort_invalid=True)


def locale(language: str) -> Locale | None:
    """None for a language that CLDR does not know (Hmong, Dari); its catalogue works without."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def files(templates: Path) -> Mapping[Path, bytes]:
    """What every .pot and .po file must hold for the templates of now: each existing translation is kept, and marked fuzzy when
    its English has changed. Reads only; the same templates give the same bytes."""
    promised = promises(templates)
    wanted: dict[Path, bytes] = {}
    for domain, found in messages(templates).items():
        wanted[pot_path(templates, domain)] = opening(domain, "") + _body(domain, "", found, b"")
        waiting = prepared(templates, domain)
        named = (language for listed in promised[domain].values() for language in listed)
        for language in dict.fromkeys([*named, *waiting]):
            path = po_path(templates, language, domain)
            old = path.read_bytes() if path.exists() else b""
            header = old.partition(b"\n\n")[0] + b"\n\n" if old else opening(domain, language)
            part = tuple(m for m in found if _belongs(m, promised[domain], language, waiting))
            wanted[path] = header + _body(domain, language, part, old)
    return wanted


def _belongs(message: Message, promised: Mapping[str, Sequence[str]], language: str, waiting: Sequence[str]) -> bool:
    """Whether a catalogue has the message. The one-part form is only for languages that it is promised in."""
    found = kinds(message)
    return any(language in promised.get(kind, ()) for kind in found) or (language in waiting and "short" not in found)


def bodies(templates: Path, domain: str, found: Sequence[Message], languages: Sequence[str]) -> Mapping[Path, bytes]:
    """What the .pot and .po files of one domain must hold, when all of it is promised in all of these languages."""
    wanted = {pot_path(templates, domain): opening(domain, "") + _body(domain, "", tuple(found), b"")}
    for language in languages:
        path = po_path(templates, language, domain)
        old = path.read_bytes() if path.exists() else b""
        header = old.partition(b"\n\n")[0] + b"\n\n" if old else opening(domain, language)
        wanted[path] = header + _body(domain, language, tuple(found), old)
    return wanted


def stale(templates: Path) -> tuple[Path, ...]:
    """The catalogues that are not in step with the templates."""
    return tuple(path for path, wanted in files(templates).items() if not path.exists() or path.read_bytes() != wanted)


def extract(templates: Path) -> tuple[Path, ...]:
    """Writes every catalogue that is not in step; returns what it wrote."""
    wanted, written = files(templates), stale(templates)
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    return written


@lru_cache(maxsize=KEPT)
def _body(domain: str, language: str, found: tuple[Message, ...], old: bytes) -> bytes:
    """The entries of a .po file for these messages, with what the file that was there ("" for none) has translated."""
    catalog = Catalog(locale=locale(language) if language else None, domain=domain)
    kept = {message.context: message for message in _parsed(old, language) if message.id} if old else {}
    for message in found:
        entry = catalog.add(
            message.text,
            context=message.context,
            auto_comments=[message.comment] if message.comment else [],
            locations=[(message.file if domain == SPOKEN else f"templates/{message.file}", 0)],
        )
        before = kept.pop(message.context, None)
        if before is not None:
            entry.string = before.string
            entry.user_comments = before.user_comments
            if before.fuzzy or (before.string and before.id != message.text):
                entry.flags.add("fuzzy")
    return entries(catalog)


def entries(catalog: Catalog) -> bytes:  # what stands below a file's header
    buffer = io.BytesIO()
    write_po(buffer, catalog, omit_header=True, include_lineno=False, ignore_obsolete=True)
    return buffer.getvalue()


def opening(domain: str, language: str) -> bytes:
    """Written by hand: babel's own header holds the time of day, and these files must be reproducible."""
    known = locale(language) if language else None
    plural = get_plural(known) if known else None
    lines = [
        'msgid ""',
        'msgstr ""',
        f'"Project-Id-Version: tocsin {domain}\\n"',
        *([f'"Language: {language}\\n"'] if language else []),
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
        *([f'"Plural-Forms: {plural.plural_forms}\\n"'] if plural else []),
    ]
    about = f"# Words of {domain}" + (f" in {language}." if language else ".")
    draft = "# Every translation is a draft until a native reader has reviewed it (tocsin words review)." if language else ""
    return "\n".join([about, *([draft] if draft else []), *lines, "", ""]).encode()
