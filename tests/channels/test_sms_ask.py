"""Asking Twilio what became of a text nobody answered for."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from channels.base import Answer, Asks, Delivered, Handed, Misconfigured, Question, Undelivered
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from tests.channels.sms_factories import ACCOUNT_SID, FROM, FakeTwilio, Request, a_channel, an_account, http, refused, sid

CLAIMED = datetime(2014, 5, 23, 18, 16, 0, 700_000, tzinfo=UTC)
BODY = "Portland: boil your water. اغلوا الماء"
LIST = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"


def a_message(number: int = 1, *, after_s: int = 0, **changes: Any) -> dict[str, Any]:
    """A Message resource created so many whole seconds after the claim's."""
    created = CLAIMED.replace(microsecond=0) + timedelta(seconds=after_s)
    return {
        "sid": sid(number),
        "body": BODY,
        "status": "sent",
        "error_code": None,
        "date_created": format_datetime(created),
        "date_sent": None,
        "date_updated": None,
    } | changes


def a_page(*messages: dict[str, Any], next_uri: str | None = None) -> bytes:
    return http(200, {"messages": messages, "next_page_uri": next_uri, "page": 0, "page_size": 1000, "uri": LIST})


def a_question(number: int = 1) -> Question:
    return Question(delivery_id=number, address=f"+1503555{number:04}", body=BODY, claimed_at=CLAIMED)


async def found_among(*messages: dict[str, Any]) -> list[Any]:
    async def listing(request: Request) -> bytes:
        return a_page(*messages)

    async with FakeTwilio(listing).serve() as fake, a_channel(fake) as sms:
        [answer] = await sms.ask([a_question()])
    return list(answer.found)


async def test_the_list_is_asked_by_both_numbers_and_no_date() -> None:
    async def listing(request: Request) -> bytes:
        return a_page()

    async with FakeTwilio(listing).serve() as fake, a_channel(fake) as sms:
        assert isinstance(sms, Asks)
        assert await sms.ask([a_question()]) == [Answer(delivery_id=1, found=[])]
    [request] = fake.requests
    assert (request.method, request.path) == ("GET", LIST)
    assert request.query == {"To": "+15035550001", "From": FROM, "PageSize": "1000"}
    assert request.headers["authorization"].startswith("Basic ")


async def test_the_text_that_was_accepted_is_found_with_its_standing() -> None:
    assert await found_among(a_message(1)) == [(sid(1), Handed(sid(1)))]
    assert await found_among(a_message(1, status="delivered")) == [(sid(1), Delivered())]
    [(_, outcome)] = await found_among(a_message(1, status="undelivered", error_code=30003))
    assert isinstance(outcome, Undelivered)
    assert outcome.code == "30003"


@pytest.mark.parametrize("other", ["", BODY + " ", BODY[:-1], BODY.upper()])
async def test_another_text_to_the_same_person_is_not_taken_for_it(other: str) -> None:
    assert await found_among(a_message(body=other)) == []


@pytest.mark.parametrize(("after_s", "matches"), [(-60, False), (-5, False), (-4, True), (0, True), (600, True)])
async def test_only_a_text_created_since_shortly_before_the_claim_matches(after_s: int, matches: bool) -> None:
    assert bool(await found_among(a_message(after_s=after_s))) == matches  # claimed 0.7 s into its second


async def test_two_matches_are_both_told() -> None:
    assert [one for one, _ in await found_among(a_message(2, after_s=3), a_message(1))] == [sid(2), sid(1)]


async def test_pages_are_followed_until_they_are_older_than_the_claim() -> None:
    pages = {
        "": a_page(a_message(9, after_s=90, body="Later."), next_uri=f"{LIST}?Page=1"),
        "1": a_page(a_message(1, after_s=2), a_message(8, after_s=-900), next_uri=f"{LIST}?Page=2"),
        "2": a_page(a_message(7, after_s=-901), next_uri=f"{LIST}?Page=3"),
    }

    async def listing(request: Request) -> bytes:
        return pages[request.query.get("Page", "")]

    async with FakeTwilio(listing).serve() as fake, a_channel(fake) as sms:
        [answer] = await sms.ask([a_question()])
    assert [one for one, _ in answer.found] == [sid(1)]
    assert len(fake.requests) == 3


async def test_answers_come_in_the_order_of_the_questions_ten_at_a_time() -> None:
    under_way = most = 0

    async def listing(request: Request) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return a_page(a_message(int(request.query["To"][-4:])))

    async with FakeTwilio(listing).serve() as fake, a_channel(fake) as sms:
        answers = await sms.ask([a_question(number) for number in range(40, 0, -1)])
    assert [(answer.delivery_id, answer.found[0][0]) for answer in answers] == [(n, sid(n)) for n in range(40, 0, -1)]
    assert most <= 10


CANNOT_SAY = {
    "500": http(500),
    "503": http(503),
    "429": refused(20429, 429),
    "400": refused(20007),
    "no JSON": http(200, body=b"<html>"),
    "a list": http(200, []),
    "no message": http(200, {"messages": [3]}),
    "cut": None,
}


@pytest.mark.parametrize("answer", CANNOT_SAY.values(), ids=CANNOT_SAY)
async def test_a_twilio_that_cannot_be_asked_is_never_taken_for_a_no(answer: bytes | None) -> None:
    async def always(request: Request) -> bytes | None:
        return answer

    async with FakeTwilio(always).serve() as fake, a_channel(fake) as sms:
        with pytest.raises(ConnectionError):
            await sms.ask([a_question(number) for number in range(1, 15)])


async def test_a_page_that_fails_late_is_never_taken_for_a_no() -> None:
    async def listing(request: Request) -> bytes:
        return http(500) if "Page" in request.query else a_page(a_message(9, body="Later."), next_uri=f"{LIST}?Page=1")

    async with FakeTwilio(listing).serve() as fake, a_channel(fake) as sms:
        with pytest.raises(ConnectionError):
            await sms.ask([a_question()])


async def test_a_wrong_token_is_a_matter_for_staff() -> None:
    async def always(request: Request) -> bytes:
        return refused(20003, 401)

    async with FakeTwilio(always).serve() as fake, a_channel(fake) as sms:
        with pytest.raises(Misconfigured):
            await sms.ask([a_question()])


async def test_a_slow_twilio_is_not_waited_for_beyond_the_time_out() -> None:
    hang = asyncio.Event()

    async def never(request: Request) -> bytes:
        await hang.wait()
        return b""

    async with FakeTwilio(never).serve() as fake:
        async with a_channel(fake, total_timeout_s=0.1) as sms:
            with pytest.raises(ConnectionError):
                await sms.ask([a_question()])
        hang.set()


async def test_a_channel_that_is_not_open_cannot_ask() -> None:
    with pytest.raises(ConnectionError):
        await TwilioSms(TwilioGateway(an_account()), FROM).ask([a_question()])
