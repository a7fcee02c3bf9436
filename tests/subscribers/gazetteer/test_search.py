"""From what residents text to a block: the right one, several to choose from, or honestly nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from notify import city
from notify.db import Database
from subscribers import atlas
from subscribers.areas import NamedShape, read_areas
from subscribers.dialog.hearing import fold
from subscribers.dialog.turn import Sight
from subscribers.gazetteer.address import street
from subscribers.gazetteer.blocks import metres
from subscribers.gazetteer.search import Gazetteer
from subscribers.place import NamedPlace, Point
from tests.subscribers.gazetteer.gazetteer_factory import (
    APART,
    BOX,
    NOON,
    PACK,
    SURE,
    a_row,
    houses,
    sample_city,
    spot,
    streets,
    words,
)

CHAT = sorted({line for line in (Path(__file__).parent / "chat.txt").read_text("utf-8").splitlines() if line})
GAZETTEER = Gazetteer(city.aliases(PACK))


@pytest.fixture
def conn(db: Database) -> Iterator[Connection]:
    """Empty, on both databases."""
    with db.writer.begin() as conn:
        yield conn


@pytest.fixture(scope="module")
def portland(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The sample city, to be read only."""
    path = tmp_path_factory.mktemp("portland") / "tocsin.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    db = Database(f"sqlite:///{path}")
    db.write_now(sample_city)
    with db.reader.connect() as conn:
        yield conn
    db.close()


def found(conn: Connection, text: str) -> list[Sight]:
    return GAZETTEER.addresses(conn, text, ())


def sure(sights: list[Sight]) -> bool:
    """As the dialog decides whether it may take the first find."""
    return bool(sights) and sights[0].score >= SURE and (len(sights) == 1 or sights[0].score - sights[1].score >= APART)


@pytest.mark.parametrize(
    "text",
    [
        "1120 SW 5th Ave",
        "1120 sw fifth",
        "1120 southwest 5",
        "1120 S.W. 5th av.",
        "1120 SW 5TH AVE PORTLAND OR 97204",
        "1120 sw 5th apt 3",
        "1120 SW 5th Ave #4, Portland, Oregon 97204-1234",
        "i live at 1120 sw 5th ave",
        "1120 5th ave sw",
        "1120 5th 97204",
        "1120-1124 sw 5th",
        '1120 SW 5th* near "us"',
    ],
)
def test_an_address_in_any_spelling_is_surely_found_and_kept_as_its_block(portland: Connection, text: str) -> None:
    sights = found(portland, text)
    assert sure(sights)
    assert sights[0].words == spot(sights[0]).block == "1100 block SW 5th Ave"
    assert sights[0].exact == "1120 SW 5th Ave (Downtown, 97204)" and sights[0].zip == "97204"


def test_houses_of_the_sample_are_found_in_their_zip_and_never_told(portland: Connection) -> None:
    for house in houses()[::5]:
        first = found(portland, f"{house['number']} {house['street']} {house['zip']}")[0]
        at = spot(first)
        assert first.score > 0.95, house
        assert metres((at.lat, at.lon), (float(house["lat"]), float(house["lon"]))) < 250, house
        assert (at.lat, at.lon) != (float(house["lat"]), float(house["lon"])), house


def test_without_a_direction_every_street_of_that_name_is_a_choice(portland: Connection) -> None:
    sights = found(portland, "1120 5th")
    assert sorted(words(sights)) == ["1100 block NE 5th Ave", "1100 block SE 5th Ave", "1100 block SW 5th Ave"]
    assert not sure(sights)
    for sight in sights:
        assert words(GAZETTEER.addresses(portland, "1120 5th", [sight.spot]))[0] == sight.words, "the nearest to a saved place"


def test_without_a_kind_the_avenue_and_the_place_are_a_choice(portland: Connection) -> None:
    assert words(found(portland, "1120 se 82"))[:2] == ["1100 block SE 82nd Ave", "1100 block SE 82nd Pl"]
    assert not sure(found(portland, "1120 se 82")) and sure(found(portland, "1120 se 82nd pl"))


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("12205 SE Fostr Rd", "12200 block SE Foster Rd"),
        ("12205 fostr", "12200 block SE Foster Rd"),
        ("3020 se hawthorn", "3000 block SE Hawthorne Blvd"),
        ("3020 hawthorn", "3000 block SE Hawthorne Blvd"),
        ("1220 N Lombrad St", "1200 block N Lombard St"),
        ("2020 killingworth", "2000 block NE Killingsworth St"),
    ],
)
def test_a_misspelt_street_is_found(portland: Connection, text: str, block: str) -> None:
    assert block in words(found(portland, text))


def test_leading_zeros_are_another_house(portland: Connection) -> None:
    assert words(found(portland, "0123 S Curry St")) == ["0100 block S Curry St"] and sure(found(portland, "0123 S Curry St"))
    assert words(found(portland, "123 S Curry St")) == ["100 block SW Curry St"] and not sure(found(portland, "123 S Curry St"))
    assert words(found(portland, "0123 SW Curry St")) == ["0100 block S Curry St"], "as it was called before 2020"


@pytest.mark.parametrize(
    "text",
    [
        "99999 SW 5th Ave",
        "1120 SW Nowhere Ave",
        "12 Xyzzy",
        "1120 55th",
        "52 drop table",
        "asdf street 9",
        "1120",
        "SW 5th Ave",
        "",
        "0 SW 5th Ave foo bar baz qux",
    ],
)
def test_what_is_not_there_is_not_found(portland: Connection, text: str) -> None:
    assert not sure(found(portland, text))


def test_a_wrong_zip_or_direction_is_asked_about(portland: Connection) -> None:
    for text in ("1120 SW 5th Ave 97232", "1120 NW 5th Ave", "12205 NE Foster Rd"):
        assert found(portland, text) and not sure(found(portland, text)), text


def test_a_block_between_known_ones_is_measured_out_at_a_lower_score(conn: Connection, tmp_path: Path) -> None:
    streets(conn, tmp_path, *(a_row(number, lat=45.5 + number * 8e-6) for number in (1020, 1080, 1520, 1580)))
    (known,), (between,), (beyond,) = (Gazetteer().addresses(conn, f"{number} SW 5th Ave", ()) for number in (1020, 1250, 1620))
    assert 1 == known.score > between.score > beyond.score >= SURE
    assert between.words == "1200 block SW 5th Ave" and spot(between).lat == pytest.approx(45.51, abs=5e-4)
    assert spot(beyond).lat == pytest.approx(45.5124, abs=5e-4), "the last known block"
    assert Gazetteer().addresses(conn, "3050 SW 5th Ave", ()) == []


def test_two_streets_of_one_name_and_numbering_are_two_places_and_never_the_middle(conn: Connection, tmp_path: Path) -> None:
    streets(conn, tmp_path, a_row(120, "Main St", "97204", 45.5), a_row(120, "Main St", "97203", 45.6))
    sights = Gazetteer().addresses(conn, "120 Main St", ())
    assert sorted((sight.zip, spot(sight).lat) for sight in sights) == [("97203", 45.6), ("97204", 45.5)]
    assert not sure(sights)
    assert [sight.zip for sight in Gazetteer().addresses(conn, "120 Main St 97203", ())][:1] == ["97203"]


@pytest.mark.parametrize(
    "text", ["SE 82nd and Foster", "82nd & foster", "corner of 82nd and Foster Rd", "eighty second and foster"]
)
def test_a_corner_is_found_where_its_streets_meet(portland: Connection, text: str) -> None:
    (first, *_) = sights = found(portland, text)
    assert sure(sights) and first.words == "SE 82nd Ave & SE Foster Rd" and first.exact == f"{first.words} (Lents, {first.zip})"
    assert metres((spot(first).lat, spot(first).lon), (45.4832, -122.5786)) < 60


@pytest.mark.parametrize("text", ["Lombard and Foster", "SE 5th and 82nd", "82nd and 82nd", "Foster and nowhere"])
def test_streets_that_do_not_meet_have_no_corner(portland: Connection, text: str) -> None:
    assert found(portland, text) == []


@pytest.mark.parametrize(
    ("text", "areas"),
    [
        ("Lents", ["Lents"]),
        ("LENTS!", ["Lents"]),
        ("the lents neighborhood", ["Lents"]),
        ("st. johns", ["St Johns"]),
        ("St John's", ["St Johns"]),
        ("saint johns", ["St Johns"]),
        ("the pearl", ["Pearl"]),
        ("pearl district", ["Pearl"]),
        ("cully", ["Cully"]),
        ("culy", ["Cully"]),
        ("montavila", ["Montavilla"]),
        ("downtown portland or", ["Downtown"]),
        ("hayden", ["Hayden Island"]),
        ("powellhurst", ["Powellhurst-Gilbert"]),
        ("north portland", ["North Portland"]),
        ("sunny", ["Sunnyside", "Sunderland"]),
        ("82nd", ["Cully", "Montavilla", "Lents"]),
        ("gresham", []),
        ("atlantis", []),
    ],
)
def test_neighbourhoods_by_name_alias_beginning_and_likeness(portland: Connection, text: str, areas: list[str]) -> None:
    assert [sight.spot for sight in GAZETTEER.named(portland, text)] == [NamedPlace(area) for area in areas]


def test_a_name_for_several_areas_is_asked_about(portland: Connection) -> None:
    assert not sure(GAZETTEER.named(portland, "sunny"))
    assert words(found(portland, "82nd")) == ["Cully", "Montavilla", "Lents"] and not sure(found(portland, "82nd"))


def test_every_area_is_found_by_its_name_and_most_with_a_letter_missing(portland: Connection) -> None:
    names = [area.name for area in atlas.areas(portland) if area.kind in ("neighborhood", "district")]
    slips = [(name, name[:at] + name[at + 1 :]) for name in names for at in range(2, len(name))]
    assert all(GAZETTEER.named(portland, name)[0].spot == NamedPlace(name) for name in names)
    missed = [slip for name, slip in slips if NamedPlace(name) not in [sight.spot for sight in GAZETTEER.named(portland, slip)]]
    assert len(missed) < len(slips) / 20, missed


def test_an_alias_of_no_known_area_leads_nowhere(portland: Connection) -> None:
    assert Gazetteer({"shangri la": ("Shangri-La",)}).named(portland, "shangri la") == []
    known = {area.name for area in atlas.areas(portland)}
    assert {area for some in city.aliases(PACK).values() for area in some} <= known


def test_an_area_is_found_by_its_name_in_another_language(conn: Connection) -> None:
    lents = next(
        area for area in read_areas((PACK / "areas" / "neighborhoods.geojson").read_bytes(), BOX).areas if area.name == "Lents"
    )
    named = NamedShape(name="Lents", kind=lents.kind, shape=lents.shape, names={"ru": "Лентс"})
    atlas.keep(conn, [named], "test", NOON)
    assert [sight.spot for sight in Gazetteer().named(conn, "лентс")] == [NamedPlace("Lents")]


@pytest.mark.parametrize("text", CHAT)
def test_ordinary_words_are_no_places(portland: Connection, text: str) -> None:
    assert GAZETTEER.named(portland, text) == []
    assert found(portland, text) == []


def test_the_list_of_ordinary_words_is_long() -> None:
    assert len(CHAT) >= 250


def test_no_street_is_taken_for_a_neighbourhood_of_another_name(portland: Connection) -> None:
    known = {fold(area.name) for area in atlas.areas(portland)}
    bare = {street(house["street"]).name for house in houses()} - {"82"}  # which is an alias, for what lies along it
    wrong = {name: words(GAZETTEER.named(portland, name)) for name in bare - known if GAZETTEER.named(portland, name)}
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "100 %%%",
        '1120 "SW" OR 1=1',
        "'; --",
        "\x00",
        "1120 \x00",
        "\ud800 1120",
        "1 " * 900,
        "foster" * 300,
        "1120 SW " + "x" * 5_000,
        "9" * 3_000,
        "1120 " + "st " * 600,
        "1 & " * 500,
        "()[]{}^$|\\",
        "100 _____ st",
    ],
)
def test_hostile_text_finds_nothing_and_harms_nothing(portland: Connection, text: str) -> None:
    assert found(portland, text) == []
    assert GAZETTEER.named(portland, text) == []


@settings(max_examples=150, deadline=timedelta(seconds=5))
@given(st.text(max_size=80) | st.text(alphabet="0123456789 SWsw5th&/#'\"%_*\x00", max_size=40))
def test_no_text_raises_or_matches_everything(portland: Connection, text: str) -> None:
    for sight in (*found(portland, text), *GAZETTEER.named(portland, text)):
        assert 0 < sight.score <= 1
    assert len(found(portland, text)) <= 5 and len(GAZETTEER.named(portland, text)) <= 5


def test_both_databases_find_the_same(conn: Connection, portland: Connection) -> None:
    sample_city(conn)
    for text in ("1120 5th", "1250 sw 5th", "0123 S Curry", "82nd & foster", "12205 se fostr", "1120 se 82 97206"):
        assert Gazetteer().addresses(conn, text, ()) == Gazetteer().addresses(portland, text, ())


def test_a_new_edition_and_a_new_area_are_seen_at_once(conn: Connection, tmp_path: Path) -> None:
    gazetteer = Gazetteer()
    assert gazetteer.addresses(conn, "1120 SW 5th Ave", ()) == []
    streets(conn, tmp_path, a_row(), a_row(1140))
    (bare,) = gazetteer.addresses(conn, "1120 SW 5th Ave", ())
    assert bare.exact == "1120 SW 5th Ave (97204)"
    square = shapely.box(-122.7, 45.5, -122.6, 45.6)
    atlas.keep(conn, [NamedShape(name="Old Town", kind="neighborhood", shape=square)], "test", NOON)
    (placed,) = gazetteer.addresses(conn, "1120 SW 5th Ave", ())
    assert placed.exact == "1120 SW 5th Ave (Old Town, 97204)"
    streets(conn, tmp_path, a_row(10, "Main St"))
    assert gazetteer.addresses(conn, "1120 SW 5th Ave", ()) == []


def test_many_threads_may_ask_at_once_while_the_map_is_read(db: Database, tmp_path: Path) -> None:
    with db.writer.begin() as conn:
        streets(conn, tmp_path, *(a_row(1120, f"SW {name} St", lat=45.5) for name in ("Alder", "Oak", "Stark", "Yamhill")))
    gazetteer, wrong = Gazetteer(), []

    def ask(name: str) -> None:
        for _ in range(20):
            with db.reader.connect() as conn:
                got = words(gazetteer.addresses(conn, f"1120 SW {name}", ()))
            if got != [f"1100 block SW {name} St"]:
                wrong.append(got)

    threads = [Thread(target=ask, args=(name,)) for name in ("Alder", "Oak", "Stark", "Yamhill")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_saved_point_is_equal_with_and_without_its_words(portland: Connection) -> None:
    (first, *_) = found(portland, "1120 SW 5th Ave")
    assert first.spot == Point(spot(first).lat, spot(first).lon)
