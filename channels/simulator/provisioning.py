"""What the account owns, as the gateway's own API tells it: state, balance, numbers with their webhooks, registrations.

Shapes as in https://github.com/twilio/twilio-oai (api v2010: Account, Balance, IncomingPhoneNumber, ShortCode; messaging v1:
Service, PhoneNumber, Usa2p, Tollfree/Verifications), cut down to what a reader of them needs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from channels.simulator.numbers import SHORT_CODE

TOLL_FREE: Final = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """How the account stands with its gateway. status: active, suspended or closed; kind: Full or Trial; sms_urls: where texts
    to a number are posted, instead of the simulator's own inbound URL; campaign and tollfree: the state of a registration, ""
    where there is none; service_webhook: the service answers instead of its numbers, at this URL."""

    status: str = "active"
    kind: str = "Full"
    balance: str = "500.00"
    sms_urls: Mapping[str, str] = field(default_factory=dict)
    voice_url: str = ""
    campaign: str = "VERIFIED"
    tollfree: str = "TWILIO_APPROVED"
    service_webhook: str = ""


def sid(prefix: str, number: str) -> str:
    """A made-up id that stays the same for one number."""
    return prefix + hashlib.md5(number.encode(), usedforsecurity=False).hexdigest()


def is_toll_free(number: str) -> bool:
    return number.startswith(TOLL_FREE)


class Provisioning:
    """The documents, by request. numbers: the account's senders; inbound_url: where its texts go by default."""

    def __init__(self, stands: Provisioned, numbers: Sequence[str], inbound_url: str) -> None:
        self.stands, self._inbound_url = stands, inbound_url
        self._short = [number for number in numbers if SHORT_CODE.fullmatch(number)]
        self._long = [number for number in numbers if not SHORT_CODE.fullmatch(number)]

    def balance(self, request: web.Request) -> dict[str, Any]:
        return {"account_sid": request.match_info["account"], "balance": self.stands.balance, "currency": "USD"}

    def numbers(self, request: web.Request) -> dict[str, Any]:
        wanted = request.query.get("PhoneNumber", "")
        return {"incoming_phone_numbers": [self._number(one) for one in self._long if wanted in one]}

    def short_codes(self, request: web.Request) -> dict[str, Any]:
        wanted = request.query.get("ShortCode", "")
        found = [one for one in self._short if wanted in one]
        return {"short_codes": [{"short_code": one, "sid": sid("SC", one), **self._webhook(one)} for one in found]}

    def services(self, _request: web.Request) -> dict[str, Any]:
        given = {"inbound_request_url": self.stands.service_webhook or None}
        service = {"sid": self._service, "use_inbound_webhook_on_number": not self.stands.service_webhook, **given}
        return {"services": [service] if self._local else []}

    def service_numbers(self, request: web.Request) -> dict[str, Any]:
        ours = self._local if request.match_info["service"] == self._service else []
        return {"phone_numbers": [{"phone_number": one, "sid": sid("PN", one)} for one in ours]}

    def campaigns(self, _request: web.Request) -> dict[str, Any]:
        limits = {"att": {"mps": 75, "msg_class": "A"}, "tmobile": {"brand_tier": "TOP"}}
        campaign = {"sid": sid("QE", "campaign"), "campaign_status": self.stands.campaign, "rate_limits": limits}
        return {"compliance": [campaign] if self.stands.campaign else []}

    def verifications(self, request: web.Request) -> dict[str, Any]:
        wanted = request.query.get("TollfreePhoneNumberSid", "")
        known = [sid("PN", one) for one in self._long if is_toll_free(one) and self.stands.tollfree]
        found = [one for one in known if wanted in ("", one)]
        return {"verifications": [{"tollfree_phone_number_sid": one, "status": self.stands.tollfree} for one in found]}

    @property
    def _local(self) -> list[str]:
        return [number for number in self._long if not is_toll_free(number)]

    @property
    def _service(self) -> str:
        return sid("MG", "service")

    def _number(self, number: str) -> dict[str, Any]:
        return {
            "phone_number": number,
            "sid": sid("PN", number),
            "status": "in-use",
            "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
            "voice_url": self.stands.voice_url or None,
            "voice_method": "POST",
            **self._webhook(number),
        }

    def _webhook(self, number: str) -> dict[str, Any]:
        return {"sms_url": self.stands.sms_urls.get(number, self._inbound_url) or None, "sms_method": "POST"}
