"""What the API does beside alerts: staff by two administrators, one person alone, look-ups, reports, progress as events."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text

from notify import keys
from notify.staff import accounts, passwords
from subscribers import atlas
from tests.notify.api_factory import Desk, a_desk
from tests.notify.newsroom_factory import BOIL_WATER

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAIT_S = 120
FIRE = {"hazard": "wildfire_leave_now", "area": {"names": ["Lents"]}, "slots": {"toward": "NW Front Ave"}, "until": "cleared"}
ALERTS, STAFF, GRANTS = "/api/v1/alerts", "/api/v1/staff", "/api/v1/grants"
NUMBER = "+15035550123"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("acts") / "home", migrated_sqlite) as found:
        found.staff("second-admin", ["admin"])
        yield found


def kept(desk: Desk) -> bytes:
    """Everything the database holds on disk."""
    home = desk.served.home
    return (home / "tocsin.db").read_bytes() + (home / "tocsin.db-wal").read_bytes()


def code_of(desk: Desk, person_id: str) -> str:
    """The code of now from the phone of somebody who followed an invitation a moment ago."""
    db, now, seed = desk.served.running.service.db, datetime.now(UTC), passwords.new_seed()
    ring = keys.load(desk.served.home / "keys.toml")
    token = db.write_now(lambda conn: accounts.invite(conn, person_id, "test", now))
    assert db.write_now(lambda conn: accounts.enrol(conn, token, "none", seed, ring, 0, now)) == person_id
    return passwords.code_at(seed, now)


async def test_an_author_is_added_by_one_administrator_and_the_link_is_never_kept(desk: Desk) -> None:
    wish = {"person_id": "night-author", "roles": ["author"], "hazards": ["flood"]}
    answer = await desk.ask("admin", "POST", STAFF, wish, "add")
    assert answer.status == 201 and answer.reply["path"].startswith("/invitation/"), answer.text
    again = await desk.ask("admin", "POST", STAFF, wish, "add")
    assert again.status == 201 and again.reply == answer.reply | {"path": None}
    assert answer.reply["path"].rpartition("/")[2].encode() not in kept(desk)
    people = {one["person_id"]: one for one in (await desk.ask("admin", "GET", STAFF)).reply["staff"]}
    assert people["night-author"]["roles"] == ["author"] and people["night-author"]["hazards"] == ["flood"]
    assert people["admin"]["hazards"] == [] and people["admin"]["active"]


async def test_a_limit_to_what_there_is_not_is_refused_with_every_name(desk: Desk) -> None:
    wish = {"person_id": "nobody-yet", "roles": ["author"], "hazards": ["plague"], "areas": ["Atlantis"], "channels": ["fax"]}
    answer = await desk.ask("admin", "POST", STAFF, wish, "bad")
    assert answer.status == 422 and len(answer.reply["problems"]) == 3


@pytest.mark.parametrize(("given", "sentence"), [
    ({"person_id": "no body"}, "cannot be a name"),
    ({"person_id": "author"}, "There is a author already"),
    ({"roles": []}, "No role"),
])  # fmt: skip
async def test_who_cannot_be_added_is_told_so_beside_what_the_limits_name(
    desk: Desk, given: dict[str, Any], sentence: str
) -> None:
    wish = {"person_id": "nobody-yet", "roles": ["author"], "areas": ["Atlantis"], "channels": ["fax"]}
    answer = await desk.ask("admin", "POST", STAFF, wish | given, f"bad {sentence}")
    assert answer.status == 422 and answer.reply["type"].endswith("bad-person")
    person, *limits = answer.reply["problems"]
    assert sentence in person and limits == ["areas: there is no 'Atlantis'.", "channels: there is no 'fax'."]


async def test_a_repeated_addition_gets_its_answer_though_its_area_is_gone(desk: Desk) -> None:
    db, now = desk.served.running.service.db, datetime.now(UTC)
    (lents,) = [area for area in db.read_now(atlas.areas) if area.name == "Lents"]
    db.write_now(lambda conn: atlas.keep(conn, [replace(lents, name="Old Pier")], "test", now))
    wish = {"person_id": "pier-author", "roles": ["author"], "areas": ["Old Pier"]}
    first = await desk.ask("admin", "POST", STAFF, wish, "pier")
    assert first.status == 201, first.text
    assert db.write_now(lambda conn: atlas.remove(conn, "Old Pier"))
    again = await desk.ask("admin", "POST", STAFF, wish, "pier")
    assert again.status == 201 and again.reply == first.reply | {"path": None}
    anew = await desk.ask("admin", "POST", STAFF, wish | {"person_id": "pier-author-2"}, "pier anew")
    assert anew.status == 422 and anew.reply["problems"] == ["areas: there is no 'Old Pier'."]


async def test_an_approver_and_a_token_take_a_second_administrator(desk: Desk) -> None:
    answer = await desk.ask("admin", "POST", STAFF, {"person_id": "night-approver", "roles": ["approver"]}, "approver")
    assert answer.reply == {"person_id": "night-approver", "waits": True, "path": None}
    (asked,) = [one for one in (await desk.ask("admin", "GET", GRANTS)).reply["grants"] if one["person_id"] == "night-approver"]
    give = f"{GRANTS}/{asked['grant_id']}/give"
    answer = await desk.ask("admin", "POST", give, {}, "own yes")
    assert answer.status == 403 and "another administrator" in answer.text
    answer = await desk.ask("second-admin", "POST", give, {}, "yes")
    assert answer.status == 200 and answer.reply["secret"], answer.text
    assert (await desk.ask("second-admin", "POST", give, {}, "yes again")).status == 409
    assert (await desk.ask("admin", "POST", f"{STAFF}/night-approver/token", {}, "token")).reply["waits"]
    (asked,) = (await desk.ask("second-admin", "GET", GRANTS)).reply["grants"]
    answer = await desk.ask("second-admin", "POST", f"{GRANTS}/{asked['grant_id']}/give", {}, "token yes")
    secret = answer.reply["secret"]
    assert secret.encode() not in kept(desk)
    desk.served.tokens["night-approver"] = secret
    assert (await desk.ask("night-approver", "GET", ALERTS)).status == 200
    gone = await desk.ask("admin", "POST", f"{STAFF}/night-approver/disable", {}, "disable")
    assert gone.reply["active"] is False
    assert (await desk.ask("night-approver", "GET", ALERTS)).status == 401


async def test_one_person_alone_needs_the_code_of_now_and_everybody_is_called(desk: Desk) -> None:
    made = await desk.ask("author", "POST", ALERTS, FIRE, "fire")
    path = f"{ALERTS}/{made.reply['alert_id']}"
    submitted = await desk.ask("author", "POST", f"{path}/submit", {}, "fire submit")
    assert submitted.status == 200, submitted.text
    pages, code = desk.served.running.service.pager.recent, code_of(desk, "author")
    alone = {"digest": submitted.reply["digest"], "alone": "No approver answers and the fire is here."}
    for number, wrong in enumerate(({}, {"code": ""}, {"code": "000000" if code != "000000" else "111111"})):
        answer = await desk.ask("author", "POST", f"{path}/approve", alone | wrong, f"wrong {number}")
        assert answer.status == 403 and "not the code of now" in answer.text
    assert not any("ALONE" in line for line in pages)
    answer = await desk.ask("author", "POST", f"{path}/approve", alone | {"code": code}, "alone")
    assert answer.status == 200 and answer.reply["approved_by"] == "author", answer.text
    assert await same(desk, f"{path}/approve", alone | {"code": code}, "alone") == answer.reply
    assert sum("ALONE" in line for line in pages) == 1, "a repeated request calls nobody again"
    log = (await desk.ask("viewer", "GET", f"/api/v1/audit?subject={made.reply['alert_id']}")).reply["lines"]
    assert "BROKE THE GLASS" in [line["action"] for line in log]


async def same(desk: Desk, path: str, data: object, key: str) -> object:
    return (await desk.ask("author", "POST", path, data, key)).reply


async def test_the_glass_is_not_broken_for_words_the_policy_does_not_name(desk: Desk) -> None:
    made = await desk.ask("author", "POST", ALERTS, BOIL_WATER, "water")
    path = f"{ALERTS}/{made.reply['alert_id']}"
    submitted = await desk.ask("author", "POST", f"{path}/submit", {}, "water submit")
    given = {"digest": submitted.reply["digest"], "alone": "No approver answers at all.", "code": code_of(desk, "author")}
    answer = await desk.ask("author", "POST", f"{path}/approve", given, "water alone")
    assert answer.status == 403 and "The policy has no words" in answer.text


async def test_a_look_up_takes_a_reason_which_is_logged_without_the_number(desk: Desk) -> None:
    path = "/api/v1/residents/look-up"
    for bad in ({"address": NUMBER}, {"address": NUMBER, "reason": " "}, {"address": "nobody", "reason": "asked by phone"}):
        assert (await desk.ask("lead311", "POST", path, bad)).status == 422
    answer = await desk.ask("lead311", "POST", path, {"address": NUMBER, "reason": "asked by phone"})
    assert answer.reply == {"found": False, "facts": {}, "entries": []}
    log = (await desk.ask("admin", "GET", "/api/v1/audit")).text
    assert "asked by phone" in log and NUMBER[-7:] not in log
    assert NUMBER.encode() not in kept(desk)


async def test_an_incident_is_followed_to_its_end_and_reported_on(desk: Desk) -> None:
    made = await desk.ask("author", "POST", ALERTS, BOIL_WATER, "boil")
    alert_id, path = made.reply["alert_id"], f"{ALERTS}/{made.reply['alert_id']}"
    digest = (await desk.ask("author", "POST", f"{path}/submit", {}, "boil submit")).reply["digest"]
    await desk.ask("approver", "POST", f"{path}/approve", {"digest": digest}, "boil approve")
    assert (await desk.ask("approver", "POST", f"{path}/send", {}, "boil send")).status == 200
    events = await followed(desk, f"{path}/progress", "active")
    assert events[-1]["alert_id"] == alert_id and events[-1]["progress"]["total"]["total"] == 0
    incident = f"/api/v1/incidents/{alert_id.partition('-')[0]}/report"
    report = (await desk.ask("viewer", "GET", incident)).reply
    assert [one["event"]["event_id"] for one in report["alerts"]] == [alert_id]
    assert "approved" in [act["action"] for act in report["acts"]]
    table = list(csv.DictReader(io.StringIO((await desk.ask("viewer", "GET", f"{incident}.csv")).text)))
    assert {"alert", "what", "about", "value"} == set(table[0])


async def followed(desk: Desk, path: str, status: str) -> list[dict[str, Any]]:
    """What server-sent events told until one named this status."""
    told: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {desk.served.tokens['viewer']}"}
    async with (
        asyncio.timeout(WAIT_S),
        aiohttp.ClientSession() as session,
        session.get(desk.url + path, headers=headers) as got,
    ):
        assert got.content_type == "text/event-stream"
        while not told or told[-1]["status"] != status:
            line = (await got.content.readline()).decode().strip()
            if line.startswith("data:") and line != "data: {}":
                told.append(json.loads(line.removeprefix("data:")))
    return told


async def test_what_was_never_sent_is_followed_to_an_end_at_once(desk: Desk) -> None:
    made = await desk.ask("author", "POST", ALERTS, BOIL_WATER, "draft only")
    answer = await desk.ask("viewer", "GET", f"{ALERTS}/{made.reply['alert_id']}/progress")
    assert "event: end" in answer.text


async def test_areas_come_with_their_shapes_and_the_log_as_a_table(desk: Desk) -> None:
    areas = (await desk.ask("viewer", "GET", "/api/v1/areas.geojson")).reply
    assert {one["properties"]["name"] for one in areas["features"]} == {"Portland", "Lents"}
    table = list(csv.DictReader(io.StringIO((await desk.ask("admin", "GET", "/api/v1/audit.csv")).text)))
    with desk.served.running.service.db.reader.begin() as conn:
        assert len(table) == conn.execute(text("SELECT COUNT(*) FROM audit")).scalar_one()
