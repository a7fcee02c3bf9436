"""What is held after a restore, in the console and the API: one person asks, another agrees, and exactly that is done."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from notify import audit
from notify.alerts import register
from notify.alerts.draft import Draft
from notify.sending import hold
from tests.console.staff_factory import House, opened
from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.sending.test_held import states
from tests.notify.sending.test_hold import planned

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[House]:
    """A service in which two alerts of before a restore are half sent, and nothing leaves."""
    async with opened(tmp_path / "var", migrated_sqlite) as found:
        clock, db = found.clock, found.served.running.service.db
        for name in ("WATER", "FIRES"):
            await db.write(lambda conn, name=name: planned(conn, f"{name}-1", name, clock))
        content = Draft.model_validate(BOIL_WATER).model_dump_json()
        await db.write(lambda conn: conn.execute(text("UPDATE alert SET content = :content"), {"content": content}))
        clock.forward(timedelta(minutes=1))
        await db.write(lambda conn: hold.begin(conn, "It was restored from one.db.", "command line", clock.now()))
        yield found


async def test_two_people_drop_one_alert_and_send_the_other(house: House) -> None:
    db = house.served.running.service.db
    admin, approver = await house.signed_in("admin"), await house.signed_in("approver")
    assert "Messages are held after a restore." in (await admin.get("/")).words
    page = await admin.get("/held")
    assert "WATER-1" in page.words and "FIRES-1" in page.words and "It was restored from one.db." in page.words
    page = await admin.post("/held", {"drop": "WATER-1", "reason": " "})
    assert page.status == 422 and "say what you have looked at" in page.words
    page = await admin.post("/held", {"drop": "WATER-1", "reason": "the provider's list shows that it finished"})
    assert page.status == 200 and "You have asked for it. Somebody else must agree." in page.words
    assert "/held/agree" not in page.text
    digest = (await house.served.call("viewer", "GET", "/hold"))[1]["asked"]["digest"]
    assert (await admin.post("/held/agree", {"digest": digest, "code": house.code("admin")})).status in (401, 409)
    page = await approver.get("/held")
    assert digest in page.text and "the provider's list shows that it finished" in page.words
    house.clock.forward(timedelta(minutes=6))  # since the code was typed at the door
    assert "Is it you?" in (await approver.post("/held/agree", {"digest": digest})).words
    assert await db.read(states) == {("WATER-1", "planned"): 2, ("FIRES-1", "planned"): 2}
    assert (await approver.post("/prove", {"code": house.code("approver"), "next": "/held"})).url.path == "/held"
    page = await approver.post("/held/agree", {"digest": digest})
    assert "Nothing is held. Messages leave as ever." in page.words
    found = await db.read(states)
    assert found[("WATER-1", "withdrawn")] == 2 and ("WATER-1", "planned") not in found
    assert ("FIRES-1", "withdrawn") not in found
    assert (await db.read(lambda conn: register.alert(conn, "WATER-1"))).status == "stopped"
    said = [(line.actor, line.action) for line in await db.read(audit.lines)]
    assert [one for one in said if one[1] in ("asked to release", "stopped", "released")] == [
        ("admin", "asked to release"),
        ("approver", "stopped"),
        ("approver", "released"),
    ]


async def test_a_refusal_leaves_everything_held(house: House) -> None:
    approver = await house.signed_in("approver")
    await approver.post("/held", {"reason": "let everything go"})
    page = await (await house.signed_in("admin")).get("/held")
    assert "Refuse: everything stays held" in page.words
    page = await (await house.signed_in("admin")).post("/held/refuse")
    assert page.status == 200 and "let everything go" not in page.words and "WATER-1" in page.words
    assert (await house.served.call("viewer", "GET", "/hold"))[1]["held"] is True


async def test_whoever_only_reads_sees_it_and_decides_nothing(house: House) -> None:
    page = await (await house.signed_in("viewer")).get("/held")
    assert page.status == 200 and "WATER-1" in page.words and 'action="/held' not in page.text


async def test_the_api_says_the_same_and_one_person_is_not_two(house: House) -> None:
    call = house.served.call
    status, seen = await call("viewer", "GET", "/hold")
    assert status == 200 and [one["waiting"] for one in seen["alerts"]] == [2, 2] and seen["asked"] is None
    assert (await call("approver", "POST", "/release/agree", {"digest": ""}))[0] == 409
    assert (await call("approver", "POST", "/release", {"reason": "x", "drop": ["NONE-1"]}))[0] == 422
    status, seen = await call("approver", "POST", "/release", {"reason": "read the log"})
    assert status == 200 and seen["held"] and seen["asked"]["by"] == "approver" and seen["asked"]["still"]
    digest = {"digest": seen["asked"]["digest"]}
    status, reply = await call("approver", "POST", "/release/agree", digest)
    assert status == 409 and "somebody else must agree" in reply["problems"][0]
    assert (await call("admin", "POST", "/release/agree", {"digest": "something else"}))[0] == 409
    assert (await call("admin", "POST", "/release/agree", digest))[1]["held"] is False
    assert (await call("admin", "POST", "/release/agree", digest))[0] == 409
