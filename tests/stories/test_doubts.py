"""A carrier that accepts and does not say so: nobody is lost, and only those are texted twice whom the policy allows."""

from collections import Counter

import aiohttp
import pytest

from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, Town, numbers

PEOPLE = 60


@pytest.mark.parametrize("fault", ["cut_after", "error_after", "cut_before"])
async def test_a_text_whose_answer_was_lost_is_found_at_the_carrier_and_not_sent_twice(
    town: Town, opened: Open, fault: str
) -> None:
    town.settings |= {"TOCSIN_NOT_FOUND_AFTER_S": "3"}
    town.settle(numbers(PEOPLE))
    await opened(town)
    async with aiohttp.ClientSession() as session:
        wish = {"sms": {fault: 0.3}}
        async with session.post(f"http://127.0.0.1:{town.sms_port}/control", json=wish) as answer:
            assert answer.status == 200, await answer.text()
    alert_id = await town.send(BOIL_WATER | {"severity": "Extreme"})
    reply = await town.until(alert_id, "active")
    counts = reply["progress"]["total"]
    copies = Counter(line["to"] for line in town.sms())
    assert counts["handed"] + counts["delivered"] + counts["unknown"] == PEOPLE
    if fault == "cut_before":
        assert counts["unknown"] + len(copies) >= PEOPLE
    else:
        assert sorted(copies) == numbers(PEOPLE)
        assert counts["unknown"] == 0
    assert max(copies.values()) == 1
