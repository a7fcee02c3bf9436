"""Every act once, whatever is pressed how often: through HTTP, at the same moment, after a restart, on both databases."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import Connection, text

from notify.alerts.life import Role, Staff
from notify.clock import ManualClock
from notify.db import POSTGRES_WRITERS, Database
from notify.web.answers import STAFF, Problem
from notify.web.replies import Replies, ShownOnce
from tests.notify.api_factory import Desk, a_desk, after_a_restart
from tests.notify.newsroom_factory import BOIL_WATER

ALERTS = "/api/v1/alerts"
CLICKS = 50
WAIT_S = 120


def asked(key: str, data: Any = None, person_id: str = "author") -> web.Request:
    request = make_mocked_request("POST", "/api/v1/alerts", headers={"Idempotency-Key": key})
    request[STAFF] = Staff(person_id=person_id, roles=frozenset({Role.AUTHOR}))
    request._read_bytes = json.dumps(data).encode()
    return request


class Counter:
    """A verb that says how often it was done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, _: Connection) -> dict[str, int]:
        self.done += 1
        return {"done": self.done}


@contextmanager
def a_busy_writer(db: Database) -> Iterator[threading.Event]:
    """Every writer waits until the event is set. One after the other: a writer takes all that is there into one transaction."""
    go, held = threading.Event(), []
    for _ in range(1 if db.sqlite else POSTGRES_WRITERS):
        begun = threading.Event()

        def hold(_: Connection, begun: threading.Event = begun) -> bool:
            begun.set()
            return go.wait(WAIT_S)

        held.append(db.submit(hold))
        assert begun.wait(WAIT_S)
    try:
        yield go
    finally:
        go.set()
        assert all(one.result(WAIT_S) for one in held)


async def refused(wanted: Any) -> Problem:
    with pytest.raises(Problem) as found:
        await wanted
    return found.value


async def test_fifty_of_one_key_are_done_once_and_get_the_same_answer(db: Database, clock: ManualClock) -> None:
    replies, verb = Replies(db, clock), Counter()
    answers = await asyncio.gather(*(replies.once(asked("k"), verb, 201) for _ in range(CLICKS)))
    assert {(answer.status, answer.text) for answer in answers} == {(201, '{"done": 1}')}
    assert verb.done == 1


async def test_the_same_key_with_another_body_is_refused_and_of_another_person_is_another_key(
    db: Database, clock: ManualClock
) -> None:
    replies, verb = Replies(db, clock), Counter()
    await replies.once(asked("k", 1), verb)
    problem = await refused(replies.once(asked("k", 2), verb))
    assert (problem.status, problem.kind) == (422, "key-used")
    await replies.once(asked("k", 2, "approver"), verb)
    assert verb.done == 2


async def test_what_is_under_way_for_too_long_is_answered_409_and_may_be_asked_again(db: Database, clock: ManualClock) -> None:
    replies, verb = Replies(db, clock, patience_s=0.05), Counter()
    with a_busy_writer(db) as go:
        first = asyncio.create_task(replies.once(asked("k"), verb))
        await asyncio.sleep(0)
        problem = await refused(replies.once(asked("k"), verb))
        assert (problem.status, problem.kind) == (409, "in-flight") and problem.headers["Retry-After"]
        other = asyncio.create_task(replies.once(asked("other"), Counter()))
        go.set()
        assert (await first).text == (await replies.once(asked("k"), verb)).text == '{"done": 1}'
        await other
    assert verb.done == 1


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_what_another_process_is_at_is_answered_409_and_holds_no_writer(db: Database, clock: ManualClock) -> None:
    replies, verb = Replies(db, clock), Counter()
    with db.writer.begin() as theirs:
        theirs.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('author k', 0))"))
        problem = await refused(replies.once(asked("k"), verb))
        assert (problem.status, problem.kind) == (409, "in-flight") and verb.done == 0
    assert (await replies.once(asked("k"), verb)).text == '{"done": 1}'


async def test_what_the_database_went_away_over_is_not_called_undone_and_its_key_does_it_no_second_time(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_desk(tmp_path / "home", migrated_sqlite) as desk:
        dialect = desk.served.running.service.db.writer.dialect
        commit = dialect.do_commit

        def is_lost_after_it(connection: Any) -> None:
            commit(connection)
            raise sqlite3.OperationalError("server closed the connection unexpectedly")

        with monkeypatch.context() as away:
            away.setattr(dialect, "do_commit", is_lost_after_it)
            unsure = await desk.ask("author", "POST", ALERTS, BOIL_WATER, key="k")
        assert unsure.status == 503 and unsure.reply["problems"][0].startswith("Whether this was done is not known.")
        again = await desk.ask("author", "POST", ALERTS, BOIL_WATER, key="k")
        listed = await desk.ask("author", "GET", ALERTS)
        assert again.status == 201
        assert [one["alert_id"] for one in listed.reply["alerts"]] == [again.reply["alert_id"]]


async def test_an_answer_is_kept_for_a_process_that_starts_later(database_url: str, clock: ManualClock) -> None:
    verb, texts = Counter(), []
    for _ in range(2):
        db = Database(database_url)
        try:
            texts.append((await Replies(db, clock).once(asked("k"), verb)).text)
        finally:
            db.close()
    assert texts == ['{"done": 1}'] * 2


async def test_what_has_to_go_well_first_is_asked_once_and_its_failure_is_not_kept(db: Database, clock: ManualClock) -> None:
    replies, verb, asked_for = Replies(db, clock), Counter(), []

    async def prove() -> None:
        asked_for.append(1)
        if len(asked_for) == 1:
            raise Problem(403, "You may not do this.")

    assert (await refused(replies.once(asked("k"), verb, 200, prove))).status == 403
    answers = await asyncio.gather(*(replies.once(asked("k"), verb, 200, prove) for _ in range(5)))
    assert {answer.text for answer in answers} == {'{"done": 1}'} and len(asked_for) == 2


async def test_a_secret_is_shown_once_and_never_kept(db: Database, clock: ManualClock) -> None:
    def tell(_: Connection) -> ShownOnce:
        return ShownOnce(reply={"who": "viewer", "token": "drawn"}, field="token")

    first, second = [(await Replies(db, clock).once(asked("k"), tell)).text or "" for _ in range(2)]
    assert json.loads(first)["token"] == "drawn" and json.loads(second) == {"who": "viewer", "token": None}


async def test_fifty_clicks_of_each_act_by_http_are_one_alert(tmp_path: Path, migrated_sqlite: Path) -> None:
    """Composed, submitted, approved, sent and stopped fifty times each with the same key, before and after a restart."""
    home = tmp_path / "home"
    async with a_desk(home, migrated_sqlite, countdown_s=600) as desk:
        made = await pressed(desk, "author", ALERTS, BOIL_WATER)
        path = f"{ALERTS}/{made['alert_id']}"
        digest = (await pressed(desk, "author", f"{path}/submit", {}))["digest"]
        await pressed(desk, "approver", f"{path}/approve", {"digest": digest})
        said = [(f"{path}/send", {}), (f"{path}/stop", {"reason": "A drill."})]
        kept = [await pressed(desk, "approver", *one) for one in said]
        log = (await desk.ask("viewer", "GET", f"/api/v1/audit?subject={made['alert_id']}")).reply["lines"]
        assert [line["action"] for line in log] == ["composed", "submitted", "approved", "sent", "stopped"]
        tokens = desk.served.tokens
    async with after_a_restart(home, tokens, countdown_s=600) as desk:
        assert [await pressed(desk, "approver", *one) for one in said] == kept
        assert (await pressed(desk, "author", ALERTS, BOIL_WATER)) == made
        assert len((await desk.ask("viewer", "GET", ALERTS)).reply["alerts"]) == 1


async def pressed(desk: Desk, who: str, path: str, data: Any) -> Any:
    answers = await asyncio.gather(*(desk.ask(who, "POST", path, data, f"click {path}") for _ in range(CLICKS)))
    assert len({(answer.status, answer.text) for answer in answers}) == 1, {answer.text for answer in answers}
    assert answers[0].status in (200, 201), answers[0].text
    return answers[0].reply


async def test_fifty_sends_each_with_a_key_of_its_own_are_one_send(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with a_desk(tmp_path / "home", migrated_sqlite, countdown_s=600) as desk:
        made = await pressed(desk, "author", ALERTS, BOIL_WATER)
        path = f"{ALERTS}/{made['alert_id']}"
        digest = (await pressed(desk, "author", f"{path}/submit", {}))["digest"]
        asks = (desk.ask("approver", "POST", f"{path}/approve", {"digest": digest}, f"yes {one}") for one in range(CLICKS))
        assert sorted(one.status for one in await asyncio.gather(*asks)) == [200] + [409] * (CLICKS - 1)
        asks = (desk.ask("approver", "POST", f"{path}/send", {}, f"go {one}") for one in range(CLICKS))
        told = await asyncio.gather(*asks)
        assert sorted(one.status for one in told) == [200] + [409] * (CLICKS - 1)
        assert all("already countdown" in one.text for one in told if one.status == 409), "the loser is told how things stand"
        log = (await desk.ask("viewer", "GET", f"/api/v1/audit?subject={made['alert_id']}")).reply["lines"]
        acts = [line["action"] for line in log]
        assert acts.count("approved") == acts.count("sent") == 1
        assert acts.count("was refused") == 2, "both attempts stand in the log: one line for each kind of them"
