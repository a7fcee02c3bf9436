"""The 311 desk: the script step by step, the address, the one line, one key, and nothing that names anybody."""

import asyncio
import re

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from channels.base import Refused
from surge.contact import Way
from surge.desk import desk_rows, question_rows, replies
from surge.desk.desk_line import Handed, Letter
from surge.desk.desk_tables import QuestionRow, ScriptRunRow, TallyRow
from surge.desk.practice import calls
from surge.floor.seats import AgentState
from surge.floor.summons import State
from surge.scripts.reading import read
from tests.console.desk_factory import SOURCE, Desk, desked
from tests.console.staff_factory import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = "+15035550123"


async def test_without_surge_the_desk_searches_counts_and_notes(desk: Desk) -> None:
    agent = await desk.signed_in("agent311")
    page = await agent.get("/desk311?q=my restaurant, may it stay open")
    assert "No surge now" in page.words and "food inspectors answer" in page.words
    assert (await agent.get("/desk311/script")).status == 200


async def test_every_step_of_the_script_is_on_the_page_and_its_answers_lead_on(desk: Desk) -> None:
    """The page alone has the whole script: it needs no service to walk through it."""
    desk.switch_on()
    agent = await desk.signed_in("agent311")
    page = await agent.get("/desk311")
    book = read("boil-water", SOURCE)
    for step in book.steps:
        assert f'id="s-{step.anchor}"' in page.text
        for choice in step.choices:
            assert f'href="#s-{choice.to}"' in page.text
    assert "Bring the water to a rolling boil for 1 minute" in page.words and "{fact" not in page.text
    assert "✕" not in page.text and "A filter will do." in page.words  # do not say


async def test_a_language_without_reviewed_words_goes_to_the_interpreter(desk: Desk) -> None:
    desk.switch_on()
    agent = await desk.signed_in("agent311")
    page = await agent.get("/desk311?language=so")
    assert "call the interpreter and read English" in page.words and 'lang="en"' in page.text


async def test_what_changed_stays_on_the_desk_until_it_is_ticked_and_the_lead_sees_who_has_not(desk: Desk) -> None:
    activation_id = desk.switch_on()
    lead = await desk.signed_in("lead311")
    await lead.post("/agents311", [("person_id", "agent311"), ("languages", "en"), ("languages", "es")])
    assert desk.publish(activation_id, water_sites="5 sites") == 2
    agent = await desk.signed_in("agent311")
    told = (await agent.get("/desk311/line")).words
    assert "CHANGED" in told and "5 sites (was City Hall, until 9 PM)" in told
    assert "have not read the change" in (await lead.get("/desk311")).words
    page = await agent.post("/desk311/read", {"version": "1"})
    assert page.status == 422 and "changed again" in page.words
    page = await agent.post("/desk311/read", {"version": "2"})
    assert "CHANGED" not in page.words
    assert desk.read(lambda conn: desk_rows.unread_by(conn, activation_id, 2, desk.house.clock.now())) == []


async def test_a_press_counts_once_with_language_and_zip_and_never_a_name(desk: Desk) -> None:
    desk.switch_on()
    agent = await desk.signed_in("agent311")
    press = {"reason": "what is safe", "language": "es", "zip": "97206", "press": "abcdefgh1", "at": ""}
    for _ in range(2):
        page = await agent.post("/desk311/tally", press, **{"HX-Request": "true"})
        assert page.status == 200 and "1 counted" in page.words and "97206" in page.words
    page = await agent.post("/desk311/tally", press | {"press": "abcdefgh2", "zip": "not a zip, a name"})
    (row,) = desk.read(lambda conn: conn.execute(select(TallyRow).where(col(TallyRow.mark) == "abcdefgh2")).all())
    assert row.area is None and row.person_id == "agent311"
    for bad in ({"reason": "gossip"}, {"press": ""}):
        assert (await agent.post("/desk311/tally", press | bad)).status == 422


async def test_an_address_gets_its_verdict_and_stands_in_no_address_bar(desk: Desk) -> None:
    desk.switch_on()
    agent = await desk.signed_in("agent311")
    page = await agent.post("/desk311/verdict", {"address": "1120 SW 5th Ave"})
    assert "There is no area to compare with" in page.words and "1120 SW 5th Ave (97204)" in page.words
    assert page.url.query_string == "" and 'value="97204"' in page.text
    part = await agent.post("/desk311/verdict", {"address": "nowhere"}, **{"HX-Request": "true"})
    assert "<html" not in part.text


async def test_a_written_question_is_taken_answered_as_suggested_and_ended(desk: Desk) -> None:
    desk.switch_on()
    await desk.written.walked_in("¿cuánto tiempo boil water?", "es", PHONE, "97206", "f1")
    agent = await desk.signed_in("agent311")
    assert "1 wait" in (await agent.get("/desk311")).words
    page = await agent.post("/desk311/state", {"state": "ready"})
    page = await agent.post("/desk311/next")
    assert "At the counter" in page.words and "¿cuánto tiempo boil water?" in page.words
    assert "Suggested: from the script" in page.words and "not in their language" in page.words
    words = re.findall(r'<textarea class="form-control" id="words-1"[^>]*>([^<]*)<', page.text)[0]
    once = re.findall(r'name="once" value="([0-9a-f]+-1)"', page.text)[0]
    given = {"contact_id": "C1", "words": words, "suggested": words, "source": "step:1:how-to-boil", "once": once}
    page = await agent.post("/desk311/answer", given | {"language": "en", "ending": "informed"})
    assert page.status == 200 and "Take the next one" in page.words
    assert [one[1] for one in desk.carrier.sent] == [PHONE] and desk.line.ended == {"C1": "informed"}
    (row,) = desk.read(lambda conn: replies.of_contact(conn, "C1"))
    assert row.source == "step:1:how-to-boil"
    page = await agent.post("/desk311/answer", given)  # the page loaded again
    assert page.status == 422 and len(desk.carrier.sent) == 1


async def test_words_that_were_changed_are_the_agents_own(desk: Desk) -> None:
    desk.switch_on()
    await desk.written.walked_in("fish tank", "en", PHONE, None, "f1")
    agent = await desk.signed_in("agent311")
    await agent.post("/desk311/next")
    given = {"contact_id": "C1", "words": "Ask the shop.", "suggested": "Boil it.", "source": "faq:F-1:1", "once": "o1"}
    await agent.post("/desk311/answer", given)
    assert desk.read(lambda conn: replies.of_contact(conn, "C1"))[-1].source == "own words"


async def test_an_answer_that_did_not_leave_keeps_the_contact_in_hand(desk: Desk) -> None:
    desk.carrier.outcome = Refused("21610")
    await desk.written.walked_in("fish tank", "en", PHONE, None, "f1")
    agent = await desk.signed_in("agent311")
    await agent.post("/desk311/next")
    page = await agent.post("/desk311/answer", {"contact_id": "C1", "words": "Boil it.", "once": "o2"})
    assert page.status == 422 and "It did not leave" in page.words and desk.line.held_by("agent311") is not None


async def test_somebody_in_danger_is_shown_first_and_can_be_taken_at_once(desk: Desk) -> None:
    desk.switch_on()
    await desk.written.walked_in("how long to boil", "en", PHONE, None, "f1")
    await desk.written.walked_in("I want to die", "en", PHONE, None, "f2")
    agent = await desk.signed_in("agent311")
    page = await agent.get("/desk311")
    assert "Somebody may be in danger" in page.words and "I want to die" not in page.words
    page = await agent.post("/desk311/next", {"contact_id": "C2"})
    assert "Send the way to 911 and 988 first" in page.words and "Call or text 988" in page.words
    page = await agent.post("/desk311/next", {"contact_id": "C1"})
    assert page.status == 422 and "Finish the contact you have first." in page.words


async def test_the_guide_leaves_only_with_a_yes(desk: Desk) -> None:
    desk.switch_on()
    agent = await desk.signed_in("agent311")
    page = await agent.post("/desk311/text", {"contact": "nobody", "language": "es"})
    for sentence in ("Ask the caller first", "no number or address", "There is no guide"):
        assert sentence in page.words
    assert page.status == 422 and desk.carrier.sent == []


async def test_an_unknown_question_becomes_an_answer_at_every_desk(desk: Desk) -> None:
    desk.switch_on()
    agent, lead = await desk.signed_in("agent311"), await desk.signed_in("lead311")
    page = await agent.post("/desk311/question", {"question": "May I fill my swimming pool?", "language": "en"})
    assert "information officer" in page.words
    page = await lead.get("/questions")
    assert "May I fill my swimming pool?" in page.words
    found = desk.read(lambda conn: conn.execute(select(QuestionRow).where(col(QuestionRow.status) == "open")).all())
    assert b"swimming" not in found[0].words
    given = {"words": "May I fill a swimming pool?", "answer": "Yes, with chlorine.", "language": "en"}
    page = await lead.post("/questions", given | {"question_id": found[0].question_id})
    assert page.status == 200 and "Waiting for an answer (0)" in page.words
    page = await agent.get("/desk311?q=swimming pool")
    assert "Yes, with chlorine." in page.words and "approved answer" in page.words
    (row,) = [one for one in desk.read(question_rows.standing) if "pool" in one.question]
    await lead.post(f"/answers/{row.faq_id}/withdraw")
    assert "Yes, with chlorine." not in (await agent.get("/desk311?q=swimming pool")).words
    assert (await lead.post("/questions", {"words": "", "answer": "{x}"})).status == 422
    assert (await lead.post("/answers/F-0/withdraw")).status == 404
    assert (await agent.post("/questions", given)).status == 403


async def test_a_walk_is_kept_with_the_facts_of_the_steps_that_were_read(desk: Desk) -> None:
    activation_id = desk.switch_on()
    agent = await desk.signed_in("agent311")
    path = '[["emergency-first","no"],["how-to-boil","next"],["not a step","x"]]'
    await agent.post("/desk311/finish", {"ending": "informed", "run": "r1", "path": path, "language": "en", "begun": "junk"})
    await agent.post("/desk311/finish", {"ending": "informed", "run": "r1", "path": path, "language": "en"})
    (row,) = desk.read(lambda conn: conn.execute(select(ScriptRunRow).where(col(ScriptRunRow.run_id) == "r1")).all())
    assert (
        row.facts == str(desk.fact_ids(activation_id, "boil_minutes"))
        and '"how-to-boil"' in row.path
        and "not a step" not in row.path
    )
    assert (await agent.post("/desk311/finish", {"ending": "bored"})).status == 422
    await agent.post("/desk311/finish", {"ending": "informed", "run": "r2", "path": "<junk"})
    (row,) = desk.read(lambda conn: conn.execute(select(ScriptRunRow).where(col(ScriptRunRow.run_id) == "r2")).all())
    assert len(row.facts) > 20  # nobody tracked it: everything may have been read


async def test_whose_time_is_over_is_not_put_to_work(desk: Desk) -> None:
    lead, agent = await desk.signed_in("lead311"), await desk.signed_in("agent311")
    await lead.post("/agents311", [("person_id", "agent311"), ("languages", "en")])
    await lead.post("/agents311/agent311/end")
    page = await agent.post("/desk311/state", {"state": "ready"})
    assert page.status == 422 and "Your time at the desk is over" in page.words
    assert desk.line.state_of("agent311") is AgentState.OFFLINE
    await lead.post("/agents311", [("person_id", "agent311"), ("languages", "en")])
    assert (await agent.post("/desk311/state", {"state": "ready"})).status == 200
    assert (await agent.post("/desk311/state", {"state": "talking"})).status == 422


async def test_a_line_is_sealed_and_never_shown_and_every_fault_is_told_at_once(desk: Desk) -> None:
    lead = await desk.signed_in("lead311")
    given = [
        ("person_id", "agent311"),
        ("languages", "en"),
        ("line", PHONE),
        ("until", "2026-05-20T18:00"),
        ("home", "Library"),
    ]
    page = await lead.post("/agents311", given)
    assert page.status == 200 and "has a telephone line" in page.words and PHONE not in page.text
    assert "lent until" in page.words and "Library" in page.words
    bad = [("person_id", "viewer"), ("line", "moon"), ("until", "2020-01-01T00:00")]
    page = await lead.post("/agents311", bad)
    for sentence in ("does not have the role", "at least one language", "a phone number or a SIP address", "in the future"):
        assert sentence in page.words
    await lead.post("/agents311", [("person_id", "agent311"), ("languages", "en"), ("no_line", "yes")])


async def test_five_minutes_make_somebody_new_ready(desk: Desk) -> None:
    agent = await desk.signed_in("agent311")
    for screen in range(1, 5):
        page = await agent.get(f"/desk311/start?screen={screen}")
        assert f"Screen {screen} of 4" in page.words
    page = await agent.post("/desk311/start", {"pressed": ""})
    assert "Practice call 1 of 2" in page.words
    page = await agent.post("/desk311/start", {"pressed": "0"})
    assert "That is not what this caller said" in page.words
    right = [turn.choice for call in calls(read("boil-water", SOURCE)) for turn in call.turns if turn.choice is not None]
    for count in range(1, len(right) + 1):
        page = await agent.post("/desk311/start", {"pressed": ",".join(map(str, right[:count]))})
    assert "You are ready" in page.words and "has practised" in (await agent.get("/agents311")).words
    assert "99" not in (await agent.post("/desk311/start", {"pressed": "99,99,x"})).url.query_string


async def test_911_is_brought_into_a_call_and_the_agent_reads_out_number_and_place(desk: Desk) -> None:
    letter = Letter(contact_id="", way=Way.VOICE, language="en", words="", at=desk.house.clock.now())
    contact_id = await desk.line.offer(letter)
    del desk.line.letters[contact_id]  # a call has no words
    agent = await desk.signed_in("agent311")
    assert (await agent.post("/desk311/centre", {"contact_id": contact_id})).status == 422
    await agent.post("/desk311/next")
    assert "Bring 911 into this call" in (await agent.get("/desk311")).words
    page = await agent.post("/desk311/centre", {"contact_id": contact_id})
    assert "911 is being called. Stay on the line." in page.words and "Bring 911" not in page.words
    assert "+15035550143" in page.words and "97206" in page.words
    desk.line.centre[contact_id] = Handed(state=State.MISSED, number="", area=None)
    page = await agent.get("/desk311/line")
    assert "The caller is told to hang up and dial 911." in page.words and "+1503" not in page.words
    assert "Bring 911 into this call" in (await agent.get("/desk311")).words  # for somebody who has not hung up


async def test_the_kept_page_names_nobody(desk: Desk) -> None:
    desk.switch_on()
    await desk.written.walked_in("how long to boil", "en", PHONE, None, "f1")
    agent = await desk.signed_in("agent311")
    await agent.post("/desk311/next")
    page = await agent.get("/desk311/script")
    assert "Bring the water to a rolling boil" in page.words
    for personal in ("agent311", PHONE, "how long to boil", agent.mark):
        assert personal not in page.text.replace('href="/desk311', "")
    worker = await agent.get("/desk311/worker.js")
    assert (
        worker.headers["Service-Worker-Allowed"] == "/desk311"
        and "default-src 'none'" in worker.headers["Content-Security-Policy"]
    )


async def test_without_a_line_the_desk_has_script_tally_and_needs(house: House) -> None:
    async with desked(house, with_line=False) as desk:
        agent = await desk.signed_in("agent311")
        page = await agent.get("/desk311")
        assert page.status == 200 and "The contact you have" not in page.words and "What was it about?" in page.words
        page = await agent.post("/desk311/next")
        assert page.status == 422 and "call centre" in page.words


async def test_nothing_a_caller_said_is_counted_by_looking(desk: Desk) -> None:
    desk.switch_on()
    before = desk.read(lambda conn: conn.execute(select(func.count()).select_from(TallyRow)).scalar_one())
    agent = await desk.signed_in("agent311")
    await agent.get("/desk311?q=boil")
    assert desk.read(lambda conn: conn.execute(select(func.count()).select_from(TallyRow)).scalar_one()) == before


async def test_a_question_from_the_page_waits_at_the_desk_of_the_running_service(house: House) -> None:
    """The whole way: the public form, the floor's own line, the agent's page; a form posted twice is one question."""
    public = f"http://127.0.0.1:{house.served.running.public_port}/demo/en/ask"
    agent = await house.signed_in("agent311")
    text = await (await agent.session.get(public)).text()
    names = ("mark", "question_mark")
    marks = {name: re.findall(rf'name="{name}" value="([^"]+)"', text)[0] for name in names}
    given = {"question": "May I fill my aquarium?", "contact": "+15035550188", "language": "en", "zip": "97206", **marks}
    for _ in range(2):
        answer = await agent.session.post(public, data=given, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status == 200 and "988" in await answer.text()
    await agent.post("/desk311/state", {"state": "ready"})
    async with asyncio.timeout(60):
        while "Somebody is given to you" not in (await agent.get("/desk311/line")).words:
            await asyncio.sleep(0.05)
    assert "May I fill my aquarium?" not in (await agent.get("/desk311")).words
    page = await agent.post("/desk311/next")
    assert "May I fill my aquarium?" in page.words and "By the form on the page" in page.words
    contact_id = re.findall(r'name="contact_id" value="([^"]+)"', page.text)[0]
    page = await agent.post("/desk311/finish", {"contact_id": contact_id, "ending": "referred"})
    assert "aquarium" not in page.words and "Take the next one" in page.words
    needed = await agent.session.get(public.replace("/en/ask", "/feeds/needs.geojson"))
    assert needed.status == 200
