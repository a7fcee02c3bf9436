"""What an alert is about, before it is put into words: the one record that texts, e-mails, pages and CAP are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from notify.alerts.alert import Mode, Stage, Wording
from notify.wording.slots import ENGLISH
from subscribers.plain import spoken

# The wordings an Event of each stage holds, the one that its page and CAP say first. An update speaks to those told before,
# newly told, and no longer inside.
WORDINGS: Final = {
    Stage.FIRST: (Wording.FIRST, Wording.SHORT),
    Stage.RENEWAL: (Wording.FIRST, Wording.SHORT),
    Stage.UPDATE: (Wording.UPDATE, Wording.FIRST, Wording.SHORT, Wording.OUTSIDE),
    Stage.CORRECTION: (Wording.CORRECTION,),
    Stage.ALL_CLEAR: (Wording.ALL_CLEAR,),
    Stage.FALSE_ALARM: (Wording.FALSE_ALARM,),
    Stage.TEST: (Wording.TEST,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the message that was wrong said: when it went out, and which area it named (by language, English among them)."""

    at: datetime
    place: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One alert, unworded. Times are aware.

    slots          what people filled in, as slots.toml of the hazard's folder declares it
    place          the area's name by language; English must be there, and stands in for the others
    source         who speaks; source_short in texts ("" for the same)
    city           as it names itself: "City of Portland"
    phones         for questions and interpreters; texts have the first only
    urls           the alert's page by language, https, English among them
    expires        None, or until_cleared: holds until we say it is over
    told           for a correction and a false alarm: the message that was wrong
    reply_word     English word in capitals that gets more help when sent back; offered where the alert has pages for it
    changed        the last message of the incident was about another hazard: what people were told to do no longer holds
    asl_video      address of a video in American Sign Language that says the same; mails lead to it
    thread         Message-ID of the incident's first mail, so that updates stack
    """

    hazard: str
    stage: Stage
    mode: Mode
    place: Mapping[str, str]
    source: str
    city: str
    phones: tuple[str, ...]
    urls: Mapping[str, str]
    sent: datetime
    time_zone: ZoneInfo
    slots: Mapping[str, Any] = field(default_factory=dict)
    source_short: str = ""
    expires: datetime | None = None
    until_cleared: bool = False
    next_update_by: datetime | None = None
    told: Told | None = None
    reply_word: str = ""
    thread: str = ""
    changed: bool = False
    asl_video: str = ""

    @property
    def wordings(self) -> tuple[Wording, ...]:
        return WORDINGS[self.stage]

    def given(self) -> Mapping[str, Any]:
        """Every slot that has a value, those that the program fills in included; under the names of slots.toml."""
        filled = {
            "source": self.source,
            "city": self.city,
            "place": self.place,
            "sent": self.sent,
            "until": None if self.until_cleared else self.expires,
            "next_update": self.next_update_by,
            "told_at": self.told.at if self.told else None,
            "wrong_place": self.told.place if self.told else None,
            "phone": ", ".join(self.phones),
        }
        return {**self.slots, **{name: value for name, value in filled.items() if value is not None}}

    def url(self, language: str) -> str:
        return self.urls.get(spoken(language), self.urls[ENGLISH])
