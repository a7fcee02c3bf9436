"""Whether a route's delivery reports are late: from what the ledger says of some of its texts to what may move its share. Pure.

A text is *late* when it has no final report five minutes after it was handed over. Silence alone proves nothing: a gateway may
send no reports at all, or only of what failed, or only for some networks. So a route is judged only after it has shown that it
reports: of the texts in the window, or of those handed over more than an hour ago, as large a part has its final report by now,
in time or not, as would have to have it in time. What was shown holds for an hour: a route that has been silent about all its
texts for longer is one without reports again, and is not judged.

The rule is that of GOV.UK Notify: 15 % that took over five minutes, in a quarter of an hour. The share moves in routing.py.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

EVERY_S: Final = 60.0  # between two looks at the ledger
IN_TIME: Final = timedelta(minutes=5)  # from hand-over to the final report; younger texts say nothing yet
WINDOW: Final = timedelta(minutes=15)  # older texts say nothing of now
EARLIER: Final = timedelta(hours=1)  # whoever reports at all has reported on texts as old as that
MOST: Final = 500  # watched texts of a route that one look reads, the newest first
ENOUGH: Final = 20  # watched texts: fewer say nothing
TOO_MANY_LATE, FEW_LATE = 0.15, 0.05
REPORTS: Final = 1 - TOO_MANY_LATE  # of its texts have a final report: then it is a route that reports
HOLDS_S: Final = EARLIER.total_seconds()  # so long after it has shown that
LAPSES_S: Final = 3 * EVERY_S  # what was looked up longer ago says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Some texts of one route, all handed over more than five minutes ago. reported: of them, with a final report by now;
    in_time: and that within five minutes."""

    texts: int = 0
    reported: int = 0
    in_time: int = 0

    @property
    def shows_reports(self) -> bool:
        return self.texts >= ENOUGH and self.reported >= REPORTS * self.texts


NOTHING: Final = Lot()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Of one route. recent: texts of the window, looked up at `at`; shown_at: when it last turned out to report. Monotonic
    seconds."""

    recent: Lot = NOTHING
    at: float = -math.inf
    shown_at: float = -math.inf

    def due(self, now: float) -> tuple[int, int]:
        """Texts whose report is due, and of them those that are late; (0, 0) where nobody can say."""
        if now - self.at > LAPSES_S or now - self.shown_at > HOLDS_S:
            return 0, 0
        return self.recent.texts, self.recent.texts - self.recent.in_time


UNKNOWN: Final = Known()


def learnt(known: Known, recent: Lot, earlier: Lot, now: float) -> Known:
    """After a look. earlier: texts handed over more than an hour ago."""
    shows = recent.shows_reports or earlier.shows_reports
    return Known(recent=recent, at=now, shown_at=now if shows else known.shown_at)


def is_late(due: int, late: int) -> bool:
    return due >= ENOUGH and late > TOO_MANY_LATE * due


def is_punctual(due: int, late: int) -> bool:
    """Not the contrary of late: of too few texts nobody can say either."""
    return due >= ENOUGH and late <= TOO_MANY_LATE * due
