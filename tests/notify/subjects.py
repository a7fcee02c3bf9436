"""Subjects for tests: any hazard in any stage, filled with the samples its slots declare; and catalogues made for a test."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import write_po

from notify.alerts.alert import Stage
from notify.wording import catalogs, samples
from notify.wording.english import Message
from notify.wording.reviews import Review, fingerprint
from notify.wording.subject import Subject
from notify.wording.words import Words, load

TEMPLATES = Path(__file__).parents[2] / "templates"
ZONE, SENT = samples.ZONE, samples.SENT
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
    base = samples.subject(the_words(), hazard, stage, tuple(TAGS))
    filled = base.slots | changes.pop("slots", {})
    return replace(base, slots={name: value for name, value in filled.items() if value is not None}, **changes)


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
    path = kept / "words.toml"  # a test fills whole catalogues, which are to hold what is promised and no more
    path.write_text(path.read_text("utf-8").replace("[prepared]", "[set_aside]"), "utf-8")
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
