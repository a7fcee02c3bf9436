"""Every language is half done when all are half done, by the carrier's clock and without a correction for longer texts."""

from datetime import datetime

from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, Town, numbers

PEOPLE = {"en": 120, "es": 60, "vi": 30, "ru": 30}
SPREAD = 0.15  # of the mean; 30 people make steps of 3 %


async def test_small_languages_are_told_as_soon_as_large_ones(town: Town, opened: Open) -> None:
    town.rate = 100
    start, language = 0, dict[str, str]()
    for name, count in PEOPLE.items():
        town.settle(numbers(count, start), language=name)
        language |= dict.fromkeys(numbers(count, start), name)
        start += count
    await opened(town)
    alert_id = await town.send(BOIL_WATER)
    await town.until(alert_id, "active")
    times = sorted((datetime.fromisoformat(line["at"]).timestamp(), language[line["to"]]) for line in town.sms())
    for share in (0.5, 0.95):
        done = [
            [at - times[0][0] for at, name in times if name == one][int(share * count) - 1] for one, count in PEOPLE.items()
        ]
        assert max(done) - min(done) <= SPREAD * sum(done) / len(done), (share, done)
