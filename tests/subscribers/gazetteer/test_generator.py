"""The sample city's addresses: made by the generator, marked as such, each inside its ZIP area."""

from pathlib import Path

import shapely

from subscribers.areas import read_areas
from subscribers.gazetteer import generator, importing
from subscribers.gazetteer.address import street
from tests.subscribers.gazetteer.gazetteer_factory import BOX, PACK, houses

ZIPS = {area.name: area.shape for area in read_areas((PACK / "areas" / "zips.geojson").read_bytes(), BOX).areas}


def test_the_file_of_the_pack_is_the_generator_s(tmp_path: Path) -> None:
    generator.write(tmp_path / "made.csv", ZIPS)
    assert (tmp_path / "made.csv").read_bytes() == (PACK / "gazetteer.csv").read_bytes()


def test_every_house_lies_in_its_zip_and_is_marked_as_made_up() -> None:
    for house in houses():
        assert shapely.intersects_xy(ZIPS[house["zip"]], float(house["lon"]), float(house["lat"])), house
        assert house["note"] == "generated sample"


def test_the_file_has_no_fault_and_every_sextant() -> None:
    found = importing.survey(PACK / "gazetteer.csv", BOX, lambda done, total: None)
    assert found.notes == [] and 1_000 < found.houses < 3_000
    assert {street(house["street"]).direction for house in houses()} == {"N", "NE", "NW", "S", "SE", "SW"}
    assert any(house["number"].startswith("0") for house in houses())


def test_numbers_along_a_street_go_one_way() -> None:
    by_street: dict[str, list[tuple[int, float, float]]] = {}
    for house in houses():
        by_street.setdefault(house["street"], []).append((int(house["number"]), float(house["lat"]), float(house["lon"])))
    for name, some in by_street.items():
        numbers = [number for number, *_ in some]
        assert numbers == sorted(set(numbers)), name
