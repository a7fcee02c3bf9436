"""Webhooks of partner agencies in the console and the API of a running service: two administrators, one secret shown once, a
log of everything, and what was missed to whoever can sign."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import Connection
from yarl import URL

from notify import keys
from notify.clock import ManualClock
from notify.partners import signature
from notify.staff import people
from notify.websub import subscriptions
from notify.websub.asking import Asked
from tests.console.staff_factory import House
from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.webhook_factory import Agency, an_agency, status

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE_S = 60
FORM = {"shape": "json", "least": "Minor", "realities": "actual"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def second(house: House) -> str:
    """Another administrator."""
    service, now = house.served.running.service, datetime.now(UTC)
    token = service.db.write_now(lambda conn: people.add(conn, "second-admin", ["admin"], {}, now))
    house.served.tokens["second-admin"] = token
    return "second-admin"


@pytest_asyncio.fixture(loop_scope="module")
async def agency(house: House) -> AsyncIterator[Agency]:
    """One for each test: what was asked for in another test is posted elsewhere."""
    async with an_agency(house.clock) as found:
        yield found


async def until(house: House, path: str, field: str, value: Any) -> dict[str, Any]:
    """Waits until the API says so."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := (await house.served.call("admin", "GET", path))[1])[field] != value:
            await asyncio.sleep(0.02)
    return dict(found)


async def test_one_asks_another_agrees_and_the_agency_gets_tests_and_what_it_missed(
    house: House, agency: Agency, second: str
) -> None:
    admin, other = await house.signed_in("admin"), await house.signed_in(second)
    await admin.get("/webhooks")
    page = await admin.post("/webhooks", {"webhook": "county-health", "url": agency.url, **FORM})
    assert page.url.path == "/webhooks/county-health" and "Agree" not in page.words
    assert agency.url not in page.text  # the whole address is nobody's to read
    assert (await admin.post("/webhooks/county-health/agree")).status == 403
    await other.get("/webhooks/county-health")
    page = await other.post("/webhooks/county-health/agree")
    assert "The secret, shown this once" in page.words
    agency.secret = page.text.split('dir="ltr">whsec_')[1].split("<")[0]
    agency.secret = f"whsec_{agency.secret}"
    assert "whsec_" not in (await other.get("/webhooks/county-health")).text
    await until(house, "/webhooks/county-health", "state", "active")
    page = await admin.post("/webhooks/county-health/test")
    assert page.status == 200
    async with asyncio.timeout(PATIENCE_S):
        while agency.numbers != [1, 2]:
            await asyncio.sleep(0.02)
    code, said = await house.served.call("admin", "GET", "/webhooks/county-health/messages")
    assert code == 200 and [one["type"] for one in said["messages"]] == ["challenge", "test"]
    assert (await missed(house, agency.secret, "?after=0"))[1] == {"messages": [agency.bodies[1]], "last": 2}
    assert (await missed(house, signature.new_secret(), "?after=0"))[0] == 403
    assert (await missed(house, agency.secret, "?after=x"))[0] == 400


async def missed(house: House, secret: str, question: str) -> tuple[int, Any]:
    path = f"/webhooks/county-health/messages{question}"
    headers = signature.headers(secret, "ask-1", path.encode(), house.clock.now())
    url = f"http://127.0.0.1:{house.served.running.public_port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_alert_is_posted_once_its_page_and_its_cap_document_can_be_read(
    house: House, agency: Agency, second: str
) -> None:
    """From approval to the agency, through the running service: whoever follows what is posted finds it there."""
    port, read = house.served.running.public_port, []

    async def follow(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body["type"] == "alert":
            async with aiohttp.ClientSession() as session:
                for url in (body["cap"]["url"], body["page"]):
                    async with session.get(f"http://127.0.0.1:{port}{URL(url).path}") as answer:
                        read.append((answer.status, body["cap"]["identifier"] in await answer.text()))
        return web.json_response(body)

    agency.always = follow
    call = house.served.call
    assert (await call("admin", "POST", "/webhooks", {"webhook_id": "county-news", "url": agency.url}))[0] == 201
    assert (await call(second, "POST", "/webhooks/county-news/agree"))[0] == 200
    await until(house, "/webhooks/county-news", "state", "active")
    alert = (await call("author", "POST", "/alerts", BOIL_WATER))[1]["alert_id"]
    digest = (await call("author", "POST", f"/alerts/{alert}/submit"))[1]["digest"]
    for act, given in (("approve", {"digest": digest}), ("send", {})):
        code, said = await call("approver", "POST", f"/alerts/{alert}/{act}", given)
        assert code == 200, said
    async with asyncio.timeout(PATIENCE_S):
        while len(read) < 2:
            await asyncio.sleep(0.02)
    assert read[0] == (200, True) and read[1][0] == 200


async def test_every_problem_of_a_new_webhook_is_said_at_once(house: House) -> None:
    given = {"webhook_id": "County!", "url": "http://me@10.0.0.1/", "hazards": ["dragons"]}
    code, said = await house.served.call("admin", "POST", "/webhooks", given)
    assert code == 422 and said["type"].endswith(":bad-webhook")
    assert len(said["problems"]) == 4, said["problems"]


async def test_the_api_replays_and_ends(house: House, agency: Agency, second: str) -> None:
    given = {"webhook_id": "county-roads", "url": agency.url}
    assert (await house.served.call("admin", "POST", "/webhooks", given))[0] == 201
    assert (await house.served.call("admin", "POST", "/webhooks/county-roads/agree"))[0] == 403
    code, said = await house.served.call(second, "POST", "/webhooks/county-roads/agree", key="agree once")
    assert code == 200 and said["secret"].startswith("whsec_")
    again = await house.served.call(second, "POST", "/webhooks/county-roads/agree", key="agree once")
    assert again == (200, {"webhook_id": "county-roads", "secret": None})
    agency.secret = said["secret"]
    await until(house, "/webhooks/county-roads", "state", "active")
    assert (await house.served.call("admin", "POST", "/webhooks/county-roads/replay", {"first": 1}))[1]["count"] == 0
    agency.answers.append(status(410))
    assert (await house.served.call("admin", "POST", "/webhooks/county-roads/test"))[1]["sequence"] == 2
    await until(house, "/webhooks/county-roads", "state", "ended")
    code, said = await house.served.call("admin", "POST", "/webhooks/county-roads/end")
    assert code == 409, said
    assert (await house.served.call("admin", "GET", "/webhooks/county-roads/log"))[1]["tries"][0]["status"] == 410
    assert isinstance(house.clock, ManualClock)


async def test_who_subscribes_to_feeds_is_shown_without_secret_and_without_the_rest_of_the_address(house: House) -> None:
    service, now = house.served.running.service, house.clock.now()
    topic = service.assembly.site.url("feeds/active.atom")
    ring = keys.load(house.served.home / "keys.toml")

    def subscribed(conn: Connection) -> None:
        for host, secret in (("press.example.com", "a word of theirs"), ("radio.example.net", "")):
            asked = Asked(subscribes=True, topic=topic, callback=f"https://{host}/hidden-7d1f", secret=secret)
            subscriptions.verified(conn, asked, ring, now)

    def fails(conn: Connection) -> None:
        for held in subscriptions.standing(conn, now):
            if "radio" in held.callback:
                subscriptions.failed(conn, held, now, timedelta(hours=1))

    service.db.write_now(subscribed)
    service.db.write_now(fails)
    page = await (await house.signed_in("admin")).get("/webhooks")
    for said in ("press.example.com", "radio.example.net", "active.atom", "not signed", "failures in a row: 1"):
        assert said in page.words, said
    assert page.words.index("radio.example.net") < page.words.index("press.example.com"), "those that fail stand first"
    assert "hidden-7d1f" not in page.text and "a word of theirs" not in page.text
    assert (await (await house.signed_in("viewer")).get("/webhooks")).status == 403
    code, told = await house.served.call("admin", "GET", "/websub/subscriptions")
    found = [(one["host"], one["feed"], one["signed"], one["failures"]) for one in told["subscriptions"]]
    assert code == 200 and found == [("radio.example.net", topic, False, 1), ("press.example.com", topic, True, 0)]
    assert "hidden-7d1f" not in str(told) and "a word of theirs" not in str(told)
    admin = await house.signed_in("admin")
    await admin.post("/language", {"language": "ar", "next": "/webhooks"})
    assert "المشتركون في الخلاصات" in (await admin.get("/webhooks")).words
