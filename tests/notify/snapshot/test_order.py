"""Whoever is told from a snapshot is an id until it is their turn."""

import tracemalloc
from datetime import timedelta

from notify.snapshot import contents, order
from tests.notify.newsroom_factory import portland
from tests.stories.town import numbers
from tests.subscribers.factories import NOON

MANY = 20_000
ORDER = f"""
area: {{circle: {{lat: 45.5152, lon: -122.6784, radius_m: 500}}, words: downtown}}
expires: {(NOON + timedelta(hours=1)).isoformat()}
texts: {{sms: {{en: Boil tap water.}}}}
"""


def test_an_audience_of_twenty_thousand_takes_eight_bytes_for_each() -> None:
    head = {"format": 2, "made_at": NOON.isoformat(), "city": "Portland", "mode": "training", "senders": []}
    people = [
        {"who": [[one, "sms", number, "en", "opt-in", "open"]], "at": [[-122.6784, 45.5152, False]]}
        for one, number in enumerate(numbers(MANY), 1)
    ]
    end = {"end": {"areas": 0, "people": MANY, "addresses": MANY}}
    snapshot, wanted, city = contents.read(contents.packed([head, *people, end])), order.read(ORDER, NOON), portland()
    stopped = frozenset({("sms", numbers(MANY)[0])})
    order.audience(wanted, snapshot, city, stopped)  # what is loaded once counts for nobody
    tracemalloc.start()
    try:
        chosen = order.audience(wanted, snapshot, city, stopped)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert list(chosen.ids) == list(range(2, MANY + 1)) and chosen.channels == {"sms"} and chosen.left == {"stopped since": 1}
    assert held / MANY < 16, f"{held / MANY:.0f} bytes for each of them"
