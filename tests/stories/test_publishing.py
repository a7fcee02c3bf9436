"""Page, feeds and CAP are readable before the first text leaves, and texts leave even when they cannot be written."""

from datetime import datetime

import aiohttp

from tests.stories.conftest import Open, Restart
from tests.stories.town import BOIL_WATER, Town, numbers

LATER = "2030-01-01T00:00Z"


async def fetch(url: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.read()


async def test_page_feeds_and_cap_are_out_before_the_first_text(town: Town, opened: Open) -> None:
    town.settle(numbers(50))
    town.settle([f"resident{number}@example.gov" for number in range(20)], channel="email")
    await opened(town)
    alert_id = await town.send(BOIL_WATER)
    reply = await town.until(alert_id, "active")
    incident, identifier = reply["incident_id"], reply["event"]["identifier"]
    names = ["feeds/active.atom", "feeds/active.rss", "feeds/active.geojson", f"cap/{identifier}.xml", f"a/{incident}.html"]
    written = [(town.home / "public" / "demo" / name).stat().st_mtime for name in names]
    first_text = min(datetime.fromisoformat(line["at"]) for line in town.sms())
    first_mail = min(datetime.fromisoformat(line["at"]) for line in town.mails())
    assert max(written) < min(first_text, first_mail).timestamp()
    for path in ("feeds/active.atom", f"cap/{identifier}.xml", f"a/{incident}", f"es/a/{incident}"):
        status, body = await fetch(f"{town.url}/demo/{path}")
        assert status == 200, path
        assert body


async def test_texts_leave_even_when_the_feed_folder_cannot_be_written(town: Town, opened: Open) -> None:
    town.settle(numbers(30))
    (town.home / "public").write_text("a file where the folder should be: nobody can write below it, not even root")
    await opened(town)
    alert_id = await town.send(BOIL_WATER)
    reply = await town.until(alert_id, "active")
    assert sorted(line["to"] for line in town.sms()) == numbers(30)
    assert "cannot be written" in reply["event"]["publish_problem"]
    actions = [line["action"] for line in (await town.must("admin", "GET", f"/audit?subject={alert_id}"))["lines"]]
    assert "not published" in actions


async def test_cap_bytes_stay_the_same_over_an_update_and_a_restart(town: Town, restarted: Restart) -> None:
    town.settle(numbers(3))
    await restarted(town)
    alert_id = await town.send(BOIL_WATER)
    reply = await town.until(alert_id, "active")
    url = f"{town.url}/demo/cap/{reply['event']['identifier']}.xml"
    _, before = await fetch(url)
    update = await town.follow_up("update", alert_id, {"next_update_by": LATER})
    await town.until(update, "active")
    assert (await fetch(url))[1] == before
    await restarted(town)
    assert (await fetch(url))[1] == before
