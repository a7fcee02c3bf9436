"""Times as staff read them, in their language: the clock of the city, and how long ago or from now. Words are CLDR's."""

from datetime import datetime, timedelta
from typing import Final

from babel import Locale
from babel.dates import format_datetime, format_timedelta

from notify.publishing.site import Site
from notify.wording.labels import LOCALES

FINE: Final = 2.0  # a unit is used from two of it on: 119 minutes say more than 2 hours
MOMENT: Final = timedelta(seconds=1)


def locale(language: str) -> Locale:
    return Locale.parse(LOCALES.get(language, language.replace("-", "_")))


def clock(at: datetime, now: datetime, site: Site, language: str) -> str:
    """15:05, or with its day where that is another one, in the city's time."""
    local = site.local(at)
    form = "HH:mm" if local.date() == site.local(now).date() else "EEE d MMM HH:mm"
    return str(format_datetime(local, form, locale=locale(language)))


def ago(at: datetime, now: datetime, language: str) -> str:
    """ "in 12 minutes", "3 hours ago"; what happens this very second has just happened."""
    length = at - now if abs(at - now) >= MOMENT else -MOMENT
    return str(format_timedelta(length, granularity="second", threshold=FINE, add_direction=True, locale=locale(language)))
