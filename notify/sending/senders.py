"""The senders a service has, from its settings: every SMS number with its rate, and the mail relay."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from channels.base import Content
from channels.dkim import Signer
from channels.email import SmtpEmail
from channels.relay import Relay, Security
from channels.sms import TwilioSms
from channels.text import parts
from channels.twilio_http import TwilioAccount, TwilioGateway
from notify.city import Pack
from notify.sending.desk import ANY_PRIORITY, URGENT_BELOW, Sender
from notify.settings import Settings
from subscribers.sealing import Keyring

CALLS_PER_SECOND_OF_ANSWER: Final = 2  # calls allowed under way for each message due in a second: answers take up to 2 s


def build(settings: Settings, pack: Pack, keys: Keyring) -> list[Sender]:
    """All senders; none for a channel that is not configured."""
    return [*_sms(settings), *_email(settings, pack, keys)]


def _sms(settings: Settings) -> Sequence[Sender]:
    if not settings.twilio_account_sid:
        return []
    gateway = TwilioGateway(
        TwilioAccount(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            base_url=settings.twilio_url,
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
        )
        for one in settings.sms_senders
    ]


def _email(settings: Settings, pack: Pack, keys: Keyring) -> Sequence[Sender]:
    if not settings.smtp_host:
        return []
    relay = Relay(
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
    return [
        Sender(
            name=f"{settings.smtp_host}:{settings.smtp_port}",
            channel=SmtpEmail(relay, signer),
            rate=settings.smtp_rate or math.inf,
            concurrency=settings.smtp_window,
            window=settings.smtp_window,
            units=_one,
        )
    ]


@lru_cache(maxsize=1024)
def _segments(content: Content) -> int:
    return parts(content.body)


def _one(_content: Content) -> int:
    return 1
