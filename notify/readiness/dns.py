"""TXT records, asked of a name server over UDP, and over TCP where the answer is too long (RFC 1035, RFC 7766).

A stub of one question: the system's own resolver cannot ask for TXT, and a library for it would be one more thing to trust.
Answers are believed as the name server gives them: DNSSEC is its business."""

import asyncio
import secrets
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

TXT: Final = 16
IN: Final = 1
PORT: Final = 53
PATIENCE_S: Final = 3.0
TRIES: Final = 2
RESOLV_CONF: Final = Path("/etc/resolv.conf")
RECURSION_WANTED: Final = 0x0100
TRUNCATED: Final = 0x0200
NO_SUCH_NAME: Final = 3
HEADER: Final = struct.Struct("!6H")
MOST_JUMPS: Final = 32


class NoAnswer(Exception):
    """The name server did not answer, or not in a way that says anything; the message says how."""


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name server's address. port: 53 but in tests."""

    host: str
    port: int = PORT


def server(setting: str, resolv_conf: Path = RESOLV_CONF) -> NameServer:
    """From "host", "host:port" or, without a setting, the machine's own. Raises NoAnswer when there is none."""
    if setting:
        host, colon, port = setting.rpartition(":") if setting.count(":") == 1 else (setting, "", "")
        return NameServer(host if colon else setting, int(port) if colon else PORT)
    lines = resolv_conf.read_text("utf-8").splitlines() if resolv_conf.is_file() else []
    named = [words[1] for line in lines if (words := line.split())[:1] == ["nameserver"] and len(words) > 1]
    if not named:
        raise NoAnswer("this machine names no name server; set TOCSIN_DNS_SERVER")
    return NameServer(named[0])


async def txt(name: str, at: NameServer) -> list[str]:
    """Every TXT record of a name, its pieces joined; none when there is no such name or record. Raises NoAnswer."""
    number = secrets.randbelow(65536)
    asked = question(number, name)
    try:
        for attempt in range(TRIES):
            try:
                answer = await asyncio.wait_for(_by_udp(asked, at), PATIENCE_S)
                break
            except TimeoutError:
                if attempt == TRIES - 1:
                    raise
        if struct.unpack_from("!H", answer, 2)[0] & TRUNCATED:
            answer = await asyncio.wait_for(_by_tcp(asked, at), PATIENCE_S)
    except TimeoutError:
        raise NoAnswer(f"the name server {at.host} does not answer") from None
    except (OSError, asyncio.IncompleteReadError, struct.error) as error:
        raise NoAnswer(f"the name server {at.host} cannot be asked: {type(error).__name__}") from None
    return records(answer, number, name)


def question(number: int, name: str) -> bytes:
    """Raises NoAnswer for what cannot be a name."""
    labels = name.rstrip(".").encode("idna" if not name.isascii() else "ascii").split(b".")
    if any(not 0 < len(label) < 64 for label in labels):
        raise NoAnswer(f"{name!r} cannot be a name in DNS")
    packed = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return HEADER.pack(number, RECURSION_WANTED, 1, 0, 0, 0) + packed + struct.pack("!2H", TXT, IN)


def records(answer: bytes, number: int, name: str) -> list[str]:
    """The TXT records in an answer, also behind an alias (CNAME). Raises NoAnswer for what does not answer this question."""
    try:
        given, flags, questions, answers, _, _ = HEADER.unpack_from(answer)
        code = flags & 0xF
        if given != number or not flags & 0x8000 or questions != 1:
            raise NoAnswer("the name server answered another question")
        if code not in (0, NO_SUCH_NAME):
            raise NoAnswer(f"the name server refuses to say anything of {name} (code {code})")
        at = _after_name(answer, HEADER.size) + 4
        found = []
        for _ in range(answers):
            at = _after_name(answer, at)
            kind, _, _, length = struct.unpack_from("!2HIH", answer, at)
            at += 10
            if kind == TXT:
                found.append(_strings(answer[at : at + length]))
            at += length
    except (struct.error, IndexError) as error:
        raise NoAnswer("the name server's answer is broken") from error
    return found


def _strings(data: bytes) -> str:
    """The pieces of a record, at most 255 bytes each, joined without a gap (RFC 7208 section 3.3)."""
    pieces, at = [], 0
    while at < len(data):
        pieces.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(pieces).decode("utf-8", "replace")


def _after_name(message: bytes, at: int) -> int:
    for _ in range(MOST_JUMPS * 8):
        length = message[at]
        if length & 0xC0 == 0xC0:  # a pointer ends a name
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise IndexError("a name without end")


class _Question(asyncio.DatagramProtocol):
    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(self._asked)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) >= HEADER.size and data[:2] == self._asked[:2] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _by_udp(asked: bytes, at: NameServer) -> bytes:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Question(asked), remote_addr=(at.host, at.port))
    try:
        return await protocol.answer
    finally:
        transport.close()


async def _by_tcp(asked: bytes, at: NameServer) -> bytes:
    reader, writer = await asyncio.open_connection(at.host, at.port)
    try:
        writer.write(struct.pack("!H", len(asked)) + asked)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    finally:
        writer.close()
