"""What every public page has around its content, and what becomes of it in each language: static HTML, no script, one sheet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.feed import legible
from notify.alerts.alert import Mode
from notify.publishing.site import ENGLISH, Site
from notify.wording.compiled import Compiled
from notify.wording.isolate import isolate
from notify.wording.labels import Labels, labels

TEMPLATES = ("alert.html", "index.html", "archive.html", "status.html", "real.html", "banner.html", "flyer.html")

FORMS = (
    ("Atom", "atom", "application/atom+xml"),
    ("RSS", "rss", "application/rss+xml"),
    ("GeoJSON", "geojson", "application/geo+json"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time for people and, in `iso`, for machines."""

    text: str
    iso: str


class Layout:
    """The templates of templates/pages/. Raises at loading, never at an alert, when one is missing."""

    def __init__(self, folder: Path) -> None:
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            bytecode_cache=Compiled("pages"),
        )
        environment.filters["isolate"] = isolate
        self._templates = {name: environment.get_template(name) for name in TEMPLATES}
        self._sheet = (folder / "page.css").read_bytes()

    def sheet(self, site: Site) -> dict[str, bytes]:
        """The style sheet, under a name that changes with its content."""
        return {self._sheet_name(site): self._sheet}

    def render(self, template: str, words: Labels, site: Site, page: str, *, test: bool = False, **values: object) -> str:
        """page: its path after the language, "a/K7Q2"."""
        return self._templates[template].render(**self._frame(words, site, page, test), **values)

    def _frame(self, words: Labels, site: Site, page: str, test: bool) -> dict[str, object]:
        home, in_feeds = site.index(words.language), "" if words.language == ENGLISH else words.language
        return {
            "say": words.say,
            "language": words.language,
            "direction": words.direction,
            "demo": site.mode is Mode.DEMO,
            "test": test,
            "site": site,
            "sheet": site.path(self._sheet_name(site)),
            "home": site.path(home),
            "canonical": site.url(home + page),
            "url": site.url(home + page),
            "default": site.url(site.index() + page),
            "languages": [
                (language, labels(language), site.path(site.index(language) + page), site.url(site.index(language) + page))
                for language in site.languages
            ],
            "feeds": [
                (name, type_, site.url(site.feed("test" if test else "active", form, "" if test else in_feeds)))
                for name, form, type_ in FORMS
            ],
            "subscribe": site.path(site.subscribe(words.language)),
            "elsewhere": {name: site.path(f"{home}{name}") for name in ("archive", "status", "real")},
        }

    def _sheet_name(self, site: Site) -> str:
        return f"{site.prefix}page.{sha256(self._sheet).hexdigest()[:8]}.css"


def in_each(site: Site, name: str, render: Callable[[Labels], str]) -> dict[str, bytes]:
    """A page in every language: name is its file's after the language, "a/K7Q2.html"."""
    files = {}
    for language in site.languages:
        html = legible(render(labels(language))).encode()
        files[site.index(language) + name] = html
        if language == ENGLISH:  # /en/... is there too, for programs that put the language into every link
            files[f"{site.prefix}{ENGLISH}/{name}"] = html
    return files


def moment(at: datetime, words: Labels, site: Site) -> Moment:
    return Moment(text=words.moment(at, site), iso=site.local(at).replace(microsecond=0).isoformat())
