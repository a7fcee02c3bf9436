"""Needs as Open311 GeoReport v2 documents, for the systems of bureaus and partners: services, requests and errors in XML and
JSON, and what a query may ask (https://wiki.open311.org/GeoReport_v2).

No address, name or number is in them: a place is the middle of a cell of the map, or a ZIP.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from xml.etree import ElementTree as Xml

from surge.desk.needs import TERMINAL, NeedStatus, bounds

LONGEST: Final = timedelta(days=90)  # of a query, and what one without dates looks back
MOST: Final = 1000  # requests of one answer
FORMATS: Final[Mapping[str, str]] = {"xml": "text/xml", "json": "application/json"}  # UTF-8, both
# XML 1.0 has no way to write these; whoever typed one meant nothing by it.
UNWRITABLE: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)])
Record = dict[str, str | float | bool | None]


class Standing(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A kind of need: the runbook's code, and words for people."""

    code: str
    name: str
    description: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A need. cell: a quadkey, "" where no point is known; zipcode: "" where it is not known either. agency: who has it."""

    request_id: str
    code: str
    people: int
    status: NeedStatus
    requested_at: datetime
    updated_at: datetime
    expected_at: datetime | None = None
    cell: str = ""
    zipcode: str = ""
    agency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What may be asked. ids override everything else."""

    ids: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    standings: frozenset[Standing] = frozenset()
    start: datetime
    end: datetime


class BadQuery(ValueError):
    """problems: one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


def query(asked: Mapping[str, str], now: datetime) -> Query:
    """From the parameters of an address. Raises BadQuery with everything that is wrong; unknown parameters are passed over, as
    clients send their own."""
    problems: list[str] = []
    given = {name: _moment(name, asked[name], problems) for name in ("start_date", "end_date") if asked.get(name)}
    end = given.get("end_date") or min((given["start_date"] or now) + LONGEST if "start_date" in given else now, now)
    start = given.get("start_date") or end - LONGEST
    if not problems and end < start:
        problems.append("end_date lies before start_date.")
    if not problems and end - start > LONGEST:
        problems.append(f"start_date and end_date may not span more than {LONGEST.days} days.")
    standings = _listed(asked.get("status", ""))
    problems += [f"status is open or closed, not '{one[:20]}'." for one in sorted(standings - set(Standing))]
    if problems:
        raise BadQuery(problems)
    return Query(
        ids=_listed(asked.get("service_request_id", "")),
        codes=_listed(asked.get("service_code", "")),
        standings=frozenset(Standing(one) for one in standings),
        start=start,
        end=end,
    )


def _listed(value: str) -> frozenset[str]:
    """What can be no id and no code, a database cannot even be asked for."""
    return frozenset(one.strip() for one in value.split(",") if one.strip() and one.isprintable())


def _moment(name: str, value: str, problems: list[str]) -> datetime | None:
    try:
        at = datetime.fromisoformat(value.replace(" ", "+"))  # a plus sign that an address did not escape
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        problems.append(f"{name} is a time with its zone, as in 2026-05-24T00:00:00Z, not '{value[:30]}'.")
        return None
    return at.astimezone(UTC)


def found(requests: Iterable[Request], asked: Query) -> list[Request]:
    """The newest first, MOST at most."""
    chosen = [one for one in requests if one.request_id in asked.ids] if asked.ids else []
    if not asked.ids:
        chosen = [
            one
            for one in requests
            if asked.start <= one.requested_at <= asked.end
            and (not asked.codes or one.code in asked.codes)
            and (not asked.standings or standing(one) in asked.standings)
        ]
    return sorted(chosen, key=lambda one: (one.requested_at, one.request_id), reverse=True)[:MOST]


def standing(request: Request) -> Standing:
    return Standing.CLOSED if request.status in TERMINAL else Standing.OPEN


def service_records(services: Collection[Service]) -> list[Record]:
    return [
        {
            "service_code": one.code,
            "service_name": one.name,
            "description": one.description,
            "metadata": False,
            "type": "realtime",
            "keywords": "surge",
            "group": one.group,
        }
        for one in services
    ]


def request_records(requests: Iterable[Request], services: Mapping[str, str]) -> list[Record]:
    """services: names by code."""
    return [_record(one, services.get(one.code, one.code)) for one in requests]


def _record(one: Request, name: str) -> Record:
    lat, lon = _middle(one.cell) if one.cell else (None, None)
    people = f"{one.people} {'person' if one.people == 1 else 'people'}"
    return {
        "service_request_id": one.request_id,
        "status": standing(one).value,
        "status_notes": one.status.value,
        "service_name": name,
        "service_code": one.code,
        "description": f"{name}, for {people}.",
        "agency_responsible": one.agency or None,
        "service_notice": None,
        "requested_datetime": _w3(one.requested_at),
        "updated_datetime": _w3(one.updated_at),
        "expected_datetime": _w3(one.expected_at) if one.expected_at else None,
        "address": None,
        "address_id": None,
        "zipcode": one.zipcode or None,
        "lat": lat,
        "long": lon,
        "media_url": None,
    }


def _middle(cell: str) -> tuple[float, float]:
    west, south, east, north = bounds(cell)
    return round((south + north) / 2, 5), round((west + east) / 2, 5)


def _w3(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def services_document(services: Collection[Service], form: str) -> bytes:
    return _written(service_records(services), ("services", "service"), form)


def requests_document(requests: Iterable[Request], services: Mapping[str, str], form: str) -> bytes:
    return _written(request_records(requests, services), ("service_requests", "request"), form)


def errors_document(code: int, descriptions: Sequence[str], form: str) -> bytes:
    """As the status of the answer and a body: 400 for what was asked wrongly, 404 for what is not there."""
    records: list[Record] = [{"code": str(code), "description": one} for one in descriptions]
    return _written(records, ("errors", "error"), form)


def _written(records: Sequence[Record], names: tuple[str, str], form: str) -> bytes:
    """form: a key of FORMATS."""
    if form == "json":
        return json.dumps(records, ensure_ascii=False).encode("utf-8", "replace")
    root = Xml.Element(names[0])
    for record in records:
        entry = Xml.SubElement(root, names[1])
        for name, value in record.items():
            Xml.SubElement(entry, name).text = _text(value)
    body: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body


def _text(value: str | float | bool | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value).translate(UNWRITABLE)
