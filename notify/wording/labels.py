"""The fixed words around an alert on public pages and in feeds, in every language of the catalogue pages.po."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time, get_timezone_name
from babel.messages.pofile import read_po

from notify import data
from notify.publishing.site import ENGLISH, Site

logger = logging.getLogger(__name__)

DOMAIN = "pages.po"
# CLDR needs a region to write the clock as residents of the United States do ("10:40 a. m.", not "10:40").
LOCALES = {"en": "en_US", "es": "es_US", "zh-Hant": "zh_Hant_TW", "pt": "pt_BR"}
# CLDR's Somali day periods (GH, GD) are abbreviations few readers know; Somali speakers read a 24-hour clock.
CLOCKS = {"so": "HH:mm", "ko": "aaaa h:mm"}  # CLDR's short Korean times say AM and PM


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """One language's words, and its way to write a time. What the catalogue lacks is said in English."""

    language: str
    direction: str  # ltr or rtl
    endonym: str  # the language's own name for itself
    messages: Mapping[str, str]

    def say(self, source: str, **slots: str) -> str:
        """The words for an English source text with its {slots} filled. A broken translation gives the English text."""
        text = self.messages.get(source, source)
        try:
            return text.format_map(slots)
        except (KeyError, IndexError, ValueError):
            logger.error("%s in %s: the placeholders of %r do not fit", DOMAIN, self.language, source)
            return source.format_map(slots)

    def moment(self, at: datetime, site: Site) -> str:
        """Weekday, date, time and the name of the time zone, as CLDR has them."""
        return _moment(self.language, at.replace(second=0, microsecond=0), site.time_zone)


@lru_cache(maxsize=4_096)  # a page says the times of all its incident's messages again, each time one is added
def _moment(language: str, at: datetime, time_zone: ZoneInfo) -> str:
    local, locale = at.astimezone(time_zone), _locale(language)
    date = format_skeleton("yMMMEd", local, locale=locale)
    time = format_time(local, CLOCKS.get(language) or "short", locale=locale)
    zone = get_timezone_name(time_zone, width="long", locale=locale)
    both = str(locale.datetime_formats["medium"]).replace("{0}", time).replace("{1}", date)
    return f"{both} ({zone})".replace("\u202f", "\u00a0")  # older phones have no glyph for the narrow no-break space


@cache
def labels(language: str) -> Labels:
    """The words of one language; an unknown one speaks English under its own name."""
    return Labels(
        language=language,
        direction=direction(language),
        endonym=_endonym(language),
        messages={} if language == ENGLISH else catalogue(language),
    )


@lru_cache(maxsize=256)
def direction(tag: str) -> str:
    """ltr or rtl: how text with this language tag runs. Regions do not matter, nor tags nobody knows."""
    parts = tag.split("-")
    while parts:
        try:
            return str(Locale.parse("_".join(parts)).text_direction)
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return "ltr"


def catalogue(language: str) -> Mapping[str, str]:
    """Source text -> translation, as pages.po has them; fuzzy and empty ones are left out."""
    path = data.folder("templates") / "locale" / language / "LC_MESSAGES" / DOMAIN
    if not path.is_file():
        logger.error("There is no %s in %s: pages keep their English labels", DOMAIN, language)
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language.replace("-", "_"))
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string and not entry.fuzzy}


def _locale(language: str) -> Locale:
    return Locale.parse(LOCALES.get(language, language.replace("-", "_")))


def _endonym(language: str) -> str:
    own = Locale.parse(language.replace("-", "_"))
    name = str(own.get_display_name(own))
    return name[:1].upper() + name[1:]
