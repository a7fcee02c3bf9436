"""Nobody writes over what they have not read: ETag and If-Match on alerts, and the other's change named."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from notify.web import versions
from notify.web.answers import TYPES, Problem
from notify.web.versions import Seen
from tests.notify.api_factory import Answered, Desk, a_desk
from tests.notify.newsroom_factory import BOIL_WATER

at_the_desk = pytest.mark.asyncio(loop_scope="module")
ALERTS = "/api/v1/alerts"
FIVE = BOIL_WATER | {"slots": BOIL_WATER["slots"] | {"samples": 5}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("versions") / "home", migrated_sqlite) as found:
        yield found


async def made(desk: Desk, key: str) -> Answered:
    answer = await desk.ask("author", "POST", ALERTS, BOIL_WATER, key)
    assert answer.status == 201 and answer.headers["ETag"] == '"1"', answer.text
    return answer


@at_the_desk
async def test_of_two_who_edit_one_is_told_what_the_other_changed(desk: Desk) -> None:
    path = f"{ALERTS}/{(await made(desk, 'two')).reply['alert_id']}"
    tag = (await desk.ask("approver", "GET", path)).headers["ETag"]
    first = await desk.ask("approver", "PUT", path, FIVE, If_Match=tag)
    assert first.status == 200 and first.headers["ETag"] == '"2"', first.text
    late = await desk.ask("author", "PUT", path, BOIL_WATER | {"short": True}, If_Match=tag)
    assert late.status == 412 and late.reply["type"] == f"{TYPES}changed-since" and late.headers["ETag"] == '"2"'
    assert late.reply["current"]["last_editor"] == "approver" and late.reply["current"]["version"] == 2
    assert late.reply["differences"] == [
        {"field": "short", "theirs": False, "yours": True},
        {"field": "slots.samples", "theirs": 5, "yours": 3},
    ]
    assert "approver" in late.reply["problems"][0] and "slots.samples" in late.reply["problems"][1]
    kept = (await desk.ask("viewer", "GET", path)).reply
    assert kept["draft"]["slots"]["samples"] == 5 and kept["version"] == 2
    again = await desk.ask("author", "PUT", path, BOIL_WATER | {"short": True}, If_Match=late.headers["ETag"])
    assert again.status == 200 and again.headers["ETag"] == '"3"'


@at_the_desk
async def test_who_does_not_say_what_they_read_writes_over_nothing(desk: Desk) -> None:
    path = f"{ALERTS}/{(await made(desk, 'unsaid')).reply['alert_id']}"
    answer = await desk.ask("author", "PUT", path, FIVE)
    assert answer.status == 428 and answer.reply["type"] == f"{TYPES}no-version"
    assert (await desk.ask("author", "PUT", path, FIVE, If_Match='"7')).status == 400
    assert (await desk.ask("author", "PUT", path, FIVE, If_Match='W/"1"')).status == 412, "weak tags match nothing"
    assert (await desk.ask("author", "PUT", path, FIVE, If_Match='"9", "1"')).status == 200
    assert (await desk.ask("author", "PUT", path, BOIL_WATER, If_Match="*")).status == 200


@at_the_desk
async def test_an_act_on_a_version_of_before_is_refused_and_one_without_says_nothing_of_it(desk: Desk) -> None:
    path = f"{ALERTS}/{(await made(desk, 'acts')).reply['alert_id']}"
    await desk.ask("approver", "PUT", path, FIVE, If_Match='"1"')
    old = await desk.ask("author", "POST", f"{path}/submit", {}, "old submit", If_Match='"1"')
    assert old.status == 412 and old.reply["current"]["version"] == 2 and old.reply["differences"] == []
    asked = await desk.ask("author", "POST", f"{path}/submit", {}, "submit", If_Match='"2"')
    assert asked.status == 200 and asked.headers["ETag"] == '"3"', asked.text
    again = await desk.ask("author", "POST", f"{path}/submit", {}, "submit", If_Match='"2"')
    assert again.status == 200 and again.reply == asked.reply, "a repeated request is not about another version"
    seen = {"digest": asked.reply["digest"]}
    assert (await desk.ask("approver", "POST", f"{path}/approve", seen, "old yes", If_Match='"2"')).status == 412
    assert (await desk.ask("everything", "POST", f"{path}/approve", seen, "yes")).status == 200
    pending = await desk.ask("author", "PUT", path, BOIL_WATER, If_Match='"4"')
    assert pending.status == 409, "the version is right, the moment is not"


def test_what_if_match_may_say() -> None:
    assert versions.asked(None) is None
    assert versions.asked("*") == versions.asked(" * ") == Seen(None)
    assert versions.asked('"3"') == Seen(frozenset({"3"}))
    assert versions.asked('"3" ,"5", W/"7"') == Seen(frozenset({"3", "5"}))
    for bad in ("", "3", '"3', '"3" "4"', "*, *", "W/3", '"3",,x'):
        with pytest.raises(Problem):
            versions.asked(bad)


@given(st.text(max_size=40))
def test_whatever_if_match_says_is_read_or_refused(header: str) -> None:
    try:
        seen: Any = versions.asked(header)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert seen.versions is None or all(isinstance(one, str) for one in seen.versions)


@given(st.integers(1, 10**9))
def test_a_tag_names_its_version(version: int) -> None:
    assert versions.asked(versions.tag(version)) == Seen(frozenset({str(version)}))
