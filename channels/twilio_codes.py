"""What Twilio's statuses and error codes mean for a delivery: tables, and the rule that a message is blamed last.

A refusal ends a person's chance to be told, so it needs a code that speaks of that person or text. A code that may as well
speak of our number or account is a Doubt: it counts against the person only once the number has been seen to work.

https://www.twilio.com/docs/api/errors, https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from channels.base import Delivered, Handed, Outcome, Refused, Retry, Undelivered, Unknown

AGAIN: Final = timedelta(seconds=2)  # nothing is wrong with the message: the way to Twilio, or its limit on calls
QUEUE_FULL: Final = timedelta(seconds=30)  # a queue of ten hours drains slowly
LONGEST_PAUSE: Final = timedelta(minutes=5)  # no header may silence an emergency for longer without asking again
ERROR_PAGE: Final = "https://www.twilio.com/docs/api/errors"
OPTED_OUT: Final = 21610


class Means(Enum):
    REFUSED = "this person or this text, for good"
    DOUBT = "this person, or our number or account"
    STOP = "our settings: nothing will go through"
    FULL = "Twilio's queue for this sender"
    LIMIT = "too many calls at once"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Proven not accepted, but whose fault is open. `refusal` is what it is if the sender works."""

    refusal: Refused


@dataclass(frozen=True, slots=True)
class Stop:
    """Proven not accepted, and nothing will be until a person acts; the sentence says on what."""

    sentence: str


Verdict = Outcome | Doubt | Stop

# Codes of a refused hand-over: what they mean, and the sentence an operator reads.
CODES: Final[Mapping[int, tuple[Means, str]]] = {
    10001: (Means.STOP, "The Twilio account is not active."),
    20003: (Means.STOP, "Twilio does not accept our credentials: check TOCSIN_TWILIO_ACCOUNT_SID, TOCSIN_TWILIO_AUTH_TOKEN."),
    20005: (Means.STOP, "The Twilio account is not active."),
    20006: (Means.STOP, "Twilio denies this account access to messaging."),
    20008: (Means.STOP, "TOCSIN_TWILIO_AUTH_TOKEN is a test credential, which sends nothing."),
    20404: (Means.STOP, "Twilio does not know this account: check TOCSIN_TWILIO_ACCOUNT_SID and TOCSIN_TWILIO_URL."),
    20429: (Means.LIMIT, "Twilio takes no more calls at once."),
    21211: (Means.REFUSED, "The number is not a valid telephone number."),
    21212: (Means.STOP, "The sending number is not valid: check TOCSIN_SMS_SENDERS."),
    21214: (Means.REFUSED, "The number cannot be reached."),
    21217: (Means.REFUSED, "The number is not a valid telephone number."),
    21265: (Means.REFUSED, "The number is a short code, which takes no texts from us."),
    21266: (Means.REFUSED, "The number is our own sending number."),
    21268: (Means.REFUSED, "The number is a premium-rate or information service."),
    21408: (Means.REFUSED, "The Twilio account may not send to this country."),
    21601: (Means.STOP, "The sending number is not one of the Twilio account: check TOCSIN_SMS_SENDERS."),
    21602: (Means.REFUSED, "The text is empty."),
    21603: (Means.STOP, "No sending number is set: check TOCSIN_SMS_SENDERS."),
    21604: (Means.REFUSED, "The number is missing."),
    21606: (Means.DOUBT, "The sending number is not ours, sends no texts, or not to this number's country."),
    21608: (Means.DOUBT, "The Twilio account is on trial and texts only numbers verified with it."),
    21609: (Means.STOP, "Twilio cannot use our address for reports: check TOCSIN_PUBLIC_URL."),
    21610: (Means.REFUSED, "The person has opted out with the carrier by texting STOP to this sender."),
    21611: (Means.FULL, "Twilio's queue for this sender is full."),
    21612: (Means.REFUSED, "This number cannot be reached from the sending number."),
    21614: (Means.REFUSED, "The number is not a mobile number."),
    21617: (Means.REFUSED, "The text is longer than 1,600 characters."),
    21635: (Means.REFUSED, "The number is a landline."),
    21659: (Means.DOUBT, "The sending number is not a Twilio number, or a short code of another country."),
    21660: (Means.STOP, "The sending number belongs to another Twilio account: check TOCSIN_SMS_SENDERS."),
    21661: (Means.STOP, "The sending number cannot send texts: check TOCSIN_SMS_SENDERS."),
}

# HTTP statuses of a refusal that bears no code of the table.
STATUSES: Final[Mapping[int, tuple[Means, str]]] = {
    401: CODES[20003],
    403: (Means.STOP, "Twilio denies us access: check TOCSIN_TWILIO_ACCOUNT_SID and TOCSIN_TWILIO_AUTH_TOKEN."),
    404: CODES[20404],
    429: CODES[20429],
}

# Error codes of a report that a text did not arrive.
REASONS: Final[Mapping[int, str]] = {
    21610: "The person has opted out with the carrier by texting STOP to this sender.",
    30001: "Twilio's queue for this sender overflowed.",
    30002: "The Twilio account was suspended.",
    30003: "The telephone is switched off, out of coverage or gone.",
    30004: "The person or their network blocks these texts.",
    30005: "The number is unknown or out of service.",
    30006: "The number is a landline, or its network takes no texts.",
    30007: "Twilio or the network took the text for spam.",
    30008: "The network gave no reason.",
    30009: "A part of the text was lost on the way.",
    30010: "The text cost more than the highest price allowed.",
    30017: "The network was congested.",
    30019: "The text is larger than the network takes.",
    30022: "The sender's registration allows no higher rate.",
    30023: "The sender's registration allows no more texts today.",
    30027: "The network takes no more texts from this sender today.",
    30032: "The toll-free sending number has not been verified.",
    30034: "The sending number is not registered with the networks.",
    30036: "The text's time ran out before it could be sent.",
}

# Statuses of a message that is on its way, or has arrived. "sent" is the last word of networks that report no delivery.
UNDER_WAY: Final = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"})
ARRIVED: Final = frozenset({"delivered", "read"})
FAILED: Final = frozenset({"failed", "undelivered", "canceled"})


def verdict(status: int, code: int | None, *, body: bytes, retry_after: str) -> Verdict:
    """What the answer to a hand-over means. `code` is Twilio's own error code, if the answer bears one.

    A 2xx without an id and any 5xx leave it open whether the message was accepted; so does a redirect, and a 408, which a
    machine between us and Twilio may say after passing the request on. Every other 4xx proves that it was not.
    """
    if 200 <= status < 300:
        provider_id = message_id(body)
        return Handed(provider_id) if provider_id else Unknown("unreadable answer")
    if not 400 <= status < 500 or (status == 408 and code is None):
        return Unknown(f"HTTP {status}")
    if code is not None and code in CODES:
        return _refusal(str(code), *CODES[code], retry_after)
    if status in STATUSES:
        return _refusal(str(code or status), *STATUSES[status], retry_after)
    if code is not None:
        return _refusal(str(code), Means.DOUBT, f"Twilio's error {code}: see {ERROR_PAGE}/{code}", retry_after)
    return Retry(AGAIN, f"HTTP {status}", pause_sender=True)  # not Twilio's words: something in between is in the way


def _refusal(code: str, means: Means, sentence: str, retry_after: str) -> Verdict:
    match means:
        case Means.REFUSED:
            return Refused(code, sentence, opted_out=code == str(OPTED_OUT))
        case Means.DOUBT:
            return Doubt(Refused(code, sentence))
        case Means.STOP:
            return Stop(sentence)
        case Means.FULL:
            return Retry(pause(retry_after, QUEUE_FULL), sentence, pause_sender=True)
        case Means.LIMIT:
            return Retry(pause(retry_after, AGAIN), sentence, pause_sender=True)


def pause(retry_after: str, default: timedelta) -> timedelta:
    """The wait a Retry-After header asks for in seconds, at most LONGEST_PAUSE; the default for none or any other form."""
    seconds = retry_after.strip()
    if not (seconds.isascii() and seconds.isdigit()):
        return default
    return min(timedelta(seconds=int(seconds[:9])), LONGEST_PAUSE)


def message_id(body: bytes) -> str | None:
    """The `sid` of a Message resource; None when the bytes are not one."""
    try:
        document = json.loads(body.decode())
    except ValueError:  # not JSON, or not UTF-8
        return None
    sid = document.get("sid") if isinstance(document, dict) else None
    return sid if isinstance(sid, str) and sid else None


def outcome(status: str, provider_id: str, code: int | None) -> Outcome:
    """What a message's status says of its delivery. A status nobody knows still proves that Twilio has the message."""
    if status in ARRIVED:
        return Delivered()
    if status not in FAILED:
        return Handed(provider_id)
    if code is None:
        return Undelivered(
            status, "Twilio gave no reason." if status != "canceled" else "It was taken back before it was sent."
        )
    reason = REASONS.get(code) or CODES.get(code, (None, f"Twilio's error {code}: see {ERROR_PAGE}/{code}"))[1]
    return Undelivered(str(code), reason, opted_out=code == OPTED_OUT)
