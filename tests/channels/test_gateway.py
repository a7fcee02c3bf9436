"""A gateway that a file describes: what is wrong with a file, what answers mean, what is posted, and what reports say."""

import copy
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import unused_port
from hypothesis import given
from hypothesis import strategies as st

from channels import several
from channels.base import (
    Channel,
    Delivered,
    Forged,
    Handed,
    Heard,
    Hears,
    Inbound,
    Misconfigured,
    Outbound,
    Receipt,
    Refused,
    Retry,
    Undelivered,
    Unknown,
    Unreadable,
)
from channels.gateway import answers, description
from channels.gateway.description import BadDescription
from channels.gateway.sms import GatewaySms, HearingGatewaySms
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from tests.channels.gateway_simulator import DESCRIBED, HEARS, KEY, OURS, SECRET, Harbor, a_text, described, harbor, signed
from tests.channels.sms_factories import FROM, PUBLIC_URL, an_account, an_outbound, outbounds

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def a_gateway(folder: Path, *, secret: str = SECRET, **changes: Any) -> AsyncIterator[tuple[GatewaySms, Harbor]]:
    async with harbor(folder) as far:
        known = described(**({"url": far.url} | changes))
        sms = GatewaySms(known, known.numbers[0], secret, KEY, PUBLIC_URL)
        await sms.open()
        yield sms, far
        await sms.close()


async def receipts_of(sms: Channel, batch: Sequence[Outbound]) -> dict[int, Any]:
    return {receipt.delivery_id: receipt.outcome async for receipt in sms.send(batch)}


# ---- the file


def changed(path: str, value: Any) -> dict[str, Any]:
    """DESCRIBED with another value at a path; None takes it out."""
    made: dict[str, Any] = copy.deepcopy(DESCRIBED)
    *way, last = path.split(".")
    at = made
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("name", "twilio", "name must be a short word"),
        ("name", "Not Good", "name must be a short word"),
        ("url", "ftp://sms.example.gov", "url must begin with"),
        ("url", None, "url must begin with"),
        ("numbers", [], "numbers must list"),
        ("numbers", [{"number": OURS, "rate": 0}], "rate must be above 0"),
        ("numbers", [{"number": "not a number at all", "rate": 1}], "number must be E.164"),
        ("numbers", [{"number": OURS, "rate": 1, "urgent": "yes"}], "urgent must be true or false"),
        ("timeout_s", 0, "timeout_s must be a number above 0"),
        ("connections", 1.5, "connections must be a whole number"),
        ("headers", {"X\r\nBad": "1"}, "cannot be set"),
        ("headers", {"X-Key": "a\r\nEvil: 1"}, "one line of plain letters"),
        ("headers", {"X-Key": "{text}"}, "only {secret} may stand there"),
        ("body", {"a": "{to} {text}"}, "{ref} is missing"),
        ("inbound", {"from": "a"}, "[inbound]: text is missing"),
        ("inbound", HEARS["inbound"] | {"when": "a"}, "[inbound]: when is not known"),
        ("inbound", HEARS["inbound"] | {"id": "a..b"}, "[inbound]: id must be where it stands"),
        ("inbound", [], "[inbound] is missing"),
        ("body", {"a": "{to} {text} {ref} {name}"}, "{name} is no placeholder"),
        ("body", None, "body must be a table"),
        ("accepted", None, "[accepted] is missing"),
        ("accepted.id", None, "[accepted]: id is missing"),
        ("accepted.status", [500], "HTTP 500 accepts nothing"),
        ("refused.status", [500], "does not prove that a text was not taken"),
        ("refused.status", [400, 202], "HTTP 202 stands in [accepted] and in [refused]"),
        ("refused.codes", "landline", "codes must be a list of words"),
        ("throttled.status", ["429"], "status must be a list of HTTP statuses"),
        ("report.status", "a..b", "status must be where it stands"),
        ("report.ref", None, "[report]: ref is missing"),
        ("report.colour", "red", "colour is not known"),
        ("extra", 1, "extra is not a part of a gateway"),
    ],
)
def test_each_mistake_in_a_description_is_named(path: str, value: Any, said: str) -> None:
    with pytest.raises(BadDescription) as told:
        description.read(changed(path, value))
    assert any(said in problem for problem in told.value.problems), told.value.problems


def test_all_mistakes_are_named_at_once_and_an_empty_file_says_everything_it_lacks() -> None:
    with pytest.raises(BadDescription) as told:
        description.read({})
    assert len(told.value.problems) >= 9


def test_a_file_that_is_no_toml_or_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("name = ", "utf-8")
    for file in (tmp_path / "bad.toml", tmp_path / "none.toml"):
        with pytest.raises(BadDescription, match=file.name):
            description.load(file)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from(description.TOP))
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_sentences(value: Any, part: str) -> None:
    try:
        description.read(DESCRIBED | {part: value})
    except BadDescription as told:
        assert all(problem.endswith(".") for problem in told.problems)


def test_the_description_in_the_documentation_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "gateway.md").read_text("utf-8")
    (tmp_path / "gateway.toml").write_text(page.split("```toml\n")[1].split("```")[0], "utf-8")
    assert description.load(tmp_path / "gateway.toml").name == "harbor"


def test_a_live_instance_takes_a_real_gateway_only_and_others_a_simulated_one_only() -> None:
    here, there = described(), described(url="https://sms.example.com/v2", numbers=[{"number": "+15033334444", "rate": 1}])
    assert description.misfits(here, live=False) == [] == description.misfits(there, live=True)
    assert len(description.misfits(here, live=True)) == 3
    assert len(description.misfits(there, live=False)) == 1


# ---- the template


@given(st.text(), st.text())
def test_whatever_a_text_holds_it_arrives_as_it_is_and_changes_nothing_beside_it(words: str, number: str) -> None:
    values: dict[str, str | int] = {
        "to": number, "from": OURS, "text": words, "ref": "7", "report_url": "https://a", "valid_for_s": 60,
    }  # fmt: skip
    sent = json.loads(json.dumps(answers.filled(DESCRIBED["body"], values)))
    assert sent == {
        "messages": [{"recipient": number, "sender": OURS, "content": words, "ttl": 60}],
        "reference": "7",
        "reports": "https://a",
        "priority": True,
    }


def test_a_text_that_looks_like_a_placeholder_stays_a_text() -> None:
    values = {"to": "{text}", "text": '{ref}", "recipient": "+15035550199'}
    assert answers.filled({"a": "To {to}: {text}"}, values) == {"a": 'To {text}: {ref}", "recipient": "+15035550199'}


# ---- what answers mean


@pytest.mark.parametrize(
    ("status", "document", "outcome"),
    [
        (202, {"data": [{"id": "hb-1"}]}, Handed("hb-1")),
        (200, {"data": [{"id": 17}]}, Handed("17")),
        (202, {"data": []}, Unknown("unreadable answer")),
        (202, {"data": [{"id": True}]}, Unknown("unreadable answer")),
        (201, {"data": [{"id": "hb-1"}]}, Unknown("HTTP 201")),
        (302, {}, Unknown("HTTP 302")),
        (500, {"data": [{"id": "hb-1"}]}, Unknown("HTTP 500")),
        (408, {}, Unknown("HTTP 408")),
        (400, {"error": {"code": "landline"}}, Refused("landline", "Gateway harbor refused it.")),
        (422, {"error": {"code": "stopped"}}, Refused("stopped", "The person has opted out with the gateway.", opted_out=True)),
        (400, {"error": {"code": "our fault"}}, Retry(timedelta(seconds=30), "refused with our fault")),
        (400, {}, Retry(timedelta(seconds=30), "refused with no code")),
        (429, {}, Retry(timedelta(seconds=7), "HTTP 429", pause_sender=True)),
        (503, {}, Retry(timedelta(seconds=7), "HTTP 503", pause_sender=True)),
        (404, {}, Retry(timedelta(seconds=2), "HTTP 404", pause_sender=True)),
    ],
)
def test_an_answer_means_one_thing(status: int, document: Any, outcome: Any) -> None:
    assert answers.meant(described(), status, json.dumps(document).encode(), "7") == outcome


def test_a_denied_call_stops_the_channel_and_an_unreadable_answer_is_unknown() -> None:
    assert isinstance(answers.meant(described(), 401, b"", ""), Misconfigured)
    assert answers.meant(described(), 202, b"<html>", "") == Unknown("unreadable answer")
    assert answers.meant(described(), 202, b"[" * 100_000, "") == Unknown("unreadable answer")


# ---- over a real socket


async def test_a_text_leaves_as_it_was_approved(tmp_path: Path) -> None:
    body = 'Portland: hierva el agua – "ya".\nاغلوا الماء 💧 {to}'
    async with a_gateway(tmp_path) as (sms, far):
        assert await receipts_of(sms, [an_outbound(41, body=body, valid_for=timedelta(hours=2))]) == {41: Handed("hb-00000001")}
    (seen,) = far.seen
    assert seen["body"]["messages"] == [{"recipient": "+15035550041", "sender": OURS, "content": body, "ttl": 7200}]
    assert (seen["body"]["reference"], seen["body"]["reports"]) == ("41", f"{PUBLIC_URL}/reports/sms")


async def test_one_refused_number_keeps_nobody_else_from_hearing(tmp_path: Path) -> None:
    async with a_gateway(tmp_path) as (sms, far):
        far.refuses["+15035550002"] = (400, {"error": {"code": "landline"}})
        outcomes = await receipts_of(sms, outbounds(5))
    assert isinstance(outcomes.pop(2), Refused)
    assert all(isinstance(outcome, Handed) for outcome in outcomes.values()) and len(outcomes) == 4


async def test_after_a_throttle_no_further_call_starts(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, connections=1) as (sms, far):
        far.refuses["+15035550002"] = (429, {})
        outcomes = await receipts_of(sms, outbounds(6))
    assert len(far.seen) == 2
    assert [isinstance(outcomes[one], Retry) for one in range(1, 7)] == [False, True, True, True, True, True]


async def test_a_wrong_secret_stops_the_channel_and_every_row_has_its_word(tmp_path: Path) -> None:
    seen: list[Receipt] = []
    async with a_gateway(tmp_path, secret="wrong") as (sms, far):
        with pytest.raises(Misconfigured, match="TOCSIN_GATEWAY_SECRET"):
            async for receipt in sms.send(outbounds(4)):
                seen.append(receipt)
    assert sorted(receipt.delivery_id for receipt in seen) == [1, 2, 3, 4] and not far.taken


async def test_a_gateway_that_is_not_there_has_taken_nothing_and_one_that_hangs_may_have(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, url=f"http://127.0.0.1:{unused_port()}/v2") as (sms, _):
        assert isinstance((await receipts_of(sms, outbounds(1)))[1], Retry)
    async with a_gateway(tmp_path, timeout_s=1.0) as (sms, far):
        far.hangs = True
        assert await receipts_of(sms, outbounds(1)) == {1: Unknown("timeout")}


async def test_without_a_key_for_reports_the_channel_does_not_open() -> None:
    known = described()
    with pytest.raises(Misconfigured, match="TOCSIN_GATEWAY_REPORT_KEY"):
        await GatewaySms(known, known.numbers[0], SECRET, "", PUBLIC_URL).open()


# ---- what comes back


def a_request(document: Any, key: str = KEY, **headers: str) -> Inbound:
    body, signature = signed(document, key)
    return Inbound(url=f"{PUBLIC_URL}/reports/sms", path="/reports/sms", headers=signature | headers, body=body)


def a_reader() -> GatewaySms:
    known = described()
    return GatewaySms(known, known.numbers[0], SECRET, KEY, PUBLIC_URL)


@pytest.mark.parametrize(
    ("document", "receipts"),
    [
        ({"reference": "7", "id": "hb-1", "state": "DELIVERED"}, [Receipt(7, Delivered(), "hb-1")]),
        (
            {"reference": 7, "id": "hb-1", "state": "FAILED", "reason": "landline"},
            [Receipt(7, Undelivered("landline", "The gateway could not deliver it."), "hb-1")],
        ),
        (
            {"reference": "7", "id": "hb-1", "state": "EXPIRED"},
            [Receipt(7, Undelivered("EXPIRED", "The gateway could not deliver it."), "hb-1")],
        ),
        (
            {"reference": "7", "id": "h", "state": "FAILED", "reason": "stopped"},
            [Receipt(7, Undelivered("stopped", "The gateway could not deliver it.", opted_out=True), "h")],
        ),
        ({"reference": "7", "id": "hb-1", "state": "BUFFERED"}, [Receipt(7, Handed("hb-1"), "hb-1")]),
        ({"reference": "x", "id": "hb-1", "state": "DELIVERED"}, []),
        ({"reference": "7"}, []),
        (["odd"], []),
    ],
)
def test_a_signed_report_says_what_became_of_a_text(document: Any, receipts: list[Receipt]) -> None:
    assert list(a_reader().read_report(a_request(document))) == receipts


def test_a_report_that_is_not_signed_with_our_key_is_forged() -> None:
    good = {"reference": "7", "id": "hb-1", "state": "DELIVERED"}
    other = a_request(good)
    bodies = [a_request(good, key="another"), a_request(good, **{"X-Harbor-Signature": ""})]
    bodies.append(Inbound(url=other.url, path=other.path, headers=other.headers, body=other.body.replace(b"7", b"8")))
    for request in bodies:
        with pytest.raises(Forged):
            a_reader().read_report(request)


def test_of_several_accounts_the_one_that_signed_reads_the_report_and_a_stranger_s_is_forged() -> None:
    twilio = TwilioSms(TwilioGateway(an_account()), FROM)
    both = several.by_name([twilio, a_reader()])["sms"]
    good = {"reference": "7", "id": "hb-1", "state": "DELIVERED"}
    assert list(both.read_report(a_request(good))) == [Receipt(7, Delivered(), "hb-1")]
    with pytest.raises(Forged):
        both.read_report(a_request(good, key="another"))
    assert several.by_name([twilio])["sms"] is twilio


# ---- residents' texts

RESIDENT = "+15035550199"


def a_listener() -> HearingGatewaySms:
    known = described(**HEARS)
    return HearingGatewaySms(known, known.numbers[0], SECRET, KEY, PUBLIC_URL)


def test_a_signed_text_is_read_whole_and_answered_by_a_text_of_ours() -> None:
    words = "停 STOP \n" + "x" * 1_600
    heard = a_listener().read_text(a_request(a_text(RESIDENT, words, "in-1")))
    assert heard == Heard(provider_id="harbor:in-1", address=RESIDENT, ours=OURS, text=words, in_reply=False)


def test_an_empty_text_is_one_too() -> None:
    assert a_listener().read_text(a_request(a_text(RESIDENT, "", "in-1"))).text == ""


def test_a_text_that_is_not_signed_with_our_key_is_forged() -> None:
    good = a_request(a_text(RESIDENT, "STOP", "in-1"))
    changed = Inbound(url=good.url, path=good.path, headers=good.headers, body=good.body.replace(b"0199", b"0198"))
    for request in (a_request(a_text(RESIDENT, "STOP", "in-1"), key="another"), changed):
        with pytest.raises(Forged):
            a_listener().read_text(request)


@pytest.mark.parametrize("document", [[], {}, None, {"message": "STOP"}])
def test_all_that_a_text_lacks_is_said_at_once(document: Any) -> None:
    with pytest.raises(Unreadable) as refused:
        a_listener().read_text(a_request(document))
    for place in ("from: nothing stands at message.sender.", "to: nothing stands at message.recipient.", "id: nothing stands"):
        assert place in str(refused.value)


def test_a_text_to_somebody_elses_number_is_named() -> None:
    with pytest.raises(Unreadable, match=r"to: '\+15035550111' at message.recipient is none of this gateway's numbers"):
        a_listener().read_text(a_request(a_text(RESIDENT, "STOP", "in-1", to="+15035550111")))


def test_a_gateway_without_that_table_hears_nobody_and_beside_one_that_does_the_right_one_reads() -> None:
    twilio = TwilioSms(TwilioGateway(an_account()), FROM)
    assert not isinstance(a_reader(), Hears)
    both = several.by_name([twilio, a_listener()])["sms"]
    assert isinstance(both, Hears)
    assert both.read_text(a_request(a_text(RESIDENT, "STOP", "in-1"))).text == "STOP"
    with pytest.raises(Forged):
        both.read_text(a_request(a_text(RESIDENT, "STOP", "in-1"), key="another"))
