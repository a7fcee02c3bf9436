"""Reads a request to create a text: the checks Twilio makes before it looks at queues and opt-outs, in its order."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from channels.simulator.numbers import FICTIONAL, SHORT_CODE, may_call
from channels.simulator.refusals import Refusal
from channels.text import measure

E164: Final = re.compile(r"\+[1-9]\d{6,14}")
MOST_CHARACTERS: Final = 1600
LONGEST_VALIDITY_S: Final = 36_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text that may be queued. `callback` is "" when nobody wants to know."""

    to: str
    sender: str
    body: str
    segments: int
    callback: str = ""
    valid_for_s: int = LONGEST_VALIDITY_S


def read(form: Mapping[str, str], owned: Collection[str], callback_hosts: Collection[str]) -> Draft | Refusal:
    """The draft a form asks for, or Twilio's first objection to it."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    callback, validity = form.get("StatusCallback", ""), form.get("ValidityPeriod", "")
    objection = _about_to(to) or _about_sender(sender, to, owned) or _about_body(body)
    if objection is None and callback and not may_call(callback, callback_hosts):
        objection = Refusal(21609, callback)
    if objection is None and validity and not _valid_period(validity):
        objection = Refusal(21624)
    if objection is not None:
        return objection
    body, segments = weighed(body)
    return Draft(
        to=to,
        sender=sender,
        body=body,
        segments=segments,
        callback=callback,
        valid_for_s=int(validity or LONGEST_VALIDITY_S),
    )


@lru_cache(maxsize=4096)
def weighed(body: str) -> tuple[str, int]:
    """The body with its number of segments; equal bodies come back as one object, so that a city's alert is held once."""
    return body, measure(body).parts


def _about_to(to: str) -> Refusal | None:
    if not to:
        return Refusal(21604)
    if not E164.fullmatch(to):
        return Refusal(21211, to)
    return None if FICTIONAL.fullmatch(to) else Refusal(21408, to)


def _about_sender(sender: str, to: str, owned: Collection[str]) -> Refusal | None:
    if not sender:
        return Refusal(21603)
    if not E164.fullmatch(sender) and not SHORT_CODE.fullmatch(sender):
        return Refusal(21212, sender)
    if sender == to:
        return Refusal(21266, to)
    return None if sender in owned else Refusal(21606, sender)


def _about_body(body: str) -> Refusal | None:
    if not body:
        return Refusal(21602)
    return Refusal(21617) if len(body) > MOST_CHARACTERS else None


def _valid_period(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_VALIDITY_S
