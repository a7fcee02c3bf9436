"""An address at the desk while alerts are in force: written and sent by the API, asked for at the real page with the city's own
gazetteer. Nobody in danger reads OUTSIDE."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify.alerts import register
from notify.alerts.alert import Stage
from notify.residents.live import WHOLE
from notify.sending.outbox import content_for
from tests.console.desk_factory import Desk, desked
from tests.console.staff_factory import Browser, House, opened
from tests.notify.newsroom_factory import BOIL_WATER
from tests.subscribers.gazetteer.gazetteer_factory import sample_city

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = "+15035550123"
BOIL, FLOOD = "Boil tap water", "Flood"


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


# SW 5th Ave south of its 500 block, which lies some 40 m north of the line; the first block lies 450 m north of it.
DOWNTOWN = box(-122.690, 45.500, -122.670, 45.51860)
FOSTER = box(-122.60, 45.47, -122.55, 45.50)  # of Lents


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    async with opened(tmp_path_factory.mktemp("place") / "home", migrated_sqlite) as house:
        house.served.running.service.db.write_now(sample_city)
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept(city: House) -> AsyncIterator[Desk]:
    """The same house with a carrier that only remembers, for what is sent."""
    async with desked(city) as found:
        yield found


async def sent(city: House, drawn: dict[str, Any], words: str, **changes: Any) -> str:
    """An alert by two people through the API, in force; its id."""
    call = city.served.call
    body = BOIL_WATER | {"area": {"geojson": drawn, "words": words}, "channels": ["sms", "feed"]} | changes
    status, made = await call("author", "POST", "/alerts", body)
    assert status == 201, made
    await go(city, made["alert_id"])
    return str(made["alert_id"])


async def go(city: House, alert_id: str) -> None:
    call = city.served.call
    status, reply = await call("author", "POST", f"/alerts/{alert_id}/submit")
    assert status == 200, reply
    status, reply = await call("approver", "POST", f"/alerts/{alert_id}/approve", {"digest": reply["digest"]})
    assert status == 200, reply
    status, reply = await call("approver", "POST", f"/alerts/{alert_id}/send")
    assert status == 200, reply
    await city.until(alert_id, "active")


async def cleared(city: House, alert_id: str, **slots: int) -> None:
    status, made = await city.served.call("author", "POST", f"/alerts/{alert_id}/clear", {"slots": slots})
    assert status == 201, made
    await go(city, made["alert_id"])


def in_force(city: House) -> list[str]:
    """Ids of what other tests left in force; the flood is over with its own test."""
    rows = city.served.running.service.db.read_now(register.standing)
    return [row.event_id for row in rows if row.ended_at is None and row.stage == Stage.FIRST]


async def downtown(city: House, kept: Desk) -> str:
    """The boil-water alert south of Stark, sent unless it is in force already, for sending takes long; its id. The desk has a
    surge of it, which puts it first on the page."""
    found = in_force(city)
    alert_id = found[0] if found else await sent(city, DOWNTOWN, "downtown south of Stark")
    kept.clear()
    city.clock.forward(timedelta(minutes=1))
    kept.switch_on(incident_id=alert_id.partition("-")[0])
    return alert_id


async def quiet(city: House) -> None:
    """No alert is in force."""
    for alert_id in in_force(city):
        await cleared(city, alert_id, flush_minutes=2)


async def said(agent: Browser, address: str) -> str:
    """What the desk's page says to an address, without the rest of the page."""
    part = await agent.post("/desk311/verdict", {"address": address}, **{"HX-Request": "true"})
    assert part.status == 200, part.words
    return part.words


async def test_the_desk_says_inside_outside_edge_and_unknown_and_texts_the_guide(city: House, kept: Desk) -> None:
    await quiet(city)
    agent = await city.signed_in("agent311")
    assert "There is no area to compare with" in await said(agent, "1020 SW 5th Ave")
    boil = await downtown(city, kept)
    inside = await said(agent, "1020 SW 5th Ave")
    assert inside.startswith("INSIDE the area") and BOIL in inside and "97204" in inside
    assert (await said(agent, "20 SW 5th Ave")).startswith("OUTSIDE the area")
    assert (await said(agent, "520 SW 5th Ave")).startswith("AT THE EDGE: treat it as inside")
    assert (await said(agent, "97204")).startswith("AT THE EDGE: treat it as inside"), "a ZIP of which a part is inside"
    assert (await said(agent, "97206")).startswith("OUTSIDE the area")
    for unknown in ("12 Nowhere Lane", "99999", "my home", "", "x" * 5000):
        assert "OUTSIDE" not in (there := await said(agent, unknown)) and "NOT FOUND" in there, unknown
    page = await agent.post("/desk311/verdict", {"address": "20 SW 5th Ave"})
    assert "OUTSIDE the area" in page.words and 'value="97209"' in page.text, "the whole page, where no script runs"
    await the_guide_is_the_alerts_own_text(kept, boil)


async def the_guide_is_the_alerts_own_text(kept: Desk, alert_id: str) -> None:
    agent = await kept.signed_in("agent311")
    incident_id = alert_id.partition("-")[0]
    event = kept.read(lambda conn: register.frozen(conn, register.events(conn, incident_id)[-1].event_id))
    page = await agent.get("/desk311?language=es")
    once = re.findall(r'name="once" value="([^"]+)"', page.text)[0]
    given = {"contact": PHONE, "language": "es", "consent": "yes", "once": once}
    for _ in range(2):
        page = await agent.post("/desk311/text", given)
        assert page.status == 200, page.words
    approved = content_for(event, "sms", WHOLE[event.stage], "es").body
    assert [(one[1], one[2].body) for one in kept.carrier.sent] == [(PHONE, approved)], "once, in their language"


async def test_a_find_that_is_not_sure_or_not_the_only_one_makes_nobody_outside(city: House, kept: Desk) -> None:
    """The city knows no N 5th Ave and no Fostar; whatever is like them lies outside."""
    await downtown(city, kept)
    agent = await city.signed_in("agent311")
    for doubtful in ("20 N 5th Ave", "9200 SE Fostar Rd", "1020 5th Ave", "5th"):
        assert "OUTSIDE" not in await said(agent, doubtful), doubtful
    assert "SEVERAL PLACES fit" in await said(agent, "1020 5th Ave")
    assert "NOT SURE which place" in await said(agent, "9200 SE Fostar Rd")


async def test_outside_of_what_is_on_may_be_inside_of_another_alert(city: House, kept: Desk) -> None:
    await downtown(city, kept)
    agent = await city.signed_in("agent311")
    foster = "9200 SE Foster Rd"
    assert "OUTSIDE" in await said(agent, foster)
    slots = {"instruction": "Move to higher ground now."}
    flood = await sent(city, FOSTER, "along Johnson Creek", hazard="flood", slots=slots, until="", expires=later(city))
    both = await said(agent, foster)
    first, _, second = both.partition("INSIDE the area")
    assert "OUTSIDE the area" in first and BOIL in first and FLOOD in second, both
    both = await said(agent, "1020 SW 5th Ave")
    assert both.startswith("INSIDE the area Boil") and "OUTSIDE the area" in both and FLOOD in both
    await cleared(city, flood)
    assert FLOOD not in await said(agent, foster)


async def test_nobody_is_inside_of_a_test(city: House, kept: Desk) -> None:
    await downtown(city, kept)
    agent = await city.signed_in("agent311")
    before = await said(agent, "9200 SE Foster Rd")
    await sent(city, FOSTER, "Lents", hazard="test", stage="test", slots={}, until="", expires=later(city))
    assert await said(agent, "9200 SE Foster Rd") == before


async def test_after_the_all_clear_there_is_neither_an_area_nor_a_guide(city: House, kept: Desk) -> None:
    boil = await downtown(city, kept)
    agent, real = await kept.signed_in("agent311"), await city.signed_in("agent311")
    assert BOIL in await said(real, "1020 SW 5th Ave")
    await cleared(city, boil, flush_minutes=2)
    assert "There is no area to compare with" in await said(real, "1020 SW 5th Ave")
    page = await agent.post("/desk311/text", {"contact": PHONE, "language": "en", "consent": "yes", "once": "late"})
    assert page.status == 422 and "There is no guide" in page.words


def later(city: House) -> str:
    return (city.clock.now() + timedelta(hours=6)).isoformat()
