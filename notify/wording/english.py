"""The English messages that the templates hold, and what words.toml promises of them in which language.

A message is named by its domain (the folder of its template) and its context ("sms.boil_water.first.ecoli"), which is unique
within the domain.
"""

import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2.ext import babel_extract

TEMPLATES: Final = (".txt", ".html")
TABLES: Final = ("hazards", "danger", "folders", "plain", "parts", "timed")  # what words.toml must have
REPLIES: Final = "/replies.txt"  # what the text dialog answers
SPOKEN: Final = "runbooks"  # the domain of what is read aloud to callers (notify.wording.sayings)
IN_TEXTS: Final = ("/sms.txt", "/choices.txt", "hazards/titles.txt", "lines/lines.txt")
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
