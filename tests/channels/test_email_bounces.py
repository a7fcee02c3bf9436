"""Only a system that was handed our mail can say that it did not arrive, and only a final word counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Delivered, Forged, Inbound, Receipt, Undelivered
from channels.bounces import read, reason, return_path, token
from channels.email import SmtpEmail
from tests.channels.mail_factories import BOUNCE_KEY, a_relay

DOMAIN = "bounces.example.gov"


def a_report(
    *, to: str = "", action: str = "failed", status: str = "5.1.1", returned_id: str = "<event-7.42@bounces.example.gov>"
) -> bytes:
    to = to or return_path(BOUNCE_KEY, 42, DOMAIN)
    lines = f"""\
From: MAILER-DAEMON@mx.example.gov
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your message to resident@example.gov.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.gov

Final-Recipient: rfc822; resident@example.gov
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <resident@example.gov>: unknown

--b
Content-Type: message/rfc822

Message-ID: {returned_id}
Subject: Boil water

Boil your water.
--b--
"""
    return lines.replace("\n", "\r\n").encode("ascii")


def outcome_of(report: bytes) -> list[Receipt]:
    return read(report, BOUNCE_KEY, DOMAIN)


def test_a_final_failure_is_undelivered_with_its_code() -> None:
    assert outcome_of(a_report()) == [
        Receipt(42, Undelivered("5.1.1", "The mailbox does not exist."), "<event-7.42@bounces.example.gov>")
    ]


def test_the_channel_reads_a_report_that_a_mail_pipe_posts() -> None:
    request = Inbound(url="https://alerts.example.gov/reports/email", path="/reports/email", headers={}, body=a_report())
    assert SmtpEmail(a_relay()).read_report(request) == outcome_of(a_report())


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.2.2", Undelivered("5.2.2", "The mailbox is full.")),
        ("failed", "4.4.7", Undelivered("4.4.7", "The receiving system could not be reached in time.")),
        ("FAILED", "5.9.99 (odd)", Undelivered("5.9.99")),
        ("delivered", "2.0.0", Delivered()),
        ("", "5.1.0", Undelivered("5.1.0", "The address is not good.")),
        ("failed", "5.0.0", Undelivered("5.1.1", "The mailbox does not exist.")),  # the diagnosis says more
        ("", "2.1.5", Delivered()),
    ],
)
def test_the_last_word_counts(action: str, status: str, expected: object) -> None:
    assert [receipt.outcome for receipt in outcome_of(a_report(action=action, status=status))] == [expected]


@pytest.mark.parametrize(
    ("action", "status"),
    [("delayed", "4.4.1"), ("relayed", "2.0.0"), ("expanded", "2.0.0"), ("", "4.4.1"), ("failed", "what"), ("", "")],
)
def test_a_word_that_is_not_the_last_says_nothing(action: str, status: str) -> None:
    assert outcome_of(a_report(action=action, status=status)) == []


def a_complaint(*, kind: str = "abuse", mail_from: str = "", return_path_field: str = "", to: str = "fbl@example.gov") -> bytes:
    lines = f"""\
From: feedback@mx.example.gov
To: {to}
Subject: FW: Boil water
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Somebody/1.0
Version: 1
{mail_from}Arrival-Date: Fri, 23 May 2014 11:16:00 -0700

--b
Content-Type: message/rfc822

{return_path_field}Message-ID: <event-7.42@bounces.example.gov>
From: alerts@example.gov
Subject: Boil water

Boil your water.
--b--
"""
    return lines.replace("\n", "\r\n").encode("ascii")


OURS = return_path(BOUNCE_KEY, 42, DOMAIN)
COMPLAINT = Receipt(42, Delivered(complained=True), "<event-7.42@bounces.example.gov>")


def test_a_complaint_names_its_mail_within_or_comes_to_its_return_path() -> None:
    """https://www.rfc-editor.org/rfc/rfc5965#appendix-B has the like."""
    for complaint in (
        a_complaint(mail_from=f"Original-Mail-From: <{OURS}>\n"),
        a_complaint(return_path_field=f"Return-Path: <{OURS}>\n"),
        a_complaint(to=OURS),
    ):
        assert outcome_of(complaint) == [COMPLAINT]


@pytest.mark.parametrize("kind", ["not-spam", "virus", "other", "", "auth-failure"])
def test_feedback_of_another_kind_stops_nobodys_mail(kind: str) -> None:
    assert outcome_of(a_complaint(kind=kind, mail_from=f"Original-Mail-From: <{OURS}>\n")) == []


@pytest.mark.parametrize(
    "named", ["", return_path(b"another key for tests", 42, DOMAIN), f"bounce+43-{token(BOUNCE_KEY, 42)}@{DOMAIN}"]
)
def test_a_complaint_that_anybody_could_have_written_is_forged(named: str) -> None:
    fields = {"mail_from": f"Original-Mail-From: <{named}>\n", "return_path_field": f"Return-Path: <{named}>\n"}
    with pytest.raises(Forged):
        outcome_of(a_complaint(**fields))


def test_a_bounce_cannot_borrow_the_return_path_of_the_mail_it_returns() -> None:
    """The returned part of a delivery report is whatever its sender put there; only a complaint may name its mail within."""
    returned = a_report(to="alerts@example.gov").replace(b"Message-ID: ", f"Return-Path: <{OURS}>\r\nMessage-ID: ".encode())
    with pytest.raises(Forged):
        outcome_of(returned)


def test_a_holiday_answer_is_not_a_bounce() -> None:
    answer = f"To: {return_path(BOUNCE_KEY, 42, DOMAIN)}\r\nSubject: I am away\r\n\r\nStatus: 5.0.0\r\n"
    assert outcome_of(answer.encode("ascii")) == []


@pytest.mark.parametrize(
    "to",
    [
        return_path(b"another key for tests", 42, DOMAIN),
        return_path(BOUNCE_KEY, 42, "elsewhere.example.gov"),
        f"bounce+43-{token(BOUNCE_KEY, 42)}@{DOMAIN}",
        f"bounce+42-{token(BOUNCE_KEY, 42)[:-1]}@{DOMAIN}",
        f"bounce+042-{token(BOUNCE_KEY, 42)[:-1]}0@{DOMAIN}",
        f"bounce+42@{DOMAIN}",
        "alerts@example.gov",
        "",
    ],
)
def test_a_report_without_its_right_token_is_forged(to: str) -> None:
    report = a_report(to=to).replace(return_path(BOUNCE_KEY, 42, DOMAIN).encode("ascii"), b"x") if not to else a_report(to=to)
    with pytest.raises(Forged):
        outcome_of(report)


def test_the_return_path_may_stand_where_a_mail_pipe_writes_it_in_any_case() -> None:
    path = return_path(BOUNCE_KEY, 42, DOMAIN).upper()
    for field in ("Delivered-To", "X-Original-To"):
        report = f"{field}: {path}\r\n".encode("ascii") + a_report(to="undisclosed-recipients:;")
        assert [receipt.delivery_id for receipt in outcome_of(report)] == [42]


def test_another_mails_id_in_the_returned_part_is_not_taken() -> None:
    for returned in ("<event-7.43@bounces.example.gov>", "<x>", "", "<a b.42@x>"):
        assert outcome_of(a_report(returned_id=returned))[0].provider_id == ""


def test_returned_headers_alone_name_the_mail_too() -> None:
    report = a_report().replace(b"Content-Type: message/rfc822", b"Content-Type: text/rfc822-headers")
    assert outcome_of(report)[0].provider_id == "<event-7.42@bounces.example.gov>"


@given(delivery_id=st.integers(1, 2**63 - 1))
def test_every_delivery_has_a_return_path_of_its_own_that_reads_back(delivery_id: int) -> None:
    path = return_path(BOUNCE_KEY, delivery_id, DOMAIN)
    assert len(path.partition("@")[0]) <= 64
    assert [receipt.delivery_id for receipt in outcome_of(a_report(to=path))] == [delivery_id]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    with pytest.raises(Forged):
        outcome_of(noise)
    addressed = f"To: {return_path(BOUNCE_KEY, 42, DOMAIN)}\r\n".encode("ascii")
    assert outcome_of(addressed + b"Content-Type: text/plain\r\n\r\n" + noise) == []
    for bytes_ in (a_complaint(to=OURS), a_complaint(mail_from=f"Original-Mail-From: <{OURS}>\n")):
        outcome_of(addressed + bytes_[: len(bytes_) - len(noise)] + noise)
    cut = a_report()[: len(a_report()) - len(noise)] + noise
    assert all(receipt.delivery_id == 42 for receipt in outcome_of(addressed + cut))


def test_a_reason_never_repeats_what_the_other_side_wrote() -> None:
    assert reason("5.1.1") == "The mailbox does not exist."
    assert reason("5.1.99") == "The address is not good."
    assert reason("") == "" == reason("550")
