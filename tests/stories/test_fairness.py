"""Every language is half done when all are half done, by the carrier's own order and without a correction for longer texts."""

from tests.stories.conftest import Open
from tests.stories.town import BOIL_WATER, Town, numbers

PEOPLE = {"en": 120, "es": 60, "vi": 30, "ru": 30}
SPREAD = 0.15  # of the mean; 30 people make steps of 3 %


async def test_small_languages_are_told_as_soon_as_large_ones(town: Town, opened: Open) -> None:
    """Told by the segments that the carrier had taken before: that is the time at an even pace, on a machine that stands still
    for a moment as well."""
    town.rate = 100
    start, language = 0, dict[str, str]()
    for name, count in PEOPLE.items():
        town.settle(numbers(count, start), language=name)
        language |= dict.fromkeys(numbers(count, start), name)
        start += count
    await opened(town)
    alert_id = await town.send(BOIL_WATER)
    await town.until(alert_id, "active")
    before, taken = 0, list[tuple[int, str]]()
    for line in town.sms():
        taken.append((before, language[line["to"]]))
        before += int(line["num_segments"])
    for share in (0.5, 0.95):
        done = [[at for at, name in taken if name == one][int(share * count) - 1] for one, count in PEOPLE.items()]
        assert max(done) - min(done) <= SPREAD * sum(done) / len(done), (share, done)
