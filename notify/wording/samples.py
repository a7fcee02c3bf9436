"""An alert of any hazard in any stage, filled with the samples that its slots declare: to see and measure words beforehand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from notify.alerts.alert import Mode, Stage
from notify.wording.fallback import folder_of
from notify.wording.slots import ENGLISH, applies
from notify.wording.subject import WORDINGS, Subject, Told
from notify.wording.words import Words

ZONE: Final = ZoneInfo("America/Los_Angeles")
SENT: Final = datetime(2014, 5, 23, 10, 40, tzinfo=ZONE)


def subject(words: Words, hazard: str, stage: Stage, languages: Sequence[str]) -> Subject:
    """A subject without problems."""
    return Subject(
        hazard=hazard,
        stage=stage,
        mode=Mode.LIVE,
        slots=filled(words, hazard, stage),
        place={ENGLISH: "Outer East Portland"},
        source="Portland Water Bureau",
        source_short="Portland Water",
        city="City of Portland",
        phones=("311", "503-823-4000"),
        urls={tag: f"https://alerts.example.gov/{'' if tag == ENGLISH else tag + '/'}a/K7Q2" for tag in languages},
        sent=SENT,
        time_zone=ZONE,
        expires=SENT + timedelta(hours=24),
        until_cleared=True,
        next_update_by=SENT + timedelta(hours=6),
        told=Told(at=SENT - timedelta(hours=2), place={ENGLISH: "all of Portland"}),
    )


def filled(words: Words, hazard: str, stage: Stage) -> dict[str, Any]:
    """What people must fill in, as slots.toml has it; free text and what is optional are left out where they may be."""
    samples: dict[str, Any] = {}
    for wording in WORDINGS[stage]:
        for name, slot in words.declared(folder_of(words, hazard, wording), hazard).items():
            asked = name not in words.slots[""] and wording in slot.wordings and not slot.optional
            if asked and applies(slot, samples):
                samples[name] = slot.sample
    if hazard in words.dangers:
        samples.pop("danger", None)
    return samples
