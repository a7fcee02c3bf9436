"""Lists of places of help: read whole or refused whole, turned on and off, the nearest found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import relief
from subscribers.relief import COLUMNS, NAME_MAX, ReliefSite, nearest, turned, written
from subscribers.sheet import BadFile
from tests.subscribers.factories import ENVELOPE

HEADER = ",".join(COLUMNS)
LENTS = "Lents School,SHELTER,9200 block SE Foster Rd,45.4797,-122.567,yes,24/7,yes,no"
TOPICS = {"SHELTER", "WATER"}


def read(*lines: str, header: str = HEADER) -> tuple[ReliefSite, ...]:
    return relief.read("\n".join([header, *lines]) + "\n", TOPICS, ENVELOPE)


def problems(*lines: str, header: str = HEADER) -> list[str]:
    with pytest.raises(BadFile) as raised:
        read(*lines, header=header)
    return list(raised.value.problems)


def a_site(name: str = "Lents School", **fields: object) -> ReliefSite:
    (site,) = read(LENTS)
    values = {each: getattr(site, each) for each in ReliefSite.__slots__} | {"name": name} | fields
    return ReliefSite(**values)


def test_a_row_is_a_site() -> None:
    assert read("", LENTS.replace("SHELTER", "shelter").replace("yes", "Yes"), ",,,,,,,,") == (
        ReliefSite(
            name="Lents School",
            topic="SHELTER",
            address="9200 block SE Foster Rd",
            lat=45.4797,
            lon=-122.567,
            is_open=True,
            hours="24/7",
            pets=True,
            wheelchair=False,
        ),
    )


def test_columns_may_stand_in_any_order_and_behind_a_byte_order_mark() -> None:
    header = "\ufeff" + ",".join(reversed(COLUMNS)).upper()
    assert read(",".join(reversed(LENTS.split(","))), header=header) == read(LENTS)


def test_everything_wrong_in_a_list_comes_at_once_and_nothing_is_taken() -> None:
    said = problems(
        LENTS,
        LENTS.replace("Lents School", "x" * (NAME_MAX + 1)).replace("SHELTER", "PIZZA"),
        LENTS.replace("-122.567", "122.567"),
        LENTS.replace("24/7", "always").replace("yes", "maybe"),
        LENTS + ",more",
        LENTS.upper().replace("YES", "no"),
    )
    for part in (
        f"Line 3: name must be 1 to {NAME_MAX}",
        "Line 3: topic 'PIZZA' must be one of SHELTER, WATER",
        "Line 4: The minus sign of the longitude is missing",
        "Line 5: hours 'always' must be 24/7 or like",
        "Line 5: open 'maybe' must be yes or no",
        "Line 5: pets 'maybe' must be yes or no",
        "Line 6: the row has 10 cells",
        "'lents school' stands in the file twice",
    ):
        assert any(part in one for one in said), (part, said)


@pytest.mark.parametrize("header", ["", "name,open", HEADER + ",pets", HEADER.replace("pets", "dogs")])
def test_another_header_is_refused(header: str) -> None:
    assert problems(header=header) == [f"The first line must name the columns {HEADER}."]


letters = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


@given(
    name=letters, address=letters, is_open=st.booleans(), hours=st.sampled_from(["24/7", "8:00-20:00", "18:30-6:00"]),
    pets=st.booleans(), wheelchair=st.booleans(), lat=st.integers(45_410_000, 45_690_000),
)  # fmt: skip
def test_what_is_written_is_read_again(
    name: str, address: str, is_open: bool, hours: str, pets: bool, wheelchair: bool, lat: int
) -> None:
    site = a_site(name, address=address, is_open=is_open, hours=hours, pets=pets, wheelchair=wheelchair, lat=lat / 1e6)
    assert relief.read(written([site]), TOPICS, ENVELOPE) == (site,)


def test_sites_are_opened_and_closed_by_name_however_it_is_capitalised() -> None:
    sites = (a_site("Lents School"), a_site("Cully Hall"))
    closed = turned(sites, ["lents  school"], is_open=False)
    assert [site.is_open for site in closed] == [False, True]
    assert turned(closed, ["LENTS SCHOOL"], is_open=True) == sites
    with pytest.raises(LookupError, match="no site called 'Nowhere'"):
        turned(sites, ["Nowhere", "Cully Hall"], is_open=False)


def test_the_two_nearest_come_first() -> None:
    sites = [a_site("far", lon=-122.8), a_site("near", lon=-122.571), a_site("nearest", lon=-122.568)]
    assert [site.name for site in nearest(sites, 45.4797, -122.567)] == ["nearest", "near"]
    assert nearest([], 45.5, -122.6) == []
