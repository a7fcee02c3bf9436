"""Sign-up on the web: what residents see and what is kept, against real pages on loopback."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from notify.clock import ManualClock
from notify.db import Database
from tests.notify.signup_factory import MAIL, NUMBER, PHONE, House, field_of, house


@pytest.fixture
async def home(db: Database, clock: ManualClock) -> AsyncIterator[House]:
    async with house(db, clock) as found:
        yield found


async def test_a_phone_signs_up_with_the_code_it_was_sent(home: House) -> None:
    status, page = await home.subscribe(PHONE, "1120 SW 5th Ave", "es")
    assert status == 200 and "Type the code from your phone" in page
    assert home.sent.texts == [(NUMBER, f"Code {home.sent.code}. es")]
    assert home.rows("SELECT * FROM address") == []
    status, page = await home.type_code(page, home.sent.code)
    assert status == 200 and "You are signed up" in page and "1100 block SW 5th Ave" in page
    (address,) = home.rows("SELECT * FROM address")
    assert (address["channel"], address["language"], address["basis"]) == ("sms", "es", "opt-in")
    (place,) = home.rows("SELECT * FROM place")
    assert (place["label"], place["kind"], place["block"]) == ("HOME", "point", "1100 block SW 5th Ave")
    (consent,) = home.rows("SELECT * FROM consent")
    assert consent["granted"] and consent["terms"] == "2026-11" and consent["source"] == "web sign-up"
    assert 'ticked: "I agree that City of Portland sends me' in consent["evidence"]
    assert [row["kind"] for row in home.rows("SELECT kind FROM due")] == ["latecomer"]
    assert home.rows("SELECT language FROM contact") == [{"language": "es"}]


async def test_a_mailbox_signs_up_with_the_button_behind_its_link(home: House) -> None:
    status, page = await home.subscribe(MAIL, "Lents", "es")
    assert status == 200 and "Look into your mailbox" in page
    ((address, content, recipient),) = home.sent.mails
    assert (address, content.language, recipient) == (MAIL, "es", "")
    before = home.everything()
    status, page = await home.get(home.sent.link)
    assert status == 200 and "Lents" in page and home.everything() == before
    status, page = await home.press(home.sent.link)
    assert status == 200
    assert home.rows("SELECT label, kind, area FROM place") == [{"label": "HOME", "kind": "area", "area": "Lents"}]
    assert home.rows("SELECT channel, language FROM address") == [{"channel": "email", "language": "es"}]
    assert field_of((await home.get("/en/subscribe"))[1], "mark")
    home.clock.forward(timedelta(minutes=1))
    assert (await home.post(home.sent.link, {"mark": await home.mark()}))[0] == 410
    assert len(home.rows("SELECT * FROM consent")) == 1
