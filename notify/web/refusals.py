"""Acts that were tried and refused, in the log: at most one line a minute of each person and request, so that no script can
fill it. What was left out in between is counted in the next line."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from notify import audit
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.staff.drills import REFUSED

logger = logging.getLogger(__name__)

# Not allowed; somebody else was first; another version was seen; the content must change; tried too often.
REFUSALS: Final = frozenset({403, 409, 412, 422, 429})
EVERY: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _Written:
    at: datetime
    left_out: int = 0


@dataclass(slots=True)
class Refusals:
    """Keeps as many marks as there are people times requests, and no more."""

    db: Database
    clock: Clock
    _written: dict[tuple[str, str], _Written] = field(default_factory=dict)

    async def note(self, person_id: str, route: str, subject: str, **detail: Any) -> None:
        """route: which request, without what stands in its path; subject: what it was about. A log that cannot be written
        does not change what the person is told."""
        now, which = self.clock.now(), (person_id, route)
        before = self._written.get(which)
        if before is not None and now - before.at < EVERY:
            before.left_out += 1
            return
        self._written[which] = _Written(now)
        if before is not None and before.left_out:
            detail["left_out_before"] = before.left_out
        act = Act(actor=person_id, action=REFUSED, subject=subject, detail=detail)
        try:
            await self.db.write(lambda conn: audit.append(conn, act, now))
        except SQLAlchemyError:
            logger.exception("a refused act could not be written to the log")
