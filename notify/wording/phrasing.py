"""How a template speaks one language: every sentence goes through `Speaker.say`, which knows what may be said.

A language in which one sentence of a text is not ready does not say that text at all: NotReady leads the renderer to the next
language's whole text. No sentence is ever put together from two languages.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notify.wording.reviews import Reviewed, State, state
from notify.wording.slots import ENGLISH
from notify.wording.words import Words, fill


class NotReady(Exception):
    """A sentence cannot be said in this language; the text must be said in another way."""


@dataclass(frozen=True, slots=True)
class Later:
    """A word that is looked up only where a text uses it: a title that is not ready must not hold back a text without it."""

    say: Callable[[], str]

    def __str__(self) -> str:
        return self.say()


@dataclass(frozen=True, slots=True)
class Laters:
    """Sentences that are looked up only where a text goes through them."""

    say: Callable[[], Iterable[str]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.say())


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """One language's mouth. allow_drafts: may say what nobody has reviewed. insist: says English whatever its state, because
    there is nothing behind it but silence."""

    words: Words
    reviewed: Reviewed
    language: str
    allow_drafts: bool
    insist: bool = False

    def say(self, context: str, source: str, /, **values: Any) -> str:
        """The message with its values, in place of its source. Raises NotReady."""
        text = self.words.text(context, self.language)
        if text is None or not self._may_say(context):
            raise NotReady(f"{context} in {self.language}")
        return fill(text, values)

    def _may_say(self, context: str) -> bool:
        if self.allow_drafts or (self.insist and self.language == ENGLISH):
            return True
        return state(self.words, self.words.messages[context], self.language, self.reviewed) is State.APPROVED

    def has(self, template: str, block: str) -> bool:
        return block in blocks(self.words.templates, template)

    def block(self, template: str, block: str, values: Mapping[str, Any]) -> str:
        """One block of a template as this language says it. Raises NotReady."""
        loaded = environment(self.words.templates).get_template(template)
        context = loaded.new_context({**values, "pgettext": self.say})
        return "".join(loaded.blocks[block](context)).strip()

    def line(self, name: str, **values: Any) -> str:
        """One of the single sentences and labels of lines/. Raises NotReady."""
        return self.block("lines/lines.txt", name, values)


@cache
def environment(templates: Path) -> Environment:
    """trim_blocks stays off: it would glue a text's lines together."""
    made = Environment(
        loader=FileSystemLoader(templates),
        extensions=["jinja2.ext.i18n"],
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.newstyle_gettext = True  # type: ignore[attr-defined]  # the i18n extension adds it
    return made


@cache
def blocks(templates: Path, template: str) -> frozenset[str]:
    """The names of a template's blocks; none when there is no such template."""
    if not (templates / template).is_file():
        return frozenset()
    return frozenset(environment(templates).get_template(template).blocks)
