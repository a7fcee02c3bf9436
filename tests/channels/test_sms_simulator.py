"""The SMS channel against the simulated carrier, judged by the carrier's own log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from channels.base import (
    Delivered,
    Forged,
    Handed,
    Inbound,
    Outbound,
    Outcome,
    Question,
    Receipt,
    Refused,
    Retry,
    Undelivered,
    Unknown,
)
from channels.simulator import Handsets
from channels.simulator.faults import SmsFaults
from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from tests.channels.simulator_factories import SENDER, Application, a_config, application, gateway, lines
from tests.channels.sms_factories import LONG_S, an_account, an_outbound, outbounds, receipts_of

TEXTS = [
    "Portland: boil tap water 1 full minute before drinking.",
    "Portland: hierva el agua del grifo 1 minuto. ¿Dudas? 311",
    "Portland: đun sôi nước máy 1 phút trước khi uống.",
    "波特兰：饮用前请将自来水煮沸一分钟。",
    "بورتلاند: اغلوا ماء الصنبور دقيقة كاملة قبل الشرب.",
    "Портленд: кипятите воду 1 минуту.\nhttps://alerts.example.gov/a/7Q2K",
]


@asynccontextmanager
async def a_sender(folder: Path, **changes: Any) -> AsyncIterator[tuple[TwilioSms, Any, Application]]:
    """An open channel, the simulator it talks to, and the place its reports go."""
    config = a_config(folder, **changes)
    async with application() as city, gateway(config) as carrier:
        account = an_account(
            carrier.url,
            account_sid=config.account_sid,
            auth_token=config.auth_token,
            public_url=city.url,
            total_timeout_s=1.0 if config.sms_faults.hang_after or config.sms_faults.hang_before else LONG_S,
        )
        sms = TwilioSms(TwilioGateway(account), SENDER)
        await sms.open()
        yield sms, carrier, city
        await sms.close()


def accepted(folder: Path) -> dict[str, str]:
    """By number: the id of the message the carrier accepted for it."""
    return {line["to"]: line["sid"] for line in lines(folder) if line["event"] == "accepted"}


def reports(sms: TwilioSms, city: Application) -> list[Receipt]:
    """Every report that came in, read in turn."""
    read: list[Receipt] = []
    for url, headers, form in city.requests:
        read += sms.read_report(Inbound(url=url, path=urlsplit(url).path, headers=headers, form=tuple(form.items())))
    return read


def by_delivery(receipts: Sequence[Receipt]) -> dict[int, Outcome]:
    return {receipt.delivery_id: receipt.outcome for receipt in receipts}


async def test_every_text_arrives_as_approved_and_its_report_finds_its_delivery(tmp_path: Path) -> None:
    batch = [an_outbound(number, body=TEXTS[number % len(TEXTS)]) for number in range(1, 61)]
    async with a_sender(tmp_path) as (sms, carrier, city):
        handed = by_delivery(await receipts_of(sms, batch))
        await carrier.settled()
        told = reports(sms, city)
    log = {line["to"]: line for line in lines(tmp_path) if line["event"] == "accepted"}
    for outbound in batch:
        line = log[outbound.address]
        assert (line["body"], line["from"]) == (outbound.content.body, SENDER)
        assert handed[outbound.delivery_id] == Handed(line["sid"])
        last = [receipt for receipt in told if receipt.delivery_id == outbound.delivery_id][-1]
        assert last == Receipt(outbound.delivery_id, Delivered(), line["sid"])
    assert len(log) == len(batch)


async def test_what_the_carrier_has_is_never_called_unsent_and_asking_tells_the_rest(tmp_path: Path) -> None:
    faults = SmsFaults(cut_before=0.1, cut_after=0.1, error_after=0.1, hang_before=0.02, hang_after=0.02, too_many=0.01)
    batch = {number: an_outbound(number) for number in range(200, 500)}
    receipts: list[Receipt] = []
    started = datetime.now(UTC)
    async with a_sender(tmp_path, sms_faults=faults) as (sms, _, _):
        waiting = dict(batch)
        while waiting:  # what was proven unsent goes again, as the ledger would have it
            for receipt in await receipts_of(sms, list(waiting.values())):
                if not isinstance(receipt.outcome, Retry):
                    receipts.append(receipt)
                    del waiting[receipt.delivery_id]
        unknown = [batch[r.delivery_id] for r in receipts if isinstance(r.outcome, Unknown)]
        answers = await sms.ask([a_question(outbound, started) for outbound in unknown])
    there = accepted(tmp_path)
    assert len(receipts) == 300
    assert len([line for line in lines(tmp_path) if line["event"] == "accepted"]) == len(there)  # nobody got it twice
    for receipt in receipts:
        if isinstance(receipt.outcome, Handed):
            assert there[batch[receipt.delivery_id].address] == receipt.outcome.provider_id
    assert {outbound.address for outbound in batch.values()} - set(there) <= {outbound.address for outbound in unknown}
    assert len(unknown) > 30
    for outbound, answer in zip(unknown, answers, strict=True):
        assert [sid for sid, _ in answer.found] == ([there[outbound.address]] if outbound.address in there else [])


def a_question(outbound: Outbound, claimed_at: datetime) -> Question:
    return Question(
        delivery_id=outbound.delivery_id, address=outbound.address, body=outbound.content.body, claimed_at=claimed_at
    )


async def test_a_report_adopts_a_text_whose_answer_was_lost(tmp_path: Path) -> None:
    async with a_sender(tmp_path, sms_faults=SmsFaults(cut_after=1.0)) as (sms, carrier, city):
        assert by_delivery(await receipts_of(sms, outbounds(5))) == {n: Unknown("connection lost") for n in range(1, 6)}
        await carrier.settled()
        told = reports(sms, city)
    there = accepted(tmp_path)
    for number in range(1, 6):
        assert Receipt(number, Delivered(), there[an_outbound(number).address]) in told


async def test_a_person_who_texted_stop_is_refused_and_mirrored(tmp_path: Path) -> None:
    async with a_sender(tmp_path) as (sms, carrier, _):
        await carrier.text("STOP", phone=an_outbound(2).address)
        outcomes = by_delivery(await receipts_of(sms, outbounds(3)))
    assert isinstance(outcomes[2], Refused)
    assert (outcomes[2].code, outcomes[2].opted_out) == ("21610", True)
    assert isinstance(outcomes[1], Handed)
    assert isinstance(outcomes[3], Handed)


@pytest.mark.parametrize(
    ("ending", "code"), [("unreachable", "30003"), ("unknown", "30005"), ("landline", "30006"), ("filtered", "30007")]
)
async def test_a_text_that_cannot_arrive_is_reported_with_its_reason(tmp_path: Path, ending: str, code: str) -> None:
    handsets = Handsets(listed={an_outbound(1).address: ending}, delivered_after_s=0.0)
    async with a_sender(tmp_path, handsets=handsets) as (sms, carrier, city):
        await receipts_of(sms, outbounds(1))
        await carrier.settled()
        last = reports(sms, city)[-1].outcome
    assert isinstance(last, Undelivered)
    assert last.code == code
    assert last.reason.endswith(".")


async def test_after_a_429_the_rest_waits_as_long_as_the_carrier_says(tmp_path: Path) -> None:
    async with a_sender(tmp_path, sms_faults=SmsFaults(too_many_next=1, retry_after_s=9)) as (sms, _, _):
        [first] = await receipts_of(sms, outbounds(1))
        assert isinstance(first.outcome, Retry)
        assert (first.outcome.after, first.outcome.pause_sender) == (timedelta(seconds=9), True)
        [again] = await receipts_of(sms, outbounds(1))
        assert isinstance(again.outcome, Handed)


async def test_the_carriers_own_limits_are_met(tmp_path: Path) -> None:
    batch = [
        an_outbound(1, body="x" * 1600, valid_for=timedelta(days=2)),
        an_outbound(2, body="x" * 1601),
        an_outbound(3, body=""),
    ]
    async with a_sender(tmp_path) as (sms, _, _):
        await receipts_of(sms, outbounds(1))
        outcomes = by_delivery(await receipts_of(sms, batch))
    assert isinstance(outcomes[1], Handed)
    assert [outcomes[n].code for n in (2, 3)] == ["21617", "21602"]  # type: ignore[union-attr]


async def test_reports_made_with_another_token_are_forgeries(tmp_path: Path) -> None:
    async with a_sender(tmp_path) as (sms, carrier, city):
        await receipts_of(sms, outbounds(1))
        await carrier.settled()
        stranger = TwilioSms(TwilioGateway(an_account(auth_token="another token", public_url=city.url)), SENDER)
        with pytest.raises(Forged):
            reports(stranger, city)
