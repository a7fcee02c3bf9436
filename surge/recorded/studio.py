"""Recording prompts, put together for one process: what can be said and recorded, the calls to staff, and who releases."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from notify.clock import Clock
from notify.db import Database
from subscribers.sealing import Keyring
from surge.recorded.recorder import Phone, Recorder
from surge.recorded.recorder_webhooks import RecorderWebhooks
from surge.recorded.releasing import Releasing
from surge.recorded.speaking import Lines, Speaking
from surge.switch import store
from surge.tables import ActivationRow
from surge.voice.prompts import Prompt
from surge.voice.situation import Situations


async def _unheeded() -> None:
    """Where no floor runs: the process that has it looks by itself."""


@dataclass(slots=True, kw_only=True)
class Studio:
    """changed: what callers hear is looked at anew, in this process at once. routes: for the public listener."""

    speaking: Speaking
    lines: Lines
    recorder: Recorder
    releasing: Releasing
    routes: Sequence[web.RouteDef]
    phone: Phone | None
    changed: Callable[[], Awaitable[None]] = _unheeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """phone: None where calls stay elsewhere; nobody can be called then."""

    db: Database
    clock: Clock
    ring: Keyring
    phone: Phone | None


def build(parts: Parts, speaking: Speaking) -> Studio:
    lines = Lines(speaking=speaking, messages=_Today(speaking))
    recorder = Recorder(
        db=parts.db,
        clock=parts.clock,
        ring=parts.ring,
        lines=lines,
        longest=lines.longest,
        public_url=speaking.public_url,
        phone=parts.phone,
    )
    webhooks = RecorderWebhooks(recorder, parts.phone, speaking.public_url).routes() if parts.phone is not None else []
    return Studio(
        speaking=speaking,
        lines=lines,
        recorder=recorder,
        releasing=Releasing(clock=parts.clock, lines=lines),
        routes=webhooks,
        phone=parts.phone,
    )


class _Today:
    """What callers are told of an activation, by language."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking
        self._situations: Situations | None = None

    def __call__(self, conn: Connection, row: ActivationRow) -> dict[str, Prompt]:
        speech = self._speaking.now(conn)
        if self._situations is None:
            self._situations = Situations(speech)
        self._situations.speech = speech
        return dict(self._situations(conn, store.value(row)).messages)
