"""How the Twilio account and the city's numbers stand, as far as Twilio's API tells it: read first, then judged.

Accounts, Balance, IncomingPhoneNumbers, ShortCodes (API v2010); Services, PhoneNumbers, Usa2p, Tollfree/Verifications
(Messaging v1). Short codes' carrier approval and a raised toll-free rate are in none of them: those stay unknown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp

from notify.alerts.alert import Mode
from notify.readiness.findings import Finding, failed, judged, passed, unknown
from notify.setting_values import SenderSetting
from notify.settings import Settings

ACCOUNT: Final = "texts: account"
BALANCE: Final = "texts: balance"
NUMBER: Final = "texts: number"
REGISTRATION: Final = "texts: registration"
RATE: Final = "texts: rate"
WEBHOOK: Final = "texts: webhook"
SHORT_CODE: Final = re.compile(r"[2-9]\d{4,5}")
TOLL_FREE: Final = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")
SHORT_CODE_RATE: Final = 100.0  # segments a second a new short code may send
TOLL_FREE_RATE: Final = 3.0  # and a toll-free number, unless Twilio has raised it
INBOUND_PATH: Final = "/inbound/sms"
PATIENCE_S: Final = 10.0
PARTS_EACH: Final = 3  # a first text has at most so many in most languages
MOST_SKEW_S: Final = 5.0  # the Date of an answer has whole seconds, and the answer takes its time


class CannotAsk(Exception):
    """The provider did not tell; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one of the city's numbers is to its provider. kind: short code, toll-free or local; registration: the state of
    its campaign or verification, "" for none; rate_limit: segments a second that the API names, None when it names none."""

    setting: SenderSetting
    kind: str
    owned: bool
    can_text: bool = False
    webhook: str = ""
    registration: str = ""
    rate_limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """skew_s: how much later the provider's clock was than ours, None when it did not say."""

    status: str
    kind: str
    balance: float
    currency: str
    skew_s: float | None
    numbers: Sequence[Standing] = field(default=())


async def read(settings: Settings) -> Account:
    """Raises CannotAsk."""
    auth = {
        "Authorization": aiohttp.encode_basic_auth(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    }
    async with aiohttp.ClientSession(headers=auth, timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
        api = f"{settings.twilio_url.rstrip('/')}/2010-04-01/Accounts/{settings.twilio_account_sid}"
        account, skew_s = await _get(session, f"{api}.json")
        balance, _ = await _get(session, f"{api}/Balance.json")
        simulated = settings.mode is not Mode.LIVE  # one simulator is both, and no other mode asks the real one
        base = settings.twilio_url if simulated else settings.messaging_url
        messaging = _Messaging(session, base.rstrip("/"))
        numbers = [await _standing(session, api, messaging, one) for one in settings.sms_senders]
    try:
        return Account(
            status=str(account["status"]),
            kind=str(account.get("type", "")),
            balance=float(balance["balance"]),
            currency=str(balance["currency"]),
            skew_s=skew_s,
            numbers=numbers,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CannotAsk("what answers is not Twilio's API") from error


async def _get(session: aiohttp.ClientSession, url: str, **query: str) -> tuple[dict[str, Any], float | None]:
    """The document, and how far its Date is ahead of us."""
    try:
        async with session.get(url, params=query) as answer:
            document = await answer.json(content_type=None)
            status, date = answer.status, answer.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise CannotAsk(f"{url.partition('//')[2].partition('/')[0]} cannot be asked: {type(error).__name__}") from error
    if status != 200 or not isinstance(document, dict):
        raise CannotAsk(f"HTTP {status} for {url.rpartition('/')[2]}; check account and token")
    return document, _skew(date)


def _skew(date: str) -> float | None:
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() + 0.5  # a Date is cut to its second
    except ValueError:
        return None


@dataclass(slots=True)
class _Messaging:
    """The Messaging API, its services read once. services: each with the phone numbers in it."""

    session: aiohttp.ClientSession
    base: str
    _services: list[tuple[dict[str, Any], set[str]]] | None = None

    async def service_of(self, number: str) -> dict[str, Any] | None:
        if self._services is None:
            found, _ = await _get(self.session, f"{self.base}/v1/Services")
            self._services = []
            for one in found.get("services", []):
                listed, _ = await _get(self.session, f"{self.base}/v1/Services/{one['sid']}/PhoneNumbers")
                self._services.append((one, {each.get("phone_number", "") for each in listed.get("phone_numbers", [])}))
        return next((one for one, numbers in self._services if number in numbers), None)

    async def campaign(self, service: str) -> dict[str, Any]:
        found, _ = await _get(self.session, f"{self.base}/v1/Services/{service}/Compliance/Usa2p")
        campaigns: list[dict[str, Any]] = found.get("compliance", [])
        return campaigns[0] if campaigns else {}

    async def verification(self, sid: str) -> str:
        found, _ = await _get(self.session, f"{self.base}/v1/Tollfree/Verifications", TollfreePhoneNumberSid=sid)
        return str(next((one.get("status", "") for one in found.get("verifications", [])), ""))


def kind_of(number: str) -> str:
    if SHORT_CODE.fullmatch(number):
        return "short code"
    return "toll-free number" if number.startswith(TOLL_FREE) else "local number"


async def _standing(session: aiohttp.ClientSession, api: str, messaging: _Messaging, one: SenderSetting) -> Standing:
    kind = kind_of(one.number)
    if kind == "short code":
        found, _ = await _get(session, f"{api}/SMS/ShortCodes.json", ShortCode=one.number)
        row = next((each for each in found.get("short_codes", []) if each.get("short_code") == one.number), None)
    else:
        found, _ = await _get(session, f"{api}/IncomingPhoneNumbers.json", PhoneNumber=one.number)
        row = next((each for each in found.get("incoming_phone_numbers", []) if each.get("phone_number") == one.number), None)
    if row is None:
        return Standing(setting=one, kind=kind, owned=False)
    webhook = str(row.get("sms_url") or "")
    registration, limit = "", None
    if kind == "toll-free number":
        registration = await messaging.verification(str(row.get("sid", "")))
    elif kind == "local number" and (service := await messaging.service_of(one.number)) is not None:
        campaign = await messaging.campaign(str(service["sid"]))
        registration, limit = str(campaign.get("campaign_status") or ""), _least_rate(campaign.get("rate_limits"))
        if service.get("use_inbound_webhook_on_number") is False:  # then texts go where the service says
            webhook = str(service.get("inbound_request_url") or "")
    can_text = kind == "short code" or bool((row.get("capabilities") or {}).get("sms"))
    return Standing(
        setting=one, kind=kind, owned=True, can_text=can_text, webhook=webhook, registration=registration, rate_limit=limit
    )


def _least_rate(limits: object) -> float | None:
    """The smallest of the rates that carriers are said to take, segments a second; None when none is said."""
    named = [each.get("mps") for each in limits.values() if isinstance(each, Mapping)] if isinstance(limits, Mapping) else []
    rates = [float(each) for each in named if isinstance(each, int | float) and each > 0]
    return min(rates, default=None)


def judge(account: Account, settings: Settings, *, phones: int, cost: float) -> list[Finding]:
    """phones: that can be texted; cost: of a segment."""
    faults = [f"The account is {account.status}."] if account.status != "active" else []
    if account.kind != "Full":
        faults.append(f"The account is of type {account.kind or 'unknown'}: a trial account texts verified numbers only.")
    found = [judged(ACCOUNT, faults, "The account is active and a full one.", "Settle it with Twilio.")]
    found.append(_balance(account, phones, cost))
    for one in account.numbers:
        found += number(one, settings.public_url)
    return found


def _balance(account: Account, phones: int, cost: float) -> Finding:
    needed = phones * PARTS_EACH * cost
    shown = f"{account.balance:,.2f} {account.currency}"
    if not phones:
        return failed(BALANCE, f"{shown}, and no phone is signed up: what an alert costs is not known.", "Import people first.")
    if account.balance < needed:
        says = f"{shown}; one alert of {PARTS_EACH} parts to {phones:,} phones costs {needed:,.2f}."
        return failed(BALANCE, says, "Pay in, and let Twilio refill it by itself (auto-recharge).")
    return passed(BALANCE, f"{shown} pay for an alert of {PARTS_EACH} parts to all {phones:,} phones ({needed:,.2f}).")


def number(one: Standing, public_url: str) -> list[Finding]:
    name = f"{one.kind} {one.setting.number}"
    if not one.owned:
        return [failed(NUMBER, f"{name} is not a number of this account.", "Correct TOCSIN_SMS_SENDERS or move the number.")]
    faults = [] if one.can_text else [f"{name} cannot send texts."]
    wanted = public_url.rstrip("/") + INBOUND_PATH
    hook = [] if one.webhook == wanted else [f"{name} posts texts to {one.webhook or 'nowhere'}, not to {wanted}."]
    return [
        judged(NUMBER, faults, f"{name} is ours and can send texts.", "Buy texting for it, or use another number."),
        _registration(one, name),
        _rate(one, name),
        judged(WEBHOOK, hook, f"{name} posts texts to {wanted}.", "Set it at Twilio: else no STOP is heard."),
    ]


def _registration(one: Standing, name: str) -> Finding:
    if one.kind == "short code":
        do = "Keep the carriers' approval letters with this report."
        return unknown(REGISTRATION, f"{name}: Twilio's API does not say which carriers have approved it.", do)
    good, what = ("TWILIO_APPROVED", "verification") if one.kind == "toll-free number" else ("VERIFIED", "A2P 10DLC campaign")
    if one.registration == good:
        return passed(REGISTRATION, f"{name}: its {what} is approved.")
    says = f"{name}: its {what} is {one.registration or 'not there'}; carriers block what it sends."
    return failed(REGISTRATION, says, f"Finish the {what} with Twilio; it can take weeks.")


def _rate(one: Standing, name: str) -> Finding:
    rate = one.setting.rate
    usual = {"short code": SHORT_CODE_RATE, "toll-free number": TOLL_FREE_RATE}.get(one.kind, one.rate_limit)
    if usual is None:
        return unknown(RATE, f"{name} is set to {rate:g} a second; Twilio's API names no limit.", "Ask Twilio in writing.")
    if rate <= usual:
        return passed(RATE, f"{name} is set to {rate:g} a second, within {usual:g}.")
    if one.kind == "local number":
        says = f"{name} is set to {rate:g} a second; its campaign may send {usual:g}: the rest is queued or dropped."
        return failed(RATE, says, "Lower the rate in TOCSIN_SMS_SENDERS.")
    says = f"{name} is set to {rate:g} a second; one has {usual:g} unless Twilio has raised it, which its API does not say."
    return unknown(RATE, says, "Have Twilio confirm the rate in writing, or lower it in TOCSIN_SMS_SENDERS.")
