"""No text that anybody typed makes a header, a recipient or a body of its own; judged by what a mail server received.

TOCSIN_FUZZ_MAILS sets how many mails are tried (default 400).
"""

import asyncio
import os
from email import policy
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from channels.base import Handed, Outbound, Refused
from channels.mime import one_line, unsubscribe_link
from channels.relay import problems
from tests.channels.mail_factories import a_channel, a_content, a_letterhead, a_relay, a_scripted_relay, an_outbound, outcomes

MAILS_EACH = 20
HEADERS = BytesHeaderParser(policy=policy.default)
EXAMPLES = max(1, int(os.environ.get("TOCSIN_FUZZ_MAILS", "400")) // MAILS_EACH)

ATTACKS = [
    "=?UTF-8?Q?=0A?=Bcc: x@y",
    "=?UTF-8?Q?=0D=0ABcc:_x@e.com=0D=0A=0D=0Abody?=",
    "=?utf-8?b?DQpCY2M6IHhAeQ0KDQpib2R5?=",
    "=?utf-8?q?a?= =?utf-8?q?=0d=0aBcc:x?=",
    "=?=?UTF-8?Q?=0A?=Bcc: x@y?=",
    "a\r\nBcc: x@example.gov",
    "a\nBcc: x@example.gov\n\nAll clear.",
    "a\r\n\r\nAll clear.",
    "a\rBcc: x@example.gov",
    "a\x00Bcc: x",
    "a\x85Bcc: x@example.gov",
    "a\u2028Bcc: x@example.gov",
    "a\u2029Bcc: x@example.gov",
    "a\x0bBcc: x\x0cBcc: y\x1cBcc: z",
    "\r\n.\r\nMAIL FROM:<x@example.gov>\r\nRCPT TO:<x@example.gov>\r\nDATA\r\n",
    "\n.\nQUIT\n",
    '"; <x@example.gov>, "',
    "\\",
    '"',
    "x" * 10_000,
    " " * 1_000 + "x",
    "ü" * 2_000,
    "\ud800",
    "\u202eclear all\u202c",
]
NASTY = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [*"\r\n\0\t =?_.:<>@,;\"'\\", "=?", "?=", "?Q?", "?b?", "utf-8", "=0A", "Bcc:", "\x85", "\u2028", "é", "水"]
        ),
        max_size=40,
    ).map("".join),
)
WORDS = st.fixed_dictionaries(
    {"subject": NASTY, "body": NASTY, "html": NASTY, "thread": NASTY, "language": NASTY, "event_id": NASTY, "recipient": NASTY}
)

EXPECTED = {
    "To", "Message-ID", "Date", "From", "Subject", "Auto-Submitted", "MIME-Version", "List-Id", "Content-Type",
}  # fmt: skip
POSSIBLE = EXPECTED | {
    "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language", "In-Reply-To", "References", "Content-Transfer-Encoding",
}  # fmt: skip


def outbound(number: int, words: dict[str, str]) -> Outbound:
    said = {name: words[name] for name in ("subject", "body", "html", "thread", "language")}
    content = a_content(key=f"email/{number}", **said)
    return an_outbound(number, content=content, event_id=words["event_id"], recipient=words["recipient"])


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def check(mail: Message, raw: bytes, words: dict[str, str], from_name: str) -> None:
    names = mail.keys()
    assert len(names) == len(set(names))
    assert set(names) >= EXPECTED
    assert set(names) <= POSSIBLE
    assert HEADERS.parsebytes(raw).keys() == names
    link = unsubscribe_link(a_letterhead(), words["recipient"])
    assert ("List-Unsubscribe" in mail) == ("List-Unsubscribe-Post" in mail) == bool(link)
    assert mail["List-Unsubscribe-Post"] in (None, "List-Unsubscribe=One-Click")
    display, address = parseaddr(mail["From"])
    assert (decoded(display), address) == (one_line(from_name), "alerts@example.gov")
    if one_line(words["subject"]):
        assert decoded(mail["Subject"]) == one_line(words["subject"])
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert len(parts) == (2 if words["html"] else 1)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


async def sent_and_read(many: list[dict[str, str]], from_name: str, pipelining: bool) -> None:
    batch = [outbound(number, words) for number, words in enumerate(many)]
    async with (
        a_scripted_relay(pipelining=pipelining) as relay,
        a_channel(relay.port, from_name=from_name) as channel,
    ):
        found = await outcomes(channel, batch)
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    assert sorted(recipient for recipient, _ in relay.accepted) == sorted(mail.address for mail in batch)
    assert {line.split(" ")[0] for line in relay.commands} <= {"EHLO", "MAIL", "RCPT", "DATA", "QUIT"}
    assert len(relay.contents) == len(batch)
    for (recipient, mail), raw in zip(relay.accepted, relay.contents, strict=True):
        number = int(recipient.removeprefix("resident").partition("@")[0])
        assert mail["To"] == recipient
        assert found[number] == Handed(mail["Message-ID"])
        check(mail, raw, many[number], from_name)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    many=st.lists(WORDS, min_size=MAILS_EACH, max_size=MAILS_EACH),
    from_name=NASTY,
    pipelining=st.booleans(),
)
def test_whatever_is_typed_stays_where_it_belongs(many: list[dict[str, str]], from_name: str, pipelining: bool) -> None:
    asyncio.run(sent_and_read(many, from_name, pipelining))


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_known_attack_comes_out_as_literal_text(attack: str) -> None:
    fields = ("subject", "body", "html", "thread", "language", "event_id", "recipient")
    await sent_and_read([dict.fromkeys(fields, attack)], attack, pipelining=True)


@settings(max_examples=300)
@example("=?utf-8?q?x?=")
@given(NASTY)
def test_what_cannot_be_neutralised_is_refused_before_it_is_used(text: str) -> None:
    """The list's name, the addresses and the link stand in headers as they are: only plain ones are accepted."""
    plain = text.isascii() and text.isprintable() and "=?" not in text and not set(text) & set(" <>,;")
    for changes in ({"list_id": text}, {"from_address": text}, {"reply_to": text}, {"bounce_domain": text}):
        assert plain or problems(a_relay(**changes), None) or not any(changes.values())
    assert plain or problems(a_relay(public_url="https://example.gov/" + text), None)


@settings(max_examples=50, deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=10))
def test_an_odd_address_reaches_nobody_else(addresses: list[str]) -> None:
    asyncio.run(only_plain_addresses(addresses))


async def only_plain_addresses(addresses: list[str]) -> None:
    batch = [an_outbound(number, address=address) for number, address in enumerate(addresses)]
    async with a_scripted_relay() as relay, a_channel(relay.port) as channel:
        found = await outcomes(channel, batch)
    refused = [outcome.code for outcome in found.values() if isinstance(outcome, Refused)]
    handed = [addresses[number] for number, outcome in found.items() if isinstance(outcome, Handed)]
    assert len(refused) + len(handed) == len(batch)
    assert set(refused) <= {"address"}
    assert sorted(recipient for recipient, _ in relay.accepted) == sorted(handed)
