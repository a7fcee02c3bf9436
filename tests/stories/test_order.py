"""A cancel never overtakes its alert, even while the carrier is away: who reads both, reads the alert first."""

from tests.stories import carrier
from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, Town, numbers

PEOPLE = 1500  # more than are told before the carrier goes away, however slow whoever sends it away is


async def test_a_false_alarm_reaches_exactly_those_who_had_the_alert_though_the_carrier_was_away(
    town: Town, opened: Open
) -> None:
    town.rate = 150
    town.settings |= {"TOCSIN_NOT_FOUND_AFTER_S": "3"}
    town.settle(numbers(PEOPLE))
    await opened(town)
    alert_id = await town.send(BOIL_WATER)
    await town.until_texts(60)
    await carrier.goes_wrong(town, refuse_all=True)
    cancel = await town.follow_up("cancel", alert_id, {"note": "The samples were mixed up."})
    await town.until(cancel, "sending", "active")
    await carrier.goes_wrong(town)
    await town.until(cancel, "active")
    texts: dict[str, list[str]] = {}
    for line in town.sms():
        texts.setdefault(line["to"], []).append(line["body"])
    counts = (await town.must("author", "GET", f"/alerts/{alert_id}"))["progress"]["total"]
    doubtful = [bodies for bodies in texts.values() if len(bodies) == 1]  # they may have had the alert: nobody could say
    assert len(doubtful) == counts["unknown"]
    assert len(texts) == counts["handed"] + counts["delivered"] + counts["unknown"] < PEOPLE
    assert all("FALSE ALARM" in body for (body,) in doubtful)
    for bodies in texts.values():
        assert ["FALSE ALARM" in body for body in bodies] in ([True], [False, True])
