"""Surge mode by the API and the command line: idempotent, versioned, every refusal with all its sentences."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from notify.web.openapi import document
from surge.switch import store
from tests.console.staff_factory import opened
from tests.notify.cli.command_line import Said, Shell
from tests.surge.incident_factory import PAGE
from tests.surge.incident_service import Surging, beside

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALL = "/surge/activations"
FACTS = (("boil_minutes", "3"), ("next_update", "2026-05-09T20:00-07:00"), ("sites", "Lents Park"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def surging(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Surging]:
    folder = tmp_path_factory.mktemp("surge")
    (folder / "boil.md").write_text(PAGE, "utf-8")
    async with opened(folder / "home", migrated_sqlite) as house, beside(house, folder) as found:
        found.train("agent311")
        yield found


async def call(surging: Surging, who: str, method: str, path: str, data: Any = None, **more: str) -> tuple[int, Any]:
    if more.get("match") is None:
        return await surging.house.served.call(who, method, path, data, key=more.get("key"))
    token = surging.house.served.tokens[who]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": more["key"], "If-Match": more["match"]}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{surging.house.served.url}/api/v1{path}", json=data, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def chosen(surging: Surging) -> str:
    status, reply = await call(surging, "lead311", "POST", ALL, {"runbook": "boil", "why": "E. coli"})
    assert status == 201, reply
    return f"{ALL}/{reply['activation_id']}"


async def ready(surging: Surging) -> str:
    one = await chosen(surging)
    for name, value in FACTS:
        given = {"name": name, "values": {"": value}, "issued_by": "Health officer"}
        status, reply = await call(surging, "lead311", "POST", f"{one}/facts", given)
        assert status == 201, reply
    for line in ("fallback", "partner Regional 211"):
        assert (await call(surging, "lead311", "POST", "/surge/tests", {"line": line}))[0] == 201
    status, reply = await call(surging, "lead311", "POST", f"{one}/script")
    assert status == 201 and reply["steps"]["en"][2]["says"][1] == "Free water: Lents Park."
    return one


async def ended(surging: Surging, one: str) -> None:
    await call(surging, "lead311", "POST", f"{one}/stand-down", {"why": "Over."})
    status, reply = await call(surging, "lead311", "POST", f"{one}/close", {"handover": "Nothing is open."})
    assert status == 200, reply


async def test_from_the_choice_to_the_report(surging: Surging) -> None:
    assert (await call(surging, "viewer", "GET", "/surge"))[1]["activation"] is None
    one = await ready(surging)
    status, reply = await call(surging, "lead311", "POST", f"{one}/arm")
    assert (
        status == 200
        and reply["status"] == "armed"
        and reply["checks"][0]
        == {
            "kind": "facts",
            "problems": [],
            "mend": "Fill in the facts, each with who says so.",
        }
    )
    status, reply = await call(surging, "lead311", "POST", f"{one}/open", {"level": 1})
    assert status == 403 and "somebody else must open it" in reply["problems"][0]
    status, reply = await call(surging, "approver", "POST", f"{one}/open", {"level": 2})
    assert status == 200 and (reply["status"], reply["level"]) == ("open", 2)
    assert (await call(surging, "approver", "POST", f"{one}/open", {"level": 2}))[1]["rev"] == reply["rev"]
    assert (await call(surging, "agent311", "GET", "/surge"))[1]["activation"]["rev"] == reply["rev"]
    await ended(surging, one)
    status, reply = await call(surging, "lead311", "POST", f"{one}/report")
    assert reply["status"] == "reported" and (await call(surging, "viewer", "GET", f"{ALL}?limit=1"))[1]["activations"]


async def test_what_was_changed_since_it_was_read_is_not_changed_again(surging: Surging) -> None:
    one = await ready(surging)
    status, reply = await call(surging, "lead311", "POST", f"{one}/arm", {}, key="arm it", match='"9"')
    assert status == 412 and "It is draft now" in reply["problems"][0]
    status, reply = await call(surging, "lead311", "POST", f"{one}/arm", {}, key="arm it once", match='"1"')
    assert status == 200 and reply["rev"] == 2
    again = await call(surging, "lead311", "POST", f"{one}/arm", {}, key="arm it once", match='"1"')
    assert again == (200, reply), "the same request gets the same answer"
    await call(surging, "lead311", "POST", f"{one}/disarm", {"reason": "Not yet."})
    assert (await call(surging, "author", "POST", f"{one}/close"))[1]["status"] == "closed"


async def test_every_problem_is_named_at_once(surging: Surging) -> None:
    one = await chosen(surging)
    status, reply = await call(surging, "author", "POST", f"{one}/arm")
    assert status == 422 and len(reply["problems"]) >= 4, reply
    status, reply = await call(surging, "author", "POST", ALL, {"runbook": "flood", "why": ""})
    assert status == 422 and len(reply["problems"]) == 2
    status, reply = await call(surging, "author", "POST", ALL, {"runbook": "boil", "why": "x"})
    assert status == 409 and "There is one at a time" in reply["problems"][0]
    for method, path in (("GET", f"{ALL}/S-00000000"), ("GET", f"{one}/script/7"), ("POST", f"{ALL}/S-00000000/arm")):
        assert (await call(surging, "lead311", method, path))[0] == 404, path
    status, reply = await call(surging, "author", "POST", ALL, {"runbook": "boil", "why": "x", "incident_id": "NONE2"})
    assert status == 422 and "There is no incident NONE2." in reply["problems"]
    given = {"name": "boil_minutes", "values": {"es": "tres"}, "issued_by": ""}
    status, reply = await call(surging, "lead311", "POST", f"{one}/facts", given)
    assert status == 422 and len(reply["problems"]) == 2
    assert (await call(surging, "agent311", "POST", f"{one}/facts", given))[0] == 403
    await call(surging, "author", "POST", f"{one}/close")


async def test_a_recall_that_is_repeated_calls_nobody_twice(surging: Surging) -> None:
    one = await ready(surging)
    await call(surging, "lead311", "POST", f"{one}/arm")
    await call(surging, "approver", "POST", f"{one}/open", {"level": 1})
    listed = (await call(surging, "agent311", "GET", f"{one}/facts"))[1]["facts"]
    sites = next(row for row in listed if row["name"] == "sites")
    assert sites["counts"] and sites["value"] == "Lents Park"
    which = one.rpartition("/")[2]

    def heard(conn: Any) -> None:
        row = store.activation(conn, which)
        assert row is not None
        made = {"contact_id": "heard", "activation_id": which, "way": "voice", "standing": "done", "script": 1}
        store.add(conn, store.ContactRow(**made, offered_at=row.made_at))

    surging.control.db.write_now(heard)
    for _ in range(2):
        status, reply = await call(
            surging, "lead311", "POST", f"{one}/facts/{sites['fact_id']}/recall", {"reason": "Closed."}, key="once"
        )
        assert status == 200 and reply["contacts"] == ["heard"]
    assert surging.listener.called_back == [(["heard"], "Closed.")]
    reply = (await call(surging, "viewer", "GET", f"{one}/script"))[1]
    assert reply["version"] == 2 and reply["changed"] == "Sites: taken back (was Lents Park)"
    assert (await call(surging, "viewer", "GET", f"{one}/script/1"))[1]["facts"]["sites"]["en"] == "Lents Park"
    await ended(surging, one)


async def test_everything_is_in_the_description(surging: Surging) -> None:
    told = document(surging.endpoints)
    named = json.dumps(told["paths"])
    for name in ("Surge", "Activations", "Activation", "Facts", "Entered", "Recalled", "Script", "Tested"):
        assert f'"#/components/schemas/{name}"' in named and name in told["components"]["schemas"]


async def test_the_command_line_does_all_of_it(surging: Surging) -> None:
    async def said(who: str, *arguments: str) -> Said:
        served = surging.house.served
        shell = Shell(served.home, {"TOCSIN_URL": served.url, "TOCSIN_TOKEN": served.tokens[who]})
        return await asyncio.to_thread(shell, "surge", *arguments)

    assert "Surge mode is off." in (await said("viewer", "status")).out
    assert "Surge mode is off" in (await said("lead311", "arm")).errors
    assert (await said("lead311", "choose", "boil", "--why", "E. coli")).code == 0
    found = await said("lead311", "status")
    assert "MISSING facts: boil_minutes: not set. How long?" in found.out
    for name, value in FACTS:
        assert (await said("lead311", "fact", "set", name, value, "--issued-by", "Health officer")).code == 0
    worded = await said("lead311", "fact", "set", "sites", "en=At the park.", "es=En el parque.", "--issued-by", "Water")
    assert "sites is fact" in worded.out
    refused = await said("lead311", "fact", "set", "boil_minutes", "three", "--issued-by", "x")
    assert refused.code == 1 and "it is a number of minutes" in refused.errors
    for line in ("fallback", "partner Regional 211"):
        assert (await said("lead311", "tested", line)).code == 0
    assert "Version 1 is read in en" in (await said("lead311", "publish")).out
    assert "is armed" in (await said("lead311", "arm")).out
    assert "is open at level 2" in (await said("approver", "open", "--level", "2")).out
    assert "is open at level 3" in (await said("approver", "level", "3", "--why", "More.")).out
    listed = await said("agent311", "fact", "list", "--json")
    number = next(row["fact_id"] for row in listed.data["facts"] if row["value"] == "At the park.")
    assert "sites is read no more; 0 contacts" in (await said("lead311", "fact", "recall", str(number), "--why", "Wrong.")).out
    assert "standing down" in (await said("lead311", "stand-down", "--why", "Over.")).out
    assert (await said("lead311", "close")).code == 1
    assert "is closed" in (await said("lead311", "close", "--handover", "Nothing.")).out
