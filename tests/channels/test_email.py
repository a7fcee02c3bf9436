"""The e-mail channel against a mail server nobody here wrote: what it got is what was to be said, once, to the right people."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest
import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from channels.base import Channel, Handed, Misconfigured, Refused, Retry
from channels.dkim import Signer
from channels.email import SmtpEmail
from channels.relay import Security, problems
from tests.channels.mail_factories import (
    CUT,
    HANG,
    a_channel,
    a_content,
    a_relay,
    a_scripted_relay,
    an_outbound,
    outcomes,
)


class Sink:
    """Keeps what aiosmtpd received: envelope sender, recipients, mail."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], EmailMessage]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert envelope.mail_from is not None and isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.got.append((envelope.mail_from, envelope.rcpt_tos, mail))
        return "250 OK"


def password_is_right(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"tocsin", b"right"), handled=False)


@contextlib.asynccontextmanager
async def a_sink(*, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[tuple[int, Sink]]:
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], sink
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, signed by itself, with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_it_is_a_channel() -> None:
    channel: Channel = SmtpEmail(a_relay())
    assert channel.name == "email"


async def test_everybody_gets_one_mail_with_their_own_fields() -> None:
    contents = [a_content(key=f"email/first/{n}", subject=f"Notice {n}") for n in range(3)]
    batch = [an_outbound(n, content=contents[n % 3]) for n in range(50)]
    async with a_sink() as (port, sink), a_channel(port, connections=5) as channel:
        await channel.open()
        found = await outcomes(channel, batch)
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    got = {mail["Message-ID"]: (sender, recipients, mail) for sender, recipients, mail in sink.got}
    assert len(got) == len(sink.got) == len(batch)
    for outbound in batch:
        outcome = found[outbound.delivery_id]
        assert isinstance(outcome, Handed)
        sender, recipients, mail = got[outcome.provider_id]
        assert sender.startswith(f"bounce+{outbound.delivery_id}-") and sender.endswith("@bounces.example.gov")
        assert recipients == [outbound.address] == [mail["To"]]
        assert mail["Subject"] == outbound.content.subject
        assert mail["List-Unsubscribe"] == f"<https://alerts.example.gov/unsubscribe/{outbound.recipient}>"
        assert mail["Date"] == "Fri, 23 May 2014 18:16:00 +0000"


async def test_a_second_try_carries_the_same_message_id() -> None:
    async with a_sink() as (port, sink), a_channel(port) as channel:
        await outcomes(channel, [an_outbound()])
        await outcomes(channel, [an_outbound()])
    assert len({mail["Message-ID"] for _, _, mail in sink.got}) == 1 != len(sink.got)


async def test_two_events_with_a_content_of_the_same_name_keep_their_own_words() -> None:
    first, correction = a_content(body="Boil your water."), a_content(body="The water is safe.")
    async with a_sink() as (port, sink), a_channel(port) as channel:
        await outcomes(channel, [an_outbound(1, content=first, event_id="a"), an_outbound(2, content=correction, event_id="b")])
    plain = {mail["To"]: mail.get_body(("plain",)) for _, _, mail in sink.got}
    said = {to: part.get_content().strip() for to, part in plain.items() if part is not None}
    assert said == {"resident1@example.gov": "Boil your water.", "resident2@example.gov": "The water is safe."}


async def test_a_mail_arrives_signed() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    async with (
        a_scripted_relay(pipelining=True) as relay,
        a_channel(relay.port, Signer("example.gov", "s1", pem), signs_dkim=False) as channel,
    ):
        await channel.open()
        found = await outcomes(channel, [an_outbound(n) for n in range(20)])
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    assert len(relay.contents) == 20
    for content in relay.contents:
        assert dkim.verify(content, dnsfunc=lambda name, timeout: b"v=DKIM1; k=rsa; p=" + public)


async def test_an_impossible_address_is_refused_without_a_connection() -> None:
    impossible = ["a b@example.gov", "a@b@example.gov", "a\r\nBcc: x@example.gov", "", "=?utf-8?q?a?=@example.gov"]
    async with a_scripted_relay() as relay, a_channel(relay.port) as channel:
        found = await outcomes(channel, [an_outbound(n, address=address) for n, address in enumerate(impossible)])
    assert [outcome.code for outcome in found.values() if isinstance(outcome, Refused)] == ["address"] * len(impossible)
    assert relay.connections == 0


async def test_a_content_that_cannot_be_sent_holds_nobody_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = a_content(key="email/first/xx", subject="=?x?=")
    monkeypatch.setattr("channels.mime._encoded", lambda name, text: "Boil water\r\nBcc: x@example.gov")
    good = a_content(subject="Boil water")
    async with a_sink() as (port, sink), a_channel(port) as channel:
        found = await outcomes(
            channel, [an_outbound(1, content=bad), an_outbound(2, content=good), an_outbound(3, content=bad)]
        )
    refused = [outcome for outcome in found.values() if isinstance(outcome, Refused)]
    assert [outcome.code for outcome in refused] == ["content", "content"]
    assert "email/first/xx" in refused[0].reason
    assert [mail["To"] for _, _, mail in sink.got] == ["resident2@example.gov"]


async def test_connections_are_kept_from_batch_to_batch() -> None:
    async with a_scripted_relay() as relay, a_channel(relay.port, connections=3) as channel:
        await channel.open()
        for start in (0, 30, 60):
            await outcomes(channel, [an_outbound(start + n) for n in range(30)])
    assert relay.connections <= 3
    assert len(relay.accepted) == 90
    assert relay.commands.count("QUIT") == relay.connections


async def test_a_connection_carries_so_many_mails_and_no_more() -> None:
    async with (
        a_scripted_relay(pipelining=True) as relay,
        a_channel(relay.port, connections=1, messages_per_connection=7) as channel,
    ):
        found = await outcomes(channel, [an_outbound(n) for n in range(20)])
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    assert relay.connections == 3


async def test_several_batches_share_the_connections() -> None:
    async with a_scripted_relay() as relay, a_channel(relay.port, connections=2) as channel:
        batches = [[an_outbound(100 * k + n) for n in range(20)] for k in range(4)]
        found = await asyncio.gather(*(outcomes(channel, batch) for batch in batches))
    assert [len(told) for told in found] == [20] * 4
    assert relay.connections <= 2


async def test_a_connection_the_relay_dropped_meanwhile_is_replaced() -> None:
    async with a_scripted_relay() as relay, a_channel(relay.port, connections=1) as channel:
        assert isinstance((await outcomes(channel, [an_outbound(1)]))[1], Handed)
        connection = channel._idle[0][0]
        relay.cut_all()
        async with asyncio.timeout(60):
            while not connection.dialogue.spent:
                await asyncio.sleep(0)
        assert isinstance((await outcomes(channel, [an_outbound(2)]))[2], Handed)
    assert relay.connections == 2


async def test_a_connection_unused_for_long_is_replaced() -> None:
    async with a_scripted_relay() as relay, a_channel(relay.port, connections=1, idle_s=1e-9) as channel:
        for number in (1, 2):
            assert isinstance((await outcomes(channel, [an_outbound(number)]))[number], Handed)
    assert relay.connections == 2


async def test_a_relay_that_does_not_answer_means_try_again_and_wait_longer_each_time() -> None:
    async with a_scripted_relay() as relay:
        port = relay.port
    channel = SmtpEmail(a_relay(port=port))
    waits = []
    for _ in range(8):
        found = await outcomes(channel, [an_outbound(n) for n in range(3)])
        assert len(found) == 3
        assert all(isinstance(outcome, Retry) and outcome.pause_sender for outcome in found.values())
        waits += [outcome.after.total_seconds() for outcome in found.values() if isinstance(outcome, Retry)][:1]
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize("greeting", ["554 no service", "421 busy", CUT, HANG, "what?"])
async def test_a_relay_that_does_not_greet_means_try_again(greeting: str) -> None:
    async with a_scripted_relay({"greeting": greeting}) as relay, a_channel(relay.port, connect_timeout_s=0.5) as channel:
        found = await outcomes(channel, [an_outbound(n) for n in range(3)])
    assert all(isinstance(outcome, Retry) for outcome in found.values())


async def test_one_connection_that_fails_leaves_its_mails_to_the_others() -> None:
    greeted: list[str] = []

    def greeting(_: str) -> str:
        greeted.append("")
        return "220 relay" if len(greeted) == 1 else "421 too many connections"

    async with a_scripted_relay({"greeting": greeting}) as relay, a_channel(relay.port, connections=4) as channel:
        found = await outcomes(channel, [an_outbound(n) for n in range(60)])
    handed = [outcome for outcome in found.values() if isinstance(outcome, Handed)]
    assert len(found) == 60
    assert len(handed) == len(relay.accepted) > 0
    assert all(isinstance(outcome, Handed | Retry) for outcome in found.values())


async def test_closing_the_iterator_begins_no_further_mail() -> None:
    async with a_scripted_relay({"content": HANG}) as relay, a_channel(relay.port, connections=2) as channel:
        receipts = channel.send([an_outbound(n) for n in range(40)])
        first = asyncio.ensure_future(anext(receipts))
        async with asyncio.timeout(60):
            await relay.when("content").wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        begun = sum(line.startswith("MAIL") for line in relay.commands)
    assert begun <= 2
    assert sum(line.startswith("MAIL") for line in relay.commands) == begun


async def test_closing_lets_the_mails_under_way_end_and_tells_of_the_rest() -> None:
    release = asyncio.Event()
    async with a_scripted_relay() as relay, a_channel(relay.port, connections=1) as channel:
        answer = relay._answer

        async def slow(writer: asyncio.StreamWriter, verb: str, reply: str) -> bool:
            if verb == "content":
                relay.when("content").set()
                await release.wait()
            return await answer(writer, verb, reply)

        relay._answer = slow  # type: ignore[method-assign]
        sending = asyncio.create_task(outcomes(channel, [an_outbound(n) for n in range(40)]))
        async with asyncio.timeout(60):
            await relay.when("content").wait()
            closing = asyncio.create_task(channel.close())
            await asyncio.sleep(0)
            release.set()
            await closing
        found = await sending
    assert len(found) == 40
    handed = [outcome for outcome in found.values() if isinstance(outcome, Handed)]
    assert 1 <= len(handed) == len(relay.accepted) < 40
    assert all(isinstance(outcome, Handed | Retry) for outcome in found.values())


async def test_open_says_which_setting_keeps_the_relay_from_answering() -> None:
    async with a_scripted_relay() as relay:
        port = relay.port
    with pytest.raises(Misconfigured, match=rf"No connection to 127.0.0.1:{port}: .* See host, port"):
        await SmtpEmail(a_relay(port=port)).open()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_mail_goes_out_encrypted_and_logged_in(
    certificate: Path, server_tls: ssl.SSLContext, run: Callable[[Any], None]
) -> None:
    run(encrypted_and_logged_in(certificate, server_tls))


async def encrypted_and_logged_in(certificate: Path, server_tls: ssl.SSLContext) -> None:
    login: dict[str, Any] = {"auth_required": True, "authenticator": password_is_right}
    credentials: dict[str, Any] = {"username": "tocsin", "password": "right", "host": "localhost", "ca_file": str(certificate)}
    async with (
        a_sink(tls_context=server_tls, require_starttls=True, **login) as (port, sink),
        a_channel(port, security=Security.STARTTLS, **credentials) as channel,
    ):
        await channel.open()
        await outcomes(channel, [an_outbound(n) for n in range(5)])
    async with (
        a_sink(tls=server_tls) as (port, second),
        a_channel(port, security=Security.TLS, host="localhost", ca_file=str(certificate)) as channel,
    ):
        await channel.open()
        await outcomes(channel, [an_outbound(n) for n in range(5)])
    assert (len(sink.got), len(second.got)) == (5, 5)


async def test_a_wrong_password_stops_the_channel_and_loses_nobody(certificate: Path, server_tls: ssl.SSLContext) -> None:
    settings: dict[str, Any] = {"username": "tocsin", "password": "wrong", "host": "localhost", "ca_file": str(certificate)}
    async with (
        a_sink(tls_context=server_tls, authenticator=password_is_right) as (port, sink),
        a_channel(port, security=Security.STARTTLS, **settings) as channel,
    ):
        with pytest.raises(Misconfigured, match="refuses username and password"):
            await channel.open()
        told = []
        with pytest.raises(Misconfigured, match="refuses username and password"):
            async for receipt in channel.send([an_outbound(n) for n in range(3)]):
                told.append(receipt)
    assert [isinstance(receipt.outcome, Retry) for receipt in told] == [True] * 3
    assert sink.got == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_a_relay_with_a_strangers_certificate_gets_nothing(server_tls: ssl.SSLContext, security: Security) -> None:
    listening: dict[str, Any] = {"tls": server_tls} if security is Security.TLS else {"tls_context": server_tls}
    async with a_sink(**listening) as (port, sink), a_channel(port, security=security, host="localhost") as channel:
        with pytest.raises(Misconfigured, match=r"No encrypted connection .* See security, ca_file"):
            await channel.open()
        found = await outcomes(channel, [an_outbound()])
    assert isinstance(found[1], Retry)
    assert sink.got == []


async def test_a_signature_that_fails_leaves_nobody_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(signer: Signer, data: bytes) -> bytes:
        raise RuntimeError("the key is gone")

    monkeypatch.setattr(Signer, "sign", broken)
    told = []
    async with a_scripted_relay() as relay, a_channel(relay.port, Signer("example.gov", "s", a_private_key())) as channel:
        with pytest.raises(RuntimeError, match="the key is gone"):
            async for receipt in channel.send([an_outbound(n) for n in range(9)]):
                told.append(receipt)
    assert sorted(receipt.delivery_id for receipt in told) == list(range(9))
    assert all(isinstance(receipt.outcome, Retry) for receipt in told)
    assert relay.accepted == []


async def test_a_small_batch_does_not_open_every_connection() -> None:
    async with a_scripted_relay() as relay, a_channel(relay.port, connections=20) as channel:
        await outcomes(channel, [an_outbound(n) for n in range(9)])
    assert relay.connections <= 3


async def test_no_address_and_no_text_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="channels")
    replies = {"RCPT": "450 4.2.1 <resident1@example.gov> is busy", "content": CUT}
    async with a_scripted_relay(replies) as relay, a_channel(relay.port) as channel:
        await outcomes(channel, [an_outbound()])
    async with a_scripted_relay({"content": CUT}) as relay, a_channel(relay.port) as channel:
        await outcomes(channel, [an_outbound()])
    assert "mail under way" in caplog.text
    assert "resident1" not in caplog.text and "Boil" not in caplog.text


async def test_a_relay_without_what_the_settings_ask_for_is_named(certificate: Path) -> None:
    async with a_sink() as (port, _):
        with pytest.raises(Misconfigured, match=r"does not offer what security and username ask for: .*STARTTLS"):
            await SmtpEmail(a_relay(port=port, security=Security.STARTTLS)).open()
        with pytest.raises(Misconfigured, match=r"does not offer what security and username ask for: .*AUTH"):
            await SmtpEmail(a_relay(port=port, username="tocsin", password="right")).open()
    with pytest.raises(Misconfigured, match=r"ca_file .*nowhere.pem cannot be used: No such file"):
        await SmtpEmail(a_relay(security=Security.TLS, ca_file=str(certificate.parent / "nowhere.pem"))).open()


async def test_nobody_signing_is_said_before_anything_is_sent() -> None:
    with pytest.raises(Misconfigured, match="Nobody signs the mail: set the DKIM key, selector and domain, or state"):
        await SmtpEmail(a_relay(signs_dkim=False)).open()


def test_every_wrong_setting_is_named_at_once() -> None:
    found = problems(
        a_relay(
            host="mail example.gov",
            port=0,
            username="tocsin",
            connections=0,
            messages_per_connection=0,
            command_timeout_s=0,
            from_address="alerts example.gov",
            reply_to="help@büro.example.gov",
            bounce_domain="x y",
            bounce_key=b"short",
            public_url="http://alerts.example.gov",
            list_id="<alerts>",
            signs_dkim=False,
        ),
        None,
    )
    named = [sentence.split(" ")[0].rstrip(":") for sentence in found]
    assert named == [
        "host",
        "port",
        "username",
        "security",
        "from_address",
        "reply_to",
        "bounce_domain",
        "list_id",
        "bounce_key",
        "public_url",
        "Nobody",
        "connections",
        "messages_per_connection",
        "command_timeout_s",
    ]


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://alerts.example.gov", True),
        ("https://alerts.example.gov:8443/tocsin/", True),
        ("http://127.0.0.1:8080", True),
        ("http://alerts.example.gov", False),
        ("https://alerts.example.gov/>\r\nBcc: x@example.gov", False),
        ("https://alerts.example.gov/?a", False),
        ("https://[", False),
        ("ftp://alerts.example.gov", False),
        ("", False),
    ],
)
def test_unsubscribing_needs_an_https_address(url: str, taken: bool) -> None:
    assert (problems(a_relay(public_url=url), None) == []) == taken


def test_a_signer_for_somebody_elses_domain_is_named() -> None:
    assert problems(a_relay(), Signer("elsewhere.gov", "s", a_private_key())) == [
        "The DKIM domain elsewhere.gov must be that of from_address or a parent of it, or DMARC fails."
    ]
    assert problems(a_relay(from_address="alerts@city.example.gov"), Signer("example.gov", "s", a_private_key())) == []


def a_private_key() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_secrets_stay_out_of_what_is_printed() -> None:
    shown = repr(a_relay(username="tocsin", password="a-secret"))
    assert "a-secret" not in shown and "only for tests" not in shown
