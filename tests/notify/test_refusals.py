"""What was tried and refused stands in the log, and nobody can fill the log by trying."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify import audit
from notify.alerts.life import Role
from notify.clock import ManualClock
from notify.db import Database
from notify.web.openapi import BRACES
from notify.web.refusals import Refusals
from tests.notify.api_factory import FOREIGN, Desk, a_desk
from tests.notify.newsroom_factory import BOIL_WATER

at_the_desk = pytest.mark.asyncio(loop_scope="module")
ALERTS = "/api/v1/alerts"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("refused") / "home", migrated_sqlite) as found:
        yield found


def refused(db: Database) -> list[dict[str, Any]]:
    lines = db.read_now(audit.lines)
    assert audit.problems(lines) == []
    return [
        {"who": line.actor, "about": line.subject} | json.loads(line.detail) for line in lines if line.action == "was refused"
    ]


async def test_a_thousand_tries_in_a_minute_are_one_line_and_the_next_one_counts_them(db: Database, clock: ManualClock) -> None:
    refusals = Refusals(db, clock)
    for number in range(1_000):
        await refusals.note("script", "POST /send", f"K7Q2X-{number}", status=403)
        clock.forward(timedelta(seconds=0.05))
    assert refused(db) == [{"who": "script", "about": "K7Q2X-0", "status": 403}]
    clock.forward(timedelta(seconds=10))
    await refusals.note("script", "POST /send", "K7Q2X-1", status=409)
    assert refused(db)[1:] == [{"who": "script", "about": "K7Q2X-1", "status": 409, "left_out_before": 999}]


async def test_nobody_s_tries_hide_another_person_s_or_another_act(db: Database, clock: ManualClock) -> None:
    refusals = Refusals(db, clock)
    for _ in range(3):
        for who in ("script", "author"):
            for route in ("POST /send", "POST /stop"):
                await refusals.note(who, route, "K7Q2X-1")
    assert len(refused(db)) == 4


@at_the_desk
async def test_who_was_refused_by_role_limit_or_moment_stands_in_the_log_and_a_look_does_not(desk: Desk) -> None:
    db = desk.served.running.service.db
    desk.staff("flood-author", ["author"], hazards=["flood"])
    before = len(refused(db))
    made = (await desk.ask("author", "POST", ALERTS, BOIL_WATER, "made")).reply["alert_id"]
    path = f"{ALERTS}/{made}"
    tries: list[tuple[str, str, str, Any, int]] = [
        ("viewer", "POST", f"{path}/submit", {}, 403),
        ("flood-author", "PUT", path, BOIL_WATER, 403),
        ("author", "PUT", path, BOIL_WATER | {"hazard": "flood"}, 422),
        ("approver", "POST", f"{path}/approve", {"digest": "0"}, 409),
        ("author", "POST", "/api/v1/staff", {"person_id": "me-too", "roles": ["admin"]}, 403),
        ("agent311", "POST", "/api/v1/residents/look-up", {"address": "+15035550123", "reason": "curious"}, 403),
    ]
    for who, method, where, data, status in tries:
        answer = await desk.ask(who, method, where, data, f"{who} {where}", **({"If_Match": "*"} if method == "PUT" else {}))
        assert answer.status == status, answer.text
    for where in ("/api/v1/audit", "/api/v1/staff"):
        assert (await desk.ask("agent311", "GET", where)).status == 403
    found = refused(db)[before:]
    assert [(one["who"], one["about"], one["what"], one["status"]) for one in found] == [
        ("viewer", made, "api submit", 403),
        ("flood-author", made, "api PUT", 403),
        ("author", made, "api PUT", 422),
        ("approver", made, "api approve", 409),
        ("author", "/api/v1/staff", "api staff", 403),
        ("agent311", "/api/v1/residents/look-up", "api look-up", 403),
    ]
    assert "5550123" not in json.dumps(found)


@at_the_desk
async def test_every_act_that_a_role_may_not_do_leaves_a_line(desk: Desk) -> None:
    """Straight from the list of requests: whoever is no viewer's better is refused, and it is written down."""
    db = desk.served.running.service.db
    desk.staff("second-viewer", ["viewer"])
    acts = [one for one in desk.endpoints if one.method != "GET" and one.roles and Role.VIEWER not in one.roles]
    for one in acts:
        path = BRACES.sub(lambda found: FOREIGN[found[1]], one.path)
        for _ in range(2):
            assert (await desk.ask("second-viewer", one.method, path, {}, "k")).status == 403, path
    found = [one for one in refused(db) if one["who"] == "second-viewer"]
    assert len(found) == len(acts) and {one["status"] for one in found} == {403}
