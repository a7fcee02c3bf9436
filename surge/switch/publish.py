"""Facts and scripts of an activation: enter a fact, take one back, publish what is read aloud. One transaction each.

What the alert's own record holds is not entered by hand: it is taken over from there, and changes when the alert does.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.life import Role, Staff
from notify.alerts.register import Conflict
from notify.wording.slots import ENGLISH
from surge.scripts import facts, review, script
from surge.scripts.alert_facts import FromAlert
from surge.scripts.facts import SAME, Held, Wanted
from surge.scripts.runbook import Runbook
from surge.scripts.script import Facts, Script, Words
from surge.switch import activation, store
from surge.switch.activate import Book, Switch, reason_problems
from surge.switch.activation import SERVING, SYSTEM, Status
from surge.tables import ActivationRow, FactRow, ScriptRow

SERVICE: Final = Staff(person_id=SYSTEM, roles=frozenset({Role.LEAD311}))  # what follows from an act of people
HOW_MANY: Final = 200  # facts of one name that may ever be entered: nobody fills the table by holding a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What was taken back, and the contacts that may have heard it: each is to be called back."""

    fact_ids: Sequence[int]
    name: str
    contacts: Sequence[str]


def everything_heard(conn: Connection) -> Mapping[str, Sequence[str]]:
    """Where callers hear nothing of ours."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """words: translations that may be read aloud, by language, English included. from_alert: what the newest approved alert of
    an incident holds. languages: of the city. off_the_telephone: languages whose callers go to the interpreter, each with a
    sentence for every prompt that nobody could hear in it."""

    switch: Switch
    words: Callable[[Connection, Runbook], Words]
    from_alert: Callable[[Connection, str, Runbook], Sequence[FromAlert]]
    languages: Sequence[str]
    off_the_telephone: Callable[[Connection], Mapping[str, Sequence[str]]] = field(default=everything_heard)

    def set_fact(self, conn: Connection, staff: Staff, activation_id: str, wanted: Wanted) -> list[int]:
        """The numbers of the new rows. Raises NotAllowed, Unfit, Conflict; a fact that an alert holds is changed there."""
        row, book = self._open_to(conn, staff, activation_id)
        slot = book.runbook.facts.get(wanted.name)
        if slot is None:
            raise Unfit([f"There is no fact {wanted.name}; the runbook has {', '.join(sorted(book.runbook.facts)) or 'none'}."])
        if (theirs := self._of_alert(conn, row, book.runbook).get(wanted.name)) is not None:
            raise Conflict(f"{wanted.name} is what alert {theirs.alert_id} says; correct or update the alert.")
        if problems := [*facts.wrong(slot, wanted), *self._unknown(wanted.values)]:
            raise Unfit(problems)
        if sum(one.name == wanted.name for one in store.facts(conn, activation_id)) >= HOW_MANY:
            raise Unfit([f"{wanted.name} was changed {HOW_MANY} times; stand down and begin anew."])
        found = self._enter(conn, row, wanted, staff)
        self.switch.log(conn, staff, "entered a fact", activation_id, name=wanted.name, facts=found, issued_by=wanted.issued_by)
        return found

    def recall_fact(self, conn: Connection, staff: Staff, activation_id: str, fact_id: int, why: str) -> Recalled:
        """It was wrong: it is read no more, in any language, and whoever may have heard it is named. Recalling it once more
        names them again, with those who were still on the line the first time."""
        row, book = self._open_to(conn, staff, activation_id)
        listed = store.facts(conn, activation_id)
        meant = next((one for one in listed if one.fact_id == fact_id), None)
        problems = reason_problems(why)
        if meant is None:
            problems.append(f"There is no fact {fact_id} here.")
        if problems or meant is None:
            raise Unfit(problems)
        counting = facts.held([store.fact(one) for one in listed], self.switch.clock.now()).get(meant.name, {})
        together = {one.fact_id for one in counting.values()}
        taken = sorted({fact_id, *(together if fact_id in together else ())})
        store.recall(conn, taken, why.strip(), self.switch.clock.now())
        versions, listeners = script.versions(conn, activation_id), store.listeners(conn, activation_id)
        heard = sorted({one for number in taken for one in script.told(versions, number, listeners)})
        detail = {"name": meant.name, "facts": taken, "why": why.strip(), "heard_by": len(heard)}
        if meant.recalled_at is None:
            self.switch.log(conn, staff, "took a fact back", activation_id, **detail)
            self._again(conn, row, book)
        return Recalled(fact_ids=taken, name=meant.name, contacts=heard)

    def publish_script(self, conn: Connection, staff: Staff, activation_id: str) -> ScriptRow:
        """A new version with the facts and reviewed words of now; what is the same as before stays the version it was.

        Raises Unfit with everything that is missing. While callers are served it is published all the same, without the
        sentences whose facts are missing: old words would be worse.
        """
        row, book = self._open_to(conn, staff, activation_id)
        now = self.switch.clock.now()
        self.take_over(conn, row, book)
        problems = review.problems(book.runbook, self.switch.means.lines)
        if Status(row.status) not in SERVING:
            known = [store.fact(one) for one in store.facts(conn, activation_id)]
            problems += facts.problems(book.runbook, known, now)
        spoken = self.words(conn, book.runbook)
        unread = sum(key not in spoken.get(ENGLISH, {}) for key, _, _ in script.sentences(book.runbook))
        if unread:
            problems.append(f"{unread} sentences of the script are not reviewed in English; there is nothing behind English.")
        if problems:
            raise Unfit(problems)
        return self._publish(conn, staff, row, (book, spoken))

    def take_over(self, conn: Connection, row: ActivationRow, book: Book) -> list[int]:
        """Enters what the alert says now and did not say before."""
        entered: list[int] = []
        for one in self._new(conn, row, book):
            wanted = Wanted(
                name=one.name,
                values=one.values,
                issued_by=one.issued_by[: facts.LONGEST_ISSUER],
                valid_from=self.switch.clock.now(),
                valid_to=one.valid_to,
            )
            entered += self._enter(conn, row, wanted, SERVICE)
        if entered:
            self.switch.log(conn, SERVICE, "took facts over from the alert", row.activation_id, facts=entered)
        return entered

    def _new(self, conn: Connection, row: ActivationRow, book: Book) -> list[FromAlert]:
        """What the alert says now and is not held; a promise that is past due is not taken over any more."""
        held, now = self._held(conn, row.activation_id), self.switch.clock.now()
        return [
            one
            for name, one in self._of_alert(conn, row, book.runbook).items()
            if {tag: fact.value for tag, fact in held.get(name, {}).items()} != dict(one.values)
            and (one.valid_to is None or one.valid_to > now)
        ]

    def behind(self, conn: Connection, activation_id: str) -> bool:
        """Whether `follow` would change anything; only looks."""
        row = self.switch.row(conn, activation_id)
        if row.runbook not in self.switch.books:
            return False
        last = store.script(conn, activation_id)
        kept = script.of(last, row.runbook).book if last is not None else None
        said = kept is not None and script.facts_json(self._read(kept, self._held(conn, activation_id)))
        return bool(self._new(conn, row, self.switch.book(row))) or (last is not None and said != last.facts)

    def follow(self, conn: Connection, activation_id: str) -> ScriptRow | None:
        """Brings a published script into step with the alert and the clock; None where nothing has changed."""
        row = self.switch.row(conn, activation_id, locked=True)
        if Status(row.status) in activation.OVER or row.runbook not in self.switch.books:
            return None
        book = self.switch.book(row)
        self.take_over(conn, row, book)
        return self._again(conn, row, book)

    def from_the_alert(self, conn: Connection, row: ActivationRow) -> frozenset[str]:
        """The names of facts that are changed in the alert, not here."""
        return frozenset(self._of_alert(conn, row, self.switch.book(row).runbook))

    def _again(self, conn: Connection, row: ActivationRow, book: Book) -> ScriptRow | None:
        """A new version, if there was one and it says something else than what is known now."""
        last = store.script(conn, row.activation_id)
        if last is None:
            return None
        kept = Book(last.source, script.of(last, row.runbook).book)
        if script.facts_json(self._read(kept.runbook, self._held(conn, row.activation_id))) == last.facts:
            return None
        return self._publish(conn, SERVICE, row, (kept, self.words(conn, kept.runbook)))

    def _publish(self, conn: Connection, staff: Staff, row: ActivationRow, what: tuple[Book, Words]) -> ScriptRow:
        book, words = what
        last = store.script(conn, row.activation_id)
        said = self._read(book.runbook, self._held(conn, row.activation_id))
        made = ScriptRow(
            activation_id=row.activation_id,
            version=last.version + 1 if last else 1,
            source=book.source,
            facts=script.facts_json(said),
            words=_words_json(book.runbook, said, words),
            published_by=staff.person_id,
            published_at=self.switch.clock.now(),
        )
        if last is not None and (last.source, last.facts, last.words) == (made.source, made.facts, made.words):
            return last
        after = script.of(made, row.runbook)
        made.changed = script.changes(script.of(last, row.runbook) if last else None, after)
        store.add(conn, made)
        digests = {tag: _digest(after, tag) for tag in after.languages}
        detail = {"version": made.version, "languages": digests, "changed": made.changed}
        if off := {tag: len(lacks) for tag, lacks in self.off_the_telephone(conn).items()}:
            detail["off_the_telephone"] = off
        self.switch.log(conn, staff, "published a script", row.activation_id, **detail)
        return made

    def _read(self, book: Runbook, held: Held) -> Facts:
        return script.read_facts(book, held, [ENGLISH, *self.languages], self.switch.means.zone)

    def _held(self, conn: Connection, activation_id: str) -> Held:
        return facts.held([store.fact(one) for one in store.facts(conn, activation_id)], self.switch.clock.now())

    def _of_alert(self, conn: Connection, row: ActivationRow, book: Runbook) -> dict[str, FromAlert]:
        if row.incident_id is None:
            return {}
        return {one.name: one for one in self.from_alert(conn, row.incident_id, book)}

    def _enter(self, conn: Connection, row: ActivationRow, wanted: Wanted, staff: Staff) -> list[int]:
        """The base first: what is said in other languages counts only after it."""
        order = sorted(wanted.values, key=lambda tag: tag not in (SAME, ENGLISH))
        made = (
            FactRow(
                activation_id=row.activation_id,
                name=wanted.name,
                language=tag,
                rev=0,
                value=wanted.values[tag].strip(),
                issued_by=wanted.issued_by.strip(),
                valid_from=wanted.valid_from,
                valid_to=wanted.valid_to,
                entered_by=staff.person_id,
                entered_at=self.switch.clock.now(),
            )
            for tag in order
        )
        return [store.add_fact(conn, one) for one in made]

    def _open_to(self, conn: Connection, staff: Staff, activation_id: str) -> tuple[ActivationRow, Book]:
        """The activation, locked, for somebody who may write in it. Raises NotAllowed, Conflict."""
        if not staff.roles & activation.FACT_KEEPERS:
            raise NotAllowed([f"It takes the role {' or '.join(sorted(activation.FACT_KEEPERS))}."])
        row = self.switch.row(conn, activation_id, locked=True)
        if Status(row.status) is Status.REPORTED:
            raise Conflict("Its report is written; nothing of it changes any more.")
        return row, self.switch.book(row)

    def _unknown(self, languages: Iterable[str]) -> list[str]:
        known: Collection[str] = {SAME, ENGLISH, *self.languages}
        if strange := sorted(set(languages) - set(known)):
            return [f"The city does not speak {', '.join(strange)}; it speaks {', '.join(self.languages)}."]
        return []


def _words_json(book: Runbook, said: Facts, words: Words) -> str:
    """The words of every language that is complete; of others nothing is kept, for nothing of them is read."""
    whole = {tag: one for tag, one in words.items() if tag != ENGLISH and not script.lacking(book, said, one, tag)}
    wanted = [key for key, _, _ in script.sentences(book)]
    kept: dict[str, Any] = {tag: {key: one[key] for key in wanted} for tag, one in whole.items()}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def _digest(made: Script, language: str) -> str:
    """Of all that is read aloud in a language: who says later what was said can be shown."""
    text = "\n".join(saying.text for step in made.steps[language] for saying in step.says)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
