"""Passkeys by the API, with an authenticator that answers as Web Authentication has it: the same checks as on the pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from notify.clock import ManualClock
from notify.staff import accounts
from notify.staff.ceremony import ASKED_FOR
from notify.web.endpoints import PREFIX
from tests.console.staff_factory import NOON
from tests.notify.api_factory import CONSOLE, Answered, Desk, a_desk, post
from tests.notify.authenticator import Authenticator, Place

pytestmark = pytest.mark.asyncio(loop_scope="module")
HERE = Place(origin=CONSOLE, rp_id="localhost")
OWN = "/passkeys"
CLOCK = ManualClock(NOON)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("desk") / "home", migrated_sqlite, clock=CLOCK) as found:
        yield found


async def added(desk: Desk, who: str, device: Authenticator, name: str = "phone") -> Answered:
    asked = await post(desk, who, f"{OWN}/challenge", {"code": desk.code(who, CLOCK)})
    assert asked.status == 200, asked.text
    return await post(desk, who, OWN, {"name": name, "answer": device.make(asked.reply["make"], HERE)})


async def test_a_passkey_is_added_named_anew_used_and_removed(desk: Desk) -> None:
    device = Authenticator()
    answer = await added(desk, "author", device)
    assert answer.status == 201
    (one,) = answer.reply["passkeys"]
    assert (one["name"], one["used_at"]) == ("phone", None)
    way = f"{OWN}/{one['passkey_id']}"
    renamed = await post(desk, "author", f"{way}/rename", {"name": "  key in the safe "})
    assert [row["name"] for row in renamed.reply["passkeys"]] == ["key in the safe"]
    proof = await post(desk, "author", f"{OWN}/proof")
    asked = await post(desk, "author", f"{OWN}/challenge", {"answer": device.sign(proof.reply["use"], HERE)})
    assert asked.status == 200 and [item["id"] for item in asked.reply["make"]["excludeCredentials"]]
    second = await post(desk, "author", OWN, {"name": "laptop", "answer": Authenticator().make(asked.reply["make"], HERE)})
    assert [row["name"] for row in second.reply["passkeys"]] == ["key in the safe", "laptop"]
    left = await post(desk, "author", f"{way}/remove")
    assert [row["name"] for row in left.reply["passkeys"]] == ["laptop"]
    listed = await desk.ask("author", "GET", PREFIX + OWN)
    assert listed.reply == left.reply
    assert (await post(desk, "author", f"{way}/remove")).status == 404


async def test_a_token_alone_makes_no_way_into_the_console(desk: Desk) -> None:
    for proof in ({}, {"code": "000000"}, {"answer": "{}"}):
        assert (await post(desk, "approver", f"{OWN}/challenge", proof)).status in (403, 429)
    assert (await post(desk, "approver", f"{OWN}/proof")).status == 409, "there is none to show"
    nothing = await post(desk, "approver", OWN, {"name": "phone", "answer": "{}"})
    assert nothing.status == 409 and "No challenge" in nothing.text


async def test_a_challenge_is_one_token_s_for_five_minutes_and_one_answer(desk: Desk) -> None:
    device, given = Authenticator(), {"code": desk.code("lead311", CLOCK)}
    asked = await post(desk, "lead311", f"{OWN}/challenge", given)
    answer = {"name": "phone", "answer": device.make(asked.reply["make"], HERE)}
    assert (await post(desk, "agent311", OWN, answer)).status == 409
    assert (await post(desk, "lead311", OWN, answer | {"answer": "{}"})).status == 422
    assert (await post(desk, "lead311", OWN, answer)).status == 409, "the wrong answer used it up"
    asked = await post(desk, "lead311", f"{OWN}/challenge", {"code": desk.code("lead311", CLOCK)})
    CLOCK.forward(ASKED_FOR)
    answer["answer"] = device.make(asked.reply["make"], HERE)
    assert (await post(desk, "lead311", OWN, answer)).status == 409
    assert (await desk.ask("lead311", "GET", PREFIX + OWN)).reply["passkeys"] == []


@pytest.mark.parametrize(
    "place", [Place(origin="https://evil.example.com", rp_id="localhost"), Place(origin=CONSOLE, rp_id="x")]
)
async def test_an_answer_from_elsewhere_is_no_passkey(desk: Desk, place: Place) -> None:
    asked = await post(desk, "author", f"{OWN}/challenge", {"code": desk.code("author", CLOCK)})
    refused = await post(desk, "author", OWN, {"name": "phone", "answer": Authenticator().make(asked.reply["make"], place)})
    assert refused.status == 422 and "does not hold" in refused.text


async def test_the_same_request_twice_is_one_passkey(desk: Desk) -> None:
    asked = await post(desk, "author", f"{OWN}/challenge", {"code": desk.code("author", CLOCK)})
    given = {"name": "twice", "answer": Authenticator().make(asked.reply["make"], HERE)}
    first, second = [await post(desk, "author", OWN, given, key="the same") for _ in range(2)]
    assert first.status == second.status == 201 and first.reply == second.reply
    assert [row["name"] for row in first.reply["passkeys"]].count("twice") == 1


async def test_nobody_touches_somebody_else_s_but_an_administrator_removes_a_lost_one(desk: Desk) -> None:
    device = Authenticator()
    (one,) = (await added(desk, "approver", device)).reply["passkeys"]
    way = f"{one['passkey_id']}"
    for act, data in (("rename", {"name": "mine"}), ("remove", {})):
        assert (await post(desk, "author", f"{OWN}/{way}/{act}", data)).status == 404
    theirs = "/staff/approver/passkeys"
    assert (await desk.ask("author", "GET", PREFIX + theirs)).status == 403
    assert (await desk.ask("admin", "GET", PREFIX + theirs)).reply["passkeys"] == [one]
    assert (await desk.ask("admin", "GET", "/api/v1/staff/nobody/passkeys")).status == 404
    db = desk.served.running.service.db
    session = db.write_now(lambda conn: accounts.sign_in(conn, "approver", "test", CLOCK.now()))
    assert (await post(desk, "admin", f"{theirs}/{way}/remove")).reply["passkeys"] == []
    assert db.read_now(lambda conn: accounts.visit(conn, session, CLOCK.now())) is None


async def test_without_an_identity_provider_nobody_is_linked(desk: Desk) -> None:
    answer = await post(desk, "admin", "/staff/author/identity", {"subject": "s-1"})
    assert answer.status == 409 and "TOCSIN_OIDC_ISSUER" in answer.text
    assert (await post(desk, "admin", "/staff/author/identity/remove")).status == 409
