"""What a new draft begins with: the area the city has named for the hazard, or none."""

import re

import pytest

from tests.console.staff_factory import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

TICKED = re.compile(r'name="names" value="([^"]+)" checked')


@pytest.mark.parametrize(("hazard", "areas"), [("extreme_heat", ["Portland"]), ("gas_leak", []), ("structure_fire", [])])
async def test_a_draft_begins_with_its_hazard_s_area_or_with_none(house: House, hazard: str, areas: list[str]) -> None:
    author = await house.signed_in("author")
    await author.get("/alerts/new")
    page = await author.post("/alerts/new", {"hazard": hazard})
    assert page.status == 200 and TICKED.findall(page.text) == areas


async def test_an_area_that_is_not_on_the_city_s_list_is_no_preset(house: House) -> None:
    author = await house.signed_in("author")
    await author.get("/alerts/new")
    page = await author.post("/alerts/new", {"hazard": "boil_water"})
    assert page.status == 200 and TICKED.findall(page.text) == []  # this town has no water service area
    assert "area" in page.words
