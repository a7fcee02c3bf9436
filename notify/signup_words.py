"""The words of the sign-up pages and mails, in every language of the catalogue signup.po, and where those pages lie."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from babel.messages.pofile import read_po

from notify import data
from notify.labels import Labels, labels
from notify.site import ENGLISH, Site
from subscribers.signup import Fault

logger = logging.getLogger(__name__)

DOMAIN: Final = "signup.po"

AGREED: Final = (
    "I agree that {publisher} sends me emergency alerts and tests at this phone number or e-mail address. "
    "How many depends on what happens. Message and data rates may apply. I can stop any time."
)
FAULTS: Final = {
    Fault.NO_ADDRESS: "Write a phone number or an e-mail address.",
    Fault.BAD_PHONE: "We cannot text this number. Write the 10 digits of a cell phone of the United States or Canada.",
    Fault.BAD_EMAIL: "This is not a whole e-mail address. It looks like name@example.gov.",
    Fault.LANDLINE: "This number is a landline and cannot get texts. Use a cell phone or an e-mail address.",
    Fault.NO_PLACE: "We did not find this place in {city}. Write a ZIP code, a number and street, or a neighborhood.",
    Fault.WHICH_PLACE: "Choose which place you mean.",
    Fault.NO_LANGUAGE: "Choose a language.",
    Fault.NOT_AGREED: "Tick the box if you agree. Without it we may not write to you.",
    Fault.BAD_LABEL: "This name cannot be used. A name has at most 12 letters or digits, and no two places have the same.",
}
ENTRY_TEXT: Final = "{programme}: code {code}. Never tell it to anybody."


@cache
def words(language: str) -> Labels:
    """The words of one language: those of sign-up, and the ones every public page has."""
    known = labels(language)
    return known if language == ENGLISH else replace(known, messages={**known.messages, **catalogue(language)})


def catalogue(language: str) -> Mapping[str, str]:
    """Source text -> translation, as signup.po has them; fuzzy and empty ones are left out."""
    path = data.folder("templates") / "locale" / language / "LC_MESSAGES" / DOMAIN
    if not path.is_file():
        logger.error("There is no %s in %s: sign-up speaks English there", DOMAIN, language)
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language.replace("-", "_"))
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string and not entry.fuzzy}


@dataclass(frozen=True, slots=True)
class Where:
    """The paths of sign-up, without the slash at their beginning. A demo's lie apart from the real ones."""

    site: Site

    @property
    def home(self) -> str:
        return self.site.prefix

    def subscribe(self, language: str) -> str:
        return f"{self.home}{language}/subscribe"

    def code(self, language: str) -> str:
        return f"{self.home}{language}/subscribe/code"

    def confirm(self, language: str, token: str) -> str:
        return f"{self.home}{language}/confirm/{token}"

    def manage(self, language: str) -> str:
        return f"{self.home}{language}/manage"

    def entry(self, language: str) -> str:
        return f"{self.home}{language}/manage/code"

    def open(self, language: str, token: str) -> str:
        return f"{self.home}{language}/manage/{token}"

    def mine(self, what: str = "mine") -> str:
        """One's own page, and what can be done there; the cookie of a visit is sent to nothing else."""
        return f"{self.home}manage/{what}"

    def cookie(self) -> str:
        return self.site.path(f"{self.home}manage")
