"""Who answers 311, by the API: the list as the page shows it, a loan that ends, and the practice calls of somebody new."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from notify import audit
from surge.desk.practice import calls
from surge.floor.seats import AgentState
from surge.scripts.reading import read
from tests.console.desk_factory import SOURCE, Desk
from tests.console.test_desk_api import Told, ask, do
from tests.notify.api_schema import faults

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = "+15035550123"


async def agent(desk: Desk, person_id: str = "agent311") -> dict[str, Any]:
    told = await ask(desk, "agent311", "GET", "/agents")
    assert told.status == 200 and faults(told.reply, "Agents") == []
    return next(dict(one) for one in told["agents"] if one["person_id"] == person_id)


async def seated(desk: Desk, who: str = "lead311", **given: Any) -> Told:
    return await ask(desk, who, "POST", "/agents", {"person_id": "agent311", "languages": ["en"]} | given)


async def test_a_lead_puts_somebody_down_as_the_page_does_and_no_number_is_ever_shown(desk: Desk) -> None:
    until, before = desk.house.clock.now() + timedelta(days=10), len(desk.read(audit.lines))
    told = await seated(desk, languages=["es", "en"], skills=["water"], home="Library", line=PHONE, until=until.isoformat())
    assert told.status == 200 and faults(told.reply, "Agent") == []
    found = await agent(desk)
    assert found == told.reply | {"state": "offline"}
    assert found["languages"] == ["en", "es"] and found["has_line"] and found["until"] == until.isoformat()
    assert PHONE not in str(told.reply) + str(found)
    page = await (await desk.signed_in("lead311")).get("/agents311")
    assert "has a telephone line" in page.words and "Library" in page.words and "lent until" in page.words
    (line,) = (one for one in desk.read(audit.lines)[before:] if one.action == "seated an agent")
    assert (line.actor, line.subject) == ("lead311", "agent311") and PHONE not in line.detail
    assert (await seated(desk))["has_line"], "a line that is not given stays"
    assert not (await seated(desk, line=""))["has_line"]
    assert PHONE not in str(
        desk.read(lambda conn: [tuple(row) for row in conn.exec_driver_sql("SELECT * FROM idempotency_key")])
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"person_id": "viewer"}, "does not have the role"),
        ({"languages": []}, "at least one language"),
        ({"languages": ["en", "tlh"]}, "no language tlh"),
        ({"skills": ["juggling"]}, "no skill juggling"),
        ({"line": "moon"}, "a phone number or a SIP address"),
        ({"until": "2020-01-01T00:00:00Z"}, "in the future"),
        ({"until": "2046-01-01T00:00:00Z"}, "within three months"),
    ],
)
async def test_what_is_wrong_with_it_is_said(desk: Desk, given: dict[str, Any], said: str) -> None:
    told = await seated(desk, **given)
    assert told.status == 422 and len(told["problems"]) == 1 and said in told["problems"][0], told.reply


async def test_everything_wrong_is_said_at_once_and_nothing_is_kept(desk: Desk) -> None:
    before = await agent(desk)
    wrong = {"languages": [], "skills": ["juggling"], "line": "moon", "until": "2020-01-01T00:00:00Z"}
    told = await seated(desk, person_id="viewer", **wrong)
    assert told.status == 422 and len(told["problems"]) == 5
    assert await agent(desk) == before
    assert (await seated(desk, until="0001-01-01T00:00:00+14:00")).status == 422
    assert (await seated(desk, who="agent311")).status == 403


async def test_a_loan_that_ends_takes_somebody_off_the_line_once(desk: Desk) -> None:
    await seated(desk)
    await do(desk, "/desk/state", {"state": "ready"})
    for _ in range(2):
        assert (await ask(desk, "lead311", "POST", "/agents/agent311/end", {}, key="end-1")).status == 200
        assert desk.line.state_of("agent311") is AgentState.OFFLINE
    told = await ask(desk, "agent311", "POST", "/desk/state", {"state": "ready"})
    assert told.status == 422 and "Your time at the desk is over" in told["problems"][0]
    await seated(desk)
    await do(desk, "/desk/state", {"state": "ready"})
    assert (await ask(desk, "lead311", "POST", "/agents/agent311/end", {}, key="end-1")).status == 200
    assert desk.line.state_of("agent311") is AgentState.READY, "a repeated answer sends nobody away who came back"
    assert [line.action for line in desk.read(audit.lines)].count("ended a loan") == 1
    told = await ask(desk, "lead311", "POST", "/agents/nobody/end", {})
    assert told.status == 404 and told["problems"] == ["They are not on the list."]


async def practised(desk: Desk, *pressed: int) -> Told:
    told = await do(desk, "/desk/start", {"pressed": list(pressed)}, key=secrets.token_hex(8))
    assert faults(told.reply, "Practice") == []
    return told


async def test_somebody_new_practises_both_calls_and_it_is_noted(desk: Desk) -> None:
    desk.switch_on()
    told = await practised(desk)
    assert (told["done"], told["call"], told["calls"], told["pressed"]) == (False, 1, 2, [])
    assert told["step"]["says"] and told["step"]["choices"]
    right = [turn.choice for call in calls(read("boil-water", SOURCE)) for turn in call.turns if turn.choice is not None]
    wrong = next(number for number in range(99) if number != right[0])
    told = await practised(desk, wrong)
    assert told["wrong"] and told["pressed"] == [] and told["call"] == 1
    told = await practised(desk, right[0], 99)
    assert told["wrong"] and told["pressed"] == right[:1]
    assert (await practised(desk, 98, 99))["pressed"] == []
    assert (await ask(desk, "agent311", "POST", "/desk/start", {"pressed": [-1]})).status == 422
    for count in range(1, len(right) + 1):
        told = await practised(desk, *right[:count])
    assert told["done"] and told["step"] is None
    assert (await agent(desk))["trained_at"] == desk.house.clock.now().isoformat()
