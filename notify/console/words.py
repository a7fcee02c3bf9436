"""The words of the console in the languages staff read: English in the templates, the rest from console.po; what a danger is
called, from the words that residents read."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.pofile import read_po

from notify import data
from notify.alerts import hazards
from notify.console.times import locale
from notify.publishing.site import ENGLISH
from notify.wording import catalogs
from notify.wording.labels import Labels, labels

DOMAIN: Final = "console.po"
TITLES: Final = "hazards"  # the catalogue of the dangers' titles, and what their contexts begin with
TITLE: Final = "hazard."
# What channels are called where people read them.
CHANNELS: Final = {"sms": "Text messages", "email": "E-mail", "feed": "Page and feeds"}


@cache
def words(language: str) -> Labels:
    """One language's words. What the catalogues lack is said in English."""
    return replace(labels(language), messages={**titles(language), **catalogue(language)})


@cache
def spoken() -> tuple[str, ...]:
    """The languages the console can be read in, English first."""
    found = data.folder("templates").glob(f"locale/*/LC_MESSAGES/{DOMAIN}")
    return (ENGLISH, *sorted(path.parent.parent.name for path in found))


def tongue(tag: str, language: str) -> str:
    """What a language is called in another one: Spanish, الإسبانية. A tag that CLDR does not know stays as it is."""
    try:
        found = Locale.parse(tag.partition("-x-")[0], sep="-").get_display_name(locale(language))
    except (UnknownLocaleError, ValueError):
        found = None
    return found or tag


def catalogue(language: str) -> Mapping[str, str]:
    """Source text -> translation, as console.po has them; fuzzy and empty ones are left out."""
    path = data.folder("templates") / "locale" / language / "LC_MESSAGES" / DOMAIN
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language.replace("-", "_"))
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string and not entry.fuzzy}


def titles(language: str) -> Mapping[str, str]:
    """English title of a danger, as the catalogue of hazards has it -> its title for residents who read the language."""
    path = catalogs.po_path(data.folder("templates"), language, TITLES)
    if not path.is_file():
        return {}
    known = hazards.catalogue()
    found = ((known.get(one.context.removeprefix(TITLE)), one) for one in catalogs.translated(path, language))
    return {hazard.title: one.target for hazard, one in found if hazard is not None and not one.is_fuzzy}
