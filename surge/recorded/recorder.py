"""Records prompts with staff on their own telephone: calls them, takes down what they say, and lets a second person release it.

    order -> the provider calls -> beep -> recorded -> fetched -> heard and kept -> released by somebody else -> callers hear it

All that is known stands in the database, so that any process may answer the next webhook. A recording is fetched when the
provider says that it is there, and again whenever its speaker waits for it.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection

from channels.base import Misconfigured
from channels.calls import NotPlaced, Outcome, Placed, Ring
from channels.twilio_recordings import TooLarge
from notify import audit
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Staff
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.staff import staff_contacts
from subscribers import address
from subscribers.sealing import Keyring
from surge.dialing import dial_problem
from surge.floor.telephone import Telephone
from surge.recorded import recorded_rows, session, sound
from surge.recorded.recorded_tables import RecordingCallRow
from surge.recorded.releasing import may, note
from surge.recorded.sound import BadSound
from surge.recorded.takes import MOST_AT_ONCE, Line, State, Take
from surge.voice.verbs import Document, Hangup

logger = logging.getLogger(__name__)

CALLS_AN_HOUR: Final = 12  # to one person
HOUR: Final = timedelta(hours=1)
RING_S: Final = 30
NO_PHONE: Final = "You have no confirmed telephone. Give your number on the page of your contacts; a code confirms it."
NO_TELEPHONE: Final = "There is no telephone here: surge.toml, or the provider's account, is missing."
GOES_ON: Final = "A call to you goes on already. End it first; a call that nobody ended is over after half an hour."
OVER: Final = (Hangup(),)


class Phone(Telephone, Protocol):
    """What the recorder asks of the telephone network; channels.voice.TwilioVoice is one."""

    async def recording(self, name: str, most_bytes: int) -> bytes:
        """A recording by the provider's name for it. Raises ConnectionError where it cannot be had now, Misconfigured, and
        ValueError for one that is too large."""


@dataclass(slots=True, kw_only=True)
class Recorder:
    """phone: None where calls stay elsewhere. lines: what can be recorded in a language now, the message of the day among it.
    longest: how long a take of this line may be at most, in seconds."""

    db: Database
    clock: Clock
    ring: Keyring
    lines: Callable[[Connection, str], Sequence[Line]]
    longest: Callable[[Connection, Line], float]
    public_url: str
    phone: Phone | None
    _opened: bool = False

    async def close(self) -> None:
        if self.phone is not None and self._opened:
            self._opened = False
            await self.phone.close()

    # -- at the console --

    async def order(self, staff: Staff, language: str, keys: Collection[str]) -> RecordingCallRow:
        """Calls somebody at the telephone they have confirmed; returns the call. Raises NotAllowed and Unfit."""
        if self.phone is None:
            raise Unfit([NO_TELEPHONE])
        number, row = await self.db.write(partial(self._ordered, staff=staff, language=language, keys=keys))
        outcome = await self._rung(number, row.call_id)
        match outcome:
            case Placed(call_sid):
                await self.db.write(lambda conn: recorded_rows.placed(conn, row.call_id, call_sid))
            case NotPlaced(why):
                now = self.clock.now()
                await self.db.write(lambda conn: recorded_rows.end_call(conn, row.call_id, now, why))
                raise Unfit([f"You could not be called: {why}"])
            case _:  # it rings, or is over after LIVE; it is never made a second time
                logger.warning("nobody knows whether somebody is being called to record prompts")
        return row

    def _ordered(self, conn: Connection, staff: Staff, language: str, keys: Collection[str]) -> tuple[str, RecordingCallRow]:
        now, person_id = self.clock.now(), staff.person_id
        recorded_rows.lock(conn, person_id)
        may(staff)
        known = {line.key: line for line in self.lines(conn, language)}
        chosen = [line for key, line in known.items() if key in keys]
        problems = [f"There is no prompt {key} in {language} that can be recorded." for key in keys if key not in known]
        if not 1 <= len(chosen) <= MOST_AT_ONCE:
            problems.append(f"Choose at least one prompt, and at most {MOST_AT_ONCE}.")
        number = staff_contacts.reach(conn, person_id, address.SMS, self.ring)
        if number is None or dial_problem(number, sip=False):
            problems.append(NO_PHONE)
        if recorded_rows.live_call(conn, person_id, now) is not None:
            problems.append(GOES_ON)
        if recorded_rows.calls_since(conn, person_id, now - HOUR) >= CALLS_AN_HOUR:
            problems.append(f"You were called {CALLS_AN_HOUR} times within an hour. Wait before the next call.")
        if problems or number is None:
            raise Unfit(problems)
        row = RecordingCallRow(
            call_id=secrets.token_hex(16),
            person_id=person_id,
            language=language,
            wanted=recorded_rows.written(chosen),
            made_at=now,
        )
        recorded_rows.add_call(conn, row)
        recorded_rows.begin(conn, row, 0, chosen[0], now)
        detail = {"language": language, "prompts": [line.key for line in chosen]}
        audit.append(conn, Act(actor=person_id, action="was called to record prompts", subject=language, detail=detail), now)
        return number, row

    async def _rung(self, number: str, call_id: str) -> Outcome:
        assert self.phone is not None
        try:
            if not self._opened:
                await self.phone.open()
                self._opened = True
        except Misconfigured as error:
            return NotPlaced(str(error))
        base = self.public_url.rstrip("/")
        ask, over = session.path(call_id, "ask", 0), session.path(call_id, "over", 0)
        return await self.phone.ring(Ring(to=number, url=base + ask, status_url=base + over, ring_s=RING_S))

    # -- on the telephone: each answers with what is heard next --

    async def ask(self, call_id: str, turn: int, lap: int) -> Document:
        one = await self._take(call_id, turn)
        return session.ask(call_id, turn, lap) if one is not None and one.state is State.ASKED else OVER

    async def said(self, call_id: str, turn: int, recording: str) -> Document:
        """What was said has ended. Its sound may not be there yet."""
        await self._named(call_id, turn, recording)
        return session.wait(call_id, turn, 0)

    async def stored(self, call_id: str, turn: int, recording: str, status: str) -> None:
        """The provider has the sound, or says that there is none."""
        if not await self._named(call_id, turn, recording):
            return
        if status != "completed":
            await self._failed(call_id, turn, f"The provider kept no recording ({status[:40]}).")
            return
        await self._fetch(call_id, turn, recording)

    async def hear(self, call_id: str, turn: int, lap: int) -> Document:
        one = await self._take(call_id, turn)
        if one is not None and one.state is State.ASKED:
            if one.ref:
                await self._fetch(call_id, turn, one.ref)
                one = await self._take(call_id, turn)
        if one is None:
            return OVER
        if one.state is State.HELD and one.sound_id is not None:
            return session.hear(call_id, turn, lap, await self._url(one.sound_id))
        if one.state is State.FAILED:
            return await self._on(call_id, turn, State.FAILED)
        return session.wait(call_id, turn, lap) if one.state is State.ASKED else OVER

    async def key(self, call_id: str, turn: int, lap: int, digits: str) -> Document:
        match digits:
            case session.KEEP:
                return await self._on(call_id, turn, State.KEPT)
            case session.ANEW:
                return await self._on(call_id, turn, State.DROPPED)
        return await self.hear(call_id, turn, lap + 1)

    async def over(self, call_id: str, status: str) -> None:
        now, why = self.clock.now(), "" if status == "completed" else status[:40]
        await self.db.write(lambda conn: recorded_rows.end_call(conn, call_id, now, why))

    async def sound(self, sound_id: str) -> sound.Sound | None:
        return await self.db.read(lambda conn: recorded_rows.sound(conn, sound_id))

    async def _on(self, call_id: str, turn: int, to: State) -> Document:
        """The take comes to this, and the next beep is for the next prompt, or for the same one anew. Said twice, it is done
        once and answered the same."""
        following = await self.db.write(partial(self._next, call_id=call_id, turn=turn, to=to))
        return session.ask(call_id, turn + 1) if following else OVER

    def _next(self, conn: Connection, call_id: str, turn: int, to: State) -> bool:
        row, one = recorded_rows.call(conn, call_id), recorded_rows.take(conn, call_id, turn, locked=True)
        now = self.clock.now()
        if row is None or one is None or row.ended_at is not None:
            return False
        if recorded_rows.take(conn, call_id, turn + 1) is not None:
            return True  # it was said before
        moved = recorded_rows.move(conn, one, to)
        if not moved and one.state is not to:
            return False
        if moved and to is State.KEPT:
            note(conn, row.person_id, "recorded a prompt", one, now)
        line = _following(recorded_rows.wanted(row), one.key, kept=to is State.KEPT)
        if line is not None:
            recorded_rows.begin(conn, row, turn + 1, line, now)
        return line is not None

    async def _named(self, call_id: str, turn: int, recording: str) -> bool:
        return bool(recording) and await self.db.write(
            lambda conn: recorded_rows.name_recording(conn, call_id, turn, recording)
        )

    async def _fetch(self, call_id: str, turn: int, recording: str) -> None:
        """Where it cannot be had now, the speaker waits, and it is tried again."""
        one = await self._take(call_id, turn)
        if one is None or one.state is not State.ASKED or self.phone is None:
            return
        try:
            found = sound.read(await self.phone.recording(recording, sound.MOST_BYTES))
            line = Line(key=one.key, language=one.language, english=one.english, words=one.words)
            most = await self.db.read(lambda conn: self.longest(conn, line))
            if found.seconds > most:
                raise BadSound(f"It takes {found.seconds:.0f} s; at most {most:.0f}, so that nobody waits for the way to 911.")
        except ConnectionError as error:
            logger.warning("a recording cannot be fetched now: %s", error)
            return
        except Misconfigured as error:
            logger.error("a recording cannot be fetched: %s (docs/voice.md#recorded-by-telephone)", error)
            await self._failed(call_id, turn, "The provider does not let us fetch it.")
            return
        except (BadSound, TooLarge, ValueError) as error:
            await self._failed(call_id, turn, str(error))
            return
        now = self.clock.now()
        await self.db.write(lambda conn: recorded_rows.hold(conn, one, found, now))

    async def _failed(self, call_id: str, turn: int, why: str) -> None:
        one = await self._take(call_id, turn)
        if one is not None:
            await self.db.write(lambda conn: recorded_rows.move(conn, one, State.FAILED, why=why))

    async def _take(self, call_id: str, turn: int) -> Take | None:
        return await self.db.read(lambda conn: recorded_rows.take(conn, call_id, turn))

    async def _url(self, sound_id: str) -> str:
        kinds = await self.db.read(lambda conn: recorded_rows.kinds(conn, [sound_id]))
        return self.public_url.rstrip("/") + session.sound_path(sound_id, kinds[sound_id])


def _following(wanted: Sequence[Line], key: str, *, kept: bool) -> Line | None:
    at = next((number for number, line in enumerate(wanted) if line.key == key), len(wanted))
    return next(iter(wanted[at + 1 if kept else at :]), None)
