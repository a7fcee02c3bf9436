"""What sign-up sends: codes by text, and mails with one link. Nothing that somebody typed stands in any of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from channels.base import Content
from channels.text import sanitise
from notify.publishing.site import Site
from notify.residents.signup_words import ENTRY_TEXT, Where, words
from notify.wording.compiled import Compiled

CONFIRM: Final = (
    "Confirm your sign-up for {programme}",
    "Somebody, probably you, asked for emergency alerts to this address. Open this page and press the button:",
    "The link works for 24 hours. If it was not you, do nothing: you will get no alerts.",
)
MANAGE: Final = (
    "Your sign-up for {programme}",
    "This address is signed up already. To see or change your places, open this page and press the button:",
    "The link works for 24 hours. If it was not you, do nothing: nothing changes.",
)
UNKNOWN: Final = (
    "Your sign-up for {programme}",
    "This address gets no alerts from us. To sign up, open this page:",
    "If it was not you, do nothing: you will get no alerts.",
)


@dataclass(frozen=True, slots=True)
class Letters:
    """templates: the folder of all templates. code_text: a sign-up code and a language -> the text that brings it."""

    templates: Path
    site: Site
    programme: str
    code_text: Callable[[str, str], str]
    _layouts: Environment = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        layouts = Environment(
            loader=FileSystemLoader(self.templates / "signup"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            bytecode_cache=Compiled("sign-up letters"),
        )
        object.__setattr__(self, "_layouts", layouts)

    def code(self, code: str, language: str) -> str:
        """The text with the code of a sign-up."""
        return self.code_text(code, language)

    def entry(self, code: str, language: str) -> str:
        """The text with the code that opens one's own page: one part in every language."""
        return sanitise(words(language).say(ENTRY_TEXT, programme=self.programme, code=code)).text

    def confirm(self, language: str, token: str) -> Content:
        return self._letter(CONFIRM, language, Where(self.site).confirm(language, token))

    def manage(self, language: str, token: str) -> Content:
        return self._letter(MANAGE, language, Where(self.site).open(language, token))

    def unknown(self, language: str) -> Content:
        return self._letter(UNKNOWN, language, Where(self.site).subscribe(language))

    def _letter(self, parts: tuple[str, str, str], language: str, path: str) -> Content:
        labels = words(language)
        subject, asks, otherwise = (labels.say(part, programme=self.programme) for part in parts)
        values = {
            "language": language,
            "direction": labels.direction,
            "subject": subject,
            "asks": asks,
            "otherwise": otherwise,
            "url": self.site.url(path),
            "help": labels.say("For information or a free interpreter, call {phone}.", phone=self.site.phone),
            "from": labels.say("Alerts from {publisher}", publisher=self.site.publisher),
        }
        text, html = (self._layouts.get_template(name).render(values).strip() + "\n" for name in ("mail.txt", "mail.html"))
        return Content(key="notice/email", language=language, body=text, subject=subject, html=html)
