"""Subjects for tests: any hazard in any stage, filled with the samples its slots declare; and catalogues made for a test."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.messages.pofile import write_po

from notify import catalogs
from notify.alert import Mode, Stage
from notify.catalogs import Message
from notify.fallback import folder_of
from notify.reviews import Review, fingerprint
from notify.subject import WORDINGS, Subject, Told
from notify.words import Words, load

TEMPLATES = Path(__file__).parents[2] / "templates"
ZONE = ZoneInfo("America/Los_Angeles")
SENT = datetime(2014, 5, 23, 10, 40, tzinfo=ZONE)
TAGS = {
    "en": "en-US",
    "es": "es-US",
    "vi": "vi",
    "zh-Hant": "zh-Hant",
    "ru": "ru",
    "uk": "uk",
    "ro": "ro",
    "so": "so",
    "ar": "ar",
    "ja": "ja",
    "lo": "lo",
    "ko": "ko",
}


@cache
def the_words() -> Words:
    return load(TEMPLATES)


def a_subject(hazard: str = "boil_water", stage: Stage = Stage.FIRST, **changes: Any) -> Subject:
    """A subject that has no problems; `slots` among the changes are added to the samples, None takes one away."""
    filled = _samples(hazard, stage) | changes.pop("slots", {})
    subject = Subject(
        hazard=hazard,
        stage=stage,
        mode=Mode.LIVE,
        slots={name: value for name, value in filled.items() if value is not None},
        place={"en": "Outer East Portland"},
        source="Portland Water Bureau",
        source_short="Portland Water",
        city="City of Portland",
        phones=("311", "503-823-4000"),
        urls={language: f"https://alerts.example.gov/{'' if language == 'en' else language + '/'}a/K7Q2" for language in TAGS},
        sent=SENT,
        time_zone=ZONE,
        expires=SENT + timedelta(hours=24),
        until_cleared=True,
        next_update_by=SENT + timedelta(hours=6),
        told=Told(at=SENT - timedelta(hours=2), place={"en": "all of Portland"}),
    )
    return replace(subject, **changes)


def _samples(hazard: str, stage: Stage) -> dict[str, Any]:
    """What people must fill in, as slots.toml has it; free text and what is optional are left out where they may be."""
    words = the_words()
    samples: dict[str, Any] = {}
    for wording in WORDINGS[stage]:
        for name, slot in words.declared(folder_of(words, hazard, wording)).items():
            asked = name not in words.slots[""] and wording in slot.wordings and not slot.optional
            if asked and all(samples.get(other) == value for other, value in slot.when.items()):
                samples[name] = slot.sample
    if hazard in words.dangers:
        samples.pop("danger", None)
    return samples


def reviews_of(words: Words, *languages: str) -> tuple[Review, ...]:
    """A reader's yes to everything there is in these languages."""
    return tuple(
        _yes(message, target, language)
        for language in languages
        for message in words.messages.values()
        if (target := words.text(message.context, language)) is not None
    )


@cache
def _yes(message: Message, target: str, language: str) -> Review:
    return Review(
        language=language,
        key=message.key,
        source_hash=fingerprint(message.text),
        target_hash=fingerprint(target),
        reviewer="translator-1",
        at=SENT,
    )


def untranslated(folder: Path) -> Path:
    """A copy of the templates with catalogues in which nothing is translated."""
    made = folder / "templates"
    shutil.copytree(_blank(), made)
    return made


@cache
def _blank() -> Path:
    """Extracted once; the folder goes when the tests end."""
    kept = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, kept)
    shutil.copytree(TEMPLATES, kept, ignore=shutil.ignore_patterns("locale", "pages"), dirs_exist_ok=True)
    catalogs.extract(kept)
    return kept


def translate(
    templates: Path, language: str, domain: str, texts: Mapping[str, str] | Callable[[str], str], *, fuzzy: Collection[str] = ()
) -> None:
    """Fills a catalogue: {context: translation}, or what a function makes of every English text."""
    path = catalogs.po_path(templates, language, domain)
    catalog = catalogs.read(path, language)
    for message in catalog:
        if message.id:
            context = str(message.context)
            message.string = texts(str(message.id)) if callable(texts) else texts.get(context, str(message.string))
            if context in fuzzy:
                message.flags.add("fuzzy")
    with path.open("wb") as file:
        write_po(file, catalog)
