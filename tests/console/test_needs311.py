"""Needs, their map and the wallboard: tracked to an end, nobody's door on a map, nobody's name on a wall."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlmodel import select

from notify import audit
from surge.desk.desk_line import Figures
from surge.desk.desk_tables import NeedRow
from surge.desk.open_needs import OpenNeeds
from surge.numbers import number_rows
from surge.numbers.number_files import Interval
from surge.pages.wallboard import broken, by_most
from tests.console.desk_factory import Desk
from tests.console.staff_factory import Browser, House, Page

PATIENCE_S = 60.0
pytestmark = pytest.mark.asyncio(loop_scope="module")
NEED = {"code": "WATER_DELIVERY", "people": "2", "address": "1120 SW 5th Ave", "contact": "+15035550123", "consent": "yes"}


async def noted(browser: Browser, desk: Desk, **changes: str) -> str:
    before = {row.need_id for row in rows(desk)}
    page = await browser.post("/needs", NEED | changes)
    assert page.status == 200, page.words
    (new,) = {row.need_id for row in rows(desk)} - before
    return new


def rows(desk: Desk) -> list[NeedRow]:
    return [NeedRow(**row._mapping) for row in desk.read(lambda conn: conn.execute(select(NeedRow)).all())]


async def moved(browser: Browser, need_id: str, to: str, **more: str) -> Page:
    page = await browser.get(f"/needs/{need_id}")
    rev = re.findall(r'name="rev" value="(\d+)"', page.text)
    return await browser.post(f"/needs/{need_id}", {"to": to, "rev": rev[0] if rev else ""} | more)


async def test_a_need_goes_to_whoever_has_such_needs_and_is_followed_to_its_end(desk: Desk) -> None:
    agent = await desk.signed_in("agent311")
    need_id = await noted(agent, desk)
    page = await agent.get(f"/needs/{need_id}")
    assert "handed on" in page.words and "Water bureau, emergency desk" in page.words and "1120 SW 5th Ave" in page.words
    (row,) = [one for one in rows(desk) if one.need_id == need_id]
    assert row.sealed and b"5th Ave" not in row.sealed and row.area == "97204" and row.cell and len(row.cell) == 15
    assert (await moved(agent, need_id, "under way")).status == 200
    page = await moved(agent, need_id, "met", note="Two cases, left at the door.")
    assert page.status == 200 and "met" in page.words and "Two cases" in page.words
    page = await moved(agent, need_id, "routed", routed_to="x")
    assert page.status == 409 and "it cannot become routed" in page.words
    assert need_id not in (await agent.get("/needs")).text and need_id in (await agent.get("/needs?ended=yes")).text
    assert [line.subject for line in desk.read(audit.lines) if line.action == "ended a need"] == [need_id]


async def test_an_accommodation_is_marked_as_one(desk: Desk) -> None:
    agent = await desk.signed_in("agent311")
    need_id = await noted(agent, desk, code="ASL", address="97206")
    (row,) = [one for one in rows(desk) if one.need_id == need_id]
    assert row.accommodation and row.area == "97206" and row.routed_to == "Civil rights and language access office"


async def test_two_who_change_one_need_do_not_overwrite_each_other(desk: Desk) -> None:
    agent = await desk.signed_in("agent311")
    need_id = await noted(agent, desk)
    assert (await agent.post(f"/needs/{need_id}", {"to": "under way", "rev": "1"})).status == 200
    page = await agent.post(f"/needs/{need_id}", {"to": "withdrawn", "rev": "1"})
    assert page.status == 409 and "changed meanwhile" in page.words


async def test_bad_input_is_told_at_once_and_what_is_not_there_is_not_there(desk: Desk) -> None:
    agent = await desk.signed_in("agent311")
    page = await agent.post("/needs", {"code": "<b>", "people": "many"})
    assert page.status == 422 and "Say what is needed." in page.words and "for how many people" in page.words
    assert (await agent.get("/needs/N-0000000000")).status == 404
    need_id = await noted(agent, desk)
    assert (await agent.post(f"/needs/{need_id}", {"to": "routed", "rev": "1"})).status == 422


async def test_the_map_shows_no_household_and_its_files_say_the_same(desk: Desk) -> None:
    agent, viewer = await desk.signed_in("agent311"), await desk.signed_in("viewer")
    for row in rows(desk):
        await moved(agent, row.need_id, "withdrawn")
    await noted(agent, desk, people="4")
    page = await viewer.get("/needs/map")
    assert "too few to say where" in page.words and "5th" not in page.text
    assert json.loads((await viewer.get("/needs.geojson")).text)["features"] == []
    await noted(agent, desk, people="3")
    (square,) = json.loads((await viewer.get("/needs.geojson")).text)["features"]
    assert square["properties"]["people_at_least"] == 5
    table = (await viewer.get("/needs.csv")).text.splitlines()
    assert len(table) == 2 and table[1].startswith("WATER_DELIVERY,5,")
    assert (await viewer.get("/needs")).status == 403


async def test_the_open_data_are_for_anybody_and_name_no_drill(desk: Desk) -> None:
    service = desk.house.served.running.service
    given = OpenNeeds(db=service.db, clock=desk.house.clock, site=service.assembly.site)
    app = web.Application()
    app.add_routes(given.routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/demo/feeds/needs.geojson")
        assert answer.headers["Access-Control-Allow-Origin"] == "*" and "max-age" in answer.headers["Cache-Control"]
        told = json.loads(await answer.text())
        assert all(one["properties"]["people_at_least"] >= 5 for one in told["features"])
        assert "5th" not in json.dumps(told)
        assert (await client.get("/demo/feeds/needs.csv")).status == 200


async def test_the_wallboard_has_figures_and_nobody_in_it(desk: Desk) -> None:
    desk.switch_on()
    await desk.written.walked_in("how long to boil", "es", "+15035550123", None, "f1")
    agent = await desk.signed_in("agent311")
    press = {"reason": "what is safe", "language": "es", "zip": "97206", "press": "wallboard1"}
    await agent.post("/desk311/tally", press)
    await agent.post("/desk311/state", {"state": "ready"})
    viewer = await desk.signed_in("viewer")
    page = await viewer.get("/wallboard")
    for said in ("Boil tap water", "waiting 1", "Waiting, by language Spanish 1", "What is safe", "ready"):
        assert said in page.words, said
    for personal in ("how long to boil", "+1503", "agent311", "97206"):
        assert personal not in page.text
    desk.house.clock.forward(timedelta(minutes=6))
    page = await viewer.get("/wallboard")
    assert 'class="board broken"' in page.text and "more than five minutes" in page.words


async def test_whoever_waits_is_counted_by_language_the_most_first_and_the_rest_together() -> None:
    waiting = {f"l{number}": number for number in range(16)}
    shown, (languages, people) = by_most(waiting)
    assert shown[:2] == [("l15", 15), ("l14", 14)] and len(shown) == 12
    assert (languages, people) == (3, 1 + 2 + 3) and sum(people for _, people in shown) + people == sum(waiting.values())
    assert by_most({}) == ([], (0, 0))


async def test_the_wallboard_says_what_more_agents_would_do_or_why_it_cannot(desk: Desk) -> None:
    viewer = await desk.signed_in("viewer")
    page = await worked_out(viewer)
    assert "Nobody can say yet. No line runs here" in page.words
    now = desk.house.clock.now()
    one = Interval(
        begins_at=now - timedelta(minutes=15), minutes=15, queue="311", offered=30, answered=24, abandoned=6,
        mean_wait_s=90.0, mean_handling_s=240.0, agents=6,
    )  # fmt: skip
    desk.write(lambda conn: number_rows.take_intervals(conn, [one], "api", "centre", now))
    desk.house.clock.forward(timedelta(minutes=2))
    await viewer.get("/wallboard")
    async with asyncio.timeout(PATIENCE_S):
        while 'aria-current="true">6 ' not in (page := await worked_out(viewer)).text:
            pass
    assert "The next hour, with so many at the desks 4 5 6 now 7 8 9 10 11" in page.words
    for said in ("of 120 who call, reached within 60 s", "mean wait, min", "4.0 min"):
        assert said in page.words, said
    page = await viewer.post("/language", {"language": "ar", "next": "/wallboard"})
    assert 'dir="rtl"' in page.text and "الساعة القادمة بهذا العدد على المكاتب" in page.words and "متوسط الانتظار" in page.words
    await viewer.post("/language", {"language": "en", "next": "/wallboard"})


async def worked_out(viewer: Browser) -> Page:
    async with asyncio.timeout(PATIENCE_S):
        while "It is being worked out." in (page := await viewer.get("/wallboard")).words:
            pass
    return page


async def test_the_wallboard_follows(desk: Desk) -> None:
    desk.switch_on()
    viewer = await desk.signed_in("viewer")
    async with viewer.session.get(desk.url + "/wallboard/progress") as answer:
        assert answer.content_type == "text/event-stream"
        first = await answer.content.readuntil(b"\r\n\r\n")
        assert b"event: board" in first and "Boil tap water" in first.decode()


async def test_a_level_is_broken_by_a_long_wait_many_lost_nobody_there_or_a_late_promise(house: House) -> None:
    now = house.clock.now()
    assert broken(None, None, now) == []
    assert broken(Figures(waiting=1, agents={"ready": 1}), None, now) == []
    assert len(broken(Figures(waiting=1, longest=timedelta(minutes=6), offered=9, abandoned=1), None, now)) == 3


async def test_viewers_see_the_board_and_not_the_desk(house: House) -> None:
    viewer = await house.signed_in("viewer")
    assert (await viewer.get("/wallboard")).status == 200 and (await viewer.get("/desk311")).status == 403
