"""A question that came by e-mail, read out of the message as a mail system hands it over. Pure; nothing of it is executed or
fetched."""

import email
import email.policy
import hashlib
import hmac
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

from subscribers.address import BadAddress, normal_email

LONGEST: Final = 5_000  # letters that are kept of one
HEADER: Final = "X-Tocsin-Signature"  # HMAC-SHA256 of the body under the shared key, in hexadecimal
# Mail that programs write: an answer to it would go round in circles (RFC 3834).
BY_PROGRAMS: Final = ("auto-submitted", "list-id", "feedback-id", "x-auto-response-suppress", "x-autoreply")
PRECEDENCE: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_TAGS: Final = re.compile(r"(?s)<(script|style)\b.*?</\1>|<[^>]*>")
_QUOTED: Final = re.compile(r"(?m)^>.*$\n?|^On .{5,120} wrote:$\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """message_id: without angle brackets. language: as the message says it, "" where it does not."""

    message_id: str
    address: str
    subject: str
    words: str
    language: str = ""


class NotAsked(ValueError):
    """No person asks anything in it; the message says why."""


def signed(key: bytes, body: bytes, signature: str) -> bool:
    """Whether this body was handed over by whoever holds the key."""
    return hmac.compare_digest(hmac.digest(key, body, hashlib.sha256).hex().encode(), signature.strip().lower().encode())


def read(message: bytes) -> Letter:
    """Raises NotAsked for mail of programs and mail without a sender or words."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    _by_a_person(parsed)
    try:
        address = normal_email(parseaddr(str(parsed.get("From", "")))[1])
    except BadAddress as fault:
        raise NotAsked("It has no sender that could be answered.") from fault
    words, subject = _words(parsed), " ".join(str(parsed.get("Subject", "")).split())
    if not words and not subject:
        raise NotAsked("It is empty.")
    message_id = str(parsed.get("Message-ID", "")).strip().strip("<>")
    return Letter(
        message_id=message_id or hashlib.sha256(message).hexdigest(),
        address=address,
        subject=subject[:200],
        words=(f"{subject}\n\n{words}" if subject and not subject.lower().startswith("re:") else words or subject)[:LONGEST],
        language=str(parsed.get("Content-Language", "")).split(",")[0].strip(),
    )


def _by_a_person(parsed: EmailMessage) -> None:
    for name in BY_PROGRAMS:
        if str(parsed.get(name, "no")).strip().lower() != "no":
            raise NotAsked(f"A program wrote it ({name}).")
    if str(parsed.get("Precedence", "")).strip().lower() in PRECEDENCE or str(parsed.get("Return-Path", "")).strip() == "<>":
        raise NotAsked("A program wrote it.")


def _words(parsed: EmailMessage) -> str:
    """The plain text, else the HTML without its tags; without what is quoted."""
    part = parsed.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, UnicodeError):  # a character set that nobody knows
        payload = part.get_payload(decode=True)
        text = payload.decode("latin-1") if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        text = _TAGS.sub(" ", text)
    kept = _QUOTED.sub("", text.replace("\r\n", "\n"))
    return "\n".join(line for line in (" ".join(one.split()) for one in kept.splitlines()) if line).strip()
