"""Sign-up's pages as answers: one layout, no script, nothing kept by browsers or proxies, nothing told to other sites."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import phonenumbers
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.feed import legible
from notify.alerts.alert import Mode
from notify.publishing.site import Site
from notify.residents.signup_words import Where, words
from notify.wording.compiled import Compiled
from notify.wording.isolate import isolate
from subscribers.place import in_words

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Server": "tocsin",
}
SHEET_HEADERS: Final = HEADERS | {"Cache-Control": "public, max-age=31536000, immutable"}  # named by its content
SHEETS: Final = ("pages/page.css", "signup/signup.css")


class Screens:
    """templates: the folder of all templates. number: E.164 that residents text to, "" where there is none. terms: their
    version. Raises at loading, never at a request, when a template is missing."""

    def __init__(self, templates: Path, site: Site, *, number: str = "", terms: str = "") -> None:
        environment = Environment(
            loader=FileSystemLoader(templates / "signup"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=Compiled("signup"),
        )
        environment.filters |= {"isolate": isolate, "in_words": in_words, "apart": _apart}
        names = ("subscribe", "code", "press", "message", "manage", "mine", "ask")
        self._layouts = {name: environment.get_template(f"{name}.html") for name in names}
        self._sheet = b"\n".join((templates / name).read_bytes() for name in SHEETS)
        self.site, self.where, self.terms = site, Where(site), terms
        self.number = _as_dialled(number)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"/{self._sheet_name}", self._serve_sheet)]

    def page(self, name: str, language: str, *, status: int = 200, at: str = "", **values: Any) -> web.Response:
        """A page in a language. at: the page's path with {} for the language, where it can be had in another one as it is."""
        labels = words(language)
        known = {
            "say": labels.say,
            "language": language,
            "direction": labels.direction,
            "site": self.site,
            "demo": self.site.mode is Mode.DEMO,
            "test": self.site.mode is Mode.TRAINING,
            "sheet": self.site.path(self._sheet_name),
            "home": self.site.path(self.site.index(language)),
            "languages": [(tag, words(tag), self.site.path(at.format(tag))) for tag in self.site.languages] if at else [],
            "tongues": [(tag, words(tag).endonym) for tag in self.site.languages],
            "number": self.number,
            "terms": self.terms,
            "faults": {},
            "notice": "",
            "mark": "",
            "link": None,
            "action": "",
        }
        html = legible(self._layouts[name].render(known | values))
        headers = HEADERS | {"Content-Language": language, "Vary": "Accept-Language"}
        return web.Response(text=html, status=status, content_type="text/html", headers=headers)

    def message(
        self, language: str, title: str, *paragraphs: str, status: int = 200, link: tuple[str, str] | None = None
    ) -> web.Response:
        """A page that says something and, with `link`, leads on: a path and an English source text."""
        say = words(language).say
        shown = (self.site.path(link[0]), say(link[1])) if link else None
        said = [say(each) for each in paragraphs]
        return self.page("message", language, status=status, title=say(title), paragraphs=said, link=shown)

    def say(self, language: str, source: str, **slots: str) -> str:
        return words(language).say(source, **slots)

    def moved(self, path: str, headers: Mapping[str, str] | None = None) -> web.Response:
        """Leads to a page after something was done, so that loading it again does nothing again."""
        return web.Response(status=303, headers=HEADERS | {"Location": self.site.path(path)} | dict(headers or {}))

    @property
    def _sheet_name(self) -> str:
        return f"{self.site.prefix}signup.{sha256(self._sheet).hexdigest()[:8]}.css"

    async def _serve_sheet(self, _: web.Request) -> web.Response:
        return web.Response(body=self._sheet, content_type="text/css", charset="utf-8", headers=SHEET_HEADERS)


def _apart(text: str) -> str:
    """A number with dashes, so marked (UAX 9: isolate, left to right) that it does not turn round among Arabic letters."""
    return f"\u2066{text}\u2069"


def _as_dialled(number: str) -> str:
    """(503) 555-0100 for +15035550100."""
    if not number:
        return ""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.NATIONAL)
