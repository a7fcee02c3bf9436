"""Status reports and texts from residents, as the application receives them."""

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from channels.simulator import Handsets, SmsFaults
from tests.channels.simulator_factories import (
    PHONE,
    SENDER,
    Application,
    Gateway,
    a_config,
    application,
    events,
    gateway,
    lines,
)


def statuses(app: Application) -> list[str]:
    return [form["MessageStatus"] for form in app.forms]


def assert_signed(gate: Gateway, app: Application) -> None:
    validator = RequestValidator(gate.simulator.exchange.config.auth_token)
    for url, headers, form in app.requests:
        assert validator.validate(url, form, headers["X-Twilio-Signature"])


async def test_every_change_is_reported_in_order_and_signed(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path)) as gate:
        message = await gate.created(StatusCallback=f"{app.url}/reports/sms/7?try=1&x=%C3%B3")
        await app.expect(2)
        await gate.settled()
        assert statuses(app) == ["sent", "delivered"]
        assert app.forms[1] == {
            "AccountSid": message["account_sid"],
            "ApiVersion": "2010-04-01",
            "From": SENDER,
            "MessageSid": message["sid"],
            "MessageStatus": "delivered",
            "SmsSid": message["sid"],
            "SmsStatus": "delivered",
            "To": PHONE,
        }
        url, headers, _ = app.requests[0]
        validator = RequestValidator(gate.simulator.exchange.config.auth_token)
        assert validator.validate(f"{app.url}/reports/sms/7?try=1&x=%C3%B3", app.forms[0], headers["X-Twilio-Signature"])
        assert not validator.validate(url, app.forms[0] | {"MessageStatus": "failed"}, headers["X-Twilio-Signature"])
    assert events(tmp_path, "report") == [("report", "sent"), ("report", "delivered")]


async def test_a_failure_is_reported_with_its_code(tmp_path: Path) -> None:
    handsets = Handsets(delivered_after_s=0.0, listed={PHONE: "landline"})
    async with application() as app, gateway(a_config(tmp_path, handsets=handsets)) as gate:
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(2)
        assert (app.forms[1]["MessageStatus"], app.forms[1]["ErrorCode"]) == ("undelivered", "30006")
        assert_signed(gate, app)


async def test_reports_of_many_texts_keep_the_order_of_each(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path)) as gate:
        for number in range(100):
            await gate.created(StatusCallback=f"{app.url}/reports/sms/{number}")
        await app.expect(200)
        assert (await gate.settled())["callbacks"]["posted"] == 200
        for form in app.forms:
            mine = [other["MessageStatus"] for other in app.forms if other["MessageSid"] == form["MessageSid"]]
            assert mine == ["sent", "delivered"]
        assert_signed(gate, app)


async def test_a_lost_connection_is_tried_once_more_with_the_same_token(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path)) as gate:
        app.answers = ["cut"]
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(2)
        assert (await gate.settled())["callbacks"] == {"posted": 2, "retried": 1}
        assert statuses(app) == ["sent", "delivered"]


async def test_a_report_twice_without_connection_is_given_up(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path)) as gate:
        app.answers = ["cut", "cut"]
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(1)
        assert (await gate.settled())["callbacks"] == {"posted": 1, "failed": 1, "retried": 1}
        assert statuses(app) == ["delivered"]


@pytest.mark.parametrize("status", [403, 500])
async def test_an_application_that_says_no_is_not_asked_again(tmp_path: Path, status: int) -> None:
    async with application() as app, gateway(a_config(tmp_path)) as gate:
        app.answers = [web.Response(status=status, text="no")]
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(2)
        assert (await gate.settled())["callbacks"] == {"posted": 1, "failed": 1, "retried": 0}


async def test_an_answer_in_chunks_is_understood(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path)) as gate:
        chunked = web.Response(text="thanks")
        chunked.enable_chunked_encoding()
        app.answers = [chunked]
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(2)
        assert (await gate.settled())["callbacks"]["posted"] == 2


async def test_reports_can_be_off_but_the_log_still_tells(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path, sms_faults=SmsFaults(reports_off=True))) as gate:
        message = await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await gate.settled()
        assert app.forms == []
        assert (await gate.fetch(message["sid"]))["status"] == "delivered"
    told = [(line["status"], line["cause"]) for line in lines(tmp_path) if line["event"] == "report"]
    assert told == [("sent", "reports_off"), ("delivered", "reports_off")]


async def test_reports_can_come_late(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path, sms_faults=SmsFaults(reports_delay_s=0.05))) as gate:
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await gate.settled()
        assert statuses(app) == ["sent", "delivered"]
    assert {line["cause"] for line in lines(tmp_path) if line["event"] == "report"} == {"reports_delay_s"}


async def test_reports_can_come_in_the_wrong_order(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path, sms_faults=SmsFaults(reports_swapped=1.0))) as gate:
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(2)
        assert statuses(app) == ["delivered", "sent"]
    assert events(tmp_path, "report") == [("report", "sent"), ("report", "delivered")]


async def test_reports_can_come_twice(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path, sms_faults=SmsFaults(reports_doubled=1.0))) as gate:
        await gate.created(StatusCallback=f"{app.url}/reports/sms/7")
        await app.expect(4)
        await gate.settled()
        assert statuses(app) == ["sent", "sent", "delivered", "delivered"]


async def test_a_residents_text_reaches_the_application_and_its_reply_the_phone(tmp_path: Path) -> None:
    async with application() as app:
        config = replace(a_config(tmp_path), inbound_url=f"{app.url}/inbound/sms")
        async with gateway(config) as gate:
            app.answers = [web.Response(text=TWIML, content_type="text/xml")]
            assert await gate.text("nước?") == ["You get alerts for ZIP 97214."]
            (form,) = app.forms
            assert (form["Body"], form["From"], form["To"], form["SmsStatus"]) == ("nước?", PHONE, SENDER, "received")
            assert_signed(gate, app)
            await gate.settled()
            _, page = await gate.request("GET", f"{gate.base}/Messages.json")
            assert [message["direction"] for message in page["messages"]] == ["outbound-reply", "inbound"]
            assert page["messages"][0]["status"] == "delivered"
    assert events(tmp_path, "inbound", "reply") == [("inbound", "received"), ("reply", "queued")]


TWIML = "<Response><Message>You get alerts for ZIP 97214.</Message></Response>"


async def test_after_stop_the_applications_reply_goes_nowhere(tmp_path: Path) -> None:
    async with application() as app:
        async with gateway(replace(a_config(tmp_path), inbound_url=f"{app.url}/inbound/sms")) as gate:
            app.answers = [web.Response(text=TWIML, content_type="text/xml")]
            (answer,) = await gate.text("STOP")
            assert "unsubscribed" in answer
            assert len(app.forms) == 1
    refused = [line for line in lines(tmp_path) if line["event"] == "refused"]
    assert [(line["to"], line["code"], line["body"]) for line in refused] == [(PHONE, 21610, "You get alerts for ZIP 97214.")]


async def test_an_application_that_answers_nonsense_loses_no_text(tmp_path: Path) -> None:
    async with application() as app:
        async with gateway(replace(a_config(tmp_path), inbound_url=f"{app.url}/inbound/sms")) as gate:
            app.answers = [web.Response(text="OK"), web.Response(status=500)]
            assert await gate.text("97214") == []
            assert await gate.text("97214") == []
            assert (await gate.settled())["sms"]["inbound failed"] == 2
    assert events(tmp_path, "inbound") == [("inbound", "received")] * 2


async def test_a_picture_message_is_posted_as_the_gateway_posts_it(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path, inbound_url=f"{app.url}/inbound")) as one:
        wish = {"from": PHONE, "to": SENDER, "body": "", "media": ["image/jpeg", "audio/amr"]}
        status, answer = await one.request("POST", "/control/inbound", json=wish)
        (form,) = await app.expect(1)
        assert status == 200 and answer["sid"].startswith("MM")
        assert (form["MessageSid"], form["Body"], form["NumMedia"]) == (answer["sid"], "", "2")
        assert (form["MediaContentType0"], form["MediaContentType1"]) == ("image/jpeg", "audio/amr")
        for number in range(2):
            assert f"/Messages/{answer['sid']}/Media/ME" in form[f"MediaUrl{number}"]
        assert form["MediaUrl0"] != form["MediaUrl1"]
        assert (await one.fetch(answer["sid"]))["num_media"] == "2"
        assert_signed(one, app)


async def test_a_text_has_no_media(tmp_path: Path) -> None:
    async with application() as app, gateway(a_config(tmp_path, inbound_url=f"{app.url}/inbound")) as one:
        await one.text("97214")
        (form,) = await app.expect(1)
        assert form["NumMedia"] == "0" and not any(name.startswith("Media") for name in form)
        assert form["MessageSid"].startswith("SM")


@pytest.mark.parametrize("media", ["image/jpeg", [1], ["jpeg"], ["image/jpeg\r\n"], ["image/png"] * 11, {"image/png": 1}])
async def test_media_that_no_gateway_would_send_are_refused(tmp_path: Path, media: object) -> None:
    async with gateway(a_config(tmp_path)) as one:
        wish = {"from": PHONE, "to": SENDER, "body": "", "media": media}
        status, answer = await one.request("POST", "/control/inbound", json=wish)
        assert status == 400 and "media must be" in answer["problems"][0]
