"""Status reports: only Twilio's own word about our own account counts, and it says where a text stands."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Delivered, Forged, Handed, Inbound, Outcome, Receipt, Undelivered
from channels.sms import TwilioSms
from channels.twilio_codes import REASONS
from channels.twilio_http import TwilioGateway
from tests.channels.sms_factories import ACCOUNT_SID, FROM, PUBLIC_URL, TOKEN, an_account, sid

Form = Sequence[tuple[str, str]]


def channel() -> TwilioSms:
    return TwilioSms(TwilioGateway(an_account()), FROM)


def signature(url: str, form: Form, token: str = TOKEN) -> str:
    """As Twilio defines it, written apart from the package: HMAC-SHA1 of the URL and the sorted parameters."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def a_form(status: str = "delivered", **more: str) -> Form:
    form = {"MessageSid": sid(7), "MessageStatus": status, "AccountSid": ACCOUNT_SID, "To": "+15035550123", "From": FROM}
    return tuple((form | more).items())


def a_report(form: Form | None = None, delivery: str = "41", public_url: str = PUBLIC_URL, **changes: str) -> Inbound:
    form = a_form() if form is None else form
    path = f"/reports/sms/{delivery}"
    given = changes.get("signature", signature(public_url + path, form))
    return Inbound(url=public_url + path, path=path, headers={"X-Twilio-Signature": given}, form=form)


@pytest.mark.parametrize(
    ("form", "outcome"),
    [
        (a_form("queued"), Handed(sid(7))),
        (a_form("sent"), Handed(sid(7))),
        (a_form("delivered"), Delivered()),
        (
            a_form("undelivered", ErrorCode="30006"),
            Undelivered("30006", REASONS[30006]),
        ),
        (a_form("failed"), Undelivered("failed", "Twilio gave no reason.")),
        (a_form("failed", ErrorCode=""), Undelivered("failed", "Twilio gave no reason.")),
    ],
)
def test_a_report_says_where_its_delivery_stands(form: Form, outcome: Outcome) -> None:
    assert channel().read_report(a_report(form)) == (Receipt(41, outcome, sid(7)),)


def test_an_opt_out_the_carrier_reports_late_is_mirrored() -> None:
    [receipt] = channel().read_report(a_report(a_form("failed", ErrorCode="21610")))
    assert isinstance(receipt.outcome, Undelivered)
    assert receipt.outcome.opted_out


def test_a_report_repeated_or_late_reads_the_same() -> None:
    sms = channel()
    assert len({repr(sms.read_report(a_report(a_form("sent")))) for _ in range(100)}) == 1


def test_the_header_may_be_written_in_any_case() -> None:
    report = a_report()
    headers = {"content-type": "text/plain", "x-twilio-signature": report.headers["X-Twilio-Signature"]}
    assert channel().read_report(replace(report, headers=headers))


@pytest.mark.parametrize(
    ("configured", "signed"),
    [
        ("https://alerts.example.gov", "https://alerts.example.gov:443"),
        ("https://alerts.example.gov:8443", "https://alerts.example.gov"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://example.gov/tocsin", "https://example.gov/tocsin"),
    ],
)
def test_a_port_that_twilio_adds_or_drops_is_no_forgery(configured: str, signed: str) -> None:
    given = signature(f"{signed}/reports/sms/41", a_form())
    assert channel().read_report(a_report(public_url=configured, signature=given))


def test_parameters_that_repeat_are_all_signed() -> None:
    form = (*a_form(), ("Note", "b"), ("Note", "a"))
    assert channel().read_report(a_report(form))
    with pytest.raises(Forged):
        channel().read_report(replace(a_report(form), form=(*a_form(), ("Note", "b"))))


@pytest.mark.parametrize(
    "given",
    ["", "?", signature(PUBLIC_URL + "/reports/sms/41", a_form(), token="another token"), "é" * 28, "\udce9" * 28],
    ids=["empty", "short", "another token", "not ASCII", "not text"],
)
def test_a_wrong_signature_is_a_forgery(given: str) -> None:
    with pytest.raises(Forged):
        channel().read_report(a_report(signature=given))


def test_an_unsigned_report_is_a_forgery() -> None:
    with pytest.raises(Forged):
        channel().read_report(replace(a_report(), headers={}))


def test_a_report_of_another_account_is_a_forgery_though_the_token_fits() -> None:
    with pytest.raises(Forged):
        channel().read_report(a_report(a_form(AccountSid="AC" + "6" * 32)))


def test_a_report_signed_for_one_delivery_says_nothing_of_another() -> None:
    with pytest.raises(Forged):
        channel().read_report(replace(a_report(), path="/reports/sms/42"))
    with pytest.raises(Forged):
        channel().read_report(replace(a_report(), url=PUBLIC_URL + "/reports/sms/42", path="/reports/sms/42"))


def test_the_scheme_is_part_of_what_is_signed() -> None:
    report = a_report(public_url="http://alerts.example.gov")
    with pytest.raises(Forged):
        channel().read_report(replace(report, url=PUBLIC_URL + report.path))


def test_bytes_that_are_no_text_are_a_forgery() -> None:
    with pytest.raises(Forged):
        channel().read_report(replace(a_report(), form=(*a_form(), ("Body", "\udcff"))))


@given(place=st.integers(0, len(a_form()) - 1), part=st.sampled_from([0, 1]), text=st.text(max_size=8))
def test_no_changed_parameter_passes(place: int, part: int, text: str) -> None:
    form = [list(pair) for pair in a_form()]
    if form[place][part] == text:
        return
    form[place][part] = text
    with pytest.raises(Forged):
        channel().read_report(replace(a_report(), form=tuple((name, value) for name, value in form)))


@pytest.mark.parametrize("delivery", ["", "x", "-1", "1.0", "41/", "٤١", "9" * 19])
def test_a_signed_report_on_no_delivery_changes_nothing(delivery: str) -> None:
    assert channel().read_report(a_report(delivery=delivery)) == ()


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
def test_a_signed_report_without_message_or_status_changes_nothing(missing: str) -> None:
    form = tuple(pair for pair in a_form() if pair[0] != missing)
    assert channel().read_report(a_report(form)) == ()


@given(status=st.text(min_size=1), code=st.text())
def test_whatever_is_rightly_signed_is_read_without_fault(status: str, code: str) -> None:
    [receipt] = channel().read_report(a_report(a_form(status, ErrorCode=code)))
    assert isinstance(receipt.outcome, Handed | Delivered | Undelivered)
