"""The facts that an alert holds already: what was approved and sent is what is read aloud, so that a script and a text cannot
disagree. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from notify.alerts.alert import Event
from notify.wording.slots import ENGLISH, Kind, Slot, moment
from notify.wording.translations import place_names
from surge.scripts.facts import SAME
from surge.scripts.runbook import Runbook

# Which slot of an alert answers a runbook's fact, where the two are called differently.
SLOTS: Final[Mapping[str, str]] = {"since": "happened", "water_sites": "sites"}
AREA: Final = "area_words"
NEXT: Final = "next_update"


@dataclass(frozen=True, slots=True, kw_only=True)
class FromAlert:
    """values: by language, SAME for what is the same in all. valid_to: a promise holds no longer than until it is due."""

    name: str
    values: Mapping[str, str]
    alert_id: str
    issued_by: str
    valid_to: datetime | None = None


def held(
    event: Event, given: Mapping[str, Any], declared: Mapping[str, Slot], book: Runbook, languages: Sequence[str]
) -> list[FromAlert]:
    """given: the slots as they were approved; declared: what they are. Only facts that the runbook asks for."""
    return [
        FromAlert(
            name=name,
            values=values,
            alert_id=event.alert_id,
            issued_by=f"{event.sender_name}, alert {event.alert_id}",
            valid_to=event.next_update_by if name == NEXT else None,
        )
        for name, values in _values(event, given, declared, languages)
        if name in book.facts and values
    ]


def _values(
    event: Event, given: Mapping[str, Any], declared: Mapping[str, Slot], languages: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    yield AREA, _places(event, languages)
    if event.next_update_by is not None:
        yield NEXT, {SAME: event.next_update_by.isoformat()}
    answers = {slot: fact for fact, slot in SLOTS.items()}
    for name, slot in declared.items():
        if name not in (NEXT, AREA) and given.get(name) not in (None, "", [], {}):
            yield answers.get(name, name), _spoken(slot, given[name])


def _places(event: Event, languages: Sequence[str]) -> dict[str, str]:
    """A name that is the same in all languages is said so; else each language has its own, in whole."""
    by_language = {tag: ", ".join(place_names(event, tag)) for tag in dict.fromkeys([ENGLISH, *languages])}
    return by_language if len(set(by_language.values())) > 1 else {SAME: by_language[ENGLISH]}


def _spoken(slot: Slot, value: Any) -> dict[str, str]:
    """A choice stands for a whole sentence elsewhere; it is no value to read."""
    match slot.type:
        case Kind.CHOICE | Kind.TITLE | Kind.URL:
            return {}
        case Kind.TIME:
            return {SAME: moment(value).astimezone(UTC).isoformat()}
        case Kind.SITES:
            return {SAME: "; ".join(value)}
        case _ if isinstance(value, Mapping):
            return {str(tag): str(text) for tag, text in value.items()}
        case Kind.TEXT:
            return {ENGLISH: str(value)}
        case _:
            return {SAME: str(value)}
