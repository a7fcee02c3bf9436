"""A small made-up city to play dialogs in: ZIPs, streets, neighbourhoods and, at times, a boil-water alert for all of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from subscribers.dialog.hearing import fold
from subscribers.dialog.turn import City, LiveAlert, Sight
from subscribers.place import NamedPlace, Point, Spot

SAMPLE_LANGUAGES: Final = {
    "en": "English",
    "es": "Español",
    "vi": "Tiếng Việt",
    "zh-Hant": "繁體中文",
    "ru": "Русский",
    "uk": "Українська",
    "ro": "Română",
    "so": "Soomaali",
    "ar": "العربية",
    "ja": "日本語",
    "lo": "ລາວ",
    "ko": "한국어",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleWorld:
    """A city with a few ZIPs, streets and neighbourhoods, and at times a boil-water alert for all of it."""

    city: City = field(
        default_factory=lambda: City(
            programme="Portland Alerts",
            name="Portland",
            phones="311 or 503-823-4000",
            phone="311",
            link="alerts.example.gov",
            county_link="publicalerts.org",
            languages=SAMPLE_LANGUAGES,
            plain=frozenset({"ro"}),
        )
    )
    alert: str = ""

    def zip_inside(self, code: str) -> bool:
        return code.startswith("972")

    def addresses(self, text: str, near: Sequence[Spot]) -> Sequence[Sight]:
        """Street numbers 100 to 13,000 on these streets; without a direction every one that fits."""
        flat = f" {fold(text)} "
        number = re.match(r" (?:\d{5} )?(\d{1,5}) ", flat)
        found = [street for street in STREETS if number and re.search(street.pattern, flat)]
        exact = [street for street in found if f" {street.side} " in flat]
        return [street.sight(int(number[1])) for street in exact or found] if number else []

    def named(self, text: str) -> Sequence[Sight]:
        flat = fold(text)
        alias = ALIASES.get(flat)
        if alias is not None:
            return [_hood(name, 0.85) for name in alias]
        return [_hood(name, 1.0) for name in HOODS if fold(name) == flat]

    def alerts(self, places: Sequence[Spot], language: str) -> Sequence[LiveAlert]:
        if not self.alert:
            return []
        url = "alerts.example.gov/a/K7Q2"
        return [LiveAlert(incident_id="K7Q2", title="Boil tap water", since="Fri 10:40 AM", topic="WATER", url=url)]

    def topic(self, word: str, page: int, language: str, argument: str, places: Sequence[Spot]) -> tuple[str, ...] | None:
        if not self.alert or word != "WATER":
            return None
        return (f"{word}/{page}.{language}",) if 1 <= page <= 4 else ()

    def clock(self, at: datetime, language: str) -> str:
        return "Fri 12:00"


@dataclass(frozen=True, slots=True)
class Street:
    side: str
    name: str
    pattern: str
    zip: str

    def sight(self, number: int) -> Sight:
        words = f"{number // 100 * 100} block {self.side.upper()} {self.name}"
        spot = Point(45.5, -122.6 - number / 1e6, words)
        exact = f"{number} {self.side.upper()} {self.name} ({self.zip})"
        return Sight(spot=spot, words=words, exact=exact, score=0.95, zip=self.zip)


STREETS: Final = (
    Street("sw", "5th Ave", r" 5(th)? ", "97204"),
    Street("ne", "5th Ave", r" 5(th)? ", "97232"),
    Street("se", "5th Ave", r" 5(th)? ", "97214"),
    Street("se", "82nd Ave", r" 82(nd)? ", "97266"),
    Street("se", "82nd Pl", r" 82(nd)? ", "97266"),
    Street("se", "Foster Rd", r" foster ", "97236"),
    Street("n", "Lombard St", r" lombard ", "97203"),
)
HOODS: Final = ("Lents", "Sunnyside", "Sunderland", "St Johns", "Pearl", "Cully", "Downtown")
ALIASES: Final = {"sunny": ("Sunnyside", "Sunderland"), "pearl district": ("Pearl",), "saint johns": ("St Johns",)}


def _hood(name: str, score: float) -> Sight:
    return Sight(spot=NamedPlace(name), words=name, exact=name, score=score)
