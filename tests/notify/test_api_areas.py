"""Areas brought in by the API: looked at first, taken exactly as looked at, each refusal by its feature's name."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify.alerts.area_import import NO_SOURCE, UNSEEN
from notify.web.endpoints import PREFIX
from subscribers import atlas
from tests.console.test_geography import feature, square
from tests.notify.api_factory import Desk, a_desk, post

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOW = [[[-122.6, 45.5], [-122.5, 45.6], [-122.5, 45.5], [-122.6, 45.6], [-122.6, 45.5]]]
CROOKED = {"type": "Polygon", "coordinates": BOW}
LENTS = feature("Lents", square(-122.57, 45.47))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("areas") / "home", migrated_sqlite) as found:
        yield found


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def kept(desk: Desk) -> dict[str, str]:
    return {area.name: area.shape.wkt for area in desk.served.running.service.db.read_now(atlas.areas)}


async def seen(desk: Desk, geojson: dict[str, Any]) -> str:
    answer = await post(desk, "admin", "/areas/preview", {"geojson": geojson})
    assert answer.status == 200, answer.text
    return str(answer.reply["seen"])


async def taken(desk: Desk, geojson: dict[str, Any], **more: str) -> Any:
    given = {"geojson": geojson, "source": "city survey", "seen": await seen(desk, geojson)} | more
    return await post(desk, "admin", "/areas", given)


async def test_a_look_says_what_would_be_taken_replaced_and_refused_and_keeps_nothing(desk: Desk) -> None:
    before = kept(desk)
    faulty = (feature("Bow", CROOKED), feature("Odd", square(-122.6, 45.5), kind="moon"))
    geojson = collection(feature("Harbor", square(-122.7, 45.5)), *faulty)
    answer = await post(desk, "admin", "/areas/preview", {"geojson": geojson})
    (harbor,) = answer.reply["areas"]
    assert (harbor["name"], harbor["kind"], harbor["citywide"]) == ("Harbor", "district", False)
    assert harbor["km2"] == pytest.approx(3.47, rel=0.01) and harbor["before_km2"] is None
    bow, odd = answer.reply["problems"]
    assert bow.startswith('Feature 2 ("Bow"): ') and odd.startswith("Feature 3 (\"Odd\"): the kind is 'moon'")
    assert kept(desk) == before


async def test_what_was_looked_at_is_taken_a_faulty_feature_is_not_and_the_log_says_so(desk: Desk) -> None:
    answer = await taken(desk, collection(feature("Old Town", square(-122.68, 45.52)), feature("Bow", CROOKED)))
    assert answer.status == 201 and answer.reply["imported"] == ["Old Town"] and '"Bow"' in answer.reply["problems"][0]
    (line,) = [one for one in desk.log("imported areas") if "Old Town" in one[3]["names"]]
    assert line == ("admin", "imported areas", "city survey", {"names": ["Old Town"], "refused": 1})
    listed = {one["name"]: one for one in (await desk.ask("viewer", "GET", f"{PREFIX}/areas")).reply["areas"]}
    assert listed["Old Town"]["source"] == "city survey" and listed["Old Town"]["imported_at"] > listed["Lents"]["imported_at"]
    shapes = (await desk.ask("viewer", "GET", f"{PREFIX}/areas.geojson")).reply["features"]
    assert "Old Town" in [one["properties"]["name"] for one in shapes]


async def test_an_area_that_would_shrink_is_shown_beside_what_it_was(desk: Desk) -> None:
    await taken(desk, collection(feature("Pier", square(-122.65, 45.5))))
    part = await post(desk, "admin", "/areas/preview", {"geojson": collection(feature("Pier", square(-122.65, 45.5, 0.01)))})
    (pier,) = part.reply["areas"]
    assert pier["shared"] == pytest.approx(25, rel=0.01) and pier["before_km2"] == pytest.approx(4 * pier["km2"], rel=0.01)


@pytest.mark.parametrize(("geojson", "more", "sentences"), [
    (collection(LENTS), {"seen": ""}, [UNSEEN]),
    (collection(LENTS), {"seen": "0" * 64}, [UNSEEN]),
    (collection(LENTS), {"source": "  "}, [NO_SOURCE]),
    (collection(LENTS), {"source": "", "seen": ""}, [NO_SOURCE, UNSEEN]),
    (collection(feature("Bow", CROOKED)), {}, ['Feature 1 ("Bow")']),
    (collection(feature("Bow", CROOKED), feature("", CROOKED)), {"source": ""}, [NO_SOURCE, "Bow", "Feature 2: it has no"]),
    (collection(), {}, ["no features"]),
    ({"type": "Point"}, {}, ["FeatureCollection"]),
    ({}, {"seen": "x"}, [UNSEEN, "FeatureCollection"]),
])  # fmt: skip
async def test_what_cannot_be_taken_is_refused_with_every_reason(
    desk: Desk, geojson: dict[str, Any], more: dict[str, str], sentences: list[str]
) -> None:
    before, lines = kept(desk), desk.log("imported areas")
    answer = await taken(desk, geojson, **more)
    assert answer.status == 422 and answer.reply["title"] == "Nothing was imported.", answer.text
    for sentence in sentences:
        assert any(sentence in problem for problem in answer.reply["problems"]), (sentence, answer.reply["problems"])
    assert kept(desk) == before and desk.log("imported areas") == lines


async def test_another_order_of_the_same_collection_is_what_was_looked_at_and_another_number_is_not(desk: Desk) -> None:
    named, moved = feature("Slip", square(-122.69, 45.53)), feature("Slip", square(-122.69, 45.531))
    was = await seen(desk, collection(named))
    turned = {"features": [dict(reversed(named.items()))], "type": "FeatureCollection"}
    assert (await post(desk, "admin", "/areas", {"geojson": collection(moved), "source": "x", "seen": was})).status == 422
    assert (await post(desk, "admin", "/areas", {"geojson": turned, "source": "x", "seen": was})).status == 201


async def test_the_same_request_twice_is_one_import(desk: Desk) -> None:
    geojson = collection(feature("Quay", square(-122.7, 45.55)))
    given = {"geojson": geojson, "source": "twice", "seen": await seen(desk, geojson)}
    first, second = [await post(desk, "admin", "/areas", given, key="the same areas") for _ in range(2)]
    assert first.status == second.status == 201 and first.reply == second.reply
    assert len([one for one in desk.log("imported areas") if one[2] == "twice"]) == 1


async def test_a_collection_that_is_nested_without_end_is_refused_and_no_fault(desk: Desk) -> None:
    deep: Any = 0
    for _ in range(400):
        deep = [deep]
    geojson = collection(feature("Well", {"type": "Polygon", "coordinates": deep}))
    answer = await post(desk, "admin", "/areas/preview", {"geojson": geojson})
    assert answer.status == 200 and not answer.reply["areas"] and '"Well"' in answer.reply["problems"][0]


@pytest.mark.parametrize("who", ["viewer", "author", "approver", "translator", "lead311"])
async def test_only_an_administrator_looks_and_takes(desk: Desk, who: str) -> None:
    for path in ("/areas/preview", "/areas"):
        answer = await post(desk, who, path, {"geojson": collection(LENTS)})
        assert answer.status == 403 and "It takes the role admin." in answer.text
