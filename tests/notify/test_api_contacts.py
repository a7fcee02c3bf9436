"""Where staff are paged and who is on call, by the API; and a city made ready by two people's tokens alone."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from channels.base import Refused
from notify.clock import ManualClock
from notify.staff import paging_rows, people, staff_contacts
from notify.staff.staff_contacts import CODES_AN_HOUR, HOUR, NOT_SENT, WRONG
from notify.web.endpoints import PREFIX
from tests.console.staff_factory import NOON
from tests.console.test_geography import feature, square
from tests.notify.api_factory import CONSOLE, Answered, Desk, a_desk, post
from tests.notify.authenticator import Authenticator, Place
from tests.notify.paging_factory import Line, a_dispatcher

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLOCK = ManualClock(NOON)
PHONE, SHOWN, MAILBOX = "(503) 555-0141", "+1503…41", "approver@example.gov"
DEEDS = ("gave a contact", "confirmed a contact", "removed a contact", "went on call", "went off call", "gave a turn")
TEXTS, MAILS = Line("sms"), Line("email")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    """The service's own paging, whose texts and mails come to TEXTS and MAILS."""
    async with a_desk(tmp_path_factory.mktemp("contacts") / "home", migrated_sqlite, clock=CLOCK) as found:
        service = found.served.running.service
        delivery = service.paging.delivery
        lane = replace(delivery.lane, dispatchers=[a_dispatcher(TEXTS), a_dispatcher(MAILS)])
        service.paging = replace(service.paging, delivery=replace(delivery, lane=lane))
        yield found


@pytest.fixture
def desk(house: Desk) -> Desk:
    """An hour later: codes are few an hour."""
    CLOCK.forward(HOUR)
    return house


def come(line: Line = TEXTS) -> str:
    """The code that came last."""
    found = re.search(r"\b\d{6}\b", line.sent[-1].content.body)
    assert found
    return found[0]


def former(desk: Desk) -> None:
    """Somebody called gone, who works here no more."""
    if "gone" not in desk.served.tokens:
        desk.staff("gone", ["author"])
        desk.served.running.service.db.write_now(lambda conn: people.disable(conn, "gone", CLOCK.now()))


async def give(desk: Desk, who: str, address: str = PHONE, path: str = "/contacts/give") -> Answered:
    return await post(desk, who, path, {"address": address, "code": desk.code(who, CLOCK)})


async def reached(desk: Desk, who: str, address: str = PHONE) -> Answered:
    """Gives an address and types the code that came to it."""
    assert (await give(desk, who, address)).status == 200
    channel, line = ("email", MAILS) if "@" in address else ("sms", TEXTS)
    return await post(desk, who, "/contacts/confirm", {"channel": channel, "code": come(line)})


async def test_an_address_counts_once_its_code_has_come_back_and_is_never_shown_whole(desk: Desk) -> None:
    desk.staff("night", ["approver"])
    waits = await give(desk, "night")
    assert waits.status == 200 and TEXTS.told[-1] == "+15035550141"
    assert waits.reply["contacts"] == [{"channel": "sms", "shown": SHOWN, "confirmed": False}]
    wrong = await post(desk, "night", "/contacts/confirm", {"channel": "sms", "code": "12345"})
    assert wrong.status == 422 and wrong.reply["problems"] == [WRONG]
    answer = await post(desk, "night", "/contacts/confirm", {"channel": "sms", "code": come()})
    assert answer.reply["contacts"] == [{"channel": "sms", "shown": SHOWN, "confirmed": True}]
    assert (await reached(desk, "night", MAILBOX)).reply["contacts"][1]["shown"] == "a…@example.gov"
    own = await desk.ask("night", "GET", f"{PREFIX}/contacts")
    assert [one["channel"] for one in own.reply["contacts"]] == ["sms", "email"] and "5550141" not in own.text
    db, ring = desk.served.running.service.db, desk.served.running.service.paging.delivery.keys
    assert db.read_now(lambda conn: staff_contacts.reach(conn, "night", "sms", ring)) == "+15035550141"
    lines = [one for one in desk.log(*DEEDS) if one[2] == "night"]
    assert [one[1] for one in lines] == ["gave a contact", "confirmed a contact"] * 2
    assert {one[0] for one in lines} == {"night"} and lines[0][3] == {"channel": "sms"}


async def test_a_code_that_was_guessed_at_five_times_opens_nothing_any_more(desk: Desk) -> None:
    await give(desk, "agent311")
    right = come()
    for _ in range(staff_contacts.CODE_TRIES):
        assert (await post(desk, "agent311", "/contacts/confirm", {"channel": "sms", "code": "000"})).status == 422
    assert (await post(desk, "agent311", "/contacts/confirm", {"channel": "sms", "code": right})).status == 422
    await give(desk, "agent311")
    CLOCK.forward(staff_contacts.CODE_FOR)
    assert (await post(desk, "agent311", "/contacts/confirm", {"channel": "sms", "code": come()})).status == 422


@pytest.mark.parametrize("path", ["/contacts/give", "/on-call/approver/give"])
async def test_a_token_alone_gives_no_address_to_anybody(desk: Desk, path: str) -> None:
    before, sent = desk.log(*DEEDS), len(TEXTS.sent)
    for proof in ({}, {"code": "000000"}, {"answer": "{}"}):
        answer = await post(desk, "admin", path, {"address": "+15035550199"} | proof)
        assert answer.status in (403, 429), answer.text
    assert desk.log(*DEEDS) == before and len(TEXTS.sent) == sent


async def test_a_passkey_s_answer_shows_that_it_is_oneself_as_the_code_of_now_does(desk: Desk) -> None:
    device, here = Authenticator(), Place(origin=CONSOLE, rp_id="localhost")
    asked = await post(desk, "lead311", "/passkeys/challenge", {"code": desk.code("lead311", CLOCK)})
    await post(desk, "lead311", "/passkeys", {"name": "phone", "answer": device.make(asked.reply["make"], here)})
    proof = await post(desk, "lead311", "/passkeys/proof")
    given = {"address": PHONE, "answer": device.sign(proof.reply["use"], here)}
    assert (await post(desk, "lead311", "/contacts/give", given)).status == 200
    assert (await post(desk, "lead311", "/contacts/give", given)).status == 403, "an answer is good for once"


@pytest.mark.parametrize("address", ["503-222-3141", "somebody@portlandoregon.gov", "twelve", ""])
async def test_an_address_that_cannot_be_is_refused_and_uses_no_code_up(desk: Desk, address: str) -> None:
    given = {"address": address, "code": desk.code("author", CLOCK)}
    refused = await post(desk, "author", "/contacts/give", given)
    assert refused.status == 422 and refused.reply["title"] == "Who is paged, and where, cannot be changed like this."
    assert (await post(desk, "author", "/contacts/give", given | {"address": PHONE})).status == 200


async def test_a_code_that_could_not_be_sent_is_said_and_the_same_request_may_try_again(desk: Desk) -> None:
    TEXTS.answers.append(Refused("21211", "no such number"))
    refused = await post(desk, "author", "/contacts/give", {"address": PHONE, "code": desk.code("author", CLOCK)}, "again")
    assert refused.status == 422 and refused.reply["problems"] == [NOT_SENT]
    sent, given = len(TEXTS.sent), {"address": PHONE, "code": desk.code("author", CLOCK)}
    first, second = [await post(desk, "author", "/contacts/give", given, "again") for _ in range(2)]
    assert first.status == second.status == 200 and first.reply == second.reply and len(TEXTS.sent) == sent + 1


async def test_codes_are_few_an_hour_whoever_they_are_for(desk: Desk) -> None:
    for number in range(CODES_AN_HOUR):
        CLOCK.forward(timedelta(seconds=1))
        assert (await give(desk, "admin", f"+1503555018{number}", "/on-call/author/give")).status == 200
    refused = await give(desk, "admin")
    assert refused.status == 422 and "within an hour" in refused.reply["problems"][0]


async def test_a_code_of_now_is_not_spent_on_what_cannot_be(desk: Desk) -> None:
    former(desk)
    given = {"address": PHONE, "code": desk.code("admin", CLOCK)}
    for who in ("nobody", "gone"):
        assert (await post(desk, "admin", f"/on-call/{who}/give", given)).status == 404
    assert (await post(desk, "admin", "/on-call/author/give", given)).status == 200
    for _ in range(CODES_AN_HOUR - 1):
        await give(desk, "admin", path="/on-call/author/give")
    code = desk.code("admin", CLOCK)
    refused = await post(desk, "admin", "/contacts/give", {"address": PHONE, "code": code})
    assert refused.status == 422 and "within an hour" in refused.reply["problems"][0]
    assert (await post(desk, "admin", "/passkeys/challenge", {"code": code})).status == 200, "it is as good as before"


async def test_what_an_administrator_gives_its_owner_confirms(desk: Desk) -> None:
    removed = len(desk.log("removed a contact"))
    assert (await give(desk, "admin", MAILBOX, "/on-call/author/give")).status == 200
    code = {"channel": "email", "code": come(MAILS)}
    assert (await post(desk, "admin", "/contacts/confirm", code)).status == 422
    assert (await post(desk, "author", "/contacts/confirm", code)).status == 200
    gave, confirmed = [one[:3] for one in desk.log(*DEEDS)][-2:]
    assert gave == ("admin", "gave a contact", "author") and confirmed == ("author", "confirmed a contact", "author")
    gone = await post(desk, "admin", "/on-call/author/remove", {"channel": "email"})
    assert gone.status == 200 and "email" not in [one["channel"] for one in gone.reply["contacts"]]
    assert desk.log(*DEEDS)[-1] == ("admin", "removed a contact", "author", {"channel": "email"})
    assert (await post(desk, "author", "/contacts/remove", {"channel": "email"})).status == 404
    assert len(desk.log("removed a contact")) == removed + 1, "nothing was removed, and nothing is said to have been"


async def test_whoever_goes_on_call_is_first_until_the_hours_are_over_then_turns_count(desk: Desk) -> None:
    for who in ("early", "late"):
        desk.staff(who, ["approver"])
    on = await post(desk, "late", "/contacts/call", {"hours": 2})
    assert on.reply["on_call"] and on.reply["until"] == (CLOCK.now() + 2 * HOUR).isoformat()
    assert (await post(desk, "admin", "/on-call/early/turn", {"turn": 1})).reply["turn"] == 1
    assert await crew(desk) == [("late", True), ("early", False)]
    CLOCK.forward(2 * HOUR)
    assert await crew(desk) == [("early", False), ("late", False)]
    assert (await post(desk, "admin", "/on-call/late/call", {"hours": 8})).reply["on_call"]
    over = await post(desk, "late", "/contacts/call", {"hours": 0})
    assert not over.reply["on_call"] and over.reply["until"] is None
    told = [one[:3] for one in desk.log("went on call", "went off call", "gave a turn") if one[2] in ("early", "late")]
    assert told == [
        ("late", "went on call", "late"),
        ("admin", "gave a turn", "early"),
        ("admin", "went on call", "late"),
        ("late", "went off call", "late"),
    ]


async def crew(desk: Desk) -> list[tuple[str, bool]]:
    """Who of the two is paged first, and whether they are on call."""
    rows = (await desk.ask("admin", "GET", f"{PREFIX}/on-call")).reply["staff"]
    return [(one["person_id"], one["on_call"]) for one in rows if one["person_id"] in ("early", "late")]


@pytest.mark.parametrize(("path", "given", "sentence"), [
    ("/contacts/call", {"hours": 337}, "336 hours at most"),
    ("/contacts/call", {"hours": -1}, "336 hours at most"),
    ("/contacts/call", {"hours": 10**30}, "336 hours at most"),
    ("/contacts/call", {"hours": True}, "hours"),
    ("/contacts/call", {"hours": "8"}, "hours"),
    ("/contacts/call", {}, "hours"),
    ("/on-call/approver/turn", {"turn": 0}, "from 1 to 999"),
    ("/on-call/approver/turn", {"turn": 1000}, "from 1 to 999"),
    ("/contacts/remove", {"channel": "voice"}, "channel"),
    ("/contacts/confirm", {"channel": "sms"}, "code"),
])  # fmt: skip
async def test_what_cannot_be_is_refused(desk: Desk, path: str, given: dict[str, Any], sentence: str) -> None:
    before = desk.log(*DEEDS)
    answer = await post(desk, "admin", path, given)
    assert answer.status == 422 and sentence in answer.reply["problems"][0], answer.text
    assert desk.log(*DEEDS) == before


@pytest.mark.parametrize("who", ["nobody", "gone"])
async def test_what_is_asked_of_nobody_is_not_there_whatever_it_is(desk: Desk, who: str) -> None:
    former(desk)
    before = desk.log(*DEEDS)
    asked: dict[str, dict[str, Any]] = {"call": {"hours": 8}, "turn": {"turn": 8}, "remove": {"channel": "sms"}}
    answers = [await post(desk, "admin", f"/on-call/{who}/{verb}", given) for verb, given in asked.items()]
    answers.append(await give(desk, "admin", path=f"/on-call/{who}/give"))
    assert {(one.status, one.reply["title"]) for one in answers} == {(404, f"There is no {who}, or they are disabled.")}
    assert desk.log(*DEEDS) == before


async def test_where_somebody_was_paged_is_taken_away_though_they_work_here_no_more(desk: Desk) -> None:
    desk.staff("leaver", ["author"])
    await reached(desk, "leaver", MAILBOX)
    desk.served.running.service.db.write_now(lambda conn: people.disable(conn, "leaver", CLOCK.now()))
    gone = await post(desk, "admin", "/on-call/leaver/remove", {"channel": "email"})
    assert gone.status == 200 and gone.reply["contacts"] == []


async def test_only_what_may_be_missing_is_said_to_be(desk: Desk) -> None:
    paths = [one for one in desk.endpoints if one.keyed and one.path.startswith((f"{PREFIX}/contacts", f"{PREFIX}/on-call"))]
    missing = {one.path.removeprefix(PREFIX) for one in paths if 404 in one.refusals}
    assert missing == {"/contacts/remove", *(f"/on-call/{{person_id}}/{verb}" for verb in ("give", "remove", "call", "turn"))}


@pytest.mark.parametrize("who", ["viewer", "author", "approver", "lead311"])
async def test_only_an_administrator_arranges_for_others_and_a_viewer_nothing(desk: Desk, who: str) -> None:
    assert (await desk.ask(who, "GET", f"{PREFIX}/on-call")).status == 403
    assert (await post(desk, who, "/on-call/approver/call", {"hours": 0})).status == 403
    assert (await post(desk, who, "/contacts/call", {"hours": 0})).status == (403 if who == "viewer" else 200)


async def test_a_city_is_made_ready_by_two_tokens_alone(desk: Desk) -> None:
    """An administrator brings areas in, reads a text of Arabic and doubts another; an approver gives a phone and goes on call,
    with whoever the administrator put first; all of it stands in the log that the administrator reads."""
    seen_before = len((await desk.ask("admin", "GET", f"{PREFIX}/audit")).reply["lines"])
    geojson = {"type": "FeatureCollection", "features": [feature("Zone 7", square(-122.6, 45.5), kind="water-zone")]}
    look = await post(desk, "admin", "/areas/preview", {"geojson": geojson})
    assert [one["name"] for one in look.reply["areas"]] == ["Zone 7"] and not look.reply["problems"]
    take = {"geojson": geojson, "source": "water bureau", "seen": look.reply["seen"]}
    assert (await post(desk, "admin", "/areas", take)).reply == {"imported": ["Zone 7"], "problems": []}
    assert (await reached(desk, "approver", "+15035550144")).reply["contacts"][0]["shown"] == "+1503…44"
    assert (await post(desk, "admin", "/on-call/approver/call", {"hours": 12})).reply["on_call"]
    assert (await post(desk, "approver", "/on-call/approver/turn", {"turn": 1})).status == 403
    assert (await post(desk, "admin", "/on-call/approver/turn", {"turn": 1})).reply["turn"] == 1
    right, wrong = (await desk.ask("admin", "GET", f"{PREFIX}/translations/ar?limit=2")).reply["messages"]
    yes = {"context": right["context"], "seen": right["seen"], "reader": "native"}
    no = {"context": wrong["context"], "seen": wrong["seen"], "note": "The number comes first."}
    assert (await post(desk, "approver", "/translations/ar/review", yes)).status == 403, "no reader"
    assert (await post(desk, "admin", "/translations/ar/review", yes)).reply["approved"]
    assert not (await post(desk, "admin", "/translations/ar/ask-for-change", no)).reply["approved"]
    now, db = CLOCK.now(), desk.served.running.service.db
    (member,) = db.read_now(lambda conn: paging_rows.members(conn, ["approver"], now))
    assert (member.turn, member.on_call) == (1, True)
    listed = {one["name"] for one in (await desk.ask("approver", "GET", f"{PREFIX}/areas")).reply["areas"]}
    assert "Zone 7" in listed
    lines = (await desk.ask("admin", "GET", f"{PREFIX}/audit")).reply["lines"][seen_before:]
    ours = [(one["actor"], one["action"]) for one in lines if one["action"] not in ("invited", "set a password")]
    assert ours == [
        ("admin", "imported areas"),
        ("approver", "gave a contact"),
        ("approver", "confirmed a contact"),
        ("admin", "went on call"),
        ("approver", "was refused"),
        ("admin", "gave a turn"),
        ("approver", "was refused"),
        ("admin", "reviewed words"),
        ("admin", "asked for other words"),
    ]
