"""What the dialog may look up: the city's own facts, and open sites near a ZIP."""

from notify import world
from tests.notify.newsroom_factory import portland
from tests.notify.signup_factory import a_site


def test_what_replies_name_comes_from_the_city_pack() -> None:
    known = world.facts(portland(), a_site())
    assert known.county_link == portland().pack.county_link == "publicalerts.org"
    assert known.phones == "311 / 503-823-4000"
