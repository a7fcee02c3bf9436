"""Every request of the API by every role, by whoever has no token and by whoever is limited to something else: straight from
the list that the routes are made from. Whoever is not named is turned away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import inspect, text

from notify.alerts.life import Role
from notify.web.answers import ALL_KINDS, TYPES
from notify.web.endpoints import ANYBODY, Endpoint
from notify.web.openapi import BRACES, document
from tests.notify.api_factory import FOREIGN, Answered, Desk, a_desk
from tests.notify.newsroom_factory import BOIL_WATER

pytestmark = pytest.mark.asyncio(loop_scope="module")
# What stands in a path's braces: none of it exists, so whoever may ask is told 404, 409 or 422 at worst.
# What makes a body worth reading.
INTERVAL = {"begins": "2014-05-23T18:15:00Z", "minutes": 15, "queue": "a", "offered": 3, "answered": 2, "abandoned": 1}
BODIES: dict[str, Any] = {
    "IntervalsGiven": {"intervals": [INTERVAL]},
    "Sitting": {"state": "offline"},
    "ReadIt": {"version": 1},
    "Counted": {"reason": "a rumour"},
    "Address": {"address": "1120 SW 5th Ave"},
    "Question": {"words": "May fish have it?"},
    "Finished": {"ending": "informed"},
    "AnsweredBy": {"words": "Boil it for one minute."},
    "GuideTo": {"to": "+15035550123", "consent": True},
    "AtCounter": {"words": "May fish have it?"},
    "NeedNoted": {"code": "WATER_DELIVERY"},
    "NeedMoved": {"to": "met"},
    "Approved": {"question": "May fish have it?", "answer": "No."},
    "Chosen": {"runbook": "none", "why": "Why not."},
    "Levelled": {"level": 1},
    "Entered": {"name": "none", "values": {"": "1"}, "issued_by": "nobody"},
    "LineTried": {"line": "none"},
    "Draft": BOIL_WATER,
    "HandedIn": {"document": "<alert/>"},
    "Reason": {"reason": "Why not."},
    "Approval": {"digest": "none"},
    "NewWebhook": {"webhook_id": "viewer", "url": "http://10.0.0.1/"},
    "Code": {"code": "1"},
    "Subject": {"subject": "s-none"},
    "NewPasskey": {"name": "phone", "answer": "{}"},
    "Name": {"name": "phone"},
    "Replay": {"first": 1},
    "AreasToLookAt": {"geojson": {}},
    "AreasToTake": {"geojson": {}},
    "NewContact": {"address": "+15035550123"},
    "ContactCode": {"channel": "sms", "code": "1"},
    "OneChannel": {"channel": "sms"},
    "OnCallFor": {"hours": 0},
    "TurnGiven": {"turn": 100},
    "WordsRead": {"context": "none", "seen": ""},
    "WordsDoubted": {"context": "none", "seen": "", "note": "Why not."},
    "NewPerson": {"person_id": "viewer", "roles": ["viewer"]},
    "Seated": {"person_id": "viewer", "languages": ["en"]},
    "Ordered": {"language": "es", "keys": ["voice.hold"]},
    "HeardAll": {"heard": True},
    "Played": {"script": "none"},
    "LookUp": {"address": "+15035550123", "reason": "asked by phone"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("desk") / "home", migrated_sqlite) as found:
        yield found


async def ask(desk: Desk, who: str, one: Endpoint, stands: dict[str, str] = FOREIGN, key: str = "") -> Answered:
    path = BRACES.sub(lambda found: stands[found[1]], one.path)
    data = BODIES.get(one.body.__name__, {}) if one.body else None
    key = key or (f"{who} {one.method} {path}" if one.keyed else "")
    return await desk.ask(who, one.method, path, data, key, **({"If_Match": "*"} if one.method == "PUT" else {}))


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_does_what_it_may_and_nothing_else(desk: Desk, role: Role) -> None:
    for one in desk.endpoints:
        answer = await ask(desk, role.value, one)
        told = f"{one.method} {one.path}: {answer.status} {answer.text[:200]}"
        turned_away = answer.status == 403 and "It takes the role" in answer.text
        assert turned_away == (role not in (one.roles or Role)), told
        assert answer.status < 500, told
        if answer.status >= 400:
            assert answer.kind == "application/problem+json", told
            assert answer.reply["type"].removeprefix(TYPES) in ALL_KINDS, told


async def test_nothing_but_health_and_metrics_is_open_without_a_token(desk: Desk) -> None:
    desk.served.tokens["stranger"] = "guessed"
    opened = {one.path for one in desk.endpoints if one.roles is ANYBODY}
    assert opened == {"/healthz", "/readyz", "/metrics"}
    for one in desk.endpoints:
        if one.path not in opened:
            answer = await ask(desk, "stranger", one)
            assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), one.path


async def test_a_viewer_s_token_changes_nothing(desk: Desk) -> None:
    """For wallboards: every table stays as it was, but for the log, which says what was tried."""
    db = desk.served.running.service.db

    def counted(conn: Any) -> dict[str, int]:
        names = [name for name in inspect(conn).get_table_names() if name not in ("due", "audit")]
        return {name: conn.execute(text(f'SELECT COUNT(*) FROM "{name}"')).scalar_one() for name in names}

    before = db.read_now(counted)
    for one in desk.endpoints:
        await ask(desk, "viewer", one, key="viewer's" if one.keyed else "")
    assert db.read_now(counted) == before
    changing = [one for one in desk.endpoints if one.method != "GET" and not one.path.endswith(("/preview", "/look-up"))]
    assert changing and not any(one.roles and Role.VIEWER in one.roles for one in changing)


async def test_whoever_is_limited_to_something_else_writes_sends_and_follows_up_nothing(desk: Desk) -> None:
    """Own and foreign alerts: an author of floods and an approver of floods before an alert about water."""
    desk.staff("flood-author", ["author"], hazards=["flood"])
    desk.staff("flood-approver", ["approver"], hazards=["flood"])
    desk.staff("mail-author", ["author"], channels=["email"])
    desk.staff("lents-author", ["author"], areas=["Lents"])
    alerts = "/api/v1/alerts"
    made = await desk.ask("author", "POST", alerts, BOIL_WATER, "own")
    own = f"{alerts}/{made.reply['alert_id']}"
    for who in ("flood-author", "flood-approver", "mail-author", "lents-author"):
        for method, path, data in (
            ("POST", alerts, BOIL_WATER),
            ("PUT", own, BOIL_WATER),
            ("POST", f"{own}/submit", {}),
            ("POST", f"{own}/update", {}),
            ("POST", f"{own}/cancel", {}),
        ):
            answer = await desk.ask(who, method, path, data, f"{who} {method} {path}", If_Match="*")
            assert answer.status == 403, (who, method, path, answer.text)
    submitted = await desk.ask("author", "POST", f"{own}/submit", {}, "submit")
    seen = {"digest": submitted.reply["digest"]}
    for who in ("author", "flood-approver"):
        answer = await desk.ask(who, "POST", f"{own}/approve", seen, "approve")
        assert answer.status == 403, (who, answer.text)
    assert (await desk.ask("approver", "POST", f"{own}/approve", seen, "approve")).status == 200
    for who in ("author", "flood-approver", "everything"):
        assert (await desk.ask(who, "POST", f"{own}/send", {}, "send")).status == 403, f"{who} did not approve it"


async def test_every_post_that_changes_something_needs_a_key(desk: Desk) -> None:
    for one in desk.endpoints:
        if one.method == "POST" and not one.path.endswith(("/preview", "/look-up")):
            assert one.keyed, one.path
            path = BRACES.sub(lambda found: FOREIGN[found[1]], one.path)
            data = BODIES.get(one.body.__name__, {}) if one.body else None
            answer = await desk.ask("everything", one.method, path, data)
            assert answer.status == 400 and answer.reply["type"] == f"{TYPES}no-key", (one.path, answer.text)


async def test_the_document_names_every_request_and_nothing_else(desk: Desk) -> None:
    told = await desk.ask("viewer", "GET", "/api/v1/openapi.json")
    assert told.reply == document(desk.endpoints)
    named = {(method.upper(), path) for path, ways in told.reply["paths"].items() for method in ways}
    assert named == {(one.method, BRACES.sub(r"{\1}", one.path)) for one in desk.endpoints}
    names = [way["operationId"] for ways in told.reply["paths"].values() for way in ways.values()]
    assert len(set(names)) == len(names)
    schemas = told.reply["components"]["schemas"]
    assert {one.gives for one in desk.endpoints} <= set(schemas)


async def test_the_running_service_answers_what_needs_no_key_of_residents(desk: Desk) -> None:
    """What the service itself serves is this list, but for what opens addresses unless it was given the keys."""
    status, reply = await desk.served.call("viewer", "GET", "/openapi.json")
    ours = set(document(desk.endpoints)["paths"])
    assert status == 200 and ours - set(reply["paths"]) <= {"/api/v1/residents/look-up"}


async def test_a_list_comes_in_pages_that_leave_nothing_out(desk: Desk) -> None:
    for number in range(5):
        await desk.ask("author", "POST", "/api/v1/alerts", BOIL_WATER, f"page {number}")
    for path, name, field in (("/api/v1/alerts", "alerts", "alert_id"), ("/api/v1/audit", "lines", "seq")):
        whole = [row[field] for row in (await desk.ask("viewer", "GET", path)).reply[name]]
        found, where, pages = [], f"{path}?limit=2", 0
        while where:
            answer = await desk.ask("viewer", "GET", where)
            found += [row[field] for row in answer.reply[name]]
            link, pages = answer.headers.get("Link", ""), pages + 1
            where = link[1 : link.index(">")] if link else ""
            assert answer.reply["next"] == (where or None)
        assert found == whole and pages == -(-len(whole) // 2), path


@pytest.mark.parametrize("asked", ["limit=0", "limit=501", "limit=x", "limit=-1", "limit=%D9%A3", "after=x"])
async def test_a_question_that_makes_no_sense_is_refused(desk: Desk, asked: str) -> None:
    answer = await desk.ask("viewer", "GET", f"/api/v1/audit?{asked}")
    assert answer.status == 400 and answer.reply["problems"]


@pytest.mark.parametrize("path", ["/webhooks/nobody/messages", "/audit"])
async def test_every_number_that_is_none_is_named_at_once(desk: Desk, path: str) -> None:
    answer = await desk.ask("admin", "GET", f"/api/v1{path}?after=x&limit=0")
    assert answer.status == 400 and sorted(one.partition(":")[0] for one in answer.reply["problems"]) == ["after", "limit"]


@pytest.mark.parametrize(
    "field",
    [
        {"expires": 0},
        {"not_after": True},
        {"expected_people": False},
        {"short": "no"},
        {"slows": 0},
        {"area": {"circle": {"lat": True}}},
    ],
)
async def test_a_draft_is_not_read_kindly_where_that_would_be_wrong(desk: Desk, field: dict[str, Any]) -> None:
    """0 is no moment in 1970; false is not nobody."""
    for path in ("/api/v1/alerts", "/api/v1/preview", "/api/v1/alerts/ZZZZZ-1/update"):
        answer = await desk.ask("author", "POST", path, BOIL_WATER | field, f"{path} {field}")
        assert answer.status == 422 and any("must be" in sentence for sentence in answer.reply["problems"]), answer.text


async def test_the_same_press_of_many_fingers_is_one_alert(desk: Desk) -> None:
    asked = [desk.ask("author", "POST", "/api/v1/alerts", BOIL_WATER, "fifty") for _ in range(20)]
    assert len({answer.reply["alert_id"] for answer in await asyncio.gather(*asked)}) == 1


@pytest.mark.parametrize("key", ["x" * 256, "two\twords", "ä"])
async def test_a_key_that_cannot_be_kept_is_refused(desk: Desk, key: str) -> None:
    answer = await desk.ask("author", "POST", "/api/v1/alerts", BOIL_WATER, key)
    assert answer.status == 400 and answer.reply["type"] == f"{TYPES}no-key"


async def test_half_a_letter_is_refused_and_not_a_fault(desk: Desk) -> None:
    made = await desk.ask("author", "POST", "/api/v1/alerts", BOIL_WATER, "half")
    path = f"/api/v1/alerts/{made.reply['alert_id']}"
    await desk.ask("author", "POST", f"{path}/submit", {}, "half submit")
    answer = await desk.ask("approver", "POST", f"{path}/return", {"reason": "\ud800"}, "half return")
    assert answer.status == 422, answer.text
