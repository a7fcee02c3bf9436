"""A text on its way through the gateway, and the JSON Twilio describes it with."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, NamedTuple

API_VERSION: Final = "2010-04-01"
OUTBOUND: Final = "outbound-api"
REPLY: Final = "outbound-reply"
INBOUND: Final = "inbound"

# https://www.twilio.com/docs/api/errors
FAILURES: Final = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30036: "Validity period expired",
}


@dataclass(slots=True, kw_only=True)
class Message:
    """One text. Times are seconds since 1970, UTC. Not frozen: the gateway holds hundreds of thousands and changes their
    status in place; `index` is its rank in order of arrival; `media` are the types of its pictures, which the log does not
    keep."""

    sid: str
    sender: str
    to: str
    body: str
    segments: int
    direction: str
    status: str
    created_at: float
    updated_at: float
    expires_at: float = 0.0
    sent_at: float | None = None
    code: int | None = None
    callback: str = ""
    media: tuple[str, ...] = ()
    index: int = 0


class Change(NamedTuple):
    """What a message's status became, and when. Keeps the status, as the message moves on."""

    message: Message
    status: str
    code: int | None
    at: float


def resource(message: Message, account_sid: str) -> dict[str, object]:
    """The Message resource: https://www.twilio.com/docs/messaging/api/message-resource"""
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}"
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": rfc2822(int(message.created_at)),
        "date_sent": None if message.sent_at is None else rfc2822(int(message.sent_at)),
        "date_updated": rfc2822(int(message.updated_at)),
        "direction": message.direction,
        "error_code": message.code,
        "error_message": None if message.code is None else FAILURES[message.code],
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": str(len(message.media)),
        "num_segments": str(message.segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


@lru_cache(maxsize=64)
def rfc2822(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))
