"""Failures of the way to Twilio, what never left is Retry, all else is Unknown, and nothing is posted twice."""

import asyncio
import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from channels.base import Handed, Refused, Retry, Unknown
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from tests.channels.sms_factories import (
    FROM,
    FakeTwilio,
    Request,
    a_channel,
    accepted,
    an_account,
    an_outbound,
    http,
    outbounds,
    receipts_of,
    sid,
)
from tests.ports import free_port

AGAIN = timedelta(seconds=2)


@pytest.mark.parametrize(
    "answer",
    [
        accepted(1).replace(b"HTTP/1.1 201", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201"),
        b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"sid": "\r\n24\r\n%b"}\r\n0\r\n\r\n'
        % sid(1).encode(),
        accepted(1).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1),
    ],
    ids=["after 100 Continue", "chunked", "closing"],
)
async def test_any_form_of_http_is_understood(answer: bytes) -> None:
    async def always(request: Request) -> bytes:
        return answer

    async with FakeTwilio(always).serve() as fake, a_channel(fake, connections=1) as sms:
        assert [r.outcome for r in await receipts_of(sms, outbounds(2))] == [Handed(sid(1))] * 2


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's context whose certificate nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = datetime(2014, 5, 23, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=36_500))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "server.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


async def outcomes_at(url: str, batch: int = 1) -> list[object]:
    fake = FakeTwilio()
    fake.url = url
    async with a_channel(fake) as sms:
        return [receipt.outcome for receipt in await receipts_of(sms, outbounds(batch))]


async def test_a_refused_connection_proves_that_nothing_left() -> None:
    for outcome in await outcomes_at(f"http://127.0.0.1:{free_port()}", batch=25):
        assert isinstance(outcome, Retry)
        assert outcome.after == AGAIN
        assert outcome.pause_sender


async def test_an_unknown_host_proves_that_nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_such_host(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_such_host)
    [outcome] = await outcomes_at("https://api.example.gov")
    assert isinstance(outcome, Retry)
    assert "api.example.gov" in outcome.cause


async def test_a_failed_tls_handshake_proves_that_nothing_left() -> None:
    class Plain(FakeTwilio):
        async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(http(400))
            await reader.read()

    async with Plain().serve() as fake:
        [outcome] = await outcomes_at(fake.url.replace("http:", "https:"))
    assert isinstance(outcome, Retry)


async def test_a_certificate_nobody_signed_proves_that_nothing_left(tls: ssl.SSLContext) -> None:
    async with FakeTwilio().serve(tls) as fake:
        [outcome] = await outcomes_at(fake.url)
    assert isinstance(outcome, Retry)
    assert "certificate" in outcome.cause.lower()


async def test_a_host_that_takes_no_connection_in_time_proves_that_nothing_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_accepts:  # TCP connects, TLS gets no answer
        fake = FakeTwilio()
        fake.url = f"https://127.0.0.1:{never_accepts.getsockname()[1]}"
        async with a_channel(fake, connect_timeout_s=0.05) as sms:
            [receipt] = await receipts_of(sms, outbounds(1))
    assert receipt.outcome == Retry(AGAIN, "no connection in time", pause_sender=True)


async def test_a_channel_that_is_not_open_keeps_its_texts() -> None:
    sms = TwilioSms(TwilioGateway(an_account()), FROM)
    [receipt] = await receipts_of(sms, outbounds(1))
    assert receipt.outcome == Retry(AGAIN, "not connected", pause_sender=True)


async def test_a_text_that_is_not_answered_in_time_is_unknown() -> None:
    hang = asyncio.Event()

    async def never(request: Request) -> bytes:
        await hang.wait()
        return b""

    async with FakeTwilio(never).serve() as fake:
        async with a_channel(fake, total_timeout_s=1.0) as sms:
            [receipt] = await receipts_of(sms, outbounds(1))
        hang.set()
    assert receipt.outcome == Unknown("timeout")
    assert len(fake.requests) == 1


async def test_a_text_whose_answer_drips_in_for_ever_is_unknown_in_time() -> None:
    class Dripping(FakeTwilio):
        async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self.read(reader)
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0)

    async with Dripping().serve() as fake, a_channel(fake, total_timeout_s=1.0) as sms:
        [receipt] = await receipts_of(sms, outbounds(1))
    assert receipt.outcome == Unknown("timeout")


async def test_a_connection_cut_after_the_text_left_makes_it_unknown() -> None:
    async def cut(request: Request) -> None:
        return None

    async with FakeTwilio(cut).serve() as fake, a_channel(fake) as sms:
        receipts = await receipts_of(sms, outbounds(5))
    assert [receipt.outcome for receipt in receipts] == [Unknown("connection lost")] * 5
    assert len(fake.requests) == 5


async def test_a_kept_connection_cut_at_its_next_use_is_no_proof() -> None:
    async def once(request: Request) -> bytes | None:
        return accepted(1) if request.form["To"] == "+15035550001" else None

    async with FakeTwilio(once).serve() as fake, a_channel(fake, connections=1) as sms:
        receipts = await receipts_of(sms, outbounds(2))
    assert [receipt.outcome for receipt in receipts] == [Handed(sid(1)), Unknown("connection lost")]
    assert len(fake.requests) == 2
    assert fake.connections == 1


async def test_a_reset_connection_makes_a_text_unknown() -> None:
    class Resetting(FakeTwilio):
        async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self.read(reader)
            linger_0_s = struct.pack("ii", 1, 0)  # close sends RST
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0_s)

    async with Resetting().serve() as fake, a_channel(fake) as sms:
        [receipt] = await receipts_of(sms, outbounds(1))
    assert receipt.outcome == Unknown("connection lost")


@pytest.mark.parametrize(
    "answer",
    [
        accepted(1)[:-20],  # cut in the middle of the body
        b"SMTP/1.0 220 hello\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: many\r\n\r\n",
        http(201, body=b"<html>accepted</html>"),
    ],
    ids=["cut", "no HTTP", "bad length", "no JSON"],
)
async def test_an_answer_that_cannot_be_read_makes_a_text_unknown(answer: bytes) -> None:
    class Answering(FakeTwilio):
        async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self.read(reader)
            writer.write(answer)
            await writer.drain()
            writer.write_eof()
            await reader.read()

    async with Answering().serve() as fake, a_channel(fake) as sms:
        [receipt] = await receipts_of(sms, outbounds(1))
    assert receipt.outcome == Unknown("unreadable answer")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_not_answered_by_a_second_post(status: int) -> None:
    async def broken(request: Request) -> bytes:
        return http(status, {"code": 20500, "message": "Internal Server Error", "status": status})

    async with FakeTwilio(broken).serve() as fake, a_channel(fake) as sms:
        [receipt] = await receipts_of(sms, outbounds(1))
    assert receipt.outcome == Unknown(f"HTTP {status}")
    assert len(fake.requests) == 1


async def test_a_text_that_cannot_be_written_spoils_no_other() -> None:
    async with FakeTwilio().serve() as fake, a_channel(fake) as sms:
        receipts = await receipts_of(sms, [an_outbound(1, body="half \ud83d"), an_outbound(2)])
    assert {r.delivery_id: type(r.outcome) for r in receipts} == {1: Refused, 2: Handed}
    assert len(fake.requests) == 1
