"""A send is stopped in the middle; the correction reaches exactly those who have, or may have, the text."""

from datetime import datetime, timedelta

from tests.stories import carrier
from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, EAST, WEST, Town, numbers

SLACK = timedelta(seconds=1)
LATER = "2030-01-01T00:00Z"


async def test_after_stop_nothing_is_handed_over_and_the_correction_reaches_exactly_the_told(town: Town, opened: Open) -> None:
    everybody = numbers(2000)  # more than leave before the stop, however slow whoever stops it is
    town.rate = 200
    town.settle(everybody)
    await opened(town)
    alert_id = await town.send(BOIL_WATER)
    await town.until_texts(150)

    await town.must("approver", "POST", f"/alerts/{alert_id}/stop", {"reason": "wrong area"})
    read_at = await carrier.has_read(town)  # what was on its way when the stop was answered
    counts = (await town.settled(alert_id))["progress"]["total"]
    accepted = town.sms()
    last = max(datetime.fromisoformat(line["at"]) for line in accepted)
    assert last <= read_at + SLACK  # how soon after the click is measured by bench/sending.py
    told = {line["to"] for line in accepted}
    assert 150 <= len(told) < len(everybody)
    assert counts["handed"] + counts["delivered"] + counts["unknown"] == len(told)
    assert counts["withdrawn"] == len(everybody) - len(told)
    assert counts["total"] == len(everybody)

    correction = await town.follow_up(
        "correct", alert_id, {"area": {"names": ["East"]}, "slots": {"mistake": "area"}, "note": "The area was wrong."}
    )
    await town.until(correction, "active")
    corrected = [line["to"] for line in town.sms() if "CORRECTION" in line["body"]]
    assert sorted(corrected) == sorted(told)
    assert len(town.sms()) == 2 * len(told)


async def test_each_of_an_updates_three_audiences_gets_its_own_text_once_and_in_order(town: Town, opened: Open) -> None:
    east, west = numbers(20), numbers(20, 5000)
    town.settle(east, inside=EAST)
    town.settle(west, inside=WEST)
    await opened(town)

    first = await town.send(BOIL_WATER | {"area": {"names": ["East"]}})
    await town.until(first, "active")
    grown = await town.follow_up("update", first, {"area": {"names": ["Portland"]}, "next_update_by": LATER})
    await town.until(grown, "active")
    shrunk = await town.follow_up("update", grown, {"area": {"names": ["West"]}, "next_update_by": LATER})
    await town.until(shrunk, "active")
    over = await town.follow_up("clear", shrunk, {"slots": {"flush_minutes": 2}})
    await town.until(over, "active")

    texts: dict[str, list[str]] = {}
    for line in town.sms():
        texts.setdefault(line["to"], []).append(line["body"])
    marks = {"BOIL TAP WATER": "first", "UPDATE": "update", "CHANGE": "outside", "ALL CLEAR": "all clear"}

    def read(bodies: list[str]) -> list[str]:
        return [next(name for mark, name in marks.items() if mark in body) for body in bodies]

    for number in east:
        assert read(texts[number]) == ["first", "update", "outside", "all clear"]
    for number in west:
        assert read(texts[number]) == ["first", "update", "all clear"]

    reply = await town.must("author", "GET", f"/alerts/{first}")
    assert reply["status"] == "ended"
    assert reply["ended_why"] == "updated"
    assert (await town.must("author", "GET", f"/alerts/{over}"))["promises"] == []


async def test_an_update_takes_back_what_the_alert_before_it_has_not_handed_over(town: Town, opened: Open) -> None:
    everybody = numbers(400)
    town.rate = 100
    town.settle(everybody)
    await opened(town)
    first = await town.send(BOIL_WATER)
    await town.until_texts(60)
    update = await town.follow_up("update", first, {"next_update_by": LATER})
    await town.until(update, "active")
    texts: dict[str, list[str]] = {}
    for line in town.sms():
        texts.setdefault(line["to"], []).append(line["body"])
    assert sorted(texts) == sorted(everybody)
    for bodies in texts.values():
        assert "BOIL TAP WATER" in bodies[0], "nobody gets the update before the alert"
        assert [("UPDATE" in body) for body in bodies[1:]] in ([], [True])
    assert any(len(bodies) == 2 for bodies in texts.values())
    assert any(len(bodies) == 1 for bodies in texts.values())
