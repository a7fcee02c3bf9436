"""The senders a service has, from its settings: every SMS number with its rate, and the mail relays; and the route of each."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from pydantic import SecretStr

from channels.base import Channel, Content
from channels.dkim import Signer
from channels.email import SmtpEmail
from channels.gateway import description
from channels.gateway.sms import GatewaySms, HearingGatewaySms
from channels.relay import Relay, Security
from channels.sms import TwilioSms
from channels.text import parts
from channels.twilio_http import TwilioAccount, TwilioGateway
from notify.alerts.alert import Mode
from notify.city import Pack
from notify.sending.desk import ANY_PRIORITY, URGENT_BELOW, Sender
from notify.sending.route import Route, Routes
from notify.setting_values import SenderSetting
from notify.settings import Settings
from subscribers.sealing import Keyring

CALLS_PER_SECOND_OF_ANSWER: Final = 2  # calls allowed under way for each message due in a second: answers take up to 2 s


def build(settings: Settings, pack: Pack, keys: Keyring) -> list[Sender]:
    """All senders; none for a channel that is not configured."""
    first = _Account(
        "twilio", settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_url, settings.sms_senders
    )
    second = _Account(
        "twilio2", settings.twilio2_account_sid, settings.twilio2_auth_token, settings.twilio2_url, settings.sms2_senders
    )
    texts = [*_sms(settings, first), *_sms(settings, second), *_gateway(settings)]
    return [*texts, *_email(settings, pack, keys)]


class _Account(NamedTuple):
    """An account for texts. route: the name it has in the ledger."""

    route: str
    sid: str
    token: SecretStr
    url: str
    senders: Sequence[SenderSetting]


def _sms(settings: Settings, account: _Account) -> Sequence[Sender]:
    if not account.sid:
        return []
    gateway = TwilioGateway(
        TwilioAccount(
            account_sid=account.sid,
            auth_token=account.token.get_secret_value(),
            base_url=account.url,
            public_url=settings.public_url,
            total_timeout_s=settings.sms_timeout_s,
            connections=settings.sms_connections,
        )
    )
    return [
        Sender(
            name=one.number,
            channel=TwilioSms(gateway, one.number),
            rate=one.rate,
            concurrency=max(4, min(settings.sms_connections, math.ceil(one.rate * CALLS_PER_SECOND_OF_ANSWER))),
            window=settings.sms_window,
            units=_segments,
            below=URGENT_BELOW if one.urgent else ANY_PRIORITY,
            route=account.route,
        )
        for one in account.senders
    ]


def _gateway(settings: Settings) -> Sequence[Sender]:
    """Raises BadDescription with every problem."""
    if settings.gateway_file is None:
        return []
    described = description.load(settings.gateway_file)
    if found := description.misfits(described, live=settings.mode is Mode.LIVE):
        raise description.BadDescription(found)
    made = GatewaySms if described.inbound is None else HearingGatewaySms
    secret, key = settings.gateway_secret.get_secret_value(), settings.gateway_report_key.get_secret_value()
    return [
        Sender(
            name=one.number,
            channel=made(described, one, secret, key, settings.public_url),
            rate=one.rate,
            concurrency=max(4, min(described.connections, math.ceil(one.rate * CALLS_PER_SECOND_OF_ANSWER))),
            window=settings.sms_window,
            units=_segments,
            below=URGENT_BELOW if one.urgent else ANY_PRIORITY,
            route=described.name,
        )
        for one in described.numbers
    ]


def _email(settings: Settings, pack: Pack, keys: Keyring) -> Sequence[Sender]:
    if not settings.smtp_host:
        return []
    first = Relay(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=Security(settings.smtp_security),
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value(),
        connections=settings.smtp_connections,
        command_timeout_s=settings.smtp_timeout_s,
        from_name=pack.from_name,
        from_address=pack.sender,
        bounce_domain=pack.sender.partition("@")[2],
        bounce_key=keys.blind_key,
        public_url=settings.public_url,
        list_id=pack.list_id,
        signs_dkim=settings.smtp_relay_signs_dkim,
    )
    signer = None
    if settings.dkim_key_file is not None:
        domain = pack.sender.partition("@")[2]
        signer = Signer(domain, settings.dkim_selector, settings.dkim_key_file.read_bytes())
    relays = {"relay": first}
    if settings.smtp2_host:
        relays["relay2"] = replace(
            first,
            host=settings.smtp2_host,
            port=settings.smtp2_port,
            security=Security(settings.smtp2_security),
            username=settings.smtp2_username,
            password=settings.smtp2_password.get_secret_value(),
        )
    return [
        Sender(
            name=f"{relay.host}:{relay.port}",
            channel=SmtpEmail(relay, signer),
            rate=settings.smtp_rate or math.inf,
            concurrency=settings.smtp_window,
            window=settings.smtp_window,
            units=_one,
            route=route,
        )
        for route, relay in relays.items()
    ]


def routed(senders: Sequence[Sender]) -> list[Route]:
    """The route of each sender, in their order; senders of one account or relay have the same."""
    channels = {one.channel.name: Routes(one.channel.name) for one in senders}
    return [channels[one.channel.name].route(one.route) for one in senders]


def by_route(senders: Sequence[Sender]) -> dict[str, list[Channel]]:
    """The channels of each route: whom to ask what became of what it carried."""
    found: dict[str, list[Channel]] = {}
    for one in senders:
        found.setdefault(one.route, []).append(one.channel)
    return found


@lru_cache(maxsize=1024)
def _segments(content: Content) -> int:
    return parts(content.body)


def _one(_content: Content) -> int:
    return 1
