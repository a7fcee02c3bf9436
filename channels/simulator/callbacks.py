"""What the gateway tells the application: the forms, and the signature that proves who sent them."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

from channels.simulator.messages import API_VERSION, Change, Message

NOWHERE: Final = "https://media.example.gov"  # there is no picture: whoever looks gets none


@dataclass(frozen=True, slots=True)
class Callback:
    """A form for a URL. Callbacks of one `key` are posted one after the other."""

    key: str
    url: str
    form: Mapping[str, str]


def report_form(change: Change, account_sid: str) -> dict[str, str]:
    """https://www.twilio.com/docs/messaging/guides/track-outbound-message-status"""
    message = change.message
    form = {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "From": message.sender,
        "MessageSid": message.sid,
        "MessageStatus": change.status,
        "SmsSid": message.sid,
        "SmsStatus": change.status,
        "To": message.to,
    }
    if change.code is not None:
        form["ErrorCode"] = str(change.code)
    return form


def inbound_form(message: Message, account_sid: str, obeyed: str = "") -> dict[str, str]:
    """https://www.twilio.com/docs/messaging/guides/webhook-request; obeyed: the word the gateway has acted on and answered
    itself, https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out"""
    extra = _media(message, account_sid) | ({"OptOutType": obeyed.upper()} if obeyed else {})
    return extra | {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "From": message.sender,
        "MessageSid": message.sid,
        "NumMedia": str(len(message.media)),
        "NumSegments": str(message.segments),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }


def _media(message: Message, account_sid: str) -> dict[str, str]:
    form: dict[str, str] = {}
    for number, kind in enumerate(message.media):
        path = f"{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}/Media/ME{number:032x}"
        form |= {f"MediaContentType{number}": kind, f"MediaUrl{number}": f"{NOWHERE}/{path}"}
    return form


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted parameters, in base 64.
    https://www.twilio.com/docs/usage/security#validating-requests"""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def encoded(form: Mapping[str, str]) -> bytes:
    """The form as application/x-www-form-urlencoded; its names need no quoting."""
    return "&".join(f"{name}={value if value.isalpha() else _quoted(value)}" for name, value in form.items()).encode()


_quoted = lru_cache(maxsize=4096)(quote_plus)  # of one message's two reports nearly all is the same
