"""Which words a person gets: the hazard's own, else those that hold for every hazard, else English whole. Never silence.

The order is the same for texts, e-mails, pages and CAP. A text is said whole in one language or not at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from notify.alert import Wording
from notify.phrasing import Later, NotReady, Speaker, blocks
from notify.reviews import Reviewed
from notify.slots import ENGLISH, Kind, Slot, in_language, long_time, moment, short_time
from notify.subject import Subject
from notify.words import Words

GENERIC: Final = "generic"
BEHIND: Final = {Wording.TEST: "test"}  # the words that hold for every hazard; GENERIC for all other wordings


class Step(StrEnum):
    """How far a text had to fall back, best first."""

    OWN = "own"  # the hazard's own words in the language
    GENERIC = "generic"  # the words that hold for every hazard, in the language
    ENGLISH = "english"  # English whole, with the interpreter line and the link to the page in the language


STEPS: Final = tuple(Step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A block as it came out: its words, the folder they are from, who spoke them, and how far that fell back."""

    text: str
    folder: str
    speaker: Speaker
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every choice needs to know. allow_drafts: words nobody has reviewed may be said (demo and training)."""

    subject: Subject
    words: Words
    reviewed: Reviewed
    allow_drafts: bool

    def speaker(self, language: str, *, insist: bool = False) -> Speaker:
        return Speaker(
            words=self.words,
            reviewed=self.reviewed,
            language=language,
            allow_drafts=self.allow_drafts,
            insist=insist,
        )

    def say(self, form: str, wording: Wording, language: str) -> Said:
        """The block of a wording in "sms.txt", "page.txt" or "cap.txt" for somebody who asked for this language."""
        for folder, speaker, step in self._attempts(wording, language):
            short = step is Step.ENGLISH and language != ENGLISH
            for block in _blocks(self.words, folder, form, wording, short=short):
                try:
                    text = speaker.block(f"{folder}/{form}", block, self.values(speaker, folder, form, language))
                except NotReady:
                    continue
                return Said(text=text, folder=folder, speaker=speaker, step=step)
        raise LookupError(f"No folder has words for {wording} in {form}.")  # a test over all hazards keeps this from happening

    def line(self, name: str, language: str, **values: Any) -> tuple[str, str]:
        """A single sentence in the language, or in English where it is not ready; and the language it came out in."""
        try:
            return self.speaker(language).line(name, **values), language
        except NotReady:
            return self.speaker(ENGLISH, insist=True).line(name, **values), ENGLISH

    def _attempts(self, wording: Wording, language: str) -> Iterator[tuple[str, Speaker, Step]]:
        own = folder_of(self.words, self.subject.hazard, wording)
        behind = BEHIND.get(wording, GENERIC)
        for spoken in dict.fromkeys((language, ENGLISH)):
            away = spoken != language
            lacks = self._lacks(own, wording, spoken)
            if not lacks:
                yield own, self.speaker(spoken), Step.ENGLISH if away else Step.OWN
            if lacks or behind != own:
                yield behind, self.speaker(spoken), Step.ENGLISH if away else Step.GENERIC
        yield own, self.speaker(ENGLISH, insist=True), Step.OWN if language == ENGLISH else Step.ENGLISH

    def _lacks(self, folder: str, wording: Wording, language: str) -> bool:
        """Whether staff typed a free text for this wording, and not in this language."""
        return any(
            slot.type is Kind.TEXT and wording in slot.wordings and value and in_language(value, language) is None
            for name, slot in self.words.declared(folder).items()
            for value in [self.subject.slots.get(name)]
        )

    def values(self, speaker: Speaker, folder: str, form: str, language: str) -> Mapping[str, Any]:
        """The folder's slots as the speaker says them, all of them there; empty where nobody filled one in."""
        given, declared = given_slots(self.subject, self.words, folder), self.words.declared(folder)
        texts = form == "sms.txt"
        values: dict[str, Any] = {
            name: _value(speaker, folder, name, slot, given.get(name), self.subject, texts=texts)
            for name, slot in declared.items()
        }
        url = self.subject.url(language)
        values["url"] = url.removeprefix("https://") if texts else url
        values["hazard"] = Later(lambda: speaker.block("hazards/titles.txt", self.subject.hazard, {}))
        values["sites_number"] = str(len(given.get("sites") or ()))
        if texts:
            values["source"] = self.subject.source_short or self.subject.source
            values["phone"] = self.subject.phones[0]
        return values


def folder_of(words: Words, hazard: str, wording: Wording) -> str:
    """The folder whose words a hazard's wording is made of: its own, or that of the words behind it."""
    own = words.folders[hazard]
    return own if _blocks(words, own, "sms.txt", wording, short=False) else BEHIND.get(wording, GENERIC)


def has_short(words: Words, hazard: str) -> bool:
    """Whether the hazard has a one-part form."""
    return Wording.SHORT in blocks(words.templates, f"{words.folders[hazard]}/sms.txt")


def given_slots(subject: Subject, words: Words, folder: str) -> Mapping[str, Any]:
    """What people and the program filled in; the danger is the hazard's own unless somebody said otherwise."""
    given = dict(subject.given())
    if "danger" in words.declared(folder) and subject.hazard in words.dangers:
        given.setdefault("danger", words.dangers[subject.hazard])
    return given


def _blocks(words: Words, folder: str, form: str, wording: Wording, *, short: bool) -> tuple[str, ...]:
    """The blocks that can say a wording, best first. Behind the one-part form stands the long one; `short` prefers the one-part
    form for a first alert."""
    there = blocks(words.templates, f"{folder}/{form}")
    either = wording is Wording.SHORT or (short and wording is Wording.FIRST)
    return tuple(block for block in ((Wording.SHORT, Wording.FIRST) if either else (wording,)) if block in there)


def _value(speaker: Speaker, folder: str, name: str, slot: Slot, value: Any, subject: Subject, *, texts: bool) -> Any:
    if value is None or value == "":
        return ""
    match slot.type:
        case Kind.PLACE:
            return _line(in_language(value, speaker.language) or in_language(value, ENGLISH))
        case Kind.TEXT:
            return _line(in_language(value, speaker.language))
        case Kind.TIME:
            written = short_time if texts else long_time
            return Later(lambda: written(moment(value), speaker.language, subject.time_zone))
        case Kind.SITES:
            return "; ".join(map(_line, value))
        case Kind.CHOICE if speaker.has(f"{folder}/choices.txt", f"{name}_{value}"):
            return Later(lambda: speaker.block(f"{folder}/choices.txt", f"{name}_{value}", {}))
        case _:
            return str(value)


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
