"""From what residents text to a block: the right one, several to choose from, or honestly nothing."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from notify.clock import ManualClock
from notify.db import Database
from subscribers import atlas
from subscribers.areas import read_areas
from subscribers.dialog.turn import Sight
from subscribers.gazetteer import generator, importing
from subscribers.gazetteer.address import Parsed, parse
from subscribers.gazetteer.importing import BadGazetteer
from subscribers.gazetteer.likeness import likeness, trigrams
from subscribers.gazetteer.search import Gazetteer
from subscribers.place import Envelope, NamedPlace, Point

PACK = Path(__file__).parents[3] / "city" / "portland"
BOX = Envelope(west=-123.3, south=45.2, east=-122.1, north=45.8)
SURE = 0.8


@pytest.fixture
def conn(db: Database, clock: ManualClock) -> Iterator[Connection]:
    """The sample city, imported."""

    def fill(conn: Connection) -> None:
        for file in ("zips", "neighborhoods", "districts"):
            atlas.keep(conn, read_areas((PACK / "areas" / f"{file}.geojson").read_bytes(), BOX).areas, file, clock.now())
        assert importing.keep(conn, PACK / "gazetteer.csv", BOX).problems == []

    db.write_now(fill)
    with db.reader.connect() as conn:
        yield conn


def exacts(sights: list[Sight]) -> list[str]:
    return [sight.words for sight in sights]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("1120 SW 5th Ave", Parsed(number="1120", direction="SW", name="5", kind="Ave")),
        ("1120 sw fifth avenue", Parsed(number="1120", direction="SW", name="5", kind="Ave")),
        ("1120 SW 5TH AVE PORTLAND OR 97204", Parsed(number="1120", direction="SW", name="5", kind="Ave", zip="97204")),
        ("97206 1120 se 82", Parsed(number="1120", direction="SE", name="82", kind="", zip="97206")),
        ("12205 SE Foster Rd", Parsed(number="12205", direction="SE", name="foster", kind="Rd")),
        ("0123 S Curry St", Parsed(number="0123", direction="S", name="curry", kind="St")),
        ("1120 5th apt 3", Parsed(number="1120", direction="", name="5", kind="")),
        ("4000 north lombard street #12", Parsed(number="4000", direction="N", name="lombard", kind="St")),
        ("I live at 100 southeast Hawthorne blvd.", Parsed(number="100", direction="SE", name="hawthorne", kind="Blvd")),
        ("Lents", None),
        ("97214", None),
        ("42", None),
        ("", None),
    ],
)
def test_an_address_is_taken_apart(text: str, parsed: Parsed | None) -> None:
    assert parse(text) == parsed


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    parse(text)


@given(st.text(min_size=1, max_size=20))
def test_a_name_is_most_like_itself(name: str) -> None:
    assert likeness(trigrams(name), trigrams(name)) == 1.0


def test_an_exact_address_is_found_surely_and_kept_as_its_block(conn: Connection) -> None:
    first, *_ = Gazetteer().addresses(conn, "1120 SW 5th Ave", ())
    assert first.words == "1100 block SW 5th Ave" and first.score >= SURE
    assert isinstance(first.spot, Point) and first.spot.block == first.words
    assert "1120" in first.exact and "1120" not in first.words


def test_without_a_direction_every_street_of_that_name_is_a_choice(conn: Connection) -> None:
    found = Gazetteer().addresses(conn, "1120 5th", ())
    assert len({sight.words for sight in found}) >= 3
    assert found[0].score - found[1].score < 0.1
    near = Gazetteer().addresses(conn, "1120 5th", [found[-1].spot])
    assert near[0].words == found[-1].words


@pytest.mark.parametrize("text", ["12205 SE Fostr Rd", "3020 se hawthorn", "1220 N Lombrad St", "1220 n lombard"])
def test_a_misspelt_street_is_found(conn: Connection, text: str) -> None:
    assert Gazetteer().addresses(conn, text, ())[0].score >= 0.6


def test_leading_zeros_are_another_house(conn: Connection) -> None:
    found = Gazetteer().addresses(conn, "0120 S Curry St", ())
    assert exacts(found)[:1] == ["0100 block S Curry St"]
    assert not any(sight.words.startswith("0") for sight in Gazetteer().addresses(conn, "120 S Curry St", ()))


@pytest.mark.parametrize("text", ["99999 SW 5th Ave", "1120 SW Nowhere Ave", "12 Xyzzy", "52 drop table", "100 %%%"])
def test_what_is_not_there_is_not_found(conn: Connection, text: str) -> None:
    assert [sight for sight in Gazetteer().addresses(conn, text, ()) if sight.score >= SURE] == []


def test_neighbourhoods_by_name_beginning_alias_and_likeness(conn: Connection) -> None:
    gazetteer = Gazetteer({"saint johns": ("St Johns",)})
    assert gazetteer.named(conn, "Lents")[0].spot == NamedPlace("Lents")
    assert exacts(gazetteer.named(conn, "saint johns")) == ["St Johns"]
    assert exacts(gazetteer.named(conn, "montavila"))[0] == "Montavilla"
    assert exacts(gazetteer.named(conn, "sunny")) == ["Sunnyside"]


CHAT = """hi|hello|thanks|thank you|ok|yes please|what|who is this|no|help|stop|water|where are you|when|why|is it
safe|can i drink the water|lol|good morning|how are you|call me|what is this|new phone who
dis|wrong|test|alert|fire|smoke|news|weather|rain|snow|heat|my name is sam|please|sure|maybe|later|i
see|great|cool|nice|boil|boiling|shelter|school|work|home|mom|dad|kids|dog|cat|pets|ice|coffee| shower|bath|wa
sh|teeth|food|baby|doctor|sick|power|gas|road|bridge|bus|train|max|car|bike|walk|run|street|city|county|state|
mayor| police|911|311|phone|text|message|number|address|place|list|add|remove|change|language|english|spanish|
si|da|da da|bye|good night| tomorrow|today|now|soon|never|always|free|cost|money|pay|bill|who|whom|which|whose
|that|this|these|those|here|there|everywhere"""


def test_ordinary_words_are_no_places(conn: Connection) -> None:
    gazetteer = Gazetteer()
    chat = {" ".join(one.split()) for one in CHAT.split("|")}
    assert [text for text in sorted(chat) if gazetteer.named(conn, text) or gazetteer.addresses(conn, text, ())] == []


def test_the_sample_file_is_the_generator_s(tmp_path: Path) -> None:
    zips = {area.name: area.shape for area in read_areas((PACK / "areas" / "zips.geojson").read_bytes(), BOX).areas}
    generator.write(tmp_path / "made.csv", zips)
    assert (tmp_path / "made.csv").read_bytes() == (PACK / "gazetteer.csv").read_bytes()


def test_bad_rows_are_named_and_the_others_kept(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "addresses.csv"
    rows = [
        ("1120", "SW 5th Ave", "97204", "45.515", "-122.68"),
        ("1120", "SW 5th Ave", "97204", "45.515", "-122.68"),
        ("12a4", "SW 5th Ave", "9720", "45.515", "-122.68"),
        ("7", "", "97204", "-122.68", "45.515"),
        ("1122", "SW 5th Ave", "97204", "45.516", "-122.68"),
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([importing.COLUMNS, *rows])
    dry = db.write_now(lambda conn: importing.keep(conn, path, BOX, dry_run=True))
    done = db.write_now(lambda conn: importing.keep(conn, path, BOX))
    assert (dry.houses, dry.bad) == (done.houses, done.bad) == (2, 3)
    assert done.problems[0] == "Line 3: 1120 SW 5th Ave is in line 2 already."
    assert "'12a4' is not one to six digits" in done.problems[1] and "five-digit ZIP" in done.problems[1]
    assert "street is empty" in done.problems[2] and "swapped" in done.problems[2]
    again = db.write_now(lambda conn: importing.keep(conn, path, BOX))
    assert again.houses == 2, "a second import replaces the first"


@pytest.mark.parametrize(("content", "said"), [(b"number,street\n1,x\n", "no column zip"), (b"\xff\xfe1", "not UTF-8")])
def test_a_file_of_another_kind_changes_nothing(db: Database, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    with pytest.raises(BadGazetteer, match=said):
        db.write_now(lambda conn: importing.keep(conn, path, BOX))
