"""The mail relay: takes mail in, logs it, and passes nothing on."""

import asyncio
import contextlib
import logging
import re
from collections import Counter
from collections.abc import Callable
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import lru_cache
from hmac import compare_digest
from typing import Final, NoReturn, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.simulator.config import MailConfig
from channels.simulator.faults import Dice, Live
from channels.simulator.journal import Journal, JournalBroken
from channels.simulator.lines import mail_line

logger = logging.getLogger(__name__)

REPLIES: Final = {
    250: "250 2.0.0 OK",
    421: "421 4.3.2 Service not available, closing connection",
    450: "450 4.2.1 Mailbox busy, try again later",
    530: "530 5.7.0 Authentication required",
    550: "550 5.1.1 No such mailbox here",
}
_FIELDS: Final = re.compile(rb"^(subject|message-id):((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)


class MailSink:
    """Hooks for aiosmtpd: https://aiosmtpd.aio-libs.org/en/latest/handlers.html. Mail is in the log before the 250."""

    def __init__(self, config: MailConfig, journal: Journal, live: Live, dice: Dice, clock: Callable[[], float]) -> None:
        self.tally: Counter[str] = Counter()
        self._config = config
        self._journal = journal
        self._live = live
        self._dice = dice
        self._clock = clock

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self._config.username and not session.authenticated:
            return REPLIES[530]
        if self._dice.hit(self._live.mail.busy):
            await self._note("refused", "", 421, "busy")
            await self._close(server)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return REPLIES[250]

    async def handle_RCPT(self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        code, cause = self._code_for(address)
        if code != 250:
            await self._note("refused", address, code, cause)
            if code == 421:
                await self._close(server)
            return REPLIES[code]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return REPLIES[250]

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        faults = self._live.mail
        if self._dice.hit(faults.cut_before):
            for rcpt in envelope.rcpt_tos:
                await self._note("dropped", rcpt, None, "cut_before")
            await self._cut(server)
        cause = "cut_after" if self._dice.hit(faults.cut_after) else ""
        seq = await self._accept(envelope, cause)
        if faults.slow_s:
            await asyncio.sleep(faults.slow_s)
        if cause:
            await self._cut(server)
        return f"{REPLIES[250]} queued as {seq}"

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, JournalBroken):
            return REPLIES[421]
        logger.error("A mail transaction failed", exc_info=error)
        return "451 4.3.0 Local error in processing"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: object) -> AuthResult:
        """aiosmtpd's authenticator for PLAIN and LOGIN."""
        wanted = (self._config.username.encode(), self._config.password.encode())
        given = (login.login, login.password) if isinstance(login, LoginPassword) else (b"", b"")
        right = bool(wanted[0]) and all(map(compare_digest, wanted, given))
        return AuthResult(success=right, handled=right)

    def _code_for(self, address: str) -> tuple[int, str]:
        faults = self._live.mail
        if address in faults.codes:
            return faults.codes[address], "codes"
        if self._dice.hit(faults.later):
            return 450, "later"
        return (550, "never") if self._dice.hit(faults.never) else (250, "")

    async def _accept(self, envelope: Envelope, cause: str) -> int:
        content = bytes(envelope.original_content or b"")
        message_id, subject = read_header(content)
        known = {"message_id": message_id, "subject": subject, "bytes": len(content)}
        seq = 0
        for rcpt in envelope.rcpt_tos:
            seq = self._journal.append(mail_line("accepted", self._clock(), rcpt, 250, cause) | known)
            self.tally["accepted"] += 1
            if self._config.keep is not None:
                # Final delivery puts the return path on top: RFC 5321 section 4.4.
                returns_to = f"Return-Path: <{envelope.mail_from}>\r\n".encode()
                await asyncio.to_thread((self._config.keep / f"{seq:08}.eml").write_bytes, returns_to + content)
        await self._journal.synced()
        return seq

    async def _note(self, event: str, rcpt: str, code: int | None, cause: str) -> None:
        self._journal.append(mail_line(event, self._clock(), rcpt, code, cause))
        self.tally[event] += 1
        await self._journal.synced()

    async def _close(self, server: SMTP) -> NoReturn:
        await server.push(REPLIES[421])
        if server.transport is not None:
            server.transport.close()
        await _end_with_connection()

    async def _cut(self, server: SMTP) -> NoReturn:
        drop(server)
        await _end_with_connection()


def drop(connection: SMTP) -> None:
    """Cuts a connection at once."""
    if connection.transport is not None:
        # After a failed TLS handshake the transport has let go of its protocol, and Python 3.11.2 cannot abort it any more.
        with contextlib.suppress(AttributeError):
            cast(asyncio.Transport, connection.transport).abort()  # uvloop's has its methods, not its type


async def _end_with_connection() -> NoReturn:
    """aiosmtpd cancels the session's task once its connection is lost, which is now."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable")


def read_header(content: bytes) -> tuple[str, str]:
    """Message-ID and decoded subject of a mail, "" for what it lacks."""
    found: dict[bytes, bytes] = {}
    for name, value in _FIELDS.findall(content.partition(b"\r\n\r\n")[0]):
        found.setdefault(name.lower(), value.replace(b"\r\n", b"").strip())
    message_id = found.get(b"message-id", b"").decode(errors="replace")
    return message_id, _decoded(found.get(b"subject", b"").decode(errors="replace"))


@lru_cache(maxsize=1024)
def _decoded(raw: str) -> str:
    try:
        return str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, UnicodeError):
        return raw
