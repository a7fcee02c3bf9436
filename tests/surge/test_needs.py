"""Needs: what may follow what, and that nothing that is shown points at a household."""

import csv
import io
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.desk import needs
from surge.desk.needs import ALLOWED, COARSEST, FINEST, LEAST, STEP, TERMINAL, Need, NeedStatus, bounds, cell, published, step

CITY = st.builds(
    lambda lat, lon, people, code: Need(code=code, people=people, cell=cell(lat, lon)),
    st.floats(45.43, 45.62),
    st.floats(-122.84, -122.47),
    st.integers(1, 9),
    st.sampled_from(["WATER_DELIVERY", "DIALYSIS"]),
)
AREAS = st.builds(
    lambda code, people, area: Need(code=code, people=people, area=area),
    st.sampled_from(["WATER_DELIVERY", "ASL"]),
    st.integers(1, 4),
    st.sampled_from(["", "97206", "97233"]),
)


@pytest.mark.parametrize("status", NeedStatus)
def test_every_need_can_be_brought_to_an_end_and_an_end_stays(status: NeedStatus) -> None:
    if status in TERMINAL:
        assert ALLOWED[status] == frozenset()
    else:
        assert ALLOWED[status] >= TERMINAL


def test_what_is_met_is_not_routed_again() -> None:
    assert step(NeedStatus.LOGGED, NeedStatus.ROUTED) is NeedStatus.ROUTED
    with pytest.raises(needs.NotThere, match="This need is met; it cannot become routed"):
        step(NeedStatus.MET, NeedStatus.ROUTED)


@given(st.floats(-84, 84), st.floats(-179.99, 179.99), st.integers(1, 20))
def test_a_point_lies_in_its_cell_and_the_cell_in_the_coarser_one(lat: float, lon: float, digits: int) -> None:
    key = cell(lat, lon, digits)
    assert len(key) == digits
    west, south, east, north = bounds(key)
    assert west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9
    assert cell(lat, lon, digits + 1).startswith(key)


def test_a_cell_is_the_tile_that_maps_have_for_it() -> None:
    """The published example: column 3, row 5 of level 3 is 213."""
    west, south, east, north = bounds("213")
    assert (west, east) == (3 / 8 * 360 - 180, 4 / 8 * 360 - 180)
    assert cell((south + north) / 2, (west + east) / 2, 3) == "213"
    assert bounds("0")[3] == pytest.approx(85.0511, abs=1e-3) and bounds("3")[1] == pytest.approx(-85.0511, abs=1e-3)


@given(st.lists(CITY | AREAS, max_size=60))
def test_no_place_is_shown_with_fewer_than_five_people_and_no_cell_lies_in_another(found: list[Need]) -> None:
    shown = published(found)
    by_code: dict[str, list[str]] = defaultdict(list)
    for line in shown.lines:
        theirs = [need for need in found if need.code == line.code]
        if line.is_cell:
            there = sum(need.people for need in theirs if need.cell and need.cell.startswith(line.place))
            assert COARSEST <= len(line.place) <= FINEST
            by_code[line.code].append(line.place)
        else:
            there = sum(need.people for need in theirs if not need.cell and need.area == line.place)
        assert there >= LEAST and line.people == there // STEP * STEP
    for cells in by_code.values():
        assert not [(one, other) for one in cells for other in cells if one != other and other.startswith(one)]


@given(st.lists(CITY, max_size=40))
def test_what_is_left_out_by_subtraction_is_nobody_or_withheld(found: list[Need]) -> None:
    """Everybody with a point is in exactly one shown cell, or in a part of the map of which nothing at all is shown."""
    shown = published(found)
    for need in found:
        cells = [line.place for line in shown.lines if line.code == need.code and need.cell.startswith(line.place)]
        if not cells:
            top = need.cell[:COARSEST]
            assert shown.withheld and not any(one.place.startswith(top) for one in shown.lines if one.code == need.code)
        assert len(cells) <= 1


def test_one_household_alone_is_withheld_and_said_so() -> None:
    alone = [Need(code="DIALYSIS", people=1, cell=cell(45.52, -122.68))]
    assert published(alone) == needs.Published(lines=(), withheld=True)
    assert published([]) == needs.Published(lines=(), withheld=False)
    assert published([Need(code="ASL", people=3)]).withheld


def test_five_neighbours_are_one_fine_cell_and_a_stranger_makes_it_coarser() -> None:
    here, there = cell(45.5231, -122.6765), cell(45.5331, -122.6765)
    together = published([Need(code="WATER", people=6, cell=here)])
    assert [(line.place, line.people) for line in together.lines] == [(here, 5)]
    both = published([Need(code="WATER", people=6, cell=here), Need(code="WATER", people=1, cell=there)])
    (line,) = both.lines
    assert len(line.place) < FINEST and here.startswith(line.place) and there.startswith(line.place)


def test_the_open_data_hold_squares_and_at_least() -> None:
    shown = published([Need(code="WATER", people=12, cell=cell(45.5, -122.6)), Need(code="WATER", people=5, area="97206")])
    there = needs.geojson(shown, "note")
    square, area = there["features"]
    assert square["geometry"]["type"] == "Polygon" and len(square["geometry"]["coordinates"][0]) == 5
    assert square["properties"]["people_at_least"] == 10
    assert area["geometry"] is None and area["properties"]["place"] == "97206"
    rows = list(csv.DictReader(io.StringIO(needs.table(shown))))
    assert [row["area"] for row in rows] == ["", "97206"] and rows[0]["people_at_least"] == "10"
