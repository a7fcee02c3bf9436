"""Signed requests, as the Standard Webhooks convention has them: HMAC-SHA256 over id, time and body, with a shared secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
VERSION: Final = "v1"
MOST_APART: Final = timedelta(minutes=5)  # clocks may differ by this; an older request may be somebody else's copy of it


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """What proves to the receiver who speaks, and when."""
    stamp = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"{VERSION},{_signed(secret, message_id, stamp, body)}",
    }


def is_genuine(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a request was signed with this secret, within five minutes of `now`."""
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    if abs(now.timestamp() - int(stamp)) > MOST_APART.total_seconds():
        return False
    expected = f"{VERSION},{_signed(secret, message_id, stamp, body)}".encode()
    signatures = given.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected, one.encode()) for one in signatures)


def _signed(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    mac = hmac.new(_key(secret), f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def _key(secret: str) -> bytes:
    """Raises ValueError for what new_secret could not have made."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("The secret of a webhook is not base64.") from error
