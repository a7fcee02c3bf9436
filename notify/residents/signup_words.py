"""The words of the sign-up pages and mails, in every language of the catalogue signup.po, and where those pages lie."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from babel.messages.pofile import read_po

from notify import data
from notify.publishing.site import ENGLISH, Site
from notify.wording.labels import Labels, labels
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
# Whole pages: title, paragraph, link. None says whether an address is known, or whether there ever was a link.
MAILED: Final = (
    "Look into your mailbox",
    "If this address can get e-mails from us, we have sent it a link. It works for 24 hours. Look among the spam too.",
)
ENDED: Final = (
    "This does not work any more",
    "It was used already, or it is too old. Nothing was changed. Start again to get a new one.",
    "Start again",
)
FAILED: Final = ("This did not work", "Nothing was changed. Load the page again, and press the button once more.")
CLOSED: Final = ("Your page is closed", "Open it again")
ERASED: Final = "Everything is erased"
ERASES: Final = (
    "Your numbers, addresses, places and messages are erased, and alerts end. "
    "We keep only a scrambled mark, so that we do not write to you by mistake."
)
ALERTS_HERE: Final = "You get emergency alerts for this place: {place}"
ALERTS_CITYWIDE: Final = "You get alerts that concern the whole city only."
FULL: Final = "You have {count} places, the most we keep. Remove one to add another."
OPEN_LONG: Final = "This page was open for a long time. Press the button again."
WRONG_CODE: Final = "This is not the code we sent. Tries left: {count}"
NO_MORE_MAILS: Final = "We cannot send more e-mails now. Try again tomorrow, or use a phone number."
NO_MORE_TEXTS: Final = "We cannot send more codes by text now. Use an e-mail address, or try again tomorrow."
NO_MORE_TEXTS_BUT: Final = "We cannot send more codes by text now. Text your ZIP code to {number}, or use an e-mail address."
IN_DANGER: Final = "In danger now? Call 911. Thoughts of suicide? Call or text 988."
ARRIVED: Final = ("Your question has arrived", "A person will answer at the number or address you gave.")
NO_QUESTION: Final = "Write your question, in at most 1,000 letters."
NO_MORE_QUESTIONS: Final = "We cannot take more questions from here now. For help, call {phone}."
YOUR_QUESTION: Final = "Your question to {publisher}"
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
