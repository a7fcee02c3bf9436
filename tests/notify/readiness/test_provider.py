"""The account and its numbers are read from a gateway that answers as Twilio does, and judged: nothing passes unseen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from channels.simulator import SimulatedSender, running
from channels.simulator.provisioning import Provisioned
from notify.readiness import provider
from notify.readiness.findings import Finding, Verdict
from notify.settings import Settings, load
from tests.channels.simulator_factories import a_config

LOCAL, TOLL_FREE, SHORT = "+15035550100", "+18005550100", "55501"
PUBLIC = "https://alerts.example.gov"
WEBHOOK = f"{PUBLIC}/inbound/sms"
PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
NUMBERS = (LOCAL, TOLL_FREE, SHORT)


def settings(url: str, senders: str, **changes: Any) -> Settings:
    given = {
        "mode": "demo",
        "twilio_url": url,
        "twilio_account_sid": "AC" + "5" * 32,
        "twilio_auth_token": "simulated-token",
        "sms_senders": senders,
        "public_url": PUBLIC,
    }
    return load(**(given | changes))


async def findings(
    folder: Path, stands: Provisioned, senders: str = f"{LOCAL}=75", phones: int = 1_000
) -> Mapping[str, list[Finding]]:
    config = a_config(folder, provisioned=stands, senders=tuple(SimulatedSender(number=one) for one in NUMBERS))
    async with running(config) as gateway:
        ours = settings(gateway.sms_url, senders)
        account = await provider.read(ours)
    assert account.skew_s is not None and abs(account.skew_s) < 5
    found: dict[str, list[Finding]] = {}
    for one in provider.judge(account, ours, phones=phones, cost=0.01):
        found.setdefault(one.check, []).append(one)
    return found


def hooks(url: str) -> dict[str, str]:
    return dict.fromkeys(NUMBERS, url)


async def test_an_account_in_order_passes_and_what_its_api_does_not_tell_stays_unknown(tmp_path: Path) -> None:
    senders = f"{LOCAL}=75,{TOLL_FREE}=3,{SHORT}=100"
    found = await findings(tmp_path, Provisioned(sms_urls=hooks(WEBHOOK)), senders)
    verdicts = {check: [one.verdict for one in ones] for check, ones in found.items()}
    assert verdicts == {
        provider.ACCOUNT: [PASS],
        provider.BALANCE: [PASS],
        provider.NUMBER: [PASS] * 3,
        provider.REGISTRATION: [PASS, PASS, UNKNOWN],
        provider.RATE: [PASS] * 3,
        provider.WEBHOOK: [PASS] * 3,
    }


@pytest.mark.parametrize(
    "stands,senders,check,verdict,told",
    [
        (Provisioned(kind="Trial"), f"{LOCAL}=1", provider.ACCOUNT, FAIL, "verified numbers only"),
        (Provisioned(status="suspended"), f"{LOCAL}=1", provider.ACCOUNT, FAIL, "is suspended"),
        (Provisioned(balance="29.99"), f"{LOCAL}=1", provider.BALANCE, FAIL, "costs 30.00"),
        (Provisioned(), f"{LOCAL}=1", provider.WEBHOOK, FAIL, "to nowhere"),
        (Provisioned(sms_urls=hooks("https://old.example.gov/inbound/sms")), f"{LOCAL}=1", provider.WEBHOOK, FAIL, "old."),
        (
            Provisioned(sms_urls=hooks(WEBHOOK), service_webhook="https://elsewhere.example.gov/"),
            f"{LOCAL}=1",
            provider.WEBHOOK,
            FAIL,
            "elsewhere",
        ),
        (Provisioned(), "+15035550999=1", provider.NUMBER, FAIL, "not a number of this account"),
        (Provisioned(campaign=""), f"{LOCAL}=1", provider.REGISTRATION, FAIL, "not there"),
        (Provisioned(campaign="PENDING"), f"{LOCAL}=1", provider.REGISTRATION, FAIL, "PENDING"),
        (Provisioned(tollfree="IN_REVIEW"), f"{TOLL_FREE}=3", provider.REGISTRATION, FAIL, "IN_REVIEW"),
        (Provisioned(tollfree=""), f"{TOLL_FREE}=3", provider.REGISTRATION, FAIL, "not there"),
        (Provisioned(), f"{LOCAL}=76", provider.RATE, FAIL, "may send 75"),
        (Provisioned(campaign=""), f"{LOCAL}=1", provider.RATE, UNKNOWN, "names no limit"),
        (Provisioned(), f"{TOLL_FREE}=25", provider.RATE, UNKNOWN, "unless Twilio has raised it"),
    ],
)
async def test_what_would_keep_texts_from_arriving_is_said(
    tmp_path: Path, stands: Provisioned, senders: str, check: str, verdict: Verdict, told: str
) -> None:
    (found,) = (await findings(tmp_path, stands, senders))[check]
    assert (found.verdict, told in found.says) == (verdict, True), found
    assert found.do


async def test_without_people_nobody_says_that_the_money_is_enough(tmp_path: Path) -> None:
    (found,) = (await findings(tmp_path, Provisioned(), phones=0))[provider.BALANCE]
    assert found.verdict is FAIL


async def test_a_gateway_that_refuses_or_is_gone_is_not_taken_for_one_in_order(tmp_path: Path) -> None:
    async with running(a_config(tmp_path)) as gateway:
        url = gateway.sms_url
        with pytest.raises(provider.CannotAsk, match="check account and token"):
            await provider.read(settings(url, f"{LOCAL}=1", twilio_auth_token="wrong"))
    with pytest.raises(provider.CannotAsk, match="cannot be asked"):
        await provider.read(settings(url, f"{LOCAL}=1"))
