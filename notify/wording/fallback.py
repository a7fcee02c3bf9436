"""Which words a person gets: the hazard's own, else those that hold for every hazard, else English whole. Never silence.

The order is the same for texts, e-mails, pages and CAP. A text is said whole in one language or not at all.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from channels.text import parts, sanitise
from notify.alerts.alert import Stage, Wording
from notify.wording import guidance
from notify.wording.guidance import Guidance
from notify.wording.phrasing import Later, Laters, NotReady, Speaker, blocks
from notify.wording.reviews import Reviewed
from notify.wording.slots import ENGLISH, Kind, Slot, in_language, long_time, moment, short_time
from notify.wording.subject import Subject
from notify.wording.words import Words

GENERIC: Final = "generic"
_GAP: Final = re.compile(r" +([ \n])")  # what no sentence at all leaves behind
STATED: Final = ("first", "update", "page")  # blocks that hold controlled sentences
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
    """What every choice needs to know. allow_drafts: words nobody has reviewed may be said (demo and training). known: blocks
    as they came out: mails, pages and several wordings are made of the same ones."""

    subject: Subject
    words: Words
    reviewed: Reviewed
    allow_drafts: bool
    known: dict[tuple[Any, ...], str | None] = field(default_factory=dict, compare=False, repr=False)
    lines: dict[tuple[Any, ...], tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def speaker(self, language: str, *, insist: bool = False) -> Speaker:
        reviewed, drafts = self.reviewed, self.allow_drafts
        return Speaker(words=self.words, reviewed=reviewed, language=language, allow_drafts=drafts, insist=insist)

    def say(self, form: str, wording: Wording, language: str) -> Said:
        """The block of a wording in "sms.txt", "page.txt" or "cap.txt" for somebody who asked for this language."""
        for folder, speaker, step in self._attempts(wording, language):
            short = step is Step.ENGLISH and language != ENGLISH
            for block in _blocks(self.words, folder, form, self._asked(wording), short=short):
                most = self.words.most_parts.get(block, 0) if form == "sms.txt" else 0
                about = speaker.language, speaker.insist, folder, form, block, language, most
                if about not in self.known:
                    self.known[about] = self.fitting(speaker, folder, form, block, language, most)
                if (text := self.known[about]) is not None:
                    return Said(text=text, folder=folder, speaker=speaker, step=step)
        raise LookupError(f"No folder has words for {wording} in {form}.")  # a test over all hazards keeps this from happening

    def fitting(
        self, speaker: Speaker, folder: str, form: str, block: str, language: str, most: int, **more: Any
    ) -> str | None:
        """The block with as many controlled sentences as so many parts hold (0: all); one that the language lacks, or has not
        had reviewed, is left out, but never the first of those that a text is made of. None when the language cannot say it."""
        values = {**self.values(speaker, folder, form, language), **more}
        own = folder == guidance.FOLDER and block in STATED
        names = more.get("names") or (self._guidance().text if own else self.words.sentences.get(folder, {}).get(block, ()))
        if not names or (form != "sms.txt" and not own):
            return _said(speaker, f"{folder}/{form}", block, values)
        found = self._sentences(speaker, folder, names, values, least=own)
        if found is None or (own and not found):
            return None

        def holding(sentences: Sequence[str]) -> str | None:
            text = _said(speaker, f"{folder}/{form}", block, {**values, "statements": guidance.together(sentences)})
            return None if text is None else _GAP.sub(r"\1", text)

        return _fullest(holding, found, most, least=own)

    def _sentences(
        self, speaker: Speaker, folder: str, names: Sequence[str], values: Mapping[str, Any], *, least: bool
    ) -> Sequence[str] | None:
        """What the language can say of these blocks. None when it lacks one of them: a road to avoid that nobody has reviewed
        must not vanish in silence; with `least` only when it lacks the first that is not empty."""
        found: list[str] = []
        for name in names:
            sentence = _sentence(speaker, folder, name, values)
            if sentence is None and not (least and found):
                return None
            found += [sentence] if sentence else []
        return found

    def replaces(self, wording: Wording) -> bool:
        """Whether these words replace other advice that the same people had before."""
        return self.subject.changed and wording is Wording.UPDATE

    def calls_911(self) -> bool:
        """Whether a mail may send people to 911: not while it does not work."""
        own = self.words.guidance.get(self.subject.hazard)
        return own is None or own.calls_911 or self.subject.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM, Stage.TEST)

    def _guidance(self) -> Guidance:
        return self.words.guidance[self.subject.hazard]

    def _asked(self, wording: Wording) -> Wording:
        """An update that changes the danger tells those told before what those newly told hear."""
        return Wording.FIRST if self.replaces(wording) else wording

    def line(self, name: str, language: str, **values: Any) -> tuple[str, str]:
        """A single sentence in the language, or in English where it is not ready; and the language it came out in."""
        about = name, language, *values.items()
        if about not in self.lines:
            try:
                self.lines[about] = self.speaker(language).line(name, **values), language
            except NotReady:
                self.lines[about] = self.speaker(ENGLISH, insist=True).line(name, **values), ENGLISH
        return self.lines[about]

    def _attempts(self, wording: Wording, language: str) -> Iterator[tuple[str, Speaker, Step]]:
        own = folder_of(self.words, self.subject.hazard, self._asked(wording))
        behind = BEHIND.get(wording, GENERIC)
        if wording is Wording.OUTSIDE and self.subject.changed:
            own = behind  # its own words would take back what these people were never told
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
            slot.type is Kind.TEXT
            and not slot.spare
            and self._asked(wording) in slot.wordings
            and value
            and in_language(value, language) is None
            for name, slot in self.words.declared(folder, self.subject.hazard).items()
            for value in [self.subject.slots.get(name)]
        )

    def values(self, speaker: Speaker, folder: str, form: str, language: str) -> Mapping[str, Any]:
        """The folder's slots and controlled sentences as the speaker says them."""
        filled = self._filled(speaker, folder, form, language)
        return {**self._controlled(speaker, folder, form, language), **filled}

    def _filled(self, speaker: Speaker, folder: str, form: str, language: str) -> dict[str, Any]:
        """The folder's slots as the speaker says them, all of them there; empty where nobody filled one in."""
        given, declared = given_slots(self.subject, self.words, folder), self.words.declared(folder)
        texts = form in ("sms.txt", "topics.txt")
        values: dict[str, Any] = {
            name: _value(speaker, folder, name, slot, given.get(name), self.subject, texts=texts)
            for name, slot in declared.items()
        }
        values["chosen"] = given  # as people chose it: "gas", not the sentence that says so
        url = self.subject.url(language)
        values["url"] = url.removeprefix("https://") if texts else url
        values["hazard"] = Later(lambda: speaker.block("hazards/titles.txt", self.subject.hazard, {}))
        values["sites_number"] = str(len(given.get("sites") or ()))
        if texts:
            values["source"] = self.subject.source_short or self.subject.source
            values["phone"] = self.subject.phones[0]
        return values

    def _controlled(self, speaker: Speaker, folder: str, form: str, language: str) -> Mapping[str, Any]:
        """The controlled sentences of the hazard. Its own words need every one; those behind them take what there is."""
        own = self.words.guidance.get(self.subject.hazard)
        if own is None:
            return {"own_steps": (), "calls_911": True}
        filled = self._filled(speaker, guidance.FOLDER, form, language)

        def say(name: str) -> str:
            return " ".join(speaker.block(_place(speaker, guidance.FOLDER, name), name, filled).split())

        def all_of(names: Sequence[str]) -> Sequence[str]:
            return [sentence for name in names if (sentence := say(name))]

        def ready(names: Sequence[str]) -> Sequence[str]:
            return [sentence for name in names if (sentence := _sentence(speaker, guidance.FOLDER, name, filled))]

        listed = all_of if folder == guidance.FOLDER else ready
        return {
            "own_steps": Laters(lambda: listed(own.steps)),
            "calls_911": own.calls_911,
            "danger": Later(lambda: say(own.danger)),
            "over": Later(lambda: say(own.over)),
            "after": Laters(lambda: listed(own.after)),
        }


def _said(speaker: Speaker, template: str, block: str, values: Mapping[str, Any]) -> str | None:
    """The block in the speaker's language; None when it is not ready."""
    try:
        return speaker.block(template, block, values)
    except NotReady:
        return None


def _fullest(holding: Callable[[Sequence[str]], str | None], found: Sequence[str], most: int, *, least: bool) -> str | None:
    """The text with all sentences, or else with each in turn that still fits so many parts (0: any number). least: the first
    stands in it whatever it takes. None when the language cannot say it."""

    def fits(text: str) -> bool:
        return not most or parts(sanitise(text).text) <= most

    text = holding(found)
    if text is None or fits(text):
        return text
    kept = list(found[:least])
    text = holding(kept)
    for sentence in found[least:]:
        fuller = holding([*kept, sentence])
        if fuller is not None and fits(fuller):
            kept, text = [*kept, sentence], fuller
    return text


def _sentence(speaker: Speaker, folder: str, name: str, values: Mapping[str, Any]) -> str | None:
    """A controlled sentence; empty where a slot that it needs is, None when it is not ready."""
    said = _said(speaker, _place(speaker, folder, name), name, values)
    return None if said is None else " ".join(said.split())


def _place(speaker: Speaker, folder: str, name: str) -> str:
    """The template that has a controlled sentence."""
    return next(one for one in (f"{folder}/choices.txt", f"{folder}/steps.txt") if speaker.has(one, name))


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
