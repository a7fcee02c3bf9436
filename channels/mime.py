"""The bytes of a mail: built once per content, read back once, then only a person's own header fields are put in front.

Nothing a person typed reaches a header as it stands. Line ends and control characters become spaces, and a value that
holds anything but short plain ASCII, or the opening of an encoded word ("=?"), is encoded as a whole, so that it reads
back as the literal text whatever the reader's parser does with it.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote

from channels.base import Content

Field = tuple[str, str]  # a header field: its name, and its value as it stands on the wire, folded with CRLF

LINE_MAX = 76  # RFC 2047 section 2: a line with an encoded word
MESSAGE_ID_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")
REFERENCE = re.compile(r"[A-Za-z0-9_-]+")
REFERENCE_MAX = 400  # with the longest public_url, a line stays below RFC 5322's 998
LANGUAGE_TAG = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")
THREAD = re.compile(r"<?([A-Za-z0-9!#$%&'*+/^_`{|}~.-]{1,200}@[A-Za-z0-9.-]{1,200})>?")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
MAILBOX = re.compile(rf"{LOCAL_PART.pattern}@{DOMAIN.pattern}")

OTHER_DOMAIN = re.compile("[ßς]")  # IDNA 2003 and 2008 read these as two different domains


class Unsendable(ValueError):
    """A content that does not read back as it was written. The message is a sentence for the person on duty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What all mails of one relay have in common.

    domain        right side of every Message-ID
    unsubscribe   the link's beginning; a recipient's reference completes it
    list_id       a dotted name without angle brackets (RFC 2919); "" for none
    """

    from_name: str
    from_address: str
    domain: str
    unsubscribe: str
    list_id: str = ""
    reply_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One content, ready but for a person's own fields.

    fields   the header fields everybody shares, in order
    body     what follows the blank line: 7-bit, CRLF, not dot-stuffed (a signature is made over this)
    rest     fields, blank line, dot-stuffed body and final dot: what follows a person's own fields on the wire
    """

    fields: tuple[Field, ...]
    body: bytes
    rest: bytes


def mailbox(address: str) -> str:
    """The address as SMTP takes it, a domain in other letters turned to its ASCII form (IDNA 2003).

    Raises ValueError with a sentence that does not repeat the address. Quoted local parts are not taken.
    """
    if MAILBOX.fullmatch(address) and len(address) <= 254 and "=?" not in address:
        return address
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise ValueError("The e-mail address lacks an @ with something on both sides.")
    if "@" in local:
        raise ValueError("The e-mail address has more than one @.")
    if any(unicodedata.category(letter)[0] in "CZ" for letter in address) or "," in address:
        raise ValueError("The e-mail address holds a space, a comma or a control character.")
    if "=?" in address or not LOCAL_PART.fullmatch(local):
        raise ValueError("The part of the e-mail address before the @ is too long or holds characters we cannot send to.")
    try:
        plain = "" if OTHER_DOMAIN.search(domain) else domain.encode("idna").decode("ascii")
    except UnicodeError:
        plain = ""
    if not DOMAIN.fullmatch(plain) or len(local) + 1 + len(plain) > 254:
        raise ValueError("The part of the e-mail address after the @ is not a domain name.")
    return f"{local}@{plain}"


def one_line(text: str) -> str:
    """The text on one line: every run of white space, line ends and control characters becomes one space."""
    spaced = "".join(" " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter for letter in text)
    return " ".join(spaced.split())


def unstructured(name: str, text: str) -> str:
    """The value of a free-text field such as Subject, folded."""
    text = one_line(text)
    if text.isascii() and "=?" not in text and len(name) + 2 + len(text) <= LINE_MAX:
        return text
    return _encoded(name, text)


def named_mailbox(name: str, display: str, address: str) -> str:
    """The value of From and the like: a display name and an address (RFC 5322 section 3.4), folded."""
    display = one_line(display)
    if not display:
        return address
    if display.isascii() and "=?" not in display:
        quoted = '"' + display.replace("\\", r"\\").replace('"', r"\"") + '"'
        if len(name) + 2 + len(quoted) <= LINE_MAX:
            return f"{quoted}\r\n <{address}>"
    return f"{_encoded(name, display)}\r\n <{address}>"


def _encoded(name: str, text: str) -> str:
    return Header(text, "utf-8", maxlinelen=LINE_MAX, header_name=name).encode(linesep="\r\n")


def message_id(event_id: str, delivery_id: int, domain: str) -> str:
    """The same for every try of one delivery, so that a repeat is recognised. With its angle brackets."""
    return f"<{_plain_id(event_id)}.{delivery_id}@{domain}>"


@lru_cache(maxsize=64)
def _plain_id(event_id: str) -> str:
    if MESSAGE_ID_SAFE.fullmatch(event_id):
        return event_id
    return hashlib.sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unsubscribe_link(letterhead: Letterhead, recipient: str) -> str:
    """Where one POST unsubscribes this recipient; "" without a reference, or with one too long for a header line."""
    reference = recipient if REFERENCE.fullmatch(recipient) else quote(recipient, safe="", errors="replace")
    return letterhead.unsubscribe + reference if 0 < len(reference) <= REFERENCE_MAX else ""


def own_head(to: str, mailed_id: str, date: str, link: str) -> str:
    """The header fields that differ from person to person, one on a line.

    `to` comes from `mailbox`, `date` is RFC 5322's. With a link, the two fields of RFC 8058 section 3.1 stand at the end.
    """
    head = f"To: {to}\r\nMessage-ID: {mailed_id}\r\nDate: {date}\r\n"
    if not link:
        return head
    return f"{head}List-Unsubscribe: <{link}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def wire(fields: Sequence[Field]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in fields]).encode("ascii")


def build(content: Content, letterhead: Letterhead) -> Template:
    """The template of a content. Raises Unsendable when its bytes do not read back as what was to be said."""
    kind, body = _body(content)
    fields = (*_shared_fields(content, letterhead), *kind)
    stuffed = re.sub(rb"(?m)^\.", b"..", body)
    template = Template(fields=fields, body=body, rest=wire(fields) + b"\r\n" + stuffed + b".\r\n")
    _read_back(template, content, letterhead)
    return template


def _shared_fields(content: Content, letterhead: Letterhead) -> list[Field]:
    fields = [
        ("From", named_mailbox("From", letterhead.from_name, letterhead.from_address)),
        ("Subject", unstructured("Subject", _subject(content))),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: nobody's holiday answer comes back
        ("MIME-Version", "1.0"),
    ]
    if letterhead.reply_to:
        fields.append(("Reply-To", letterhead.reply_to))
    if letterhead.list_id:
        fields.append(("List-Id", f"<{letterhead.list_id}>"))
    if LANGUAGE_TAG.fullmatch(content.language):
        fields.append(("Content-Language", content.language))
    if thread := THREAD.fullmatch(content.thread):
        fields += [("In-Reply-To", f"<{thread[1]}>"), ("References", f"<{thread[1]}>")]
    return fields


def _subject(content: Content) -> str:
    return one_line(content.subject) or one_line(content.body)[:78].rstrip()


def _body(content: Content) -> tuple[list[Field], bytes]:
    """The fields that describe the body, and the body: the plain text, with the HTML as its alternative if there is one."""
    text_fields, text = _part("plain", content.body)
    if not content.html:
        return text_fields, text
    html_fields, html = _part("html", content.html)
    # "=_" occurs neither in quoted-printable nor in base64, so no part can hold the boundary.
    boundary = "=_" + hashlib.sha256(text + html).hexdigest()[:40]
    mark = f"--{boundary}".encode("ascii")
    parts = [wire(text_fields) + b"\r\n" + text, wire(html_fields) + b"\r\n" + html]
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return [("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"')], body


def _part(subtype: str, text: str) -> tuple[list[Field], bytes]:
    """A text part in the shorter of quoted-printable and base64, ended by CRLF."""
    data = _lines(text)
    quoted = binascii.b2a_qp(data, istext=True)
    quoted = re.sub(rb"\r?\n", b"\r\n", quoted)  # b2a_qp breaks long lines with a bare LF unless it saw a CRLF before
    coded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    name, body = ("quoted-printable", quoted) if len(quoted) <= len(coded) else ("base64", coded)
    fields = [("Content-Type", f"text/{subtype}; charset=utf-8"), ("Content-Transfer-Encoding", name)]
    return fields, body


def _lines(text: str) -> bytes:
    """UTF-8 with every line ended by CRLF; half a surrogate pair becomes a question mark."""
    return (re.sub(r"\r\n?|\n", "\r\n", text.rstrip("\r\n")) + "\r\n").encode("utf-8", "replace")


def _read_back(template: Template, content: Content, letterhead: Letterhead) -> None:
    """Parses what a sample recipient would get and compares it with what was to be said, field by field."""
    sample = own_head("resident@example.gov", "<1@example.gov>", "Fri, 23 May 2014 11:16:00 -0700", "")
    unstuffed = template.rest.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    read = message_from_bytes(sample.encode("ascii") + unstuffed)
    names = ["To", "Message-ID", "Date", *(name for name, _ in template.fields)]
    wrong = []
    if read.keys() != names or any(part.defects for part in read.walk()):
        wrong.append("its header fields")
    if _decoded(read["Subject"]) != _subject(content):
        wrong.append("its subject")
    display, address = parseaddr(read["From"])
    if (_decoded(display), address) != (one_line(letterhead.from_name), letterhead.from_address):
        wrong.append("its sender")
    if _texts(read) != [_lines(text) for text in (content.body, content.html or None) if text is not None]:
        wrong.append("its text")
    if wrong:
        raise Unsendable(f"The mail {content.key} does not read back as written: {', '.join(wrong)}.")


def _decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def _texts(read: Message) -> list[bytes]:
    parts = [part for part in read.walk() if not part.is_multipart()]
    return [payload for part in parts if isinstance(payload := part.get_payload(decode=True), bytes)]
