"""Asking what kind of line a number is: the question as Twilio documents it, every answer it may give, and none at all."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.lookup import LineType, Lookup, NotTold, read
from channels.simulator import Handsets
from tests.channels.simulator_factories import PHONE, a_config, gateway
from tests.channels.sms_factories import ACCOUNT_SID, TOKEN, FakeTwilio, Request, http
from tests.ports import free_port

LANDLINE = "+15035550199"


def an_answer(**line: Any) -> dict[str, Any]:
    """As https://www.twilio.com/docs/lookup/v2-api documents it."""
    known = {"error_code": None, "mobile_country_code": None, "mobile_network_code": None, "carrier_name": "A carrier"}
    return {
        "calling_country_code": "1",
        "country_code": "US",
        "phone_number": PHONE,
        "national_format": "(503) 555-0123",
        "valid": True,
        "validation_errors": None,
        "caller_name": None,
        "sim_swap": None,
        "call_forwarding": None,
        "line_type_intelligence": known | line,
        "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{PHONE}",
    }


def a_lookup(url: str, **changes: Any) -> Lookup:
    return Lookup(**({"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "base_url": url} | changes))


async def test_the_question_names_the_number_and_the_field_and_who_asks() -> None:
    async def landline(_: Request) -> bytes:
        return http(200, an_answer(type="landline"))

    async with FakeTwilio(landline).serve() as fake:
        assert await a_lookup(fake.url).line_type(PHONE) is LineType.LANDLINE
        (request,) = fake.requests
    assert (request.method, request.path) == ("GET", f"/v2/PhoneNumbers/{PHONE}")
    assert request.query == {"Fields": "line_type_intelligence"}
    assert request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("kind", list(LineType))
def test_every_documented_type_is_known(kind: LineType) -> None:
    assert read(json.dumps(an_answer(type=kind.value)).encode()) is kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"landline"',
        b"{}",
        json.dumps({"line_type_intelligence": None}).encode(),
        json.dumps({"line_type_intelligence": "landline"}).encode(),
        json.dumps(an_answer()).encode(),
        json.dumps(an_answer(type=None)).encode(),
        json.dumps(an_answer(type="satellite")).encode(),
        json.dumps(an_answer(type=None, error_code=60601)).encode(),
        json.dumps(an_answer(type="landline", error_code=60600)).encode(),
    ],
)
def test_an_answer_without_a_type_tells_nothing(body: bytes) -> None:
    with pytest.raises(NotTold):
        read(body)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda each: json.dumps(each).encode()))
def test_whatever_comes_is_a_type_or_tells_nothing(body: bytes) -> None:
    with pytest.raises(NotTold):
        read(body)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
async def test_a_refusal_tells_nothing_and_is_asked_once(status: int) -> None:
    async def refuse(_: Request) -> bytes:
        return http(status, an_answer(type="landline"), headers="Location: /elsewhere\r\n")

    async with FakeTwilio(refuse).serve() as fake:
        with pytest.raises(NotTold, match=str(status)):
            await a_lookup(fake.url).line_type(PHONE)
        assert len(fake.requests) == 1


async def test_a_cut_connection_tells_nothing_and_is_asked_once() -> None:
    async def cut(_: Request) -> None:
        return None

    async with FakeTwilio(cut).serve() as fake:
        with pytest.raises(NotTold, match="no answer"):
            await a_lookup(fake.url).line_type(PHONE)
        assert len(fake.requests) == 1


async def test_an_answer_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as one:
        await one.control(sms={"slow_s": 60.0})
        with pytest.raises(NotTold, match="Timeout"):
            await a_lookup(one.url, timeout_s=0.1).line_type(PHONE)


async def test_nobody_at_the_address_tells_nothing() -> None:
    with pytest.raises(NotTold, match="no answer"):
        await a_lookup(f"http://127.0.0.1:{free_port()}").line_type(PHONE)


async def test_wrong_credentials_are_an_error_for_staff_that_names_no_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(a_config(tmp_path)) as one:
        with caplog.at_level(logging.DEBUG), pytest.raises(NotTold) as told:
            await a_lookup(one.url, auth_token="wrong").line_type(PHONE)
    assert "TOCSIN_TWILIO_AUTH_TOKEN" in caplog.text
    assert "5550123" not in caplog.text + repr(told.value) and "wrong" not in repr(a_lookup("", auth_token="wrong"))


async def test_the_simulator_knows_its_landlines(tmp_path: Path) -> None:
    config = a_config(tmp_path, handsets=Handsets(listed={LANDLINE: "landline", "+15035550198": "unreachable"}))
    async with gateway(config) as one:
        lookup = a_lookup(one.url)
        kinds = [await lookup.line_type(number) for number in (LANDLINE, PHONE, "+15035550198")]
        assert (await one.control())["sms"]["lookups"] == 3
    assert kinds == [LineType.LANDLINE, LineType.MOBILE, LineType.MOBILE]


async def test_a_share_of_the_simulated_city_are_landlines_and_no_text_reaches_them(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path, handsets=Handsets(landline=0.5, delivered_after_s=0.0))) as one:
        numbers = [f"+1503555{number:04d}" for number in range(200, 230)]
        kinds = {number: await a_lookup(one.url).line_type(number) for number in numbers}
        sent = {number: (await one.created(To=number))["sid"] for number in numbers}
        await one.settled()
        codes = {number: (await one.fetch(sid))["error_code"] for number, sid in sent.items()}
    assert {number for number, kind in kinds.items() if kind is LineType.LANDLINE} == {
        number for number, code in codes.items() if code == 30006
    }
    assert set(kinds.values()) == {LineType.LANDLINE, LineType.MOBILE}


async def test_the_simulator_answers_as_documented(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as one:
        path = f"/v2/PhoneNumbers/{PHONE}"
        _, whole = await one.request("GET", f"{path}?Fields=line_type_intelligence")
        assert (
            whole.keys() >= an_answer().keys()
            and whole["line_type_intelligence"].keys() == an_answer(type="")["line_type_intelligence"].keys()
        )
        assert (whole["phone_number"], whole["national_format"], whole["valid"]) == (PHONE, "(503) 555-0123", True)
        _, free = await one.request("GET", path)
        assert free["line_type_intelligence"] is None
        _, elsewhere = await one.request("GET", "/v2/PhoneNumbers/+15033334444?Fields=line_type_intelligence")
        assert (elsewhere["valid"], elsewhere["line_type_intelligence"]) == (False, None)
        status, _ = await one.request("GET", path, headers={"Authorization": "Basic no"})
        assert status == 401
