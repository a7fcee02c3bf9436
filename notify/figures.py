"""What the status page says of the running service, looked up when nobody waits for it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from notify import audit
from notify.clock import Clock
from notify.db import Database
from notify.publishing.standing import Figures, Pinned
from notify.sending.desk import Light
from subscribers.plain import spoken

PINNED_EVERY: Final = timedelta(hours=1)  # seldom enough that nobody outside sees when staff are at work
COUNTED_EVERY: Final = timedelta(minutes=10)  # counting reads every address

_LANGUAGES: Final = text("SELECT DISTINCT language FROM address")


def people(conn: Connection) -> Mapping[str, int]:
    """Addresses that get alerts, by language; the forms of a language for old handsets count as the language.

    A column for each: to group a million rows, SQLite sorts them all, and takes 45 MB for it at the moment an alert leaves."""
    languages = conn.scalars(_LANGUAGES).all()
    if not languages:
        return {}
    columns = ", ".join(f"COUNT(*) FILTER (WHERE language = :l{number})" for number in range(len(languages)))
    bound = {f"l{number}": language for number, language in enumerate(languages)}
    row = conn.execute(text(f"SELECT {columns} FROM address WHERE stopped_at IS NULL"), bound).one()
    counts: Counter[str] = Counter()
    for language, count in zip(languages, row, strict=True):
        counts[spoken(language)] += count
    return {language: count for language, count in counts.items() if count}


@dataclass(slots=True)
class Gauges:
    """lights: of every sender, with the name of its channel."""

    db: Database
    clock: Clock
    lights: Sequence[tuple[str, Light]]
    _people: Mapping[str, int] = field(default_factory=dict)
    _counted_at: datetime | None = None
    _log: Pinned | None = None

    async def read(self) -> Figures:
        """A channel works while one of its senders does. Raises what the database raises."""
        now = self.clock.now()
        if self._counted_at is None or now - self._counted_at >= COUNTED_EVERY:
            self._people, self._counted_at = await self.db.read(people), now
        gateways: dict[str, bool] = {}
        for name, light in self.lights:
            gateways[name] = gateways.get(name, False) or not light.trouble
        return Figures(at=now, people=self._people, gateways=gateways, log=await self._pinned(now))

    async def _pinned(self, now: datetime) -> Pinned:
        """The head of the log, taken anew once an hour."""
        if self._log is None or now - self._log.at >= PINNED_EVERY:
            line, head = await self.db.read(audit.last)
            self._log = Pinned(line=line, head=head, at=now)
        return self._log
