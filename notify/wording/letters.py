"""Words that come as lines "kind: text" (pages and CAP) as values, and the e-mail laid out around a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel import Locale, UnknownLocaleError

from channels.base import Content
from notify.alerts.alert import Info, Page
from notify.wording.phrasing import environment

_PAGE: Final = ("title", "lead", "paragraph", "step", "question", "answer")
_CAP: Final = ("event", "headline", "description", "instruction")
RIGHT_TO_LEFT: Final = frozenset({"prs"})  # languages of cities that CLDR does not know: Dari
MOST_HEADLINE: Final = 139  # CAP profiles ask for a headline under 140 characters


class BadLines(ValueError):
    """A template's lines are not of the form "kind: text", or kinds are missing."""


def read_lines(text: str, kinds: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Kind -> its texts in order. Raises BadLines for a line of another kind."""
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for line in filter(str.strip, text.splitlines()):
        kind, colon, words = line.strip().partition(": ")
        if not colon or kind not in found:
            raise BadLines(f"This line is none of {', '.join(kinds)}: {line[:60]!r}.")
        found[kind].append(words.strip())
    return {kind: tuple(texts) for kind, texts in found.items()}


def page(text: str, language: str) -> Page:
    """Raises BadLines: a page has one title and one lead, and an answer to each question."""
    lines = read_lines(text, _PAGE)
    if len(lines["title"]) != 1 or len(lines["lead"]) != 1 or len(lines["question"]) != len(lines["answer"]):
        raise BadLines("A page has one title, one lead, and an answer to each question.")
    return Page(
        language=language,
        title=lines["title"][0],
        lead=lines["lead"][0],
        paragraphs=lines["paragraph"],
        steps=lines["step"],
        facts=tuple(zip(lines["question"], lines["answer"], strict=True)),
    )


def info(text: str, tag: str, place: str) -> Info:
    """CAP's words; lines of one kind are joined. The place leaves a headline that would be too long. Raises BadLines."""
    lines = read_lines(text, _CAP)
    if not all(lines.values()):
        raise BadLines(f"CAP needs {', '.join(_CAP)}.")
    headline = lines["headline"][0]
    return Info(
        language=tag,
        event=lines["event"][0],
        headline=headline if len(headline) <= MOST_HEADLINE else headline.removesuffix(f": {place}")[:MOST_HEADLINE],
        description="\n".join(lines["description"]),
        instruction="\n".join(lines["instruction"]),
        area_desc=place,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The alert's page in a language, under the language's own name for itself."""

    language: str
    name: str
    url: str


def link(language: str, url: str) -> Link:
    return Link(language=language, name=endonym(language), url=url)


@cache
def endonym(language: str) -> str:
    """The language's own name for itself: "Español". Its tag where CLDR does not know the language."""
    try:
        own = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return language
    name = str(own.get_language_name(own) or language)
    return name[:1].upper() + name[1:]


@cache
def direction(language: str) -> str:
    """The way its lines run: "ltr" or "rtl"."""
    try:
        return Locale.parse(language, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def email(templates: Path, folder: str, key: str, values: Mapping[str, Any]) -> Content:
    """The mail around a page: plain text and HTML. A folder may bring its own layout. `values` are what the layouts name, and
    subject and thread."""
    words: Page = values["page"]
    known = {**values, "direction": direction(words.language)}
    layouts = environment(templates)
    text, html = (
        layouts.select_template([f"{folder}/email{suffix}", f"layout/email{suffix}"]).render(known)
        for suffix in (".txt", ".html")
    )
    return Content(
        key=key,
        language=words.language,
        body=text.strip() + "\n",
        subject=" ".join(str(values["subject"]).split()),
        html=html.strip() + "\n",
        thread=values["thread"],
    )
