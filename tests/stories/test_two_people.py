"""Two people stand behind every alert, and a second click is not a second alert."""

import asyncio
from typing import Any

from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, Town, numbers


async def test_an_alert_takes_two_people_and_what_was_read(town: Town, opened: Open) -> None:
    town.settle(numbers(3))
    await opened(town)
    made = await town.must("author", "POST", "/alerts", BOIL_WATER)
    alert_id = made["alert_id"]
    path = f"/alerts/{alert_id}"

    status, reply = await town.call("approver", "POST", f"{path}/approve", {"digest": "0" * 64})
    assert status == 409
    assert "only a submitted alert can be approved" in reply["problems"][0]

    submitted = await town.must("author", "POST", f"{path}/submit")
    digest = submitted["digest"]

    status, reply = await town.call("author", "POST", f"{path}/approve", {"digest": digest})
    assert status == 403
    assert any("author wrote this alert" in problem for problem in reply["problems"])
    assert any("does not have the role approver" in problem for problem in reply["problems"])

    status, reply = await town.call("approver", "POST", f"{path}/approve", {"digest": "0" * 64})
    assert status == 409
    assert "not what you read" in reply["problems"][0]

    await town.must("approver", "POST", f"{path}/return", {"reason": "Which part of town?"})
    await town.must("author", "PUT", path, BOIL_WATER | {"area": {"names": ["West"]}})
    resubmitted = await town.must("author", "POST", f"{path}/submit")
    assert resubmitted["digest"] != digest
    status, reply = await town.call("approver", "POST", f"{path}/approve", {"digest": digest})
    assert status == 409, "an approval of the text before the edit must be void"

    await town.must("approver", "POST", f"{path}/approve", {"digest": resubmitted["digest"]})
    assert town.sms() == [], "nothing leaves before somebody presses send"
    status, reply = await town.call("author", "POST", f"{path}/send")
    assert status == 403
    await town.must("approver", "POST", f"{path}/send")
    await town.until(alert_id, "active")
    assert sorted(line["to"] for line in town.sms()) == numbers(3)

    lines = (await town.must("admin", "GET", f"/audit?subject={alert_id}"))["lines"]
    tried = [(line["actor"], line["detail"]["what"]) for line in lines if line["action"] == "was refused"]
    assert tried == [("approver", "api approve"), ("author", "api approve"), ("author", "api send")], "once a minute each"
    acts = [(line["actor"], line["action"]) for line in lines if line["action"] != "was refused"]
    assert acts[:6] == [
        ("author", "composed"),
        ("author", "submitted"),
        ("approver", "returned"),
        ("author", "edited"),
        ("author", "submitted"),
        ("approver", "approved"),
    ]


async def test_fifty_clicks_are_one_alert(town: Town, opened: Open) -> None:
    town.settle(numbers(2))
    await opened(town)

    async def click() -> tuple[int, Any]:
        return await town.call("author", "POST", "/alerts", BOIL_WATER, key="one-click")

    replies = await asyncio.gather(*(click() for _ in range(50)))
    assert {status for status, _ in replies} == {201}
    assert len({reply["alert_id"] for _, reply in replies}) == 1
    assert len((await town.must("author", "GET", "/alerts"))["alerts"]) == 1

    status, reply = await town.call("author", "POST", "/alerts", BOIL_WATER | {"short": True}, key="one-click")
    assert status == 422
    assert "another request" in reply["title"]

    alert_id = replies[0][1]["alert_id"]
    await town.approve(alert_id)
    status, reply = await town.call("approver", "POST", f"/alerts/{alert_id}/send")
    assert status == 409, "sending twice is refused"
    await town.until(alert_id, "active")
    assert len(town.sms()) == 2


async def test_bad_input_is_named_all_at_once_and_nothing_is_kept(town: Town, opened: Open) -> None:
    await opened(town)
    bad = BOIL_WATER | {
        "area": {"circle": {"lat": 95, "lon": -122, "radius_m": -5}},
        "colour": "red",
        "learned_at": "2014-05-23T08:15",
    }
    status, reply = await town.call("author", "POST", "/alerts", bad)
    assert status == 422
    told = "\n".join(reply["problems"])
    for part in ("area.circle.lat", "area.circle.radius_m", "colour: there is no such field", "needs a time zone"):
        assert part in told
    assert (await town.must("author", "GET", "/alerts"))["alerts"] == []

    made = await town.must("author", "POST", "/alerts", {"hazard": "boil_water", "area": {"names": ["Atlantis"]}})
    status, reply = await town.call("author", "POST", f"/alerts/{made['alert_id']}/submit")
    assert status == 422
    assert "there is no area 'Atlantis'" in "\n".join(reply["problems"])

    status, reply = await town.call("author", "GET", "/alerts")
    assert status == 200
    town.tokens["stranger"] = "guessed"
    status, reply = await town.call("stranger", "GET", "/alerts")
    assert status == 401
    assert "token" in reply["title"]
