"""A video in American Sign Language in the composer: typed, kept, refused beside its field, and read by whoever approves."""

from dataclasses import replace

import pytest

from notify.city import Asl
from notify.console.composer import SIGNED
from tests.console.staff_factory import House
from tests.console.test_sixty_seconds import begun, form, version_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
VIDEO = "https://video.example.gov/asl/boil-water"


async def test_a_video_is_kept_and_the_approver_can_watch_it_before_deciding(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id, version = await begun(author)
    await author.post(f"/alerts/{alert_id}/edit", form(version, "save", asl_video=VIDEO))
    page = await author.get(f"/alerts/{alert_id}/edit")
    assert f'value="{VIDEO}"' in page.text and "video.example.gov" in page.words
    await author.post(f"/alerts/{alert_id}/edit", form(version_of(page), "submit", asl_video=VIDEO))
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert f'href="{VIDEO}"' in page.text


async def test_a_video_elsewhere_is_refused_beside_its_field_and_stays_typed(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    page = await author.post(f"/alerts/{alert_id}/edit", form(version, "submit", asl_video="https://evil.example/asl"))
    assert page.status == 422 and 'href="#asl_video"' in page.text and 'value="https://evil.example/asl"' in page.text


async def test_only_a_city_that_expects_a_video_is_told_that_there_is_none(house: House) -> None:
    author = await house.signed_in("author")
    alert_id, version = await begun(author)
    assert SIGNED not in (await author.get(f"/alerts/{alert_id}/edit")).words
    city = house.served.running.service.assembly.city
    expecting = replace(city, pack=replace(city.pack, asl=Asl(hosts=city.pack.asl.hosts, expected=True)))
    await author.post(f"/alerts/{alert_id}/edit", form(version, "save"))
    # The assembly is frozen; every part of the console reads the pack from this one.
    assembly = house.served.running.service.assembly
    object.__setattr__(assembly, "city", expecting)
    try:
        assert f"✗ {SIGNED}" in (await author.get(f"/alerts/{alert_id}/edit")).words
        page = await author.post(f"/alerts/{alert_id}/preview", form(version, "", asl_video=VIDEO))
        assert f"✓ {SIGNED}" in page.words
    finally:
        object.__setattr__(assembly, "city", city)
