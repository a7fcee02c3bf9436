"""A draft as a form: fields as browsers post them, and back. Pure. Times are typed and shown in the city's own time."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from notify.alerts.draft import CHANNELS, BadDraft, Draft, read
from notify.wording.fallback import folder_of
from notify.wording.slots import Kind, Slot
from notify.wording.subject import WORDINGS
from notify.wording.words import Words

MINUTE: Final = "%Y-%m-%dT%H:%M"  # what <input type="datetime-local"> speaks
TIMES: Final = ("learned_at", "effective", "expires", "next_update_by", "not_before", "not_after")
CHOICES: Final = ("source", "urgency", "severity", "certainty")
SLOT: Final = "slot-"
# Where in the form the problem is that a sentence of the assembly begins with.
PLACES: Final = {"area": "names", "geojson": "geojson", "circle": "lat", "hazard": "hazard", "period": "expires"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The fields as typed, so that a page can show them again whatever is wrong with them."""

    one: Mapping[str, str]
    many: Mapping[str, Sequence[str]]

    def text(self, name: str) -> str:
        return self.one.get(name, "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A sentence, and the id of the field it is about ("" for the whole)."""

    sentence: str
    field: str


def slots_of(words: Words, draft: Draft) -> Mapping[str, Slot]:
    """What people fill in for this danger at this stage."""
    found: dict[str, Slot] = {}
    for wording in WORDINGS[draft.stage]:
        for name, slot in words.declared(folder_of(words, draft.hazard, wording), draft.hazard).items():
            if name not in words.slots[""] and wording in slot.wordings:
                found.setdefault(name, slot)
    return found


def parse(filled: Filled, start: Draft, slots: Mapping[str, Slot], zone: ZoneInfo) -> Draft:
    """The draft that a form describes; what the form does not have comes from `start`. Raises BadDraft with every problem."""
    problems: list[str] = []
    given: dict[str, Any] = start.model_dump(mode="json", exclude={"area", "slots"})
    for name in TIMES:
        given[name] = _noted(problems, name, lambda name=name: _moment(filled.text(name), zone))  # type: ignore[misc]
    for name in CHOICES:
        given[name] = filled.text(name) or (None if name != "source" else "")
    given["until"] = "cleared" if filled.text("ends") == "cleared" else ""
    if given["until"]:
        given["expires"] = None
    given["short"] = filled.text("short") == "yes"
    given["slows"] = filled.text("slows") == "yes"
    given["note"] = filled.text("note")
    given["asl_video"] = filled.text("asl_video")
    given["channels"] = [channel for channel in CHANNELS if channel in filled.many.get("channels", ())]
    given["expected_people"] = _noted(problems, "expected_people", lambda: _whole(filled.text("expected_people")))
    given["area"] = _area(filled, problems)
    given["slots"] = {
        name: value
        for name, slot in slots.items()
        if (value := _noted(problems, f"{SLOT}{name}", lambda name=name, slot=slot: _slot(filled, name, slot, zone)))  # type: ignore[misc]
        not in (None, "", [])
    }
    try:
        draft = read({name: value for name, value in given.items() if value is not None})
    except BadDraft as error:
        raise BadDraft([*problems, *error.problems]) from None
    if problems:
        raise BadDraft(problems)
    return draft


def fill(draft: Draft, slots: Mapping[str, Slot], zone: ZoneInfo) -> Filled:
    """The fields that describe a draft: `parse` of it gives the draft back."""
    one = {name: _shown(getattr(draft, name), zone) for name in TIMES}
    one |= {name: str(getattr(draft, name) or "") for name in CHOICES}
    one |= {"ends": "cleared" if draft.until else "at", "short": "yes" if draft.short else "", "note": draft.note}
    one["asl_video"] = draft.asl_video
    one["slows"] = "yes" if draft.slows else ""
    one["expected_people"] = "" if draft.expected_people is None else str(draft.expected_people)
    one["where"] = "circle" if draft.area.circle else "drawn" if draft.area.geojson else "names"
    one["geojson"] = json.dumps(draft.area.geojson) if draft.area.geojson else ""
    one["words"] = draft.area.words
    if draft.area.circle:
        circle = draft.area.circle
        one |= {"lat": str(circle.lat), "lon": str(circle.lon), "radius_m": f"{circle.radius_m:g}"}
    for name, slot in slots.items():
        one[f"{SLOT}{name}"] = _slot_shown(draft.slots.get(name), slot, zone)
    return Filled(one=one, many={"channels": draft.channels, "names": draft.area.names})


def placed(sentences: Sequence[str], fields: Sequence[str]) -> list[Problem]:
    """Problems with the fields they are about: "slot-cause: ..." or "The slot cause is empty" -> slot-cause."""
    return [Problem(sentence=sentence, field=_field(sentence, fields)) for sentence in sentences]


def _field(sentence: str, fields: Sequence[str]) -> str:
    if sentence.startswith("The slot "):
        name = SLOT + sentence.removeprefix("The slot ").split()[0].rstrip(":")
    else:
        name = sentence.partition(":")[0].split(".")[0]
    name = PLACES.get(name, name)
    return name if name in fields else ""


def _noted(problems: list[str], name: str, read_it: Callable[[], Any]) -> Any:
    try:
        return read_it()
    except ValueError as error:
        problems.append(f"{name}: {error}")
        return None


def _moment(typed: str, zone: ZoneInfo) -> str | None:
    """A typed local time as ISO 8601 with its offset."""
    if not typed:
        return None
    try:
        local = datetime.strptime(typed[:16], MINUTE).replace(tzinfo=zone)
    except ValueError:
        raise ValueError(f"'{typed}' is not a date and time like 2014-05-23T10:40") from None
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(f"{typed} does not exist: clocks are put forward then")
    return local.isoformat()


def _whole(typed: str) -> int | None:
    if not typed:
        return None
    plain = typed.replace(",", "").replace(" ", "")
    if not (plain.isascii() and plain.isdigit()):
        raise ValueError(f"'{typed}' is not a whole number")
    return int(plain)


def _number(typed: str, name: str) -> float:
    try:
        return float(typed)
    except ValueError:
        raise ValueError(f"'{typed}' is not a number of {name}") from None


def _area(filled: Filled, problems: list[str]) -> dict[str, Any]:
    where = filled.text("where")
    words = filled.text("words")
    if where == "drawn":
        typed = filled.text("geojson")
        try:
            return {"geojson": json.loads(typed), "words": words} if typed else {}
        except (ValueError, RecursionError) as error:
            problems.append(f"geojson: this is not JSON: {error}")
            return {}
    if where == "circle":
        names = {"lat": "degrees of latitude", "lon": "degrees of longitude", "radius_m": "metres"}
        read_ones = {
            name: _noted(problems, name, lambda name=name, unit=unit: _number(filled.text(name), unit))  # type: ignore[misc]
            for name, unit in names.items()
        }
        return {} if None in read_ones.values() else {"circle": read_ones, "words": words}
    return {"names": list(filled.many.get("names", ()))}


def _slot(filled: Filled, name: str, slot: Slot, zone: ZoneInfo) -> Any:
    typed = filled.text(f"{SLOT}{name}")
    match slot.type:
        case Kind.TIME:
            return _moment(typed, zone)
        case Kind.NUMBER:
            return _whole(typed)
        case Kind.SITES:
            return [line.strip() for line in typed.splitlines() if line.strip()]
        case _:
            return " ".join(typed.split())


def _slot_shown(value: Any, slot: Slot, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if slot.type is Kind.TIME:
        return _shown(value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace(" ", "T")), zone)
    if slot.type is Kind.SITES:
        return "\n".join(map(str, value))
    if isinstance(value, Mapping):
        return str(value.get("en", ""))
    return str(value)


def _shown(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime(MINUTE) if at else ""
