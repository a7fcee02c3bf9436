"""Many clicks are one alert, and of two people who act at the same moment one wins and the other is told."""

import asyncio
import re

import pytest

from notify import audit
from notify.alerts import register
from tests.console.staff_factory import Browser, House, Page
from tests.console.test_sixty_seconds import TICKED, begun, form, submitted

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLICKS = 50
RACES = 3


async def read(browser: Browser, alert_id: str) -> dict[str, str]:
    """What the decision page gives back when everything on it is ticked."""
    page = await browser.get(f"/alerts/{alert_id}/approval")
    found = re.search(r'name="digest" value="([0-9a-f]+)"', page.text)
    assert found, page.words
    return TICKED | {"digest": found[1]}


async def acts(house: House, alert_id: str) -> list[str]:
    lines = await house.served.running.service.db.read(lambda conn: audit.lines(conn, alert_id))
    return [line.action for line in lines]


def of_this_page(browser: Browser, data: dict[str, str]) -> dict[str, str]:
    """The form with its mark, as it lies in a window that nothing renews."""
    return data | {"mark": browser.mark}


async def test_fifty_clicks_on_send_are_one_alert(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    clicked = of_this_page(approver, await read(approver, alert_id))
    path = f"/alerts/{alert_id}/approval"
    pages: list[Page] = await asyncio.gather(*(approver.post(path, clicked) for _ in range(CLICKS)))
    assert {page.status for page in pages} <= {200, 409}
    assert any(page.status == 200 and page.url.path == f"/alerts/{alert_id}" for page in pages)
    await house.until(alert_id, "active")
    done = await acts(house, alert_id)
    assert [done.count(act) for act in ("approved", "sent", "leaves", "published")] == [1, 1, 1, 1]
    incident = alert_id.partition("-")[0]
    alerts = await house.served.running.service.db.read(lambda conn: register.events(conn, incident))
    assert [row.event_id for row in alerts] == [alert_id]


async def test_of_approving_and_returning_at_once_one_happens_and_the_other_is_told(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    second = await house.signed_in("approver")
    for race in range(RACES):
        alert_id = await submitted(author)
        path = f"/alerts/{alert_id}/approval"
        yes = of_this_page(approver, await read(approver, alert_id))
        await second.get(path)
        no = of_this_page(second, {"act": "return", "reason": "Say which side of I-205."})
        both = [(approver, yes), (second, no)]
        first, last = await asyncio.gather(*(one.post(path, data) for one, data in (both if race % 2 else both[::-1])))
        done = await acts(house, alert_id)
        assert done.count("approved") + done.count("returned") == 1, f"race {race}: {done}"
        told = [page.words for page in (first, last) if page.status == 409 or page.url.path == f"/alerts/{alert_id}"]
        assert told, "whoever was second is shown what the alert is now"
        if "returned" in done:
            assert "sent" not in done


async def test_of_two_who_write_at_once_one_is_kept_and_the_other_is_told(house: House) -> None:
    first, second = await house.signed_in("author"), await house.signed_in("approver")
    for _ in range(RACES):
        alert_id, version = await begun(first)
        await second.get(f"/alerts/{alert_id}/edit")
        forms = [
            [*form(version, "save", **{"slot-samples": count}), ("mark", who.mark)]
            for who, count in ((first, "4"), (second, "5"))
        ]
        path = f"/alerts/{alert_id}/edit"
        pages = await asyncio.gather(*(who.post(path, data) for who, data in zip((first, second), forms, strict=True)))
        assert sorted(page.status for page in pages) == [200, 409], [page.words[:200] for page in pages]
        assert (await acts(house, alert_id)).count("edited") == 1


async def test_what_was_edited_since_it_was_read_is_not_approved(house: House) -> None:
    """Returned, edited and submitted again while an approver still looks at the page of before."""
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    alert_id = await submitted(author)
    old = of_this_page(approver, await read(approver, alert_id))
    path = f"/alerts/{alert_id}/approval"
    second = await house.signed_in("approver")
    await second.get(path)
    await second.post(path, {"act": "return", "reason": "Four samples, not three."})
    page = await author.get(f"/alerts/{alert_id}/edit")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    await author.post(f"/alerts/{alert_id}/edit", form(version[1], "submit", **{"slot-samples": "4"}))
    page = await approver.post(path, old)
    assert page.status == 409 and "not what you read" in page.words
    assert "approved" not in await acts(house, alert_id)
