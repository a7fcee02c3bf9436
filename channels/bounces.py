"""Return paths that name their delivery, and what comes back to them.

Every mail leaves with a return path of its own (VERP): bounce+{delivery_id}-{token}@domain. The token is a keyed hash, so a
report that names it can only come from a system that was handed that very mail. Two kinds are read: that a mail did or did not
arrive (RFC 3464), sent to the return path, and that its reader called it spam (RFC 5965), sent to wherever the mailbox provider
was asked to send such complaints; they name the return path within.
"""

import email
import hashlib
import hmac
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import getaddresses

from channels.base import Delivered, Forged, Outcome, Receipt, Undelivered

TOKEN_DIGITS = 16  # hexadecimal: 64 bits, guessed online or not at all
ENVELOPE_FIELDS = ("Delivered-To", "X-Original-To", "To")  # where a mail pipe or the reporting system names the return path
RETURN_PATH = re.compile(rf"bounce\+([0-9]{{1,19}})-([0-9a-f]{{{TOKEN_DIGITS}}})@([a-z0-9.-]+)", re.IGNORECASE)
STATUS = re.compile(r"\s*([245])\.([0-9]{1,3})\.([0-9]{1,3})\b")
VAGUE = re.compile(r"\s*[245]\.0\.0\b")  # "it failed": some systems say why only in the words of the other side
DIAGNOSIS = re.compile(r"smtp\s*;\s*[245][0-9]{2}[ -]+([245]\.[0-9]{1,3}\.[0-9]{1,3})\b", re.IGNORECASE)
COMPLAINTS = {"abuse", "fraud", "opt-out"}  # RFC 5965 section 7.3, RFC 6650 section 5.3; not-spam and virus are none of ours

# RFC 3463: what a status means to a person, by "subject.detail" and then by subject alone. Never the reporting system's
# own words: they repeat the address.
REASONS = {
    "1.1": "The mailbox does not exist.",
    "1.2": "The domain of the address does not exist.",
    "1.6": "The mailbox has moved and left no new address.",
    "1.10": "The domain of the address takes no mail.",
    "2.1": "The mailbox is closed.",
    "2.2": "The mailbox is full.",
    "2.3": "The mail is too long for the mailbox.",
    "4.1": "The receiving system did not answer.",
    "4.4": "There is no way to the receiving system.",
    "4.7": "The receiving system could not be reached in time.",
    "7.1": "The receiving system does not take mail from us.",
    "1": "The address is not good.",
    "2": "The mailbox takes no mail.",
    "3": "The receiving system takes no mail.",
    "4": "The network or the routing failed.",
    "5": "The receiving system did not understand ours.",
    "6": "The receiving system does not take the form of our mail.",
    "7": "The receiving system refuses our mail by its policy.",
}


def token(key: bytes, delivery_id: int) -> str:
    return hmac.digest(key, b"%d" % delivery_id, hashlib.sha256).hex()[:TOKEN_DIGITS]


def return_path(key: bytes, delivery_id: int, domain: str) -> str:
    return f"bounce+{delivery_id}-{token(key, delivery_id)}@{domain}"


def reason(status: str) -> str:
    """A sentence for an operator from "5.1.1" or the like; "" when the code says nothing."""
    _, _, detail = status.partition(".")
    return REASONS.get(detail) or REASONS.get(detail.partition(".")[0], "")


def read(message: bytes, key: bytes, domain: str) -> list[Receipt]:
    """What a message says of one of our mails; nothing if it is neither delivery report nor complaint.

    Raises Forged unless it names one of our return paths with its right token.
    """
    parsed = email.message_from_bytes(message)
    delivery_id = _delivery(parsed, key, domain)
    outcome = _outcome(parsed)
    return [] if outcome is None else [Receipt(delivery_id, outcome, _mailed_id(parsed, delivery_id))]


def arrived(message: bytes, key: bytes) -> int:
    """The delivery of a mail that has come to a mailbox of ours, by the return path that its mail system wrote on it (RFC 5321,
    section 4.4). Raises Forged."""
    for value in email.message_from_bytes(message).get_all("Return-Path", []):
        path = RETURN_PATH.fullmatch(str(value).strip().strip("<>"))
        if path is not None and hmac.compare_digest(path[2].lower(), token(key, int(path[1]))):
            return int(path[1])
    raise Forged("The mail names no return path of ours with its right token.")


def _delivery(message: Message, key: bytes, domain: str) -> int:
    fields = [str(value) for name in ENVELOPE_FIELDS for value in message.get_all(name, [])]
    for block in _blocks(message, "message/feedback-report"):
        fields += [str(value) for value in block.get_all("Original-Mail-From", [])]
    if _is_complaint(message):
        fields += [str(value) for value in _returned(message).get_all("Return-Path", [])]
    for _, address in getaddresses(fields):
        path = RETURN_PATH.fullmatch(address)
        if path is None or path[3].lower() != domain.lower():
            continue
        if hmac.compare_digest(path[2].lower(), token(key, int(path[1]))):
            return int(path[1])
    raise Forged("The message does not name a return path of ours with its right token.")


def _outcome(message: Message) -> Outcome | None:
    """The last word on the delivery, or None: a delay, a holiday answer, a relaying, or nothing that we can read."""
    if message.get_content_type() != "multipart/report":
        return None
    if _is_complaint(message):
        return Delivered(complained=True)
    for block in _blocks(message, "message/delivery-status"):
        if status := STATUS.match(_status(block)):
            return _judged(str(block.get("Action", "")).strip().lower(), status)
    return None


def _is_complaint(message: Message) -> bool:
    kinds = (str(block.get("Feedback-Type", "")).strip().lower() for block in _blocks(message, "message/feedback-report"))
    return message.get_content_type() == "multipart/report" and any(kind in COMPLAINTS for kind in kinds)


def _blocks(message: Message, kind: str) -> Iterator[Message]:
    """The groups of fields in the parts of this type. Parsers give the fields of a feedback report as one text."""
    for part in message.walk():
        if part.get_content_type() != kind:
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            yield from (block for block in payload if isinstance(block, Message))
        else:
            yield email.message_from_string(str(payload).lstrip("\r\n"))


def _status(block: Message) -> str:
    """The status of a recipient's block, or the diagnosis where that says more."""
    said = str(block.get("Status", ""))
    diagnosis = DIAGNOSIS.match(str(block.get("Diagnostic-Code", "")).strip())
    return diagnosis[1] if diagnosis is not None and VAGUE.match(said) else said


def _judged(action: str, status: re.Match[str]) -> Outcome | None:
    """RFC 3464 section 2.3.3: the action tells whether it is over; a report without one is read by its status."""
    code = status[0].strip()
    if action == "failed" or (not action and status[1] == "5"):
        return Undelivered(code, reason(code))
    if action == "delivered" or (not action and status[1] == "2"):
        return Delivered()
    return None


def _mailed_id(message: Message, delivery_id: int) -> str:
    """The Message-ID of the mail that came back, when it can only be that of this delivery."""
    mailed_id = str(_returned(message).get("Message-ID", "")).strip()
    return mailed_id if re.fullmatch(rf"<[A-Za-z0-9_-]+\.{delivery_id}@[A-Za-z0-9.-]+>", mailed_id) else ""


def _returned(message: Message) -> Message:
    """The header of the mail that came back; an empty one if none did."""
    for part in message.walk():
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            returned = part.get_payload(0)
        elif part.get_content_type() == "text/rfc822-headers":
            returned = email.message_from_string(str(part.get_payload()))
        else:
            continue
        if isinstance(returned, Message):
            return returned
    return Message()
