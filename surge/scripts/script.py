"""What is read to callers: a runbook's words with the facts of one moment, in every language that is complete. A version never
changes: a call keeps the one it began with, and who heard what can be said afterwards. Pure, but for `latest`, which asks the
database.

A language is read whole or not at all: where one sentence has no reviewed translation, or one fact cannot be said in it, the
interpreter reads English. A sentence whose fact was recalled is read in no language.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from notify.wording.slots import ENGLISH
from surge.contact import Standing
from surge.scripts import facts as facts_of
from surge.scripts import reading
from surge.scripts.facts import Held, Said
from surge.scripts.review import FACT
from surge.scripts.runbook import Runbook, Saying, Step
from surge.switch import store
from surge.tables import ScriptRow

UNKNOWN: Final = "(not known now)"
NOT_NOW: Final = "Do not read this one now, what it says was taken back. Say that we do not know yet."
# Where nobody has heard anything of a script.
HEARD_NOTHING: Final = frozenset(
    {Standing.OFFERED, Standing.BLOCKED, Standing.FAILED_OVER, Standing.QUEUEING, Standing.RESERVED}
)

Facts = Mapping[str, Mapping[str, Said]]  # name -> language -> as it is read
Words = Mapping[str, Mapping[str, str]]  # language -> key of a sentence -> its translation, facts still in braces


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """steps: by language, as they are read; English is always there. Headings, answers and what is told to the call-taker stay
    English. changed: what is new against the version before, for the strip."""

    activation_id: str
    version: int
    book: Runbook
    facts: Facts
    steps: Mapping[str, tuple[Step, ...]]
    published_by: str
    published_at: datetime
    changed: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that can be read aloud; all others are the interpreter's."""
        return tuple(self.steps)

    def read_in(self, language: str) -> tuple[Step, ...]:
        """The steps in a language, or in English for an interpreter to speak."""
        return self.steps.get(language, self.steps[ENGLISH])

    def step(self, anchor: str, language: str = ENGLISH) -> Step | None:
        return next((one for one in self.read_in(language) if one.anchor == anchor), None)


def key(name: str, step: Step, number: int) -> str:
    """What a sentence is called in the catalogues: its runbook, its step, and which one of the step, from 1."""
    return f"runbook.{name}.{step.anchor}.{number}"


def sentences(book: Runbook) -> Iterator[tuple[str, Step, Saying]]:
    """Everything that is read aloud, with its key."""
    for step in book.steps:
        for number, saying in enumerate(step.says, 1):
            yield key(book.name, step, number), step, saying


def read_facts(book: Runbook, held: Held, languages: Collection[str], zone: ZoneInfo) -> Facts:
    """Every fact that counts, as it is read in each of these languages."""
    found: dict[str, dict[str, Said]] = {}
    for name, slot in book.facts.items():
        for language in languages:
            if (said := facts_of.read(slot, held.get(name, {}), language, zone)) is not None:
                found.setdefault(name, {})[language] = said
    return found


def steps(book: Runbook, facts: Facts, words: Words) -> dict[str, tuple[Step, ...]]:
    """The steps in English, and in every language that can say all that English can."""
    found = {ENGLISH: tuple(_filled(book, step, facts, ENGLISH, {}) for step in book.steps)}
    for language, translated in words.items():
        if language != ENGLISH and not lacking(book, facts, translated, language):
            found[language] = tuple(_filled(book, step, facts, language, translated) for step in book.steps)
    return found


def lacking(book: Runbook, facts: Facts, translated: Mapping[str, str], language: str) -> list[str]:
    """Why a language goes to the interpreter, as sentences: sentences without words, facts that cannot be said in it."""
    wordless = sum(one not in translated for one, _, _ in sentences(book))
    found = [f"{wordless} sentences have no reviewed words in {language}."] if wordless else []
    used = {name for _, _, saying in sentences(book) for name in FACT.findall(saying.text)}
    mute = [name for name in sorted(used) if name in facts and language not in facts[name]]
    return found + ([f"These facts cannot be said in {language}: {', '.join(mute)}."] if mute else [])


def _filled(book: Runbook, step: Step, facts: Facts, language: str, translated: Mapping[str, str]) -> Step:
    says, told = [], []
    for number, saying in enumerate(step.says, 1):
        if all(name in facts for name in FACT.findall(saying.text)):
            text = saying.text if language == ENGLISH else translated[key(book.name, step, number)]
            says.append(replace(saying, text=fill(text, facts, language)))
        else:
            told.append(NOT_NOW)
    never = tuple(replace(one, text=fill(one.text, facts, ENGLISH)) for one in step.never)
    plain = tuple(fill(one, facts, ENGLISH) for one in step.told)
    return replace(step, says=tuple(says), never=never, told=(*dict.fromkeys(told), *plain))


def fill(text: str, facts: Facts, language: str) -> str:
    """The text with its facts. One that is not known says so."""

    def one(name: str) -> str:
        said = facts.get(name, {}).get(language)
        return said.value if said is not None else UNKNOWN

    return FACT.sub(lambda match: one(match[1]), text)


def withheld(script: Script) -> list[str]:
    """The facts that sentences of this version wait for."""
    used = {name for _, _, saying in sentences(script.book) for name in FACT.findall(saying.text)}
    return sorted(name for name in used if name not in script.facts)


def changes(before: Script | None, after: Script) -> str:
    """What is new, for the strip on every desk: "water_sites: 5 sites (was 3 sites)"; "" for a first version."""
    if before is None:
        return ""
    found = [one for name in after.book.facts if (one := _changed(name, before.facts, after.facts))]
    old = {anchor.anchor: anchor for anchor in before.book.steps}
    for step in after.book.steps:
        was = old.get(step.anchor)
        if was is None:
            found.append(f"{step.heading}: new")
        elif [one.text for one in was.says] != [one.text for one in step.says]:
            found.append(f"{step.heading}: other words")
    new = {step.anchor for step in after.book.steps}
    found += [f"{step.heading}: gone" for step in before.book.steps if step.anchor not in new]
    return "; ".join(found)


def _changed(name: str, before: Facts, after: Facts) -> str:
    was, now = before.get(name, {}).get(ENGLISH), after.get(name, {}).get(ENGLISH)
    if (was.value if was else None) == (now.value if now else None):
        return ""
    called = name.replace("_", " ").removesuffix(" words").capitalize()
    if now is None:
        return f"{called}: taken back" + (f" (was {was.value})" if was else "")
    return f"{called}: {now.value}" + (f" (was {was.value})" if was else "")


class Listener(Protocol):
    """As much of a contact as says whether it heard a script."""

    @property
    def contact_id(self) -> str: ...
    @property
    def standing(self) -> str: ...
    @property
    def script(self) -> int | None: ...


def told(versions: Iterable[Script], fact_id: int, contacts: Iterable[Listener]) -> list[str]:
    """The contacts that may have heard a fact: they went by a version that says it, and came far enough to hear anything.

    Who may have heard it counts as having heard it: one call too many is better than one person who was told wrong.
    """
    saying = {one.version for one in versions if fact_id in fact_ids(one.facts)}
    return [one.contact_id for one in contacts if one.script in saying and one.standing not in HEARD_NOTHING]


def fact_ids(facts: Facts) -> frozenset[int]:
    return frozenset(said.fact_id for by_language in facts.values() for said in by_language.values())


def facts_json(facts: Facts) -> str:
    """{name: {language: [fact_id, value]}}"""
    plain = {name: {tag: [said.fact_id, said.value] for tag, said in one.items()} for name, one in facts.items()}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True)


def facts_from(text: str) -> Facts:
    read = json.loads(text)
    return {name: {tag: Said(int(pair[0]), str(pair[1])) for tag, pair in one.items()} for name, one in read.items()}


def of(row: ScriptRow, runbook: str) -> Script:
    """A version as it was published. runbook: the page's name. Raises reading.BadRunbook for a source that cannot be read."""
    book, facts = reading.read(runbook, row.source), facts_from(row.facts)
    return Script(
        activation_id=row.activation_id,
        version=row.version,
        book=book,
        facts=facts,
        steps=steps(book, facts, json.loads(row.words)),
        published_by=row.published_by,
        published_at=row.published_at,
        changed=row.changed,
    )


def latest(conn: Connection, activation_id: str) -> Script | None:
    """The newest version; None as long as nothing was published."""
    return version(conn, activation_id, None)


def version(conn: Connection, activation_id: str, number: int | None) -> Script | None:
    """One version, or the newest."""
    row, kept = store.script(conn, activation_id, number), store.activation(conn, activation_id)
    return of(row, kept.runbook) if row is not None and kept is not None else None


def versions(conn: Connection, activation_id: str) -> list[Script]:
    """Every version, the first first."""
    kept = store.activation(conn, activation_id)
    return [of(row, kept.runbook) for row in store.scripts(conn, activation_id)] if kept is not None else []
