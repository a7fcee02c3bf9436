"""Handing texts over: what is sent, what one answer means for the rest of a batch, and how a send ends early."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Handed, Misconfigured, Receipt, Refused, Retry, Unknown
from channels.sms import TwilioSms
from channels.twilio_http import NotSent, Reply, TwilioGateway, Unanswered
from tests.channels.sms_factories import (
    ACCOUNT_SID,
    FROM,
    TOKEN,
    FakeTwilio,
    Request,
    a_channel,
    accepted,
    an_account,
    an_outbound,
    outbounds,
    receipts_of,
    refused,
    sid,
)


async def test_a_text_leaves_as_it_was_approved() -> None:
    body = "Portland: hierva el agua 1 minuto – ¿dudas? 311 & más.\nĐun sôi nước. اغلوا الماء. 请煮沸 💧"
    async with FakeTwilio().serve() as fake, a_channel(fake) as sms:
        assert await receipts_of(sms, [an_outbound(41, body=body)]) == [Receipt(41, Handed(sid(1)))]
    request = fake.requests[0]
    assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json")
    assert request.form == {
        "To": "+15035550041",
        "From": FROM,
        "Body": body,
        "StatusCallback": "https://alerts.example.gov/reports/sms/41",
    }
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT_SID}:{TOKEN}"
    assert request.headers["user-agent"].startswith("twilio-python/")


@pytest.mark.parametrize(
    ("valid_for", "sent"),
    [(timedelta(hours=2), "7200"), (timedelta(seconds=90.9), "90"), (timedelta(days=3), "36000"), (timedelta(0), "1")],
)
async def test_twilio_is_told_how_long_a_text_is_worth_sending(valid_for: timedelta, sent: str) -> None:
    async with FakeTwilio().serve() as fake, a_channel(fake) as sms:
        await receipts_of(sms, [an_outbound(valid_for=valid_for)])
    assert fake.requests[0].form["ValidityPeriod"] == sent


async def test_connections_are_kept_and_never_more_than_allowed() -> None:
    async with FakeTwilio().serve() as fake, a_channel(fake, connections=3) as sms:
        for _ in range(3):
            receipts = await receipts_of(sms, outbounds(20))
            assert sorted(receipt.delivery_id for receipt in receipts) == list(range(1, 21))
    assert len(fake.posts) == 60
    assert fake.connections <= 3


async def test_receipts_come_as_calls_complete() -> None:
    second_answered = asyncio.Event()

    async def answer(request: Request) -> bytes:
        if request.form["To"] == "+15035550001":
            await second_answered.wait()
        return accepted(int(request.form["To"][-1]))

    async with FakeTwilio(answer).serve() as fake, a_channel(fake) as sms:
        seen = []
        async for receipt in sms.send(outbounds(2)):
            seen.append(receipt.delivery_id)
            second_answered.set()
    assert seen == [2, 1]


async def test_after_a_429_nothing_more_of_the_batch_is_posted() -> None:
    async def busy(request: Request) -> bytes:
        return accepted(1) if request.form["To"] == "+15035550001" else refused(20429, 429, "Retry-After: 7\r\n")

    async with FakeTwilio(busy).serve() as fake, a_channel(fake, connections=1) as sms:
        receipts = await receipts_of(sms, outbounds(10))
    assert receipts[0].outcome == Handed(sid(1))
    for receipt in receipts[1:]:
        assert isinstance(receipt.outcome, Retry)
        assert (receipt.outcome.after, receipt.outcome.pause_sender) == (timedelta(seconds=7), True)
    assert len(fake.requests) == 2


async def test_people_who_cannot_be_texted_do_not_hold_up_the_others() -> None:
    codes = {"+15035550002": 21610, "+15035550003": 21211, "+15035550004": 21408}

    async def answer(request: Request) -> bytes:
        code = codes.get(request.form["To"])
        return refused(code) if code else accepted(1)

    async with FakeTwilio(answer).serve() as fake, a_channel(fake) as sms:
        outcomes = {r.delivery_id: r.outcome for r in await receipts_of(sms, outbounds(6))}
    assert {n for n, outcome in outcomes.items() if outcome == Handed(sid(1))} == {1, 5, 6}
    assert isinstance(outcomes[2], Refused)
    assert outcomes[2].opted_out
    assert "503" not in outcomes[3].reason  # type: ignore[union-attr]


async def collect(sms: TwilioSms, count: int) -> tuple[list[Receipt], str]:
    """All receipts of a batch, and the sentence of the Misconfigured that followed."""
    receipts = []
    with pytest.raises(Misconfigured) as stopped:
        async for receipt in sms.send(outbounds(count)):
            receipts.append(receipt)
    return receipts, str(stopped.value)


async def test_a_wrong_token_stops_the_channel_after_every_row_has_been_released() -> None:
    async def answer(request: Request) -> bytes:
        return accepted(1) if request.form["To"] == "+15035550001" else refused(20003, 401)

    async with FakeTwilio(answer).serve() as fake, a_channel(fake, connections=1) as sms:
        receipts, sentence = await collect(sms, 5)
    assert [receipt.delivery_id for receipt in receipts] == [1, 2, 3, 4, 5]
    assert receipts[0].outcome == Handed(sid(1))
    assert {type(receipt.outcome) for receipt in receipts[1:]} == {Retry}
    assert "TOCSIN_TWILIO_AUTH_TOKEN" in sentence
    assert len(fake.requests) == 2


async def test_a_sending_number_that_is_not_ours_costs_nobody_the_alert() -> None:
    async def answer(request: Request) -> bytes:
        return refused(21606)

    async with FakeTwilio(answer).serve() as fake, a_channel(fake) as sms:
        receipts, sentence = await collect(sms, 25)
    assert {type(receipt.outcome) for receipt in receipts} == {Retry}
    assert len(receipts) == 25
    assert "TOCSIN_SMS_SENDERS" in sentence


async def test_a_sending_number_that_works_is_not_blamed_for_one_persons_number() -> None:
    async def answer(request: Request) -> bytes:
        return refused(21606) if request.form["To"] == "+15035550001" else accepted(1)

    async with FakeTwilio(answer).serve() as fake, a_channel(fake, connections=1) as sms:
        receipts = await receipts_of(sms, outbounds(3))
        later = await receipts_of(sms, outbounds(1))
    assert [receipt.delivery_id for receipt in receipts] == [2, 3, 1]
    assert isinstance(receipts[2].outcome, Refused)
    assert isinstance(later[0].outcome, Refused)


class ScriptedGateway(TwilioGateway):
    """Answers without a socket, in the order given."""

    def __init__(self, answers: Sequence[Reply | NotSent | Unanswered], connections: int) -> None:
        super().__init__(an_account(connections=connections))
        self.answers = list(answers)
        self.calls = 0

    async def post(self, form: bytes) -> Reply:
        self.calls += 1
        answer = self.answers.pop()
        await asyncio.sleep(0)
        if isinstance(answer, Reply):
            return answer
        raise answer


ANSWERS: dict[str, Reply | NotSent | Unanswered] = {
    "accepted": Reply(201, b'{"sid": "SM1"}'),
    "unreadable": Reply(201, b""),
    "number": Reply(400, b'{"code": 21211}'),
    "sender": Reply(400, b'{"code": 21606}'),
    "limit": Reply(429, b"", "3"),
    "token": Reply(401, b'{"code": 20003}'),
    "broken": Reply(503, b""),
    "not sent": NotSent("no connection in time"),
    "timeout": Unanswered("timeout"),
}
NEVER_LEFT = {"number", "sender", "limit", "token", "not sent"}


@given(names=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=30), connections=st.integers(1, 5))
def test_every_row_gets_exactly_one_receipt_and_no_possible_hand_over_is_retried(names: list[str], connections: int) -> None:
    gateway = ScriptedGateway([ANSWERS[name] for name in names], connections)
    receipts: list[Receipt] = []

    async def run() -> None:
        async for receipt in TwilioSms(gateway, FROM).send(outbounds(len(names))):
            receipts.append(receipt)

    try:
        asyncio.run(run())
    except Misconfigured:
        assert {"token", "sender"} & set(names)
    assert sorted(receipt.delivery_id for receipt in receipts) == list(range(1, len(names) + 1))
    answered = list(reversed(names))[: gateway.calls]
    maybe_accepted = sum(1 for name in answered if name not in NEVER_LEFT)
    assert sum(1 for receipt in receipts if isinstance(receipt.outcome, Handed | Unknown)) == maybe_accepted
    stopped = {"limit", "token", "not sent"} & set(answered)
    assert gateway.calls == len(names) or stopped


async def test_a_cancelled_send_swallows_nothing_and_starts_nothing_more() -> None:
    hang = asyncio.Event()

    async def never(request: Request) -> bytes:
        await hang.wait()
        return b""

    async with FakeTwilio(never).serve() as fake, a_channel(fake, connections=2) as sms:
        task = asyncio.create_task(receipts_of(sms, outbounds(10)))
        await fake.seen(2)
        before = asyncio.all_tasks()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ours = {task for task in before if "_work" in repr(task.get_coro())}
        assert len(ours) == 2
        assert all(task.cancelled() for task in ours)
        hang.set()
    assert len(fake.requests) == 2


async def test_a_send_that_is_given_up_half_way_starts_nothing_more() -> None:
    async with FakeTwilio().serve() as fake, a_channel(fake, connections=1) as sms:
        sending = sms.send(outbounds(50))
        await anext(sending)
        await sending.aclose()  # type: ignore[attr-defined]
        posted = len(fake.requests)
        await receipts_of(sms, outbounds(1))
    assert len(fake.requests) == posted + 1 < 50
