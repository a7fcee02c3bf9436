"""Ten thousand mails of hostile words over one connection to a real SMTP server, judged by what that server received.

The words are drawn from a fixed seed: every known attack stands in every field once, the rest is put together from its pieces.
test_email_injection.py looks for the smallest words that break something; this looks at many.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from typing import Final

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.base import Handed
from channels.mime import LANGUAGE_TAG, THREAD, one_line, unsubscribe_link
from channels.relay import problems
from tests.channels.mail_factories import a_channel, a_content, a_letterhead, a_relay, an_outbound, outcomes

MAILS: Final = 10_000
BATCH: Final = 200  # mails that share a sender's name
SHARERS: Final = 4  # mails that share a content
SHARED: Final = ("subject", "body", "html", "thread", "language")
OWN: Final = ("event_id", "recipient")
OWN_FIELDS: Final = (b"To:", b"Message-ID:", b"Date:", b"List-Unsubscribe:", b"List-Unsubscribe-Post:")
VICTIM: Final = "victim@example.gov"
LONGEST: Final = 998  # RFC 5322 section 2.1.1

ATTACKS: Final = (
    f"=?UTF-8?Q?=0A?=Bcc: {VICTIM}",
    f"=?UTF-8?Q?=0D=0ABcc:_{VICTIM}=0D=0A=0D=0Abody?=",
    "=?utf-8?b?DQpCY2M6IHZpY3RpbUBleGFtcGxlLmdvdg0KDQpib2R5?=",
    f"=?utf-8?q?a?= =?utf-8?q?=0d=0aBcc:{VICTIM}?=",
    f"=?=?UTF-8?Q?=0A?=Bcc: {VICTIM}?=",
    f"a\r\nBcc: {VICTIM}",
    f"a\nBcc: {VICTIM}\n\nAll clear.",
    "a\r\n\r\nAll clear.",
    f"a\rBcc: {VICTIM}",
    f"a\x00Bcc: {VICTIM}",
    f"a\x85Bcc: {VICTIM}",
    f"a\u2028Bcc: {VICTIM}",
    f"a\u2029Bcc: {VICTIM}",
    f"a\x0bBcc: {VICTIM}\x0cBcc: {VICTIM}\x1cBcc: {VICTIM}",
    f"\r\n.\r\nMAIL FROM:<{VICTIM}>\r\nRCPT TO:<{VICTIM}>\r\nDATA\r\n",
    f"\n.\nRCPT TO:<{VICTIM}>\nQUIT\n",
    f'"; <{VICTIM}>, "',
    "\\",
    '"',
    "x" * 3_000,
    " " * 1_000 + "x",
    "ü" * 500,
    "=?" * 100,
    "\ud800",
    "a\udcffb",
    "\u202eclear all\u202c",
)
PIECES: Final = (
    *"\r\n\0\t =?_.:<>@,;\"'\\é水\x85\u2028\u2029\ud83d",
    *("\r\n", "=?", "?=", "=?utf-8?q?", "=?utf-8?b?", "=0A", "=0D=0A", "Bcc:", "To:", VICTIM, "\r\n ", "\r\n\r\n", "DATA\r\n"),
)
ONE_ID: Final = re.compile(r"<[A-Za-z0-9_-]+\.[0-9]+@bounces\.example\.gov>")
ALWAYS: Final = {"To", "Message-ID", "Date", "From", "Subject", "Auto-Submitted", "MIME-Version", "List-Id", "Content-Type"}


def nasty(dice: random.Random) -> str:
    if dice.random() < 0.15:
        return dice.choice(ATTACKS)
    return "".join(dice.choices(PIECES, k=dice.randrange(30)))


def cases() -> list[dict[str, str]]:
    """What is typed into each field of each mail. Mails of one content share all but the fields that are a person's own."""
    dice = random.Random("mails")
    contents = [{name: nasty(dice) for name in SHARED} for _ in range(MAILS // SHARERS)]
    many = [contents[number // SHARERS] | {name: nasty(dice) for name in OWN} for number in range(MAILS)]
    for number, attack in enumerate(ATTACKS):
        for at, name in enumerate(SHARED):
            contents[number * len(SHARED) + at][name] = attack
        for at, name in enumerate(OWN):
            many[-1 - number * len(OWN) - at][name] = attack
    return [contents[number // SHARERS] | {name: words[name] for name in OWN} for number, words in enumerate(many)]


@dataclass  # without slots: aiosmtpd looks at every member of its hooks, and Python 3.11.2 leaves one behind that raises
class Sink:
    """Hooks of aiosmtpd: keeps what came, with its envelope."""

    port: int = 0
    came: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.came.append((list(envelope.rcpt_tos), bytes(envelope.original_content or b"")))
        return "250 OK"


@asynccontextmanager
async def a_sink() -> AsyncIterator[Sink]:
    sink = Sink()

    def connection() -> SMTP:
        return SMTP(sink, hostname="sink.example.gov", enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def expected(words: dict[str, str], link: str) -> set[str]:
    """The header fields a mail of these words has: no more, no fewer."""
    names = set(ALWAYS)
    names |= {"List-Unsubscribe", "List-Unsubscribe-Post"} if link else set()
    names |= {"Content-Language"} if LANGUAGE_TAG.fullmatch(words["language"]) else set()
    names |= {"In-Reply-To", "References"} if THREAD.fullmatch(words["thread"]) else set()
    return names if words["html"] else names | {"Content-Transfer-Encoding"}


def wrong(raw: bytes, to: str, words: dict[str, str], from_name: str) -> list[str]:
    """What in a mail is not as it was to be; for the message of a failing test."""
    mail, modern = message_from_bytes(raw), BytesHeaderParser(policy=policy.SMTP).parsebytes(raw)
    display, address = parseaddr(mail["From"])
    truths = {
        "fields as another parser reads them": modern.keys() == mail.keys(),
        "sender": (decoded(display), address) == (one_line(from_name), "alerts@example.gov"),
        "subject": not one_line(words["subject"]) or decoded(mail["Subject"]) == one_line(words["subject"]),
        "parts": len(parts(mail)) == (2 if words["html"] else 1),
        "text": text_of(mail) == "".join(lines(words["body"])),
        "length of a line": max(map(len, raw.split(b"\r\n"))) <= LONGEST,
        "bare line end": b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b""),
    }
    return [what for what, holds in truths.items() if not holds] + wrong_head(raw, to, words)


def wrong_head(raw: bytes, to: str, words: dict[str, str]) -> list[str]:
    mail = BytesHeaderParser().parsebytes(raw)
    names = mail.keys()
    link = unsubscribe_link(a_letterhead(), words["recipient"])
    truths = {
        "field twice": len(names) == len(set(names)),
        "fields": set(names) == expected(words, link),
        "recipient": mail["To"] == to,
        "link": mail["List-Unsubscribe"] == (f"<{link}>" if link else None),
        "id": ONE_ID.fullmatch(mail["Message-ID"]) is not None,
    }
    return [what for what, holds in truths.items() if not holds]


def shared_part(raw: bytes) -> bytes:
    """A mail without the lines that are its recipient's own, which stand at its beginning."""
    own, rest = raw.splitlines(keepends=True)[:5], raw.splitlines(keepends=True)[5:]
    return b"".join([line for line in own if not line.startswith(OWN_FIELDS)] + rest)


def parts(mail: Message) -> list[Message]:
    return [part for part in mail.walk() if not part.is_multipart()]


def text_of(mail: Message) -> str:
    payload = parts(mail)[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def lines(text: str) -> Iterator[str]:
    """The lines of a text as mail has them: each ended by CRLF, half a character as a question mark."""
    plain = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return (f"{line}\r\n" for line in plain.rstrip("\n").split("\n"))


async def received(many: list[dict[str, str]], names: list[str]) -> list[tuple[list[str], bytes]]:
    """What a mail server got: the recipients and the content of each mail."""
    async with a_sink() as sink:
        for start in range(0, len(many), BATCH):
            batch = [
                an_outbound(
                    number,
                    content=a_content(key=f"email/{number // SHARERS}", **{name: words[name] for name in SHARED}),
                    event_id=words["event_id"],
                    recipient=words["recipient"],
                )
                for number, words in enumerate(many[start : start + BATCH], start)
            ]
            async with a_channel(sink.port, from_name=names[start // BATCH], connections=1) as channel:
                found = await outcomes(channel, batch)
            assert {type(outcome) for outcome in found.values()} == {Handed}
        return sink.came


def test_ten_thousand_hostile_mails_arrive_as_literal_text_each_for_one_recipient() -> None:
    many, dice = cases(), random.Random("senders")
    names = [*ATTACKS, *(nasty(dice) for _ in range(MAILS // BATCH))][: MAILS // BATCH]
    came = uvloop.run(received(many, names))
    assert sorted(to for rcpts, _ in came for to in rcpts) == sorted(f"resident{number}@example.gov" for number in range(MAILS))
    siblings: dict[int, bytes] = {}
    for rcpts, raw in came:
        assert len(rcpts) == 1
        number = int(rcpts[0].removeprefix("resident").partition("@")[0])
        words, from_name = many[number], names[number // BATCH]
        if number // SHARERS not in siblings:
            siblings[number // SHARERS] = shared_part(raw)
            assert not wrong(raw, rcpts[0], words, from_name), (number, words, from_name)
        assert not wrong_head(raw, rcpts[0], words), (number, words)
        assert shared_part(raw) == siblings[number // SHARERS], (number, words)


def test_hostile_settings_are_refused_or_plain() -> None:
    """The list's name, the addresses and the link stand in headers as they are: whatever is hostile is refused at the start."""
    dice = random.Random("settings")
    taken = 0
    for number in range(MAILS):
        text = ATTACKS[number] if number < len(ATTACKS) else nasty(dice)
        setting = ("list_id", "from_address", "reply_to", "bounce_domain")[number % 4]
        if text and not problems(a_relay(**{setting: text}), None):
            taken += 1
            assert text.isascii() and text.isprintable() and "=?" not in text and not set(text) & set(' <>,;"\\')
    assert taken < MAILS / 10
