"""How the service is: mode, senders, ticks, database, disk, log, version; and every setting, its secrets left out."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import Connection, func, text
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from notify import audit
from notify.alerts.life import ADMINS
from notify.console.follower import STATES
from notify.console.routing import Guard, Route
from notify.db import Database, is_sqlite
from notify.processes import posts
from notify.received.sources import Source
from notify.schedule import Tick
from notify.sending import seeds
from notify.service import Service
from notify.setting_values import SenderSetting
from notify.settings import PREFIX, Settings
from notify.tables import AuditLine, Due

# What the composition root tells the page about itself.
SETTINGS: Final = web.AppKey("settings", Settings)
TICKS: Final = web.AppKey("ticks", Sequence[Tick])
LATE: Final = timedelta(seconds=10)  # due work is looked for five times a second
FULL: Final = 0.9  # of a disk
POSTS: Final = {posts.DUTIES: "What happens by itself", posts.FLOOR: "Telephone line of 311"}
KEPT_SECRET: Final = "(set; not shown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the settings' table. usual: nobody has set it to anything else."""

    name: str
    value: str
    meaning: str
    usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """How the database and the disk are. Sizes are in bytes; what the disk has is None where the database lies elsewhere."""

    kind: str
    size: int
    disk_free: int | None
    disk_full: bool
    late: int  # due work that nobody has begun
    oldest: datetime | None
    lines: int  # of the log
    head: str


class Health:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service

    def routes(self) -> list[Route]:
        return [Route(method="GET", path="/service", answer=self.show, roles=ADMINS)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        db, now = self._guard.db, self._guard.clock.now()
        settings, ticks = request.app.get(SETTINGS), request.app.get(TICKS, ())
        return self._guard.screens.page(
            request,
            "health",
            lights=await self._service.status(),
            store=await db.read(lambda conn: look(conn, db, now)),
            duty=await db.read(lambda conn: self._service.training.duty(conn, now)),
            settings=table(settings) if settings else (),
            ticks=ticks,
            mirrors=self._service.mirrors,
            reserves=self._service.reserves,
            seeds=await db.read(seeds.fared),
            STATES=STATES,
            process=self._service.crew.process,
            posts=[word for post, word in POSTS.items() if self._service.crew.term(post)],
            sources=await self._service.received.lines() if self._service.received is not None else (),
            version=metadata.version("tocsin"),
        )


def look(conn: Connection, db: Database, now: datetime) -> Store:
    late = (col(Due.done_at).is_(None), col(Due.due_at) < now - LATE, col(Due.lease_until).is_(None))
    count, oldest = conn.execute(select(func.count(), func.min(Due.due_at)).where(*late)).one()
    free, full = _disk(db)
    return Store(
        kind="SQLite" if is_sqlite(conn) else "PostgreSQL",
        size=_size(conn),
        disk_free=free,
        disk_full=full,
        late=count,
        oldest=oldest,
        lines=conn.execute(select(func.count()).select_from(AuditLine)).scalar_one(),
        head=audit.head(conn),
    )


def table(settings: Settings) -> list[Setting]:
    """Every setting in force, by the name of its variable. No password, token or account number is in it."""
    found = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        meaning, usual = field.description or "", value == field.default
        found.append(Setting(name=f"{PREFIX}{name.upper()}", value=shown(name, value), meaning=meaning, usual=usual))
    return found


def shown(name: str, value: Any) -> str:
    """A setting's value as it may stand on a screen."""
    match value:
        case None | "" | ():
            return ""
        case SecretStr():
            return KEPT_SECRET if value.get_secret_value() else ""
        case tuple() if name == "page_command":  # its arguments may hold a token
            return f"{value[0]} …" if len(value) > 1 else str(value[0])
        case tuple():
            return ", ".join(_item(one) for one in value)
        case float():
            return f"{value:g}"
        case str() if name in ("twilio_account_sid", "twilio2_account_sid"):
            return f"{value[:2]}…{value[-4:]}"
        case str() if name == "database_url":
            return make_url(value).set(query={}).render_as_string(hide_password=True)
        case str() if "://" in value:
            return _without_account(value)
    return str(value)


def _without_account(url: str) -> str:
    """An address without the name and password it may hold, and without what is asked of it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _item(one: Any) -> str:
    match one:
        case SenderSetting():
            return f"{one.number}={one.rate:g}{' urgent' if one.urgent else ''}"
        case Source():
            return f"{one.name} ({one.kind}{', ' + _without_account(one.url) if one.url else ''})"
    return str(one)


def _size(conn: Connection) -> int:
    if is_sqlite(conn):
        pages, each = (conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
        return int(pages * each)
    return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _disk(db: Database) -> tuple[int | None, bool]:
    """Free bytes where the database file lies, and whether that is too few."""
    file = make_url(db.url).database
    if not db.sqlite or not file:
        return None, False
    usage = shutil.disk_usage(Path(file).parent)
    return usage.free, usage.used / usage.total > FULL
