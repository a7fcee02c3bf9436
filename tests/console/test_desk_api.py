"""The 311 desk by the API: the same desk as the pages', act by act, each done once for its key."""

import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from channels.base import Refused
from surge.contact import Way
from surge.desk import desk_rows, need_rows, question_rows, replies
from surge.desk.desk_line import Letter
from surge.desk.desk_tables import ScriptRunRow
from surge.floor.seats import AgentState
from tests.console.desk_factory import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = "+15035550123"
ANSWER = "Boil it for one minute."


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    reply: Any

    def __getitem__(self, name: str) -> Any:
        return self.reply[name]


async def ask(desk: Desk, who: str, method: str, path: str, data: Any = None, *, key: str = "") -> Told:
    """who: a person of the house, by their token. key: a new one for each act without it."""
    headers = {"Authorization": f"Bearer {desk.house.served.tokens[who]}"}
    headers |= {"Idempotency-Key": key or secrets.token_hex(8)} if method == "POST" else {}
    url = f"{desk.url}/api/v1/surge{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, json=data, headers=headers) as answer:
        return Told(answer.status, await answer.json(content_type=None))


async def do(desk: Desk, path: str, data: Any = None, *, who: str = "agent311", key: str = "") -> Told:
    told = await ask(desk, who, "POST", path, data if data is not None else {}, key=key)
    assert told.status in (200, 201), told.reply
    return told


async def written(desk: Desk, words: str, **more: Any) -> str:
    letter = Letter(contact_id="", way=Way.SMS, language="en", words=words, at=desk.house.clock.now(), reply_to=PHONE, **more)
    return await desk.line.offer(letter)


async def test_a_shift_at_the_desk_from_signing_on_to_going_off_duty(desk: Desk) -> None:
    activation_id = desk.switch_on()
    await written(desk, "May I water my garden?")
    assert (await do(desk, "/desk/state", {"state": "ready"}))["state"] == "ready"
    taken = (await do(desk, "/desk/next"))["contact_id"]
    here = await ask(desk, "agent311", "GET", "/desk?language=es")
    assert here["activation"]["activation_id"] == activation_id and here["line"]["waiting"] == 0
    assert here["contact"]["contact_id"] == taken and here["contact"]["letter"]["words"] == "May I water my garden?"
    assert "WATER_DELIVERY" in here["needs"] and len(here["reasons"]) == 8
    left = await do(desk, f"/desk/contacts/{taken}/answer", {"words": ANSWER})
    assert left["state"] == "handed" and desk.line.ended == {taken: "informed"}
    assert [one[1] for one in desk.carrier.sent] == [PHONE]
    assert desk.read(lambda conn: replies.of_contact(conn, taken))[-1].source == "own words"
    await do(desk, "/desk/state", {"state": "offline"})
    assert desk.line.state_of("agent311") is AgentState.OFFLINE


async def test_the_same_key_asks_the_line_once_and_gets_the_same_answer(desk: Desk) -> None:
    desk.switch_on()
    first, second = [await written(desk, f"Question {number}") for number in (1, 2)]
    taken = [await do(desk, "/desk/next", key="take-1") for _ in range(3)]
    assert [one["contact_id"] for one in taken] == [first] * 3
    for _ in range(2):
        await do(desk, f"/desk/contacts/{first}/answer", {"words": ANSWER}, key="answer-1")
    assert len(desk.carrier.sent) == 1 and desk.line.ended == {first: "informed"}
    assert (await do(desk, "/desk/next"))["contact_id"] == second
    assert (await do(desk, "/desk/next", key="take-1"))["contact_id"] == first  # what was answered then
    for _ in range(2):
        await do(desk, "/desk/tally", {"reason": "what is safe", "language": "es", "zip": "97206"}, key="press-1")
    on = (await ask(desk, "agent311", "GET", "/desk"))["activation"]["activation_id"]
    assert desk.read(lambda conn: desk_rows.pressed(conn, on)).total == 1


async def test_nothing_a_resident_wrote_stands_in_a_kept_answer(desk: Desk) -> None:
    desk.switch_on()
    await written(desk, "My canary sings in the kitchen")
    await do(desk, "/desk/next", key="canary")
    kept = desk.read(lambda conn: [str(tuple(row)) for row in conn.exec_driver_sql("SELECT body FROM idempotency_key")])
    assert kept and not any("canary sings" in one or PHONE in one for one in kept)


async def test_somebody_in_danger_is_shown_and_taken_before_their_turn(desk: Desk) -> None:
    desk.switch_on()
    await written(desk, "When is it over?")
    worse = await written(desk, "I cannot breathe", danger=True)
    here = await ask(desk, "agent311", "GET", "/desk")
    assert [one["contact_id"] for one in here["danger"]] == [worse]
    assert (await do(desk, "/desk/next", {"contact_id": worse}))["contact_id"] == worse
    told = await ask(desk, "agent311", "POST", f"/desk/contacts/{worse}/emergency-centre", {})
    assert told.status == 422 and "talk to nobody by telephone" in told["problems"][0]
    desk.carrier.outcome = Refused("21610")
    told = await ask(desk, "agent311", "POST", f"/desk/contacts/{worse}/answer", {"words": ANSWER})
    assert told.status == 422 and desk.line.held_by("agent311") is not None, "what did not leave ends nobody"


async def test_a_call_is_wrapped_up_with_the_steps_that_were_walked(desk: Desk) -> None:
    activation_id = desk.switch_on()
    taken = await written(desk, "I am at the counter")
    await do(desk, "/desk/next")
    path = [{"anchor": "how-to-boil", "answer": "yes"}, {"anchor": "no-such-step"}]
    other = await ask(desk, "lead311", "POST", f"/desk/contacts/{taken}/finish", {"ending": "informed"})
    assert other.status == 422, "a contact is its agent's"
    await do(desk, f"/desk/contacts/{taken}/finish", {"ending": "need logged", "path": path, "language": "es"})
    assert desk.line.ended == {taken: "need logged"}
    runs = desk.read(lambda conn: conn.execute(select(ScriptRunRow)).all())
    run = next(
        one for one in runs if one.activation_id == activation_id and one.contact_id == taken and one.person_id == "agent311"
    )
    assert run.path == '[["how-to-boil", "yes"]]' and run.language == "es" and run.disposition == "need logged"


async def test_the_guide_leaves_with_a_yes_only_and_all_reasons_are_said_at_once(desk: Desk) -> None:
    desk.switch_on()
    told = await ask(desk, "agent311", "POST", "/desk/texts", {"to": "nobody", "consent": False})
    assert told.status == 422 and len(told["problems"]) == 3 and desk.carrier.sent == []
    told = await ask(desk, "agent311", "POST", "/desk/texts", {"to": PHONE})
    assert told.status == 422 and "consent" in told["problems"][0]


async def test_a_need_is_noted_with_its_place_and_brought_to_its_end(desk: Desk) -> None:
    desk.switch_on()
    given = {"code": "water_delivery", "people": 4, "address": "1120 SW 5th Ave", "reply_to": PHONE, "consent": True}
    need_id = (await do(desk, "/needs", given, key="need-1"))["need_id"]
    assert (await do(desk, "/needs", given, key="need-1"))["need_id"] == need_id
    row = desk.read(lambda conn: need_rows.one(conn, need_id))
    assert row.area == "97204" and row.cell and row.people == 4 and row.code == "WATER_DELIVERY" and row.logged_by == "agent311"
    listed = (await ask(desk, "agent311", "GET", "/needs"))["needs"]
    assert [one["need_id"] for one in listed].count(need_id) == 1 and "address" not in listed[0]
    told = await ask(desk, "agent311", "POST", f"/needs/{need_id}", {"to": "met", "rev": 99})
    assert told.status == 409
    moved = await do(desk, f"/needs/{need_id}", {"to": "met", "note": "Two crates."})
    assert moved["status"] == "met" and moved["ended_at"]
    assert (await ask(desk, "agent311", "GET", "/needs/N-0000000000")).status == 404


async def test_an_unknown_question_is_answered_for_all_desks_by_a_lead_alone(desk: Desk) -> None:
    desk.switch_on()
    words = "May goldfish live in boiled water?"
    question_id = (await do(desk, "/desk/questions", {"words": words, "step": "pets"}))["question_id"]
    open_ones = (await ask(desk, "agent311", "GET", "/questions"))["questions"]
    assert words in [one["words"] for one in open_ones if one["question_id"] == question_id]
    answer = {"question": words, "answer": "Let it cool first.", "question_id": question_id}
    assert (await ask(desk, "agent311", "POST", "/answers", answer)).status == 403
    faq_id = (await do(desk, "/answers", answer, who="lead311"))["faq_id"]
    found = (await ask(desk, "agent311", "GET", "/desk/answers?q=goldfish+boiled+water"))["answers"]
    assert found[0]["words"] == "Let it cool first." and found[0]["kind"] == "faq"
    assert (await ask(desk, "lead311", "POST", f"/questions/{question_id}/drop", {})).status == 404, "it is settled"
    await do(desk, f"/answers/{faq_id}/withdraw", who="lead311")
    assert desk.read(lambda conn: [one.faq_id for one in question_rows.standing(conn, None)]).count(faq_id) == 0


async def test_what_changed_is_ticked_and_a_place_is_judged_and_not_kept(desk: Desk) -> None:
    activation_id = desk.switch_on()
    desk.publish(activation_id, water_sites="5 sites")
    here = await ask(desk, "agent311", "GET", "/desk")
    assert here["unread"] is True and here["script"] == 2
    assert (await ask(desk, "agent311", "POST", "/desk/read", {"version": 1})).status == 422
    await do(desk, "/desk/read", {"version": 2})
    assert (await ask(desk, "agent311", "GET", "/desk"))["unread"] is False
    told = await ask(desk, "agent311", "POST", "/desk/place/look-up", {"address": "1120 SW 5th Ave"})
    assert told.status == 200 and told["zip"] == "97204" and told["places"] == ["1120 SW 5th Ave (97204)"]


async def test_who_stands_at_the_counter_comes_into_the_line(desk: Desk) -> None:
    desk.switch_on()
    taken = (await do(desk, "/desk/walk-ins", {"words": "May I wash?", "zip": "97206"}, key="counter-1"))["contact_id"]
    await do(desk, "/desk/walk-ins", {"words": "May I wash?", "zip": "97206"}, key="counter-1")
    (one,) = desk.line.waiting()
    assert (one.contact_id, one.way, one.area) == (taken, Way.WALK_IN, "97206")
