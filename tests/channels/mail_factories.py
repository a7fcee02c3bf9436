"""Relays, mails and a scripted mail server for the tests of the e-mail channel."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from typing import Any

from channels.base import Content, Outbound, Outcome
from channels.dkim import Signer
from channels.email import Relay, SmtpEmail
from channels.mime import Letterhead
from channels.relay import Security

AT = datetime(2014, 5, 23, 18, 16, tzinfo=UTC)
BOUNCE_KEY = b"a key only for tests"
CUT = "cut"  # the relay closes the connection instead of answering
HANG = "hang"  # the relay never answers

Answer = str | Callable[[str], str]

CONTENT = Content(
    key="email/first/en",
    language="en-US",
    subject="Boil water – Lents – until further notice",
    body="Boil your water for one minute before you drink it.\n.\nThe city\n",
    html="<p>Boil your water for one minute before you drink it.</p>\n",
)

RELAY = Relay(
    host="127.0.0.1",
    port=2525,
    security=Security.NONE,
    connections=2,
    connect_timeout_s=20.0,
    command_timeout_s=20.0,
    accepting_timeout_s=20.0,
    from_name="City of Portland Alerts",
    from_address="alerts@example.gov",
    bounce_domain="bounces.example.gov",
    bounce_key=BOUNCE_KEY,
    public_url="https://alerts.example.gov",
    list_id="alerts.example.gov",
    signs_dkim=True,
)


def a_relay(**changes: Any) -> Relay:
    return replace(RELAY, **changes)


def a_letterhead(**changes: Any) -> Letterhead:
    return replace(RELAY.letterhead, **changes)


def a_content(**changes: Any) -> Content:
    return replace(CONTENT, **changes)


def an_outbound(delivery_id: int = 1, **changes: Any) -> Outbound:
    mail = Outbound(
        delivery_id=delivery_id,
        event_id="event-7",
        address=f"resident{delivery_id}@example.gov",
        content=CONTENT,
        recipient=f"r{delivery_id}",
    )
    return replace(mail, **changes)


async def outcomes(channel: SmtpEmail, batch: Iterable[Outbound]) -> dict[int, Outcome]:
    """What the channel says of each delivery; fails if it speaks of one twice."""
    found: dict[int, Outcome] = {}
    async with asyncio.timeout(60):
        async for receipt in channel.send(list(batch)):
            assert receipt.delivery_id not in found
            found[receipt.delivery_id] = receipt.outcome
    return found


class ScriptedRelay:
    """A mail server that answers by script.

    answers maps a point of the dialogue (greeting, EHLO, MAIL, RCPT, DATA, content, RSET, QUIT) to a reply, to CUT or HANG,
    or to a function that gives one: of the recipient's address from RCPT on, of the command line before.
    What is not scripted is accepted, but for commands out of order.
    """

    def __init__(self, answers: Mapping[str, Answer], pipelining: bool, bytewise: bool) -> None:
        self._answers: dict[str, Answer] = {"greeting": "220 relay", "EHLO": "250 relay", "QUIT": "221 bye"}
        self._answers.update(answers)
        if pipelining and "EHLO" not in answers:
            self._answers["EHLO"] = "250-relay\r\n250 PIPELINING"
        self._bytewise = bytewise
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.accepted: list[tuple[str, Message]] = []
        self.contents: list[bytes] = []
        self.connections = 0
        self.commands: list[str] = []
        self.reached: dict[str, asyncio.Event] = {}
        self.port = 0

    def start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def end(self) -> None:
        self.cut_all()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._dialogue(reader, writer)
        writer.close()

    def cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def when(self, verb: str) -> asyncio.Event:
        """Set once this point of the dialogue has been reached."""
        return self.reached.setdefault(verb, asyncio.Event())

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = asked = ""
        open_ended = await self._answer(writer, "greeting", self._reply("greeting", ""))
        while open_ended:
            line = (await reader.readuntil(b"\r\n")).decode("ascii").removesuffix("\r\n")
            verb = line.split(" ")[0].split(":")[0].upper()
            self.commands.append(line)
            if verb == "RCPT":
                asked = line.partition("<")[2].partition(">")[0]
            out_of_order = (verb == "RCPT" and not sender) or (verb == "DATA" and not recipient)
            subject = asked if verb in {"RCPT", "DATA"} else line
            reply = "503 out of order" if out_of_order and verb not in self._answers else self._reply(verb, subject)
            taken = reply.startswith("2")
            if verb == "MAIL":
                sender, recipient = line if taken else "", ""
            elif verb == "RCPT":
                recipient = asked if taken and sender else ""
            elif verb == "RSET":
                sender = recipient = ""
            open_ended = await self._answer(writer, verb, reply) and verb != "QUIT"
            if reply.startswith("354"):
                open_ended = await self._content(reader, writer, recipient, asked)
                sender = recipient = ""

    async def _content(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipient: str, asked: str) -> bool:
        content = b"\r\n"
        while not content.endswith(b"\r\n.\r\n"):
            content += await reader.readuntil(b"\r\n")
        content = content[2 : -len(b".\r\n")].replace(b"\r\n..", b"\r\n.")
        self.contents.append(content)
        reply = self._reply("content", asked)
        if reply.startswith("2") and recipient:
            self.accepted.append((recipient, message_from_bytes(content)))
        return await self._answer(writer, "content", reply)

    def _reply(self, verb: str, line: str) -> str:
        answer = self._answers.get(verb, "354 go ahead" if verb == "DATA" else "250 OK")
        return answer(line) if callable(answer) else answer

    async def _answer(self, writer: asyncio.StreamWriter, verb: str, reply: str) -> bool:
        """Whether the dialogue goes on."""
        self.when(verb).set()
        if reply == HANG:
            await asyncio.Event().wait()
        if reply == CUT:
            writer.transport.abort()
            return False
        data = reply.encode("ascii") + b"\r\n"
        for piece in (data[at : at + 1] for at in range(len(data))) if self._bytewise else (data,):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if reply.startswith("421"):
            writer.close()
            return False
        return True


@contextlib.asynccontextmanager
async def a_scripted_relay(
    answers: Mapping[str, Answer] | None = None, *, pipelining: bool = False, bytewise: bool = False
) -> AsyncIterator[ScriptedRelay]:
    relay = ScriptedRelay(answers or {}, pipelining, bytewise)
    server = await asyncio.start_server(relay.start, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.end()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def a_raw_relay(listen: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """A server that does what the test says with each connection; gives its port."""
    ended: set[asyncio.Event] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.add(end := asyncio.Event())
        with contextlib.suppress(ConnectionError):
            await listen(reader, writer)
            writer.close()
            await writer.wait_closed()
        end.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*(end.wait() for end in ended))


@contextlib.asynccontextmanager
async def a_channel(port: int, signer: Signer | None = None, **changes: Any) -> AsyncIterator[SmtpEmail]:
    channel = SmtpEmail(a_relay(port=port, **changes), signer, clock=lambda: AT)
    try:
        yield channel
    finally:
        await channel.close()
