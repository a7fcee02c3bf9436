"""Whom a text reaches later stands open on the pages of its author and of whoever decides; other notes can be opened there."""

from datetime import timedelta
from typing import Any, Final

import pytest

from notify.console.sentences import in_words
from notify.console.words import words
from tests.console.staff_factory import House
from tests.stories.town import BOIL_WATER

pytestmark = pytest.mark.asyncio(loop_scope="module")
MORNING: Final = "It is night: texts wait until 07:00. Page, feeds and e-mail do not."
UNSIGNED: Final = "Nobody has reviewed"
CALM: Final = {"severity": "Minor", "urgency": "Expected"}


@pytest.fixture
def at_night(house: House) -> House:
    zone = house.served.running.service.assembly.city.pack.zone
    while house.clock.now().astimezone(zone).hour != 23:
        house.clock.forward(timedelta(minutes=30))
    return house


async def kept(house: House, **given: Any) -> str:
    status, made = await house.served.call("author", "POST", "/alerts", BOIL_WATER | {"area": {"names": ["Lents"]}} | given)
    assert status == 201, made
    return str(made["alert_id"])


async def decided_on(house: House, alert_id: str) -> str:
    """The page to decide on, but for what has to be opened."""
    status, said = await house.served.call("author", "POST", f"/alerts/{alert_id}/submit")
    assert status == 200, said
    page = await (await house.signed_in("approver")).get(f"/alerts/{alert_id}/approval")
    folded = page.text.partition('<details class="notes">')[2].partition("</details>")[0]
    assert UNSIGNED in folded and MORNING not in folded
    return page.words


async def test_author_and_approver_read_that_texts_wait_for_morning(at_night: House) -> None:
    alert_id = await kept(at_night, **CALM)
    page = await (await at_night.signed_in("author")).get(f"/alerts/{alert_id}/edit")
    assert MORNING in page.words.partition("Notes: ")[0]
    page = await decided_on(at_night, alert_id)
    assert MORNING in page and "mailboxes now" not in page


async def test_of_what_leaves_at_once_nothing_is_said_to_wait(at_night: House) -> None:
    page = await decided_on(at_night, await kept(at_night))
    assert MORNING not in page and "mailboxes now" in page


async def test_an_approver_reads_it_in_arabic(at_night: House) -> None:
    alert_id = await kept(at_night, **CALM)
    await decided_on(at_night, alert_id)
    approver = await at_night.signed_in("approver")
    page = await approver.post("/language", {"language": "ar", "next": f"/alerts/{alert_id}/approval"})
    assert in_words(MORNING, words("ar")) in page.words and MORNING not in page.words
