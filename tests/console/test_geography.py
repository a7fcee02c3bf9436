"""The page of areas: what there is, and an import that is looked at before it is done."""

import json
import re
from typing import Any

import pytest

from notify import audit
from notify.alerts.area_import import NO_SOURCE, UNSEEN, km2
from notify.console.geography import NOTHING
from subscribers import areas, atlas
from tests.console.staff_factory import Browser, House, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")


def square(west: float, south: float, side: float = 0.02) -> dict[str, Any]:
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(name: str, geometry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": name, "kind": "district"} | more, "geometry": geometry}


def collection(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1)


def kept(house: House) -> dict[str, areas.NamedShape]:
    return {area.name: area for area in house.served.running.service.db.read_now(atlas.areas)}


async def look(browser: Browser, geojson: str, **more: str) -> Page:
    await browser.get("/areas")
    return await browser.post("/areas", {"geojson": geojson, "source": "city survey", "act": "check"} | more)


def seen(page: Page) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page.text)
    return found[1] if found else ""


async def test_areas_are_listed_by_kind_with_their_day_and_the_whole_city_is_marked(house: House) -> None:
    page = await (await house.signed_in("viewer")).get("/areas")
    assert page.status == 200 and "Portland" in page.words and "Lents" in page.words
    assert "whole city" in page.words and re.search(r"imported \d{4}-\d\d-\d\d", page.words)
    assert 'name="geojson"' not in page.text, "only an administrator imports"


async def test_looking_at_a_file_says_everything_and_keeps_nothing(house: House) -> None:
    admin, before = await house.signed_in("admin"), kept(house)
    crooked = {
        "type": "Polygon",
        "coordinates": [[[-122.6, 45.5], [-122.5, 45.6], [-122.5, 45.5], [-122.6, 45.6], [-122.6, 45.5]]],
    }
    far = square(2.3, 48.8)
    faulty = (feature("Bow", crooked), feature("Paris", far), feature("Odd", far, kind="moon"))
    page = await look(admin, collection(feature("Harbor", square(-122.7, 45.5)), *faulty))
    assert page.status == 200 and "Import 1 areas" in page.words and "Harbor" in page.words
    for said in ('Feature 2 ("Bow")', 'Feature 3 ("Paris")', 'Feature 4 ("Odd")', "the kind is 'moon'"):
        assert said in page.words
    assert kept(house) == before


async def test_what_was_looked_at_is_imported_and_stands_in_the_log(house: House) -> None:
    admin = await house.signed_in("admin")
    text = collection(feature("Old Town", square(-122.68, 45.52)), feature("", square(-122.6, 45.5)))
    page = await look(admin, text)
    page = await admin.post("/areas", {"geojson": text, "source": "city survey", "act": "import", "seen": seen(page)})
    assert page.status == 200 and "1 areas imported. Problems: 1." in page.words and "city survey" in page.words
    assert kept(house)["Old Town"].kind == "district"
    lines = [one for one in house.served.running.service.db.read_now(audit.lines) if one.action == "imported areas"]
    (line,) = [one for one in lines if "Old Town" in json.loads(one.detail)["names"]]
    assert line.actor == "admin" and line.subject == "city survey" and json.loads(line.detail)["names"] == ["Old Town"]


async def test_an_area_that_would_shrink_is_shown_beside_what_it_was(house: House) -> None:
    admin = await house.signed_in("admin")
    whole, part = square(-122.65, 45.5), square(-122.65, 45.5, 0.01)
    page = await look(admin, collection(feature("Pier", whole)))
    await admin.post(
        "/areas", {"geojson": collection(feature("Pier", whole)), "source": "a", "act": "import", "seen": seen(page)}
    )
    page = await look(admin, collection(feature("Pier", part)))
    assert "25 % the same" in page.words and "table-warning" in page.text
    page = await look(admin, collection(feature("Pier", whole)))
    assert "100 % the same" in page.words and "table-warning" not in page.text


async def test_nothing_is_imported_that_was_not_looked_at(house: House) -> None:
    admin = await house.signed_in("admin")
    page = await look(admin, collection(feature("Quay", square(-122.7, 45.55))))
    other = collection(feature("Quay", square(-122.6, 45.45)))
    page = await admin.post("/areas", {"geojson": other, "source": "x", "act": "import", "seen": seen(page)})
    assert page.status == 422 and UNSEEN in page.words and "Quay" not in kept(house)
    page = await admin.post("/areas", {"geojson": other, "source": "", "act": "import", "seen": seen(page)})
    assert page.status == 422 and NO_SOURCE in page.words and "Quay" not in kept(house)


async def test_line_ends_of_another_browser_are_the_same_text(house: House) -> None:
    admin = await house.signed_in("admin")
    text = collection(feature("Slip", square(-122.69, 45.53)))
    page = await look(admin, text)
    sent = {"geojson": text.replace("\n", "\r\n"), "source": "x", "act": "import", "seen": seen(page)}
    assert (await admin.post("/areas", sent)).status == 200 and "Slip" in kept(house)


@pytest.mark.parametrize(("typed", "sentence"), [
    ("", NOTHING), ("{", "The file is not JSON"), ('{"type": "Point"}', "FeatureCollection"), (collection(), "no features"),
])  # fmt: skip
async def test_what_is_no_file_of_areas_is_said(house: House, typed: str, sentence: str) -> None:
    admin, before = await house.signed_in("admin"), kept(house)
    for act in ("check", "import"):
        page = await look(admin, typed, act=act)
        assert sentence in page.words and "<h1>Areas</h1>" in page.text
    assert kept(house) == before


async def test_sizes_are_right_to_a_percent() -> None:
    shape = areas.circle(45.5, -122.6, 1_000)
    assert km2(shape) == pytest.approx(3.1416, rel=0.01)
