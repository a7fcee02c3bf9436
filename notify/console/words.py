"""The words of the console in the languages staff read: English in the templates, the rest from console.po."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from babel.messages.pofile import read_po

from notify import data
from notify.labels import Labels, labels
from notify.site import ENGLISH

DOMAIN: Final = "console.po"


@cache
def words(language: str) -> Labels:
    """One language's words. What the catalogue lacks is said in English."""
    return replace(labels(language), messages=_catalogue(language))


@cache
def spoken() -> tuple[str, ...]:
    """The languages the console can be read in, English first."""
    found = data.folder("templates").glob(f"locale/*/LC_MESSAGES/{DOMAIN}")
    return (ENGLISH, *sorted(path.parent.parent.name for path in found))


def _catalogue(language: str) -> Mapping[str, str]:
    path = data.folder("templates") / "locale" / language / "LC_MESSAGES" / DOMAIN
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language.replace("-", "_"))
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string and not entry.fuzzy}
