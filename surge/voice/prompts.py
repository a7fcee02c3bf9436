"""What the telephone says, in every language: the city's message, and our own phrases around it.

A language is spoken by recordings, or by a voice of the provider that somebody has listened to. One that has neither is not
spoken: its callers hear English, the message in their language where there is a recording of it, and get an interpreter. A
sentence is never put together from two languages.

A recording is a file that surge.toml names, or was made by telephone and released by a second person (surge.recorded); the
latter counts for the words it was made of, and only as long as they stay as they are.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time

from notify.wording.reviews import Reviewed, State, state
from notify.wording.slots import ENGLISH
from notify.wording.words import Words, fill, placeholders
from surge.pack import Pack
from surge.recorded import takes
from surge.recorded.takes import FIXED, MESSAGE, Released
from surge.voice.tongues import name
from surge.voice.verbs import Play, Say, Spoken
from surge.voice.voices import LISTED, Voice, is_url

DOMAIN: Final = takes.DOMAIN  # phrases for callers; those for agents (whisper) are English
WHISPERS: Final = "whisper"
KEPT: Final = 512
MOST_S: Final = 20.0  # way to 911 and message together: whoever is in danger has to wait for no more
WORDS_PER_S: Final = 2.5  # a voice that is easy to follow
LETTERS_PER_S: Final[Mapping[str, float]] = {"zh-Hant": 4.0, "ja": 6.0, "lo": 10.0, "ko": 6.0}  # no blanks, or long words
_CODES: Final = re.compile(r"(?<!\d)([2-9])11(?!\d)", re.ASCII)
_NUMBER: Final = re.compile(r"\+1(\d{10})|(?<!\d)(\d{3})-(\d{3})-(\d{4})(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the city says in one language. recording: an https address, which goes before the words; seconds: how long it is.
    next_at: when the city speaks next, said while that lies ahead."""

    language: str
    words: str = ""
    recording: str = ""
    seconds: float | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Everything the telephone can say. texts: language -> phrase -> what may be said, English complete. fluent: languages in
    which every phrase is there, so that a caller can be led through in them; English is among them. gaps: what the others
    lack, by language. told: recordings of the city's message, by the digest of its words."""

    city: str
    zone: ZoneInfo
    texts: Mapping[str, Mapping[str, str]]
    voices: Mapping[str, Voice]
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fluent: frozenset[str] = frozenset({ENGLISH})
    gaps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told: Mapping[tuple[str, str], Released] = field(default_factory=dict)

    def tongue(self, language: str) -> str:
        """The language itself where callers can be led through in it, else English."""
        return language if language in self.fluent else ENGLISH

    def phrase(self, key: str, language: str, /, **slots: object) -> Spoken:
        """One of our phrases: recorded, or read in this language, or else in English. Raises KeyError for one there is not."""
        recorded = self.recordings.get(language, {}).get(key)
        if recorded and placeholders(self.texts[ENGLISH][key]) <= FIXED:
            return Play(url=recorded)
        return self.read(key, language, **slots)

    def read(self, key: str, language: str, /, **slots: object) -> Say:
        """The same by a voice of the provider, whatever is recorded. Raises KeyError for one there is not."""
        text = self.texts.get(language, {}).get(key) if language in self.voices else None
        if text is None:
            language, text = ENGLISH, self.texts[ENGLISH][key]
        return self._read(fill(text, {"city": self.city, **slots}), language)

    def prompt(self, given: Prompt | None) -> tuple[Spoken, ...]:
        """What the city says, or nothing where its language has neither a recording nor a voice."""
        if given is None:
            return ()
        if given.recording:
            return (Play(url=given.recording),)
        if given.words.strip() and given.language in self.voices:
            return (self._read(given.words, given.language),)
        return ()

    def moment(self, at: datetime, language: str) -> str:
        """Weekday, date and clock, in words that are read well: "Monday, November 23, 8:00 AM"."""
        return f"{_day(at.astimezone(self.zone).date(), language)}, {self.clock(at, language)}"

    def clock(self, at: datetime, language: str) -> str:
        return _clock(at.astimezone(self.zone).time(), language)

    def _read(self, text: str, language: str) -> Say:
        voice = self.voices[language].voice
        return Say(text=aloud(text), voice=voice, tag=LISTED[language][voice])


@lru_cache(maxsize=KEPT)
def aloud(text: str) -> str:
    """As a voice should read it: 911 and telephone numbers digit by digit, blanks for line ends."""
    spelled = _CODES.sub(lambda found: " ".join(found[0]), _NUMBER.sub(_digits, text))
    return " ".join(spelled.split())


def _digits(found: re.Match[str]) -> str:
    digits = found[1] or f"{found[2]}{found[3]}{found[4]}"
    return ", ".join(" ".join(part) for part in (digits[:3], digits[3:6], digits[6:]))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse({"en": "en_US", "es": "es_US", "zh-Hant": "zh_Hant_TW"}.get(language, language.replace("-", "_")))


@lru_cache(maxsize=KEPT)
def _day(day: date, language: str) -> str:
    """CLDR's pattern of weekday, day and month, none of them cut short. Kept: thousands are told the same day."""
    pattern = re.sub(r"M{3,}", "MMMM", re.sub(r"E+|c+", "EEEE", _locale(language).datetime_skeletons["MMMEd"].pattern))
    return str(format_date(day, pattern, locale=_locale(language)))


@lru_cache(maxsize=KEPT)
def _clock(at: time, language: str) -> str:
    return str(format_time(at, "short", locale=_locale(language))).replace("\u202f", " ").replace("\xa0", " ")


def speech(words: Words, reviewed: Reviewed, pack: Pack, *, allow_drafts: bool, released: Iterable[Released] = ()) -> Speech:
    """What may be said by this pack. Without allow_drafts only what a reader of the language has reviewed; English whatever its
    state, because behind it there is silence. released: recordings that callers may hear; one of other words is not used."""
    keys = {message.context: message for message in words.messages.values() if message.domain in (DOMAIN, WHISPERS)}
    texts: dict[str, dict[str, str]] = {}
    for language in (ENGLISH, *words.promised.get(DOMAIN, {}).get("page", ())):
        for context, message in keys.items():
            text = words.text(context, language)
            may = allow_drafts or language == ENGLISH or state(words, message, language, reviewed) is State.APPROVED
            if text is not None and may:
                texts.setdefault(language, {})[context] = text
    usable = tuple(released)
    recordings = _recordings(words, pack, usable)
    callers = {context: text for context, text in texts[ENGLISH].items() if keys[context].domain == DOMAIN}
    gaps = {
        language: tuple(
            context
            for context, text in callers.items()
            if not _can_say(context, text, language in pack.voices, texts.get(language, {}), recordings.get(language, {}))
        )
        for language in {*texts, *recordings, *takes.languages(pack)}
    }
    return Speech(
        city=pack.name,
        zone=pack.zone,
        texts=texts,
        voices=pack.voices,
        recordings=recordings,
        fluent=frozenset({language for language, lacks in gaps.items() if not lacks} | {ENGLISH}),
        gaps={language: lacks for language, lacks in gaps.items() if lacks and language != ENGLISH},
        told={(one.language, one.digest): one for one in usable if one.key == MESSAGE},
    )


def _recordings(words: Words, pack: Pack, released: Iterable[Released]) -> dict[str, dict[str, str]]:
    """Where each recorded phrase is, by language; what was made by telephone goes before a file, unless its words changed."""
    found = {language: dict(recorded) for language, recorded in pack.recordings.items()}
    now: dict[str, dict[str, str]] = {}
    for one in released:
        if one.language not in now:
            now[one.language] = {line.key: line.digest for line in takes.lines(words, pack, one.language)}
        if now[one.language].get(one.key) == one.digest:
            found.setdefault(one.language, {})[one.key] = one.url
    return found


def _can_say(context: str, source: str, voiced: bool, texts: Mapping[str, str], recordings: Mapping[str, str]) -> bool:
    """A phrase with numbers in it cannot be recorded: a language without a voice hears those, and only those, in English."""
    return (voiced and context in texts) or context in recordings or (bool(placeholders(source)) and not voiced)


def seconds(prompt: Prompt) -> float | None:
    """How long it takes; None for a recording whose length nobody gave."""
    if prompt.recording:
        return prompt.seconds
    if (rate := LETTERS_PER_S.get(prompt.language)) is not None:
        return len("".join(prompt.words.split())) / rate
    return len(aloud(prompt.words).split()) / WORDS_PER_S


def problems(messages: Mapping[str, Prompt], speech: Speech, pack: Pack) -> list[str]:
    """Why these messages may not be published, as sentences: nothing to be heard in English, words in a language that can
    neither be played nor read, a message that takes too long."""
    found = []
    if not speech.prompt(messages.get(ENGLISH)):
        found.append("There is no message in English, the language that everything falls back to.")
    for language in pack.digits.values():
        if language in messages and not speech.prompt(messages[language]):
            found.append(
                f"The message in {name(language)} has no recording, and there is no reviewed voice for it: nobody can hear it."
            )
    for language, prompt in messages.items():
        found += [f"The message in {name(language)} {sentence}" for sentence in _faults(language, prompt, speech)]
    return found


def _faults(language: str, prompt: Prompt, speech: Speech) -> Iterator[str]:
    if prompt.language != language:
        yield f"is filed under {language} and says it is in {prompt.language}."
    if prompt.recording and not is_url(prompt.recording):
        yield f"has a recording at {prompt.recording!r}, which is no https address."
    taken = seconds(prompt)
    if taken is None:
        yield "is a recording, and nobody said how many seconds it takes."
        return
    way_out = speech.texts.get(language, speech.texts[ENGLISH]).get("voice.way_out", speech.texts[ENGLISH]["voice.way_out"])
    whole = taken + (seconds(Prompt(language=language, words=way_out)) or 0)
    if whole > MOST_S:
        yield f"takes {whole:.0f} s with the way to 911 before it; at most {MOST_S:.0f}."


def to_interpreter(speech: Speech, pack: Pack) -> tuple[str, ...]:
    """Languages with a digit whose callers are led in English to an interpreter, in the order of the digits."""
    return tuple(language for _, language in sorted(pack.digits.items()) if language not in speech.fluent)


def refusals(speech: Speech, pack: Pack) -> dict[str, list[str]]:
    """Why a language with a key is not published on the telephone: a sentence for each prompt that nobody could hear in it."""
    return {
        language: [
            f"{key} in {name(language)} has no recording that was released, and there is no reviewed voice for it."
            f" Callers in {name(language)} go to the interpreter."
            for key in speech.gaps[language]
        ]
        for language in takes.languages(pack)
        if language in speech.gaps
    }
