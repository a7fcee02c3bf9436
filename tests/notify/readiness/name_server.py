"""A name server on a local port that knows what it is told, over UDP and TCP."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from notify.readiness.dns import HEADER, IN, TXT, NameServer

LONGEST = 512


class Zone(asyncio.DatagramProtocol):
    """records: TXT by name; `asked` counts questions by way. silent: it never answers by UDP."""

    def __init__(self, records: Mapping[str, Sequence[str]], *, silent: bool = False) -> None:
        self.records, self.silent = records, silent
        self.asked: list[str] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.asked.append("udp")
        assert self.transport is not None
        if self.silent:
            return
        whole = self.answer(data)
        if len(whole) > LONGEST:
            whole = whole[:2] + struct.pack("!H", 0x8380) + struct.pack("!4H", 1, 0, 0, 0) + data[12:]
        self.transport.sendto(whole, addr)  # type: ignore[arg-type]

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append("tcp")
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        whole = self.answer(await reader.readexactly(length))
        writer.write(struct.pack("!H", len(whole)) + whole)
        await writer.drain()
        writer.close()

    def answer(self, question: bytes) -> bytes:
        labels, at = [], HEADER.size
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        found = self.records.get(".".join(labels))
        rows = b"".join(b"\xc0\x0c" + struct.pack("!2HIH", TXT, IN, 60, len(data)) + data for data in map(pieces, found or ()))
        flags = 0x8180 if found is not None else 0x8183
        return question[:2] + struct.pack("!5H", flags, 1, len(found or ()), 0, 0) + question[12:] + rows


def pieces(text: str) -> bytes:
    data = text.encode()
    return b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255))


@asynccontextmanager
async def name_server(records: Mapping[str, Sequence[str]], *, silent: bool = False) -> AsyncIterator[tuple[NameServer, Zone]]:
    zone = Zone(records, silent=silent)
    tcp = await asyncio.start_server(zone.by_tcp, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: zone, local_addr=("127.0.0.1", port))
    try:
        yield NameServer("127.0.0.1", port), zone
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()
