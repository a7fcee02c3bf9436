"""An import row against what is known already: what it adds, or why it adds nothing. Decides; writes nothing.

Key of a row is its phone, else its e-mail. The same key with a new place adds a place; an identical place is a duplicate. An
import never moves a place, never changes a language, never lifts a stop, and never brings back whoever was erased.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from subscribers.address import EMAIL, SMS
from subscribers.entry import Entry
from subscribers.place import HOME, PLACES_MAX, Spot
from subscribers.tables import Basis

Key = tuple[str, bytes]  # channel, blind index
NAMES = {SMS: "phone", EMAIL: "e-mail"}
ERASED = "The {} was erased or is a wrong number, and is not to be used again; only its owner can sign it up."


class Kind(StrEnum):
    """What staff should hear about a row."""

    PROBLEM = "problem"  # refused; nothing of it was taken
    DUPLICATE = "duplicate"  # everything in it was known
    STOPPED = "stopped"  # an address in it has opted out and stays so
    ERASED = "erased"  # refused as a whole: its owner had an address in it erased, or it was a wrong number


@dataclass(frozen=True, slots=True)
class Note:
    """One row staff should look at, by its line in the file."""

    line: int
    kind: Kind
    reason: str


@dataclass(slots=True, eq=False)
class Person:
    """Somebody in the making: subscriber_id is 0 until the database gives one."""

    subscriber_id: int = 0
    places: dict[str, Spot] = field(default_factory=dict)
    has_phone: bool = False


@dataclass(slots=True, eq=False)
class Reach:
    """One address of somebody. `text` is the address in clear while it is new, else empty."""

    person: Person
    language: str
    basis: str
    stopped: bool = False
    address_id: int = 0
    text: str = ""


@dataclass(slots=True)
class Gains:
    """What a batch of rows adds, each with the row it comes from."""

    people: list[Person] = field(default_factory=list)
    addresses: list[tuple[Key, Reach, Entry]] = field(default_factory=list)
    places: list[tuple[Person, str, Spot]] = field(default_factory=list)
    upgrades: list[tuple[Reach, Entry]] = field(default_factory=list)

    def persons(self) -> set[int]:
        """Everybody it changes."""
        changed = [*self.people, *(reach.person for _, reach, _ in self.addresses), *(place[0] for place in self.places)]
        return {person.subscriber_id for person in [*changed, *(reach.person for reach, _ in self.upgrades)]}


def merge(
    entry: Entry, keys: dict[str, Key], known: dict[Key, Reach], gains: Gains, erased: Container[Key] = frozenset()
) -> list[Note]:
    """Adds a row to `gains` and `known`, and says what staff should hear. `keys` are the row's own, by channel; nobody of
    `erased` is taken back, nor what a list says of them beside it."""
    for channel, key in keys.items():
        if key in erased:
            return [Note(entry.line, Kind.ERASED, ERASED.format(NAMES[channel]))]
    reached = [known[key] for key in keys.values() if key in known]
    owner = reached[0].person if reached else None
    label = entry.label or HOME
    refusal = _conflict(entry, keys, known) or (_place_conflict(entry, owner, label) if owner and entry.spot else "")
    if refusal:
        return [Note(entry.line, Kind.PROBLEM, refusal)]

    added = False
    if owner is None:
        owner = Person()
        gains.people.append(owner)
    for channel, key in keys.items():
        if key not in known:
            text = entry.phone if channel == SMS else entry.email
            known[key] = Reach(owner, entry.language, entry.basis, text=text)
            gains.addresses.append((key, known[key], entry))
            owner.has_phone = owner.has_phone or channel == SMS
            added = True
    for reach in reached:
        # Whoever asked for the texts is told more than whoever was only on a list; nothing turns that back.
        if entry.basis == Basis.OPT_IN and reach.basis != Basis.OPT_IN and not reach.stopped:
            reach.basis = entry.basis
            gains.upgrades.append((reach, entry))
            added = True
    if entry.spot is not None and entry.spot not in owner.places.values():
        owner.places[label] = entry.spot
        gains.places.append((owner, label, entry.spot))
        added = True
    return list(_notes(entry, reached, added))


def _conflict(entry: Entry, keys: dict[str, Key], known: dict[Key, Reach]) -> str:
    """Why the row's addresses cannot be its own, as a sentence; empty when they can."""
    phone, email = (known.get(keys[channel]) if channel in keys else None for channel in (SMS, EMAIL))
    if phone and email and phone.person is not email.person:
        return "The phone and the e-mail belong to two different people."
    if email and not phone and entry.phone and email.person.has_phone:
        return "The e-mail belongs to somebody with another phone."
    for name, reach in ((NAMES[SMS], phone), (NAMES[EMAIL], email)):
        if reach and reach.language != entry.language:
            return (
                f"The {name} is held in language {reach.language!r} and the row says {entry.language!r}; there can be but one."
            )
    return ""


def _place_conflict(entry: Entry, owner: Person, label: str) -> str:
    if entry.spot in owner.places.values():
        return ""
    if not entry.label and owner.places:
        return f"A further place needs a label; this person already has {', '.join(owner.places)}."
    if label in owner.places:
        return f"The label {label} names another place of this person. An import adds places and never moves one."
    if len(owner.places) >= PLACES_MAX:
        return f"This person has {PLACES_MAX} places, the most we keep."
    return ""


def _notes(entry: Entry, reached: list[Reach], added: bool) -> Iterable[Note]:
    if any(reach.stopped for reach in reached):
        yield Note(entry.line, Kind.STOPPED, "An address in the row has opted out of our texts; a list cannot start it again.")
    if not added:
        yield Note(entry.line, Kind.DUPLICATE, "Everything in the row was known.")
