"""The made-up people satisfy every rule of an import, cover every case, and are the same each time."""

import csv
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box
from sqlalchemy import Engine

from subscribers.address import BadAddress, Samples, normal_email, normal_phone
from subscribers.areas import NamedShape
from subscribers.entry import Rules
from subscribers.generator import BLOCK, area_codes, write
from subscribers.importing import import_file, into
from subscribers.place import PLACES_MAX, Envelope, normal_label, point, zip_code
from subscribers.tables import Basis
from tests.subscribers.factories import NOON, a_keyring

LANGUAGES = {"en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko"}
ENVELOPE = Envelope(south=45.2, west=-123.3, north=45.8, east=-122.1)


def an_area(name: str, kind: str, shape: Any) -> NamedShape:
    return NamedShape(name=name, kind=kind, shape=shape)


LENTS = an_area("Lents", "neighborhood", box(-122.59, 45.46, -122.55, 45.49))
HAYDEN_ISLAND = an_area(
    'Hayden Island, "Jantzen Beach"',
    "neighborhood",
    MultiPolygon([box(-122.70, 45.60, -122.68, 45.61), Polygon([(-122.67, 45.60), (-122.66, 45.60), (-122.665, 45.602)])]),
)
DOWNTOWN = an_area(
    "Downtown", "neighborhood", box(-122.69, 45.50, -122.67, 45.52).difference(box(-122.685, 45.505, -122.675, 45.515))
)
CITY = an_area("Portland", "city", box(-122.80, 45.44, -122.50, 45.62))
ZIPS = [
    an_area("97214", "zip", box(-122.66, 45.50, -122.62, 45.52)),
    an_area("97266", "zip", box(-122.6, 45.45, -122.55, 45.5)),
]
NEIGHBORHOODS = [LENTS, HAYDEN_ISLAND, DOWNTOWN]
AREAS = [CITY, *ZIPS, *NEIGHBORHOODS]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def people_in(rows: Iterable[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Rows of each person together, as they stand in the file."""
    return [list(group) for _, group in itertools.groupby(rows, key=lambda row: (row["phone"], row["email"]))]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path = tmp_path_factory.mktemp("people") / "people.csv"
    write(path, BLOCK + 2_000, AREAS)
    return rows_of(path)


def test_the_file_begins_with_the_header_an_import_expects(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", 1, AREAS)
    first, _ = (tmp_path / "people.csv").read_text(encoding="utf-8").split("\n", 1)
    assert first == "phone,email,language,label,lat,lon,zip,area,basis,consent_at,consent_source"


def test_every_cell_is_already_what_an_import_would_make_of_it(sample: list[dict[str, str]]) -> None:
    areas = {area.name for area in NEIGHBORHOODS}
    zips = {area.name for area in ZIPS}
    for row in sample:
        assert row["phone"] or row["email"]
        assert not row["phone"] or normal_phone(row["phone"], Samples.ONLY) == row["phone"]
        assert not row["email"] or normal_email(row["email"]) == row["email"]
        assert row["language"] in LANGUAGES
        assert not row["label"] or normal_label(row["label"]) == row["label"]
        assert not row["lat"] or point(row["lat"], row["lon"], ENVELOPE)
        assert not row["zip"] or (zip_code(row["zip"]) == row["zip"] and row["zip"] in zips)
        assert not row["area"] or row["area"] in areas
        assert Basis(row["basis"])
        assert row["consent_source"]


def test_a_row_gives_at_most_one_kind_of_place(sample: list[dict[str, str]]) -> None:
    for row in sample:
        assert bool(row["lat"]) == bool(row["lon"])
        assert sum(bool(row[cell]) for cell in ("lat", "zip", "area")) <= 1


def test_somebody_with_several_places_has_a_label_for_each_and_one_language(sample: list[dict[str, str]]) -> None:
    same = ("phone", "email", "language", "basis", "consent_at", "consent_source")
    for person in people_in(sample):
        assert len({tuple(row[cell] for cell in same) for row in person}) == 1
        assert len(person) <= PLACES_MAX
        if len(person) > 1:
            labels = [row["label"] for row in person]
            places = {(row["lat"], row["lon"], row["zip"], row["area"]) for row in person}
            assert all(labels)
            assert len(set(labels)) == len(labels) == len(places)


def test_an_import_takes_every_row_and_a_second_one_finds_nothing_new(tmp_path: Path, engine: Engine) -> None:
    file = tmp_path / "people.csv"
    summary = write(file, 2_000, AREAS)
    rules = Rules(
        languages=frozenset(LANGUAGES),
        areas={area.name: area.kind for area in AREAS},
        envelope=ENVELOPE,
        zone=UTC,
        now=NOON,
        samples=Samples.ONLY,
    )
    first, second = (import_file(file, into(engine.begin), rules, a_keyring(), lambda _: None) for _ in range(2))
    assert (first.rows, first.problems, first.duplicates) == (summary.rows, 0, 0)
    assert (first.subscribers, first.addresses) == (2_000, sum(summary.channels.values()))
    assert first.places == summary.rows - summary.kinds["nowhere"]
    assert (second.subscribers, second.addresses, second.places, second.problems) == (0, 0, 0, 0)


def test_no_two_people_share_a_phone_or_a_mailbox(sample: list[dict[str, str]]) -> None:
    people = [person[0] for person in people_in(sample)]
    assert len(people) == BLOCK + 2_000, "the rows of a person stand together"
    for cell in ("phone", "email"):
        given = [person[cell] for person in people if person[cell]]
        assert len(set(given)) == len(given)


def test_consent_was_given_at_a_moment_with_a_time_zone_before_2014s_notice(sample: list[dict[str, str]]) -> None:
    for row in sample:
        at = datetime.fromisoformat(row["consent_at"])
        assert at.utcoffset() == timedelta(0)
        assert datetime(2009, 1, 1, tzinfo=UTC) <= at < datetime(2014, 5, 23, tzinfo=UTC)


def test_homes_lie_in_a_neighborhood_or_beyond_the_city(sample: list[dict[str, str]]) -> None:
    homes = [person[0] for person in people_in(sample) if person[0]["lat"]]
    spots = [shapely.Point(float(home["lon"]), float(home["lat"])) for home in homes]
    counted: Counter[str] = Counter()
    for spot in spots:
        inside = [area.name for area in NEIGHBORHOODS if area.shape.contains(spot)]
        counted[inside[0] if inside else "beyond"] += 1
        assert inside or not CITY.shape.intersects(spot)
    assert counted["beyond"] == pytest.approx(0.01 * BLOCK, abs=60)
    assert counted[LENTS.name] > counted[DOWNTOWN.name] > counted[HAYDEN_ISLAND.name] > 0, "the larger, the more people"


def test_the_summary_counts_what_stands_in_the_file(tmp_path: Path) -> None:
    summary = write(tmp_path / "people.csv", 12_345, AREAS)
    rows = rows_of(tmp_path / "people.csv")
    people = people_in(rows)
    firsts = [person[0] for person in people]
    assert summary.people == len(people) == 12_345
    assert summary.rows == len(rows) > 12_345
    assert summary.languages == Counter(person["language"] for person in firsts)
    assert summary.bases == Counter(person["basis"] for person in firsts)
    assert summary.channels == {
        "sms": sum(bool(person["phone"]) for person in firsts),
        "email": sum(bool(person["email"]) for person in firsts),
    }
    assert summary.kinds["several"] == sum(len(person) > 1 for person in people)
    assert summary.kinds["zip"] == sum(bool(person[0]["zip"]) for person in people)
    assert summary.kinds["area"] == sum(bool(person[0]["area"]) for person in people)
    assert summary.kinds["nowhere"] == sum(not (p["lat"] or p["zip"] or p["area"]) for p in firsts)
    assert sum(summary.kinds.values()) == 12_345


def test_every_language_channel_basis_and_kind_of_place_occurs_in_its_share(tmp_path: Path) -> None:
    summary = write(tmp_path / "people.csv", 50_000, AREAS)
    assert set(summary.languages) == LANGUAGES
    assert summary.languages["en"] == 40_000
    assert summary.languages["es"] == 3_500
    assert min(summary.languages.values()) >= 150
    assert summary.channels["sms"] > 0.9 * 50_000
    assert 0 < summary.channels["email"] < 0.25 * 50_000
    assert set(summary.bases) == set(Basis)
    assert max(summary.bases, key=lambda basis: summary.bases[basis]) == Basis.OPT_IN
    assert set(summary.kinds) == {"point", "outside", "zip", "area", "nowhere", "several"}
    assert min(summary.kinds.values()) >= 500


@pytest.mark.parametrize("people", [50_000, 670_000])
def test_every_number_is_distinct_and_rings_nowhere(tmp_path: Path, people: int) -> None:
    summary = write(tmp_path / "people.csv", people, AREAS)
    phones = set(re.findall(rb"^(\+1\d{10}),", (tmp_path / "people.csv").read_bytes(), re.MULTILINE))
    assert len(phones) == summary.channels["sms"] == 0.94 * people
    assert {phone[5:8] for phone in phones} == {b"555"}
    assert len({phone[2:5] for phone in phones}) == people / 10_000, "as many area codes as needed"


def test_every_area_code_has_numbers_that_exist(tmp_path: Path) -> None:
    codes = area_codes()
    assert len(set(codes)) == len(codes) >= 350
    assert {503, 971, 212} <= set(codes)
    assert not {800, 888, 900, 604, 809} & set(codes), "toll-free, premium, Canadian, Dominican"
    for code, line in itertools.product(codes, ("0000", "9999")):
        number = phonenumbers.parse(f"+1{code}555{line}")
        assert phonenumbers.is_possible_number(number)
        assert phonenumbers.is_valid_number(number)


def test_a_live_import_would_refuse_every_number(sample: list[dict[str, str]]) -> None:
    for phone in {row["phone"] for row in sample[:200]} - {""}:
        with pytest.raises(BadAddress):
            normal_phone(phone, Samples.REFUSED)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    one, two, other = (tmp_path / name for name in ("one.csv", "two.csv", "other.csv"))
    assert write(one, 3_000, AREAS) == write(two, 3_000, AREAS)
    write(other, 3_000, AREAS, seed=1996)
    assert digest(one) == digest(two) != digest(other)


def test_the_first_people_do_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    write(few, 10_007, AREAS)
    write(many, 20_000, AREAS)
    assert many.read_bytes().startswith(few.read_bytes())


def test_progress_ends_with_everybody(tmp_path: Path) -> None:
    heard: list[int] = []
    write(tmp_path / "people.csv", 25_000, AREAS, progress=heard.append)
    assert heard == [10_000, 20_000, 25_000]


def test_without_zip_areas_nobody_is_known_by_a_zip(tmp_path: Path) -> None:
    summary = write(tmp_path / "people.csv", 10_000, NEIGHBORHOODS)
    assert not any(row["zip"] for row in rows_of(tmp_path / "people.csv"))
    assert "zip" not in summary.kinds
    assert summary.people == 10_000


@pytest.mark.parametrize("people", [0, -1, 10_000_000])
def test_too_many_or_too_few_people_are_refused_before_a_file_is_made(tmp_path: Path, people: int) -> None:
    with pytest.raises(ValueError, match="people can be made up"):
        write(tmp_path / "people.csv", people, AREAS)
    assert not list(tmp_path.iterdir())


def test_a_city_without_neighborhoods_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="need a neighborhood"):
        write(tmp_path / "people.csv", 10, [CITY, *ZIPS])


def test_an_area_thinner_than_the_spots_that_can_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subscribers.generator.ROUNDS_MAX", 50)
    thread = an_area("Thread", "neighborhood", box(-122.6000004, 45.4, -122.6000001, 45.5))
    with pytest.raises(ValueError, match="'Thread' is too narrow"):
        write(tmp_path / "people.csv", 10, [thread])


def test_a_file_that_is_not_whole_does_not_stand_under_its_name(tmp_path: Path) -> None:
    def interrupted(_written: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "people.csv", 25_000, AREAS, progress=interrupted)
    assert not (tmp_path / "people.csv").exists()
