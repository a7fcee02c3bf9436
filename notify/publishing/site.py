"""Where the city's public files lie and what it calls itself: names of files, their addresses, and its time."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from notify.alerts.alert import Mode

ENGLISH = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The public side of one city.

    base       public address without a slash at its end: "https://alerts.example.gov"
    city       "Portland"; publisher "City of Portland"
    email      of the publisher; a role, never a person
    phone      for information and interpreters
    languages  of pages and feeds, BCP 47 without region, in the order of the switcher; English is always among them
    numbers    that texts come from, E.164; where they are known
    tag_date   year (or day) on which `base` was the city's own name, for tag: URIs (RFC 4151); never changed afterwards
    """

    base: str
    city: str
    publisher: str
    email: str
    time_zone: ZoneInfo
    languages: tuple[str, ...]
    mode: Mode
    phone: str
    numbers: tuple[str, ...] = ()
    tag_date: str = "2026"

    def __post_init__(self) -> None:
        problems = []
        if urlsplit(self.base).scheme not in ("http", "https") or self.base.endswith("/"):
            problems.append(f"The public address {self.base!r} must start with http:// or https:// and not end with a slash.")
        if ENGLISH not in self.languages or len(set(self.languages)) < len(self.languages):
            problems.append(f"The languages {', '.join(self.languages)} must be different ones, with English (en) among them.")
        if problems:
            raise ValueError(" ".join(problems))

    @property
    def prefix(self) -> str:
        """The folder everything lies in: a demo never shares an address with the real thing."""
        return "demo/" if self.mode is Mode.DEMO else ""

    def feed(self, name: str, form: str, language: str = "") -> str:
        """Name of a feed's file: feed("active", "atom", "es") is "feeds/es/active.atom"; no language is English."""
        return f"{self.prefix}feeds/{f'{language}/' if language else ''}{name}.{form}"

    def discovery(self) -> str:
        return f"{self.prefix}feeds/index.json"

    def feed_list(self) -> str:
        return f"{self.prefix}feeds/index.opml"

    def hub(self) -> str:
        """Path of our WebSub hub."""
        return f"{self.prefix}hub"

    def cap(self, identifier: str) -> str:
        return f"{self.prefix}cap/{identifier}.xml"

    @property
    def signers_path(self) -> str:
        """Of the certificates that CAP documents are signed with."""
        return f"{self.prefix}feeds/signers.pem"

    def areas(self, incident_id: str) -> str:
        """Name of the file with the areas of an alert in force, and how the city's named areas stand to them."""
        return f"{self.prefix}areas/{incident_id}.json"

    def page(self, incident_id: str, language: str = ENGLISH) -> str:
        """Name of an alert page's file without its ".html": the path people visit."""
        return f"{self._home(language)}a/{incident_id}"

    def index(self, language: str = ENGLISH) -> str:
        """Path of the list of alerts; its file is index.html in that folder."""
        return self._home(language)

    def subscribe(self, language: str) -> str:
        """Path of the sign-up page."""
        return f"{self.prefix}{language}/subscribe"

    def _home(self, language: str) -> str:
        return self.prefix if language == ENGLISH else f"{self.prefix}{language}/"

    def url(self, name: str) -> str:
        """The whole public address of a file or page."""
        return f"{self.base}/{name}"

    def path(self, name: str) -> str:
        """The address within the host, for links between our own pages."""
        return f"{urlsplit(self.base).path}/{name}"

    def tag(self, what: str) -> str:
        """A tag: URI that names something for ever, wherever it is served."""
        return f"tag:{urlsplit(self.base).hostname},{self.tag_date}:{self.prefix}{what}"

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.time_zone)
