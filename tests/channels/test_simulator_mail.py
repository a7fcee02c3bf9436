"""The simulated mail relay over real sockets, spoken to by an independent client."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from channels.simulator import MailConfig, MailFaults, Running, SimulatorConfig, running
from channels.simulator.mail import read_header
from tests.channels.simulator_factories import a_config, gateway, lines

RESIDENT = "resident@example.gov"
LOST = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPReadTimeoutError)


@asynccontextmanager
async def relay(config: SimulatorConfig, **options: Any) -> AsyncIterator[tuple[Running, aiosmtplib.SMTP]]:
    """A simulator and a client connected to it."""
    async with running(config) as simulator:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=simulator.smtp_port, timeout=30, **options)
        await client.connect()
        try:
            yield simulator, client
        finally:
            client.close()


def a_mail(headers: dict[str, str] | None = None) -> EmailMessage:
    mail = EmailMessage()
    known = {"From": "alerts@example.gov", "To": RESIDENT, "Subject": "Boil tap water", "Message-ID": "<1.7@example.gov>"}
    for name, value in (known | (headers or {})).items():
        mail[name] = value
    mail.set_content("Boil tap water.\n.\nUntil further notice.\n")
    return mail


def mail_lines(folder: Path) -> list[tuple[str, str, int | None, str]]:
    return [(line["event"], line["rcpt"], line["code"], line["cause"]) for line in lines(folder, "smtp.jsonl")]


async def test_a_mail_is_in_the_log_with_its_subject_decoded(tmp_path: Path) -> None:
    subject = "Đun sôi nước máy trước khi dùng cho đến khi có thông báo mới, toàn thành phố Portland"
    mail = a_mail({"Subject": subject, "Message-ID": "<event.7@example.gov>"})
    keep = tmp_path / "mail"
    async with relay(a_config(tmp_path, mail=MailConfig(keep=keep))) as (simulator, client):
        errors, reply = await client.send_message(mail)
        assert (errors, reply) == ({}, "2.0.0 OK queued as 1")
        assert dict(simulator.mail.tally) == {"accepted": 1}
    returns_to, _, raw = (keep / "00000001.eml").read_bytes().partition(b"\r\n")
    assert returns_to == b"Return-Path: <alerts@example.gov>"
    (line,) = lines(tmp_path, "smtp.jsonl")
    assert line.keys() == {"seq", "at", "event", "message_id", "rcpt", "subject", "bytes", "code", "cause"}
    assert (line["event"], line["message_id"], line["rcpt"]) == ("accepted", "<event.7@example.gov>", RESIDENT)
    assert (line["subject"], line["bytes"], line["code"], line["cause"]) == (subject, len(raw), 250, "")
    assert raw.endswith(b"Boil tap water.\r\n.\r\nUntil further notice.\r\n")


async def test_each_recipient_has_a_line_and_refused_ones_another(tmp_path: Path) -> None:
    codes = {"gone@example.gov": 550, "full@example.gov": 450}
    async with relay(a_config(tmp_path, mail_faults=MailFaults(codes=codes))) as (_, client):
        people = [RESIDENT, "gone@example.gov", "full@example.gov", "second@example.gov"]
        errors, _ = await client.send_message(a_mail(), recipients=people)
        assert {address: error[0] for address, error in errors.items()} == codes
    assert mail_lines(tmp_path) == [
        ("refused", "gone@example.gov", 550, "codes"),
        ("refused", "full@example.gov", 450, "codes"),
        ("accepted", RESIDENT, 250, ""),
        ("accepted", "second@example.gov", 250, ""),
    ]


@pytest.mark.parametrize(("fault", "code", "cause"), [({"later": 1.0}, 450, "later"), ({"never": 1.0}, 550, "never")])
async def test_a_share_of_recipients_is_refused(tmp_path: Path, fault: dict[str, Any], code: int, cause: str) -> None:
    async with relay(a_config(tmp_path, mail_faults=MailFaults(**fault))) as (simulator, client):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
            await client.send_message(a_mail())
        assert caught.value.recipients[0].code == code
        simulator.live.mail = MailFaults()
        await client.send_message(a_mail())  # the connection is still of use
    assert mail_lines(tmp_path) == [("refused", RESIDENT, code, cause), ("accepted", RESIDENT, 250, "")]


@pytest.mark.parametrize("faults", [MailFaults(busy=1.0), MailFaults(codes={RESIDENT: 421})])
async def test_a_busy_relay_says_421_and_closes(tmp_path: Path, faults: MailFaults) -> None:
    async with relay(a_config(tmp_path, mail_faults=faults)) as (_, client):
        with pytest.raises(aiosmtplib.SMTPException):
            await client.send_message(a_mail())
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.noop()
    assert [line[::2] for line in mail_lines(tmp_path)] == [("refused", 421)]


@pytest.mark.parametrize(("fault", "event"), [("cut_after", "accepted"), ("cut_before", "dropped")])
async def test_a_cut_after_the_data_tells_nothing_but_the_log_knows(tmp_path: Path, fault: str, event: str) -> None:
    faults: dict[str, Any] = {fault: 1.0}
    async with relay(a_config(tmp_path, mail_faults=MailFaults(**faults))) as (_, client):
        with pytest.raises(LOST):
            await client.send_message(a_mail())
    code = 250 if event == "accepted" else None
    assert mail_lines(tmp_path) == [(event, RESIDENT, code, fault)]


async def test_a_slow_answer_comes_after_the_mail_was_accepted(tmp_path: Path) -> None:
    async with relay(a_config(tmp_path, mail_faults=MailFaults(slow_s=3600.0))) as (simulator, client):
        sending = asyncio.create_task(client.send_message(a_mail()))
        async with asyncio.timeout(60):
            while not simulator.mail.tally["accepted"]:
                await asyncio.sleep(0)
        assert not sending.done()
        sending.cancel()
    assert mail_lines(tmp_path) == [("accepted", RESIDENT, 250, "")]


@pytest.mark.parametrize("mechanism", ["plain", "login"])
async def test_a_relay_with_credentials_takes_mail_from_their_owner_alone(tmp_path: Path, mechanism: str) -> None:
    account = MailConfig(username="alerts", password="correct")
    async with relay(a_config(tmp_path, mail=account)) as (_, client):
        with pytest.raises(aiosmtplib.SMTPResponseException) as caught:
            await client.send_message(a_mail())
        assert caught.value.code == 530
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await getattr(client, f"auth_{mechanism}")("alerts", "wrong")
        await getattr(client, f"auth_{mechanism}")("alerts", "correct")
        await client.send_message(a_mail())
    assert mail_lines(tmp_path) == [("accepted", RESIDENT, 250, "")]


async def test_starttls_is_offered_with_a_certificate_a_client_can_trust(tmp_path: Path) -> None:
    account = MailConfig(username="alerts", password="correct", starttls=True, require_starttls=True)
    async with running(a_config(tmp_path, mail=account)) as simulator:
        where: dict[str, Any] = {"hostname": "127.0.0.1", "port": simulator.smtp_port, "timeout": 30}
        plain = aiosmtplib.SMTP(**where, start_tls=False)
        await plain.connect()
        with pytest.raises(aiosmtplib.SMTPResponseException) as caught:
            await plain.send_message(a_mail())
        assert caught.value.code == 530
        plain.close()

        with pytest.raises(ssl.SSLCertVerificationError):
            await aiosmtplib.SMTP(**where, start_tls=True).connect()

        trusting = ssl.create_default_context(cafile=simulator.certificate)
        client = aiosmtplib.SMTP(**where, start_tls=True, tls_context=trusting)
        await client.connect()
        await client.login("alerts", "correct")
        await client.send_message(a_mail())
        await client.quit()
    assert mail_lines(tmp_path) == [("accepted", RESIDENT, 250, "")]


async def test_many_connections_at_once_lose_nothing(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    async with running(config) as simulator:

        async def send(first: int) -> None:
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=simulator.smtp_port, timeout=30)
            async with client:
                for number in range(first, first + 10):
                    await client.send_message(a_mail({"To": f"resident{number}@example.gov"}))

        await asyncio.gather(*(send(first) for first in range(0, 100, 10)))
    told = lines(tmp_path, "smtp.jsonl")
    assert sorted(line["rcpt"] for line in told) == sorted(f"resident{n}@example.gov" for n in range(100))
    assert [line["seq"] for line in told] == list(range(1, 101))


async def test_the_mail_faults_change_through_the_controls(tmp_path: Path) -> None:

    async with gateway(a_config(tmp_path)) as gate:
        state = await gate.control(mail={"busy": 0.5, "codes": {RESIDENT: 550}})
        assert state["faults"]["mail"]["codes"] == {RESIDENT: 550}
        assert (await gate.control(mail=None))["faults"]["mail"]["busy"] == 0.0


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: Boil\r\n water\r\nMessage-ID: <1@x>\r\n\r\nSubject: no", ("<1@x>", "Boil water")),
        (b"subject: =?utf-8?b?xJB1biBzw7Rp?=\r\n\r\n", ("", "Đun sôi")),
        (b"Subject: =?no-such-charset?q?a?=\r\n\r\n", ("", "=?no-such-charset?q?a?=")),
        (b"Subject: =?utf-8?b?x?=\r\n\r\n", ("", "=?utf-8?b?x?=")),
        (b"Subject: one\r\nSubject: two\r\nX: a\r\n Subject: three\r\n\r\n", ("", "one")),
        ("Subject: Đun sôi\r\n\r\n".encode(), ("", "Đun sôi")),
        (b"To: resident@example.gov\r\n\r\n", ("", "")),
        (b"", ("", "")),
    ],
)
def test_headers_are_read_as_they_are_meant(raw: bytes, expected: tuple[str, str]) -> None:
    assert read_header(raw) == expected
