"""An import of areas: looked at first, then kept exactly as looked at. For the console and the API alike."""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from notify import audit
from notify.alerts.life import Role
from notify.audit import Act
from notify.db import Database
from subscribers import areas, atlas
from subscribers.areas import NamedShape, Reading
from subscribers.place import Envelope
from subscribers.store import AREA

IMPORTERS: Final = frozenset({Role.ADMIN})
KM_PER_DEGREE: Final = 111.195  # of latitude, on a sphere of 6,371 km: good to half a percent, which is enough to compare
UNSEEN: Final = "This is not what was checked. Look at it again, then import it."
NO_SOURCE: Final = "Say where these areas are from: it stands beside them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One area as it is kept."""

    name: str
    kind: str
    citywide: bool
    source: str
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One area of a file. before_km2: of the area it would replace; shared: how much of both lies in both, in percent."""

    area: NamedShape
    km2: float
    before_km2: float | None
    shared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an import would do. seen: names the text that was checked."""

    seen: str
    incoming: Sequence[Incoming]
    reading: Reading

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for each feature that would be refused; the others are taken."""
        return self.reading.problems


def known(conn: Connection) -> list[Known]:
    """Every area by kind and name, with where it is from."""
    columns = (AREA.c.name, AREA.c.kind, AREA.c.citywide, AREA.c.source, AREA.c.imported_at)
    return [Known(**row._mapping) for row in conn.execute(select(*columns).order_by(AREA.c.kind, AREA.c.name))]


async def check(db: Database, geojson: str, box: Envelope) -> Checked:
    """Looks at a FeatureCollection of named areas and keeps nothing. In a thread: shapes take a while to compare."""
    kept = await db.read(atlas.areas)
    return await asyncio.to_thread(checked, geojson, box, kept)


def checked(geojson: str, box: Envelope, kept: Sequence[NamedShape]) -> Checked:
    reading, before = areas.read_areas(geojson, box), {area.name: area for area in kept}
    incoming = [_beside(area, before.get(area.name)) for area in reading.areas]
    return Checked(seen=seen(geojson), incoming=incoming, reading=reading)


def hindrances(found: Checked, source: str, was_seen: str) -> list[str]:
    """Why nothing of this is imported: it is not said where it is from, or it is not what somebody has looked at."""
    return ([] if source else [NO_SOURCE]) + ([] if was_seen == found.seen else [UNSEEN])


def keep(conn: Connection, found: Checked, person_id: str, source: str, now: datetime) -> None:
    """Takes what can be taken, replacing areas of the same name."""
    reading = found.reading
    atlas.keep(conn, reading.areas, source, now)
    detail = {"names": [area.name for area in reading.areas], "refused": len(reading.problems)}
    audit.append(conn, Act(actor=person_id, action="imported areas", subject=source, detail=detail), now)


def seen(geojson: str) -> str:
    """Names a text, whatever a browser makes of its line ends."""
    return hashlib.sha256("\n".join(geojson.split()).encode()).hexdigest()


def km2(shape: Any) -> float:
    """The size of a shape in degrees, in square kilometres, to about a percent for anything as small as a city."""
    if shape.is_empty:
        return 0.0
    return float(shape.area * KM_PER_DEGREE**2 * math.cos(math.radians(shape.centroid.y)))


def _beside(area: NamedShape, old: NamedShape | None) -> Incoming:
    shared = 100 * old.shape.intersection(area.shape).area / old.shape.union(area.shape).area if old else 0.0
    return Incoming(area=area, km2=km2(area.shape), before_km2=km2(old.shape) if old else None, shared=shared)
