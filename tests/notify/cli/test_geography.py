"""Areas come in from GeoJSON: the sound ones are kept, each broken one is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from shapely import to_geojson
from shapely.geometry import box

from tests.notify.cli.command_line import Shell
from tests.notify.newsroom_factory import PACK

LENTS = json.loads(to_geojson(box(-122.60, 45.46, -122.56, 45.50)))


def a_feature(name: str | None = "Lents", geometry: Any = LENTS, **properties: Any) -> dict[str, Any]:
    named = {"name": name} if name is not None else {}
    return {"type": "Feature", "properties": {**named, "kind": "district", **properties}, "geometry": geometry}


def a_file(folder: Path, *features: dict[str, Any]) -> Path:
    path = folder / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def test_the_sample_citys_areas_come_in(installed: Shell) -> None:
    said = installed("areas", "import", PACK / "areas" / "city.geojson", "--json")
    assert said.code == 0 and said.data["imported"] == ["Portland"]
    assert installed("areas", "list", "--json").data == [{"name": "Portland", "kind": "city", "citywide": True}]
    assert "Portland" in installed("areas", "list").out


def test_a_dry_run_keeps_nothing(installed: Shell, tmp_path: Path) -> None:
    assert installed("areas", "import", a_file(tmp_path, a_feature()), "--dry-run").code == 0
    said = installed("areas", "list")
    assert said.code == 1 and "There are no areas yet" in said.errors


def test_a_broken_area_is_named_and_the_others_are_kept(installed: Shell, tmp_path: Path) -> None:
    crossing = {
        "type": "Polygon",
        "coordinates": [[[-122.6, 45.46], [-122.5, 45.5], [-122.5, 45.46], [-122.6, 45.5], [-122.6, 45.46]]],
    }
    far = json.loads(to_geojson(box(2.2, 48.8, 2.4, 48.9)))
    file = a_file(tmp_path, a_feature("Bow tie", crossing), a_feature(), a_feature("Paris", far), a_feature(None))
    said = installed("areas", "import", file)
    assert said.code == 1
    problems = said.errors.strip().splitlines()
    assert len(problems) >= 3 and all(problem.startswith("areas.geojson: ") for problem in problems)
    assert any("Bow tie" in problem for problem in problems) and any("Paris" in problem for problem in problems)
    assert [area["name"] for area in installed("areas", "list", "--json").data] == ["Lents"]


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"type": "FeatureCollection"}', "\x00"])
def test_a_file_that_is_no_geojson_is_named(installed: Shell, tmp_path: Path, content: str) -> None:
    file = tmp_path / "areas.geojson"
    file.write_text(content)
    said = installed("areas", "import", file)
    assert said.code == 1 and "areas.geojson: " in said.errors


def test_a_file_that_is_not_there_is_wrong_usage(installed: Shell, tmp_path: Path) -> None:
    said = installed("areas", "import", tmp_path / "gone.geojson")
    assert said.code == 2 and "gone.geojson is not there" in said.errors
