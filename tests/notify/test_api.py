"""The API of staff: every refusal a problem with all its sentences, every act once, every role to its own."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.service_factory import STAFF, Served, serving

WAIT_S = 120
CANARIES = ("+15035550177", "canary@example.gov", "tok-canary-1234", "Canary Street")


@pytest.fixture
async def served(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "home", migrated_sqlite) as found:
        yield found


async def made(served: Served, **changes: Any) -> str:
    status, reply = await served.call("author", "POST", "/alerts", BOIL_WATER | changes)
    assert status == 201, reply
    return str(reply["alert_id"])


async def test_health_and_readiness_need_no_token(served: Served) -> None:
    assert await served.raw("GET", "/healthz") == (200, "application/json", {"alive": True})
    assert await served.raw("GET", "/readyz") == (200, "application/json", {"ready": True, "problems": [], "warnings": []})


async def test_every_refusal_is_a_problem(served: Served) -> None:
    token = {"Authorization": f"Bearer {served.tokens['author']}"}
    keyed = token | {"Idempotency-Key": "one"}
    cases: list[tuple[int, str, str, dict[str, str], bytes | None]] = [
        (404, "GET", "/nowhere", {}, None),
        (401, "GET", "/api/v1/alerts", {}, None),
        (401, "GET", "/api/v1/alerts", {"Authorization": "Basic abc"}, None),
        (401, "GET", "/api/v1/alerts", {"Authorization": "Bearer guessed"}, None),
        (401, "GET", "/api/v1/nowhere", {"Authorization": "Bearer guessed"}, None),
        (404, "GET", "/api/v1/nowhere", token, None),
        (405, "DELETE", "/api/v1/alerts", token, None),
        (404, "GET", "/api/v1/alerts/K7Q2X-1", token, None),
        (404, "GET", "/api/v1/alerts/K7Q2X-1/deliveries", token, None),
        (404, "GET", "/api/v1/alerts/K7Q2X-1/preview", token, None),
        (404, "POST", "/api/v1/alerts/K7Q2X-1/submit", keyed, None),
        (404, "POST", "/api/v1/alerts/K7Q2X-1/update", token | {"Idempotency-Key": "two"}, None),
        (400, "POST", "/api/v1/alerts", keyed, b"{not json"),
        (400, "POST", "/api/v1/alerts", keyed, b"\xff\xfe"),
        (400, "POST", "/api/v1/alerts", keyed, b"[" * 200_000),
        (400, "POST", "/api/v1/alerts", keyed, b"[1, 2]"),
        (400, "POST", "/api/v1/alerts", token, json.dumps(BOIL_WATER).encode()),
        (400, "POST", "/api/v1/alerts", token | {"Idempotency-Key": "x" * 256}, json.dumps(BOIL_WATER).encode()),
        (422, "POST", "/api/v1/alerts", keyed, b"{}"),
        (422, "POST", "/api/v1/alerts/K7Q2X-1/stop", keyed, b'{"reason": 5}'),
        (413, "POST", "/api/v1/alerts", keyed, b"x" * (4 * 1024 * 1024 + 1)),
    ]
    for status, method, path, headers, data in cases:
        found, kind, reply = await served.raw(method, path, headers=headers, data=data)
        assert (found, kind) == (status, "application/problem+json"), (method, path, reply)
        assert reply["status"] == status and reply["title"] and isinstance(reply["problems"], list)


async def test_all_problems_of_a_draft_come_at_once(served: Served) -> None:
    bad = {"hazard": 5, "stage": "panic", "colour": "red", "area": {"circle": {"lat": 99}}}
    status, reply = await served.call("author", "POST", "/alerts", bad)
    assert status == 422
    assert len(reply["problems"]) >= 5
    alert_id = await made(served, area={"names": ["Atlantis"]}, source="mayor")
    status, reply = await served.call("author", "POST", f"/alerts/{alert_id}/submit")
    told = "\n".join(reply["problems"])
    assert status == 422 and "Atlantis" in told and "mayor" in told


async def test_an_act_is_done_once_under_its_key(served: Served) -> None:
    replies = [await served.call("author", "POST", "/alerts", BOIL_WATER, key="k") for _ in range(3)]
    assert [status for status, _ in replies] == [201] * 3
    assert len({reply["alert_id"] for _, reply in replies}) == 1
    status, reply = await served.call("author", "POST", "/alerts", BOIL_WATER | {"short": True}, key="k")
    assert status == 422 and "another request" in reply["title"]
    status, other = await served.call("approver", "POST", "/alerts", BOIL_WATER, key="k")
    assert status == 201 and other["alert_id"] != replies[0][1]["alert_id"], "a key belongs to its person"
    alert_id = replies[0][1]["alert_id"]
    first = await served.call("author", "POST", f"/alerts/{alert_id}/submit", key="s")
    assert await served.call("author", "POST", f"/alerts/{alert_id}/submit", key="s") == first
    status, _ = await served.call("author", "POST", f"/alerts/{alert_id}/submit", key="t")
    assert status == 409, "a second submit is not the first one again"


async def test_a_refusal_is_not_kept_under_its_key(served: Served) -> None:
    alert_id = await made(served, source="mayor")
    path = f"/alerts/{alert_id}"
    assert (await served.call("author", "POST", f"{path}/submit", key="k"))[0] == 422
    assert (await served.call("author", "PUT", path, BOIL_WATER))[0] == 200
    assert (await served.call("author", "POST", f"{path}/submit", key="k"))[0] == 200


READ = ("/alerts", "/alerts/{id}", "/alerts/{id}/preview", "/alerts/{id}/deliveries", "/areas", "/status", "/subscribers")


async def test_each_role_reads_and_writes_what_it_may(served: Served) -> None:
    alert_id = await made(served)
    readers = {"viewer", "author", "approver", "admin", "translator"}
    for role, _ in STAFF:
        for path in READ:
            status, _reply = await served.call(role, "GET", path.replace("{id}", alert_id))
            assert status == (200 if role in readers else 403), (role, path)
        status, _reply = await served.call(role, "GET", "/audit")
        assert status == (200 if role in {"viewer", "approver", "admin"} else 403), role
        writes = role in {"author", "approver"}
        assert (await served.call(role, "POST", "/alerts", BOIL_WATER))[0] == (201 if writes else 403), role
        for verb in ("submit", "send", "stop", "update", "return"):
            if not writes:
                given = {} if verb == "update" else {"reason": "Why not."}
                status, _reply = await served.call(role, "POST", f"/alerts/{alert_id}/{verb}", given)
                assert status == 403 or (verb in ("send", "stop") and status == 404), (role, verb)


async def test_a_follow_up_that_is_only_previewed_knows_what_it_follows(served: Served) -> None:
    first = await sent(served)
    draft = BOIL_WATER | {"stage": "update", "incident": first.partition("-")[0], "next_update_by": "2030-01-01T00:00Z"}
    _, reply = await served.call("author", "POST", "/preview", draft)
    assert reply["problems"] == []


async def test_a_letter_that_makes_every_text_dearer_is_told(served: Served) -> None:
    slots = BOIL_WATER["slots"]
    dear = BOIL_WATER | {"area": {"circle": {"lat": 45.5, "lon": -122.6, "radius_m": 100}, "words": "Café Ríos"}}
    _, reply = await served.call("author", "POST", "/preview", dear | {"slots": slots})
    assert reply["problems"] == []
    (warning,) = [line for line in reply["warnings"] if "cost more" in line]
    assert "'í'" in warning and "en" in warning
    assert any(warning in line for line in reply["summary"])


async def test_a_character_no_database_takes_is_refused_and_nothing_breaks(served: Served) -> None:
    alert_id = await made(served)
    await served.call("author", "POST", f"/alerts/{alert_id}/submit")
    status, _ = await served.call("approver", "POST", f"/alerts/{alert_id}/return", {"reason": "no\0pe"})
    assert status in (200, 422)
    assert (await served.raw("GET", "/readyz"))[0] == 200


async def sent(served: Served) -> str:
    alert_id = await made(served)
    _, reply = await served.call("author", "POST", f"/alerts/{alert_id}/submit")
    await served.call("approver", "POST", f"/alerts/{alert_id}/approve", {"digest": reply["digest"]})
    status, reply = await served.call("approver", "POST", f"/alerts/{alert_id}/send")
    assert status == 200, reply
    async with asyncio.timeout(WAIT_S):
        while (await served.call("viewer", "GET", f"/alerts/{alert_id}"))[1]["status"] != "active":
            await asyncio.sleep(0.05)
    return alert_id


async def test_no_number_address_token_or_text_is_in_a_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    number, mail, token, street = CANARIES
    slots = BOIL_WATER["slots"] | {"address": f"{street} {number} {mail}"}
    await served.raw("GET", "/api/v1/alerts", headers={"Authorization": f"Bearer {token}"})
    await served.call("author", "POST", "/alerts", {"hazard": number, "note": mail, "colour": street})
    alert_id = await made(served, slots=slots, note=f"{number} {mail}")
    for verb in ("submit", "return", "submit", "approve", "send", "stop"):
        body = {"reason": f"{number} {mail}", "digest": token}
        await served.call("approver", "POST", f"/alerts/{alert_id}/{verb}", body)
    await served.call("author", "POST", "/preview", BOIL_WATER | {"slots": slots})
    public = f"http://127.0.0.1:{served.running.public_port}"
    private = served.url
    assert public != private
    for path in (f"/unsubscribe/{number}", f"/reports/sms/{mail}", f"/a/{street}", f"/{token}"):
        await served.raw("GET", path)
    await sent(served)
    text = caplog.text + "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    for canary in (*CANARIES, *served.tokens.values()):
        assert canary not in text
    database = (served.home / "tocsin.db").read_bytes() + (served.home / "tocsin.db-wal").read_bytes()
    assert not any(one.encode() in database for one in served.tokens.values())
