"""Rows understood, or refused with everything wrong about them and no address repeated."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from subscribers.address import Samples
from subscribers.entry import Entry, Rules, read
from subscribers.place import NamedPlace, Point, Spot, ZipArea
from subscribers.sheet import ALL, Row
from tests.subscribers.factories import ENVELOPE, NOON

RULES = Rules(
    languages=frozenset({"en", "es", "zh-Hant"}),
    areas={"97214": "zip", "Lents": "neighborhood", "Portland": "city"},
    envelope=ENVELOPE,
    zone=ZoneInfo("America/Los_Angeles"),
    now=NOON,
    samples=Samples.ALLOWED,
)
GOOD = {
    "phone": "503-555-0101",
    "language": "en",
    "basis": "opt-in",
    "consent_at": "2014-05-01",
    "consent_source": "form 7",
}


def row(**cells: str) -> Row:
    values = GOOD | cells
    return Row(2, tuple(values.get(name, "") for name in ALL))


def entry(**cells: str) -> Entry:
    found = read(row(**cells), RULES)
    assert isinstance(found, Entry), found
    return found


def problems(**cells: str) -> list[str]:
    found = read(row(**cells), RULES)
    assert isinstance(found, list)
    return found


def test_a_sound_row_is_understood() -> None:
    assert entry(email="Resident1@Example.gov", label="home", lat="45.5", lon="-122.6") == Entry(
        line=2,
        phone="+15035550101",
        email="Resident1@example.gov",
        language="en",
        label="HOME",
        spot=Point(45.5, -122.6),
        basis="opt-in",
        consent_at=datetime(2014, 5, 1, 7, tzinfo=UTC),
        consent_source="form 7",
    )


@pytest.mark.parametrize(
    ("cells", "spot"),
    [
        ({}, None),
        ({"lat": "45.5", "lon": "-122.6"}, Point(45.5, -122.6)),
        ({"zip": "97214-1234"}, ZipArea("97214")),
        ({"area": "LENTS"}, NamedPlace("Lents")),
    ],
)
def test_a_place_is_given_in_one_way_or_not_at_all(cells: dict[str, str], spot: Spot | None) -> None:
    assert entry(**cells).spot == spot


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2014-05-01", datetime(2014, 5, 1, 7, tzinfo=UTC)),
        ("2013-12-01", datetime(2013, 12, 1, 8, tzinfo=UTC)),
        ("2014-05-01T10:40:00-07:00", datetime(2014, 5, 1, 17, 40, tzinfo=UTC)),
        ("2014-05-01 10:40Z", datetime(2014, 5, 1, 10, 40, tzinfo=UTC)),
    ],
)
def test_a_consent_is_dated_in_the_citys_time_unless_it_says_otherwise(written: str, moment: datetime) -> None:
    assert entry(consent_at=written).consent_at == moment


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"phone": ""}, "neither phone nor e-mail"),
        ({"phone": "311"}, "does not exist"),
        ({"email": "resident"}, "not an e-mail address"),
        ({"language": ""}, "has no language"),
        ({"language": "EN"}, "'EN' is not one of this city's: en, es, zh-Hant"),
        ({"language": "zh"}, "'zh' is not one of this city's"),
        ({"basis": "guess"}, "must be one of opt-in, utility-account, emergency"),
        ({"basis": ""}, "must be one of opt-in"),
        ({"consent_at": ""}, "must be a date"),
        ({"consent_at": "5/1/2014"}, "must be a date"),
        ({"consent_at": "2014-05-01T10:40:00"}, "needs its offset"),
        ({"consent_at": "2014-05-24"}, "lies in the future"),
        ({"consent_source": ""}, "where the consent is from"),
        ({"consent_source": "a\x07b"}, "where the consent is from"),
        ({"consent_source": "x" * 201}, "where the consent is from"),
        ({"label": "GRANDMOTHER'S", "zip": "97214"}, "13 letters"),
        ({"label": "HOME"}, "no place for it"),
        ({"lat": "45.5"}, "decimal degrees"),
        ({"lat": "-122.6", "lon": "45.5"}, "look swapped"),
        ({"lat": "44", "lon": "-122.6"}, "outside the city"),
        ({"lat": "45.5", "lon": "-122.6", "zip": "97214"}, "more than one of lat+lon, zip and area"),
        ({"zip": "97214", "area": "Lents"}, "more than one"),
        ({"zip": "97999"}, "97999 is not among the city's areas"),
        ({"zip": "Lents"}, "not a five-digit ZIP"),
        ({"area": "Nowhere"}, "'Nowhere' is not among the city's areas"),
        ({"area": "97214"}, "'97214' is not among the city's areas"),
    ],
)
def test_a_row_with_one_fault_is_refused_for_it(cells: dict[str, str], sentence: str) -> None:
    (problem,) = problems(**cells)
    assert sentence in problem


def test_every_fault_of_a_row_is_given_at_once() -> None:
    cells = {
        "phone": "12",
        "email": "x",
        "language": "xx",
        "basis": "?",
        "lat": "1",
        "lon": "2",
        "label": "!",
        "consent_at": "?",
    }
    assert len(problems(**cells, consent_source="")) == 8


def test_no_problem_repeats_an_address() -> None:
    said = " ".join(problems(phone="+15035550199999", email="resident77@@example.gov"))
    assert "5550199" not in said
    assert "resident77" not in said


def test_a_row_spoiled_in_the_file_stays_refused() -> None:
    assert read(Row(9, problem="The row has 3 cells."), RULES) == ["The row has 3 cells."]


def test_a_live_city_refuses_sample_numbers() -> None:
    found = read(row(), replace(RULES, samples=Samples.REFUSED))
    assert isinstance(found, list)
    assert "Exchange 555" in found[0]


def test_what_they_agreed_to_is_kept_with_its_version() -> None:
    found = entry(consent_words="Text me about emergencies, as of 2014-05-01 10:00", consent_terms="2014-05-01")
    assert (found.consent_words, found.consent_terms) == ("Text me about emergencies, as of 2014-05-01 10:00", "2014-05-01")


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        ({"consent_words": "x" * 1001}, "in at most 1000"),
        ({"consent_words": "yes\x07"}, "plain letters"),
        ({"consent_terms": "x" * 41}, "in at most 40"),
        ({"consent_words": "Call me at (503) 555-0101"}, "no phone number"),
        ({"consent_words": "yes, resident1@example.gov"}, "no phone number or e-mail"),
        ({"consent_terms": "+15035550101"}, "no phone number"),
    ],
)
def test_evidence_that_outlives_a_person_names_nobody(cells: dict[str, str], part: str) -> None:
    (problem,) = problems(**cells)
    assert part in problem and "0101" not in problem and "@" not in problem
