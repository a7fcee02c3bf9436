"""The console's pages as answers: one layout, a strict policy on what may run, nothing kept by browsers or proxies."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from channels.feed import legible
from notify.alerts.alert import Mode
from notify.alerts.life import Role
from notify.clock import Clock
from notify.console.sentences import in_words, isolate
from notify.console.shelf import Shelf
from notify.console.times import ago, clock
from notify.console.words import CHANNELS, spoken, tongue, words
from notify.publishing.site import ENGLISH, Site
from notify.staff.accounts import Visit
from notify.wording.compiled import Compiled

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "tocsin",
}
VISIT: Final = web.RequestKey("visit", Visit)
LANGUAGE: Final = "language"  # cookie: what this browser's console is read in
# What stands in the bar of every page: nobody may ever have to guess whether the public is reached.
BANNERS: Final = {
    Mode.LIVE: "LIVE: messages go to the public",
    Mode.TRAINING: "TRAINING: nobody outside is texted",
    Mode.DEMO: "DEMO: nobody outside is texted",
}


class Screens:
    """templates: the folder of all templates. Each is read when it is first shown; that all can be is what tests are for.
    read_back: a text and its language -> what it says, in English."""

    def __init__(self, templates: Path, site: Site, shelf: Shelf, clock: Clock, read_back: Callable[[str, str], str]) -> None:
        self.site, self.shelf, self._clock = site, shelf, clock
        self.layouts = environment = Environment(
            loader=FileSystemLoader(templates / "console"),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=Compiled("console"),
        )
        environment.globals |= {
            "static": shelf.at,
            "site": site,
            "banner": BANNERS[site.mode],
            "Role": Role,
            "channels": CHANNELS,
            "read_back": read_back,
        }
        environment.filters |= {"count": _count, "isolate": _isolated}

    def language(self, request: web.Request) -> str:
        asked = request.cookies.get(LANGUAGE, ENGLISH)
        return asked if asked in spoken() else ENGLISH

    def page(self, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """One page, or one part of a page when `name` begins with "part/"."""
        headers = HEADERS | {"Content-Language": self.language(request)}
        html = self.text(request, name, **values)
        return web.Response(text=html, status=status, content_type="text/html", headers=headers)

    def text(self, request: web.Request, name: str, **values: Any) -> str:
        """The HTML of a page or part for the person who asks, in their language."""
        language, visit, now = self.language(request), request.get(VISIT), self._clock.now()
        known: dict[str, Any] = {
            "language": language,
            "direction": words(language).direction,
            "_": words(language).say,
            "in_words": partial(in_words, words=words(language)),
            "tongue": partial(tongue, language=language),
            "spoken": [(tag, words(tag).endonym) for tag in spoken()],
            "visit": visit,
            "mark": visit.mark if visit else "",
            "path": request.path,
            "now": now,
            "clock": partial(clock, now=now, site=self.site, language=language),
            "ago": partial(ago, now=now, language=language),
            "problems": (),
        }
        return legible(self.layouts.get_template(f"{name}.html").render(known | values))

    def refusal(self, request: web.Request, status: int, title: str, problems: Sequence[str] = ()) -> web.Response:
        """A page that says why something was not done. A request of htmx gets the same words as a part of its page."""
        name = "part/refusal" if "HX-Request" in request.headers else "refusal"
        return self.page(request, name, status=status, title=title, problems=problems)

    def moved(self, path: str, headers: Mapping[str, str] | None = None) -> web.Response:
        """Leads to a page after something was done, so that loading it again does nothing again."""
        return web.Response(status=303, headers=HEADERS | {"Location": path} | dict(headers or {}))


@pass_context
def _isolated(context: Context, text: str) -> str:
    """Names among words of the other direction; in English there is nothing to keep apart."""
    return isolate(text) if context["direction"] == "rtl" else text


def _count(number: int) -> str:
    return f"{number:,}"
