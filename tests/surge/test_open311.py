"""Needs as GeoReport v2: every field as the published rules say, and no place finer than a cell."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.desk.needs import NeedStatus, bounds, cell
from surge.numbers.open311 import (
    FORMATS,
    MOST,
    BadQuery,
    Request,
    Service,
    errors_document,
    found,
    query,
    requests_document,
    services_document,
    standing,
)

NOW = datetime(2026, 5, 24, 12, 0, tzinfo=UTC)
W3: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"
ANY: Final = r"[\s\S]*"
# The published rules, field by field: must it have a value, and what it looks like (GeoReport v2, GET services and requests).
SERVICE: Final[Mapping[str, tuple[bool, str]]] = {
    "service_code": (True, r".+"),
    "service_name": (True, r".+"),
    "description": (False, ANY),
    "metadata": (True, r"true|false"),
    "type": (True, r"realtime|batch|blackbox"),
    "keywords": (False, r"[^,]*(,[^,]+)*"),
    "group": (False, ANY),
}
REQUEST: Final[Mapping[str, tuple[bool, str]]] = {
    "service_request_id": (True, r".+"),
    "status": (True, r"open|closed"),
    "status_notes": (False, ANY),
    "service_name": (False, r".+"),
    "service_code": (True, r".+"),
    "description": (False, ANY),
    "agency_responsible": (False, ANY),
    "service_notice": (False, ANY),
    "requested_datetime": (True, W3),
    "updated_datetime": (False, W3),
    "expected_datetime": (False, W3),
    "address": (False, ANY),
    "address_id": (False, ANY),
    "zipcode": (False, r"\d{5}"),
    "lat": (False, r"-?\d{1,2}\.\d+"),
    "long": (False, r"-?\d{1,3}\.\d+"),
    "media_url": (False, r"https?://.+"),
}
ERROR: Final[Mapping[str, tuple[bool, str]]] = {"code": (True, r"\d{3}"), "description": (True, r".+")}


def problems(record: Mapping[str, Any], rules: Mapping[str, tuple[bool, str]]) -> list[str]:
    """What a record breaks of the published rules."""
    wrong = [f"{name} is no field" for name in record if name not in rules]
    for name, (needed, looks) in rules.items():
        value = record.get(name)
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        if value is None or value == "":
            wrong += [f"{name} lacks"] if needed else []
        elif not re.fullmatch(looks, text):
            wrong.append(f"{name} is {text}")
    return wrong


def read(document: bytes, form: str, names: tuple[str, str]) -> list[dict[str, Any]]:
    """As a client reads it: a list of records, whatever the form."""
    if form == "json":
        records = json.loads(document.decode("utf-8"))
        assert isinstance(records, list)
        return records
    assert document.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    root = Xml.fromstring(document)
    assert root.tag == names[0] and all(child.tag == names[1] for child in root)
    return [{field.tag: field.text for field in child} for child in root]


def a_need(**more: Any) -> Request:
    given: dict[str, Any] = {
        "request_id": "N-1",
        "code": "WATER_DELIVERY",
        "people": 3,
        "status": NeedStatus.ROUTED,
        "requested_at": NOW - timedelta(hours=2),
        "updated_at": NOW,
        "cell": cell(45.5231, -122.6765),
        "zipcode": "97204",
        "agency": "Water Bureau",
    }
    return Request(**given | more)


needs = st.builds(
    a_need,
    request_id=st.text("NABC-0123456789", min_size=1, max_size=12),
    code=st.sampled_from(["WATER_DELIVERY", "DIALYSIS", "A&B <x>"]),
    people=st.integers(1, 500),
    status=st.sampled_from(NeedStatus),
    expected_at=st.none() | st.just(NOW + timedelta(days=1)),
    cell=st.just("") | st.builds(cell, st.floats(-80, 80), st.floats(-179, 179)),
    zipcode=st.sampled_from(["", "97204"]),
    agency=st.text(max_size=20),
)


@pytest.mark.parametrize("form", FORMATS)
@given(st.lists(needs, max_size=5))
def test_requests_keep_every_published_rule_in_both_forms(form: str, some: list[Request]) -> None:
    records = read(requests_document(some, {"DIALYSIS": "Dialysis"}, form), form, ("service_requests", "request"))
    assert len(records) == len(some)
    for record in records:
        assert problems(record, REQUEST) == []


@pytest.mark.parametrize("form", FORMATS)
def test_services_keep_every_published_rule_in_both_forms(form: str) -> None:
    services = [Service(code="WATER_DELIVERY", name="Water brought home", group="Boil water"), Service(code="X", name="<&>")]
    records = read(services_document(services, form), form, ("services", "service"))
    assert [problems(record, SERVICE) for record in records] == [[], []]
    assert records[1]["service_name"] == "<&>"


@pytest.mark.parametrize("form", FORMATS)
def test_errors_have_a_code_and_a_description(form: str) -> None:
    records = read(errors_document(404, ["There is no such request.", "Nor this."], form), form, ("errors", "error"))
    assert [problems(record, ERROR) for record in records] == [[], []] and records[0]["code"] == "404"


def test_a_need_is_open_until_it_has_ended_and_its_own_word_is_kept() -> None:
    (record,) = read(requests_document([a_need(status=NeedStatus.REFERRED)], {}, "json"), "json", ("", ""))
    assert (record["status"], record["status_notes"]) == ("closed", "referred")
    assert {one.value for one in NeedStatus if standing(a_need(status=one)) == "open"} == {"logged", "routed", "under way"}
    assert record["description"] == "WATER_DELIVERY, for 3 people."


def test_a_place_is_the_middle_of_its_cell_and_never_a_door() -> None:
    (record,) = read(requests_document([a_need()], {}, "json"), "json", ("", ""))
    west, south, east, north = bounds(cell(45.5231, -122.6765))
    assert record["lat"] == pytest.approx((south + north) / 2, abs=1e-5)
    assert record["long"] == pytest.approx((west + east) / 2, abs=1e-5)
    assert record["address"] is None and record["lat"] != 45.5231
    neighbour = a_need(cell=cell(45.5232, -122.6766))
    assert read(requests_document([neighbour], {}, "json"), "json", ("", ""))[0]["lat"] == record["lat"]


def test_a_query_is_read_as_published() -> None:
    asked = query({}, NOW)
    assert (asked.start, asked.end) == (NOW - timedelta(days=90), NOW)
    asked = query(
        {"start_date": "2026-05-01T00:00:00-07:00", "status": "open, closed", "service_code": "A,B", "api_key": "x"}, NOW
    )
    assert (asked.start, asked.end) == (datetime(2026, 5, 1, 7, tzinfo=UTC), NOW)
    assert asked.codes == {"A", "B"} and asked.standings == {"open", "closed"}
    assert query({"service_request_id": "N-1,\x00,"}, NOW).ids == {"N-1"}
    assert query({"start_date": "2025-01-01T00:00:00Z"}, NOW).end == datetime(2025, 4, 1, tzinfo=UTC)
    assert query({"start_date": "2026-05-01T00:00:00 02:00"}, NOW).start == datetime(2026, 4, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"start_date": "yesterday"}, "start_date is a time with its zone"),
        ({"end_date": "2026-05-01T00:00:00"}, "end_date is a time with its zone"),
        ({"start_date": "2026-05-02T00:00:00Z", "end_date": "2026-05-01T00:00:00Z"}, "lies before"),
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-05-01T00:00:00Z"}, "more than 90 days"),
        ({"status": "lost"}, "status is open or closed"),
    ],
)
def test_a_query_that_cannot_be_is_refused_in_sentences(asked: Mapping[str, str], said: str) -> None:
    with pytest.raises(BadQuery, match=said):
        query(asked, NOW)


def test_ids_override_everything_else_and_the_newest_come_first() -> None:
    old = a_need(request_id="N-0", requested_at=NOW - timedelta(days=200), status=NeedStatus.MET)
    some = [old, a_need(request_id="N-1"), a_need(request_id="N-2", requested_at=NOW - timedelta(hours=1))]
    assert [one.request_id for one in found(some, query({}, NOW))] == ["N-2", "N-1"]
    assert found(some, query({"service_request_id": "N-0", "status": "open"}, NOW)) == [old]
    assert found(some, query({"status": "closed"}, NOW)) == []
    assert found(some, query({"service_code": "OTHER"}, NOW)) == []
    many = [a_need(request_id=f"N-{n}", requested_at=NOW - timedelta(minutes=n)) for n in range(MOST + 5)]
    assert len(found(many, query({}, NOW))) == MOST
