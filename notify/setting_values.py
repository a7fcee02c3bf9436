"""The kinds of values that settings have, and how they are read from one line of the environment."""

import base64
from ipaddress import ip_address
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

PUBLIC_KEY_BYTES = 32


class SenderSetting(BaseModel):
    """One SMS number or short code. rate: segments per second the carrier allows; urgent: kept for Extreme alerts only."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: str
    rate: float = Field(gt=0)
    urgent: bool = False


def senders(name: str, text: str) -> list[dict[str, Any]]:
    """Numbers with their rates from one line of text. name: of the setting, for what is said of a mistake."""
    found: list[dict[str, Any]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        number, _, rest = part.partition("=")
        rate, _, flag = rest.strip().partition(" ")
        if flag.strip() not in ("", "urgent"):
            raise ValueError(f"{name}: '{flag.strip()}' after {number} is not understood; only 'urgent' may stand there")
        found.append({"number": number.strip(), "rate": rate or "0", "urgent": flag.strip() == "urgent"})
    return found


def is_public_key(text: str) -> bool:
    """Whether this is an Ed25519 key's public half, as certificate.public writes it."""
    try:
        return len(base64.b64decode(text, validate=True)) == PUBLIC_KEY_BYTES
    except ValueError:
        return False


def is_here(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
