"""The public pages of three hazards in every language of the city, for a browser: prints where they are, ends with its
input."""

from datetime import timedelta
from typing import Any, Final

from notify.alerts.alert import Mode
from notify.alerts.draft import read
from notify.clock import ManualClock
from notify.db import Database
from tests.browser import pages
from tests.notify.newsroom_factory import BOIL_WATER, Room, keep_areas

SMOKE_NEWS: Final = "2014-05-23T16:00-07:00"
ALERTS: Final[tuple[dict[str, Any], ...]] = (
    BOIL_WATER | {"area": {"names": ["Lents", "Hazelwood"]}, "next_update_by": "2014-05-23T18:00-07:00"},
    {
        "hazard": "wildfire_leave_now",
        "area": {"names": ["Northwest Portland"]},
        "until": "cleared",
        "slots": {"toward": "NW Front Ave", "avoid": "NW St Helens Rd"},
    },
    {"hazard": "smoke", "area": {"names": ["Portland"]}, "until": "cleared", "next_update_by": SMOKE_NEWS},
)


def tell(db: Database, clock: ManualClock) -> list[str]:
    """Sends one alert of each hazard; their incidents, in order."""
    room = Room.on(db, clock, mode=Mode.LIVE, languages=())
    db.write_now(keep_areas)
    found = [room.left(read(given)).partition("-")[0] for given in ALERTS]
    clock.forward(timedelta(hours=1))
    return found


if __name__ == "__main__":
    pages.main(tell, "https://alerts.example.gov")
