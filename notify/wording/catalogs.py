"""The catalogues translators edit: which messages the templates hold, and the .pot and .po files that follow from them.

A message is named by its domain (the folder of its template) and its context ("sms.boil_water.first.ecoli"), which is unique
within the domain. So a changed English sentence keeps its name, and its translations become *fuzzy* instead of vanishing.
"""

import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from notify.wording.second_reading import noted

TEMPLATES: Final = (".txt", ".html")
TABLES: Final = ("hazards", "danger", "folders", "plain", "parts", "timed")  # what words.toml must have
REPLIES: Final = "/replies.txt"  # what the text dialog answers
SPOKEN: Final = "runbooks"  # the domain of what is read aloud to callers (notify.wording.sayings)
IN_TEXTS: Final = ("/sms.txt", "/choices.txt", "hazards/titles.txt", "lines/lines.txt")
KEPT: Final = 256  # files whose parsed or written form is kept in memory: twice as many as there are
COMMENT_TAG: Final = "Translators:"
# Newstyle, so that msgids are read as the renderer reads them; trimmed, so that a paragraph may run over lines (an SMS, whose
# line ends count, says "notrimmed"); not silent, so that a broken template is an error and not an empty catalogue.
EXTRACTION: Final = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}


class BadTemplate(ValueError):
    """The templates, or words.toml, cannot be used; the text holds one sentence a line, every problem at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One English text of the templates, with what translators are told about it."""

    domain: str
    context: str
    text: str
    comment: str
    file: str

    @property
    def key(self) -> str:
        """Names the message for reviews: "boil_water:sms.boil_water.first.ecoli"."""
        return f"{self.domain}:{self.context}"


def messages(templates: Path) -> Mapping[str, tuple[Message, ...]]:
    """Every message by domain, in the order of the files; the domains are the folders of words.toml. Raises BadTemplate when a
    context is missing or stands for two texts."""
    found: dict[str, list[Message]] = {}
    known: dict[str, Message] = {}
    problems: list[str] = []
    for domain in sorted(promises(templates)):
        kept = found.setdefault(domain, [])
        for message in _of_folder(templates / domain):
            first = known.setdefault(message.context, message)
            if not message.context:
                problems.append(f"{message.file}: the text {message.text[:40]!r} has no context.")
            elif first is message:
                kept.append(message)
            elif (first.domain, first.text) != (message.domain, message.text):
                problems.append(f"{message.file}: the context {message.context} stands for another text in {first.file}.")
    if problems:
        raise BadTemplate("\n".join(problems))
    return {domain: tuple(kept) for domain, kept in found.items()}


def _of_folder(folder: Path) -> Iterator[Message]:
    for path in sorted(folder.iterdir()):
        if path.suffix in TEMPLATES:
            yield from _of_file(folder.name, path.name, path.read_bytes())


@cache
def _of_file(domain: str, name: str, content: bytes) -> tuple[Message, ...]:
    found = []
    for _, function, strings, comments in babel_extract(
        io.BytesIO(content), ("gettext", "pgettext"), (COMMENT_TAG,), dict(EXTRACTION)
    ):
        context, text = strings[:2] if isinstance(strings, tuple) and function == "pgettext" else ("", strings)
        comment = _comment(comments)
        found.append(Message(domain=domain, context=context or "", text=str(text), comment=comment, file=f"{domain}/{name}"))
    return tuple(found)


def _comment(comments: Sequence[str]) -> str:
    return " ".join(" ".join(comments).removeprefix(COMMENT_TAG).split())


def promises(templates: Path) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Domain -> kind of text ("sms", "short", "page") -> the languages besides English it is promised in, from words.toml."""
    promised: Mapping[str, Mapping[str, Sequence[str]]] = config(templates)["folders"]
    return promised


def prepared(templates: Path, domain: str) -> Sequence[str]:
    """The languages whose catalogues of this domain are there for translators, promised or not."""
    found = config(templates).get("prepared", {})
    return found["languages"] if domain in found.get("folders", ()) else ()


def with_prepared(folders: Mapping[str, Any], language: str, domains: Sequence[str]) -> Mapping[str, Any]:
    """The promises as if a language had all of these folders: what a translator wants to see checked."""
    kinds = ("sms", "page", "topic")
    return {
        domain: dict(promised) | ({kind: [*promised.get(kind, ()), language] for kind in kinds} if domain in domains else {})
        for domain, promised in folders.items()
    }


def config(templates: Path) -> Mapping[str, Any]:
    """words.toml. Raises BadTemplate when it is not TOML, or names what is not there; every problem at once."""
    try:
        read = tomllib.loads((templates / "words.toml").read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadTemplate(f"words.toml is not TOML: {error}.") from error
    problems = [f"words.toml has no table [{name}]." for name in TABLES if name not in read]
    folders = read.get("folders", {})
    problems += [f"words.toml: there is no folder {name}." for name in folders if not (templates / name).is_dir()]
    for hazard, folder in read.get("hazards", {}).items():
        if folder not in folders:
            problems.append(f"words.toml: the words of {hazard} are to be in {folder}, which [folders] does not have.")
    if problems:
        raise BadTemplate("\n".join(problems))
    return read


def kinds(message: Message) -> frozenset[str]:
    """What the message is part of. A choice's sentence is part of texts and pages alike."""
    if message.domain == SPOKEN:
        return frozenset({"spoken"})
    if message.file.endswith(REPLIES):
        return frozenset({"reply"})
    if _form(message) == "sms.txt":
        return frozenset({"short" if ".short." in message.context else "sms"})
    return {"topics.txt": frozenset({"topic"}), "choices.txt": frozenset({"sms", "page"})}.get(
        _form(message), frozenset({"page"})
    )


def is_text(message: Message) -> bool:
    """Whether it is a whole text message of an alert."""
    return _form(message) == "sms.txt"


def _form(message: Message) -> str:
    """The kind of file it stands in; "shared_" has what more than one folder says."""
    return message.file.rpartition("/")[2].removeprefix("shared_")


def is_in_texts(message: Message) -> bool:
    """Whether an alert's text messages may be made of it: their sentences, the danger's, titles, and the single lines."""
    return message.file.replace("/shared_", "/").endswith(IN_TEXTS) and "email" not in message.context


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
