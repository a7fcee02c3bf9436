"""A mail says exactly what was to be said, to exactly one person, whatever the words are."""

import binascii
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels import mime
from channels.base import Content
from tests.channels.mail_factories import a_content, a_letterhead

DATE = "Fri, 23 May 2014 11:16:00 -0700"
LANGUAGES = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")


def bytes_of(content: Content, recipient: str = "r1", **letterhead: str) -> bytes:
    """The mail as its reader gets it: dots unstuffed, the final one gone."""
    head = a_letterhead(**letterhead)
    own = mime.own_head("resident@example.gov", "<e.1@b.example.gov>", DATE, mime.unsubscribe_link(head, recipient))
    wire = own.encode("ascii") + mime.build(content, head).rest
    assert wire.endswith(b"\r\n.\r\n")
    return wire.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")


def read(content: Content, recipient: str = "r1", **letterhead: str) -> Message:
    return message_from_bytes(bytes_of(content, recipient, **letterhead))


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def test_a_mail_has_the_fields_that_programs_and_people_need_and_no_others() -> None:
    mail = read(a_content(subject="Boil water – Lents", thread="<incident-1@example.gov>"), reply_to="help@example.gov")
    assert mail.items()[:-1] == [
        ("To", "resident@example.gov"),
        ("Message-ID", "<e.1@b.example.gov>"),
        ("Date", DATE),
        ("List-Unsubscribe", "<https://alerts.example.gov/unsubscribe/r1>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("From", '"City of Portland Alerts"\r\n <alerts@example.gov>'),
        ("Subject", "=?utf-8?q?Boil_water_=E2=80=93_Lents?="),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Reply-To", "help@example.gov"),
        ("List-Id", "<alerts.example.gov>"),
        ("Content-Language", "en-US"),
        ("In-Reply-To", "<incident-1@example.gov>"),
        ("References", "<incident-1@example.gov>"),
    ]
    assert mail.get_content_type() == "multipart/alternative"


def test_the_plain_text_comes_before_the_html() -> None:
    mail = read(a_content())
    kinds = [(part.get_content_type(), part.get_content_charset()) for part in mail.walk() if not part.is_multipart()]
    assert kinds == [("text/plain", "utf-8"), ("text/html", "utf-8")]


def test_a_content_without_html_is_a_plain_text_mail() -> None:
    mail = read(a_content(html="", body="Hello"))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_payload(decode=True) == b"Hello\r\n"


def test_a_mail_without_a_recipient_reference_offers_no_unsubscribing_that_cannot_work() -> None:
    assert not [name for name in read(a_content(), recipient="").keys() if name.startswith("List-Unsubscribe")]


def test_a_reference_with_odd_letters_is_escaped_in_the_link() -> None:
    link = mime.unsubscribe_link(a_letterhead(), "a/b>\r\nBcc: x@y\ud800")
    assert link == "https://alerts.example.gov/unsubscribe/a%2Fb%3E%0D%0ABcc%3A%20x%40y%3F"


def test_a_content_without_subject_gets_its_first_words_as_one() -> None:
    assert read(a_content(subject=" \r\n", body="Boil your water.\nNow."))["Subject"] == "Boil your water. Now."
    cut = read(a_content(subject="", body="x" * 77 + " and so on"))["Subject"]
    assert str(make_header(decode_header(cut))) == "x" * 77, "and no space at the end, which no reader would give back"


def test_bytes_are_seven_bit_with_crlf_and_short_lines() -> None:
    body = "Kochen Sie Wasser – ひとつ\r" * 40 + "x" * 3000 + "\n"
    for wire in (bytes_of(a_content(body=body)), bytes_of(a_content(body=body, html="", subject="水" * 500))):
        assert wire.isascii()
        assert b"\n" not in wire.replace(b"\r\n", b"") and b"\r" not in wire.replace(b"\r\n", b"")
        assert max(map(len, wire.split(b"\r\n"))) <= 78


def test_a_line_of_one_dot_does_not_end_the_mail() -> None:
    for body in (".\n", "a\n.\nb\n", "..\n", ".hidden"):
        template = mime.build(a_content(body=body), a_letterhead())
        assert template.rest.index(b"\r\n.\r\n") == len(template.rest) - len(b"\r\n.\r\n")


def test_the_shorter_encoding_is_chosen() -> None:
    latin, cyrillic = read(a_content(html="")), read(a_content(html="", body="Кипятите воду. " * 20))
    assert (latin["Content-Transfer-Encoding"], cyrillic["Content-Transfer-Encoding"]) == ("quoted-printable", "base64")


def test_a_message_id_is_the_same_for_every_try_and_another_for_every_delivery() -> None:
    assert mime.message_id("ev-1", 7, "example.gov") == "<ev-1.7@example.gov>" == mime.message_id("ev-1", 7, "example.gov")
    odd = [mime.message_id(event, 7, "example.gov") for event in ("a b", "a\r\nb", "é", "x" * 100, "\ud800")]
    assert len(set(odd)) == len(odd)
    assert all(mime.THREAD.fullmatch(mailed_id) for mailed_id in odd)


def test_a_content_that_would_read_back_otherwise_is_not_sendable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime, "_encoded", lambda name, text: f"{text}\r\nBcc: x@example.gov")
    with pytest.raises(mime.Unsendable, match=r"email/first/en .* its header fields, its subject"):
        mime.build(a_content(subject="=?UTF-8?Q?All_clear?="), a_letterhead())


def test_a_text_that_would_read_back_otherwise_is_not_sendable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binascii, "b2a_qp", lambda data, istext: b"All clear.\r\n")
    with pytest.raises(mime.Unsendable, match="its text"):
        mime.build(a_content(), a_letterhead())


@pytest.mark.parametrize(
    "address", ["resident@example.gov", "o'brien+alerts@mail.example.gov", "a..b@example.gov", "x@localhost", "1@2.3"]
)
def test_an_ordinary_address_is_taken_as_it_is(address: str) -> None:
    assert mime.mailbox(address) == address


def test_a_domain_in_other_letters_is_sent_to_in_its_ascii_form() -> None:
    assert mime.mailbox("resident@Büro-市.example.gov") == "resident@xn--bro--0ra1004l.example.gov"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("a@b@example.gov", "more than one @"),
        ("a b@example.gov", "a space, a comma or a control"),
        ("a,b@example.gov", "a space, a comma or a control"),
        ("a@example.gov,b@example.gov", "more than one @"),
        ("a\n@example.gov", "a space, a comma or a control"),
        ("a@example.gov\r\nBcc: x", "a space, a comma or a control"),
        ("a@example.gov\x00", "a space, a comma or a control"),
        ("a@exa\u2028mple.gov", "a space, a comma or a control"),
        ("a@exa\x85mple.gov", "a space, a comma or a control"),
        ("a@exa\u202emple.gov", "a space, a comma or a control"),
        ("=?utf-8?q?x?=@example.gov", "before the @"),
        ("<a>@example.gov", "before the @"),
        ('"a"@example.gov', "before the @"),
        ("añ@example.gov", "before the @"),
        ("x" * 65 + "@example.gov", "before the @"),
        ("a@-.gov", "after the @"),
        ("a@exa_mple..gov", "after the @"),
        ("a@" + "b" * 64 + ".gov", "after the @"),
        ("a@" + ".".join(["abcdefg"] * 40), "after the @"),
        ("a@[192.0.2.1]", "after the @"),
        ("a@straße.example.gov", "after the @"),
        ("example.gov", "lacks an @"),
        ("@example.gov", "lacks an @"),
        ("a@", "lacks an @"),
        ("", "lacks an @"),
    ],
)
def test_an_address_that_could_mean_more_than_one_mailbox_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refusal:
        mime.mailbox(address)
    assert not address or address not in str(refusal.value)


@given(st.text(max_size=60))
def test_an_address_that_is_taken_is_one_plain_mailbox(address: str) -> None:
    try:
        taken = mime.mailbox(address)
    except ValueError:
        return
    assert taken.isascii() and taken.isprintable() and taken.count("@") == 1 and not set(taken) & set(' ,;:<>()[]"\\')


TEXTS = st.text(max_size=400)


@settings(max_examples=150, deadline=None)
@example(body="\r\n..\r\n.\r\n\r", html="=\n", subject="a" * 1000)
@example(body="\ud800", html="\x00\ud800", subject="\ud800")
@given(body=TEXTS, html=TEXTS, subject=TEXTS)
def test_any_words_arrive_as_they_are(body: str, html: str, subject: str) -> None:
    """build() itself compares; this also reads with the other parser of the standard library, as many programs do."""
    content = a_content(body=body, html=html, subject=subject)
    mail = message_from_bytes(bytes_of(content), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    plain = mail.get_body(("plain",))
    assert plain is not None
    wanted = body.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    assert plain.get_content().replace("\r\n", "\n") == wanted.encode("utf-8", "replace").decode()


@settings(max_examples=150, deadline=None)
@given(name=st.text(max_size=200), subject=st.text(min_size=1, max_size=200).filter(lambda text: mime.one_line(text)))
def test_names_and_subjects_read_back_on_one_line(name: str, subject: str) -> None:
    mail = read(a_content(subject=subject), from_name=name)
    display, address = parseaddr(mail["From"])
    assert (decoded(display), address) == (mime.one_line(name), "alerts@example.gov")
    assert decoded(mail["Subject"]) == mime.one_line(subject)
    assert mime.one_line(subject).isprintable() or not any(c in "\r\n\0\x85\u2028\u2029" for c in mime.one_line(subject))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_named(language: str) -> None:
    assert read(a_content(language=language))["Content-Language"] == language


@pytest.mark.parametrize("thread", ["not an id", "<a@b>\r\nBcc: x@y", "<a b@c>", "=?q?@", "<a@b> <c@d>"])
def test_a_thread_that_is_no_message_id_is_left_out(thread: str) -> None:
    mail = read(a_content(thread=thread))
    assert mail["In-Reply-To"] is None and mail["References"] is None
