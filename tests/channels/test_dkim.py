"""Signatures hold for an independent verifier, cover what they must, and break with the least change."""

import base64
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels import mime
from channels.dkim import Signer, relaxed_body, relaxed_field
from tests.channels.mail_factories import AT, a_content, a_letterhead

DATE = "Fri, 23 May 2014 11:16:00 -0700"
RSA_KEY = generate_rsa_key(65537, 2048)
ED25519_KEY = Ed25519PrivateKey.generate()


def pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def record(name: bytes, timeout: int = 5) -> bytes:
    """What the DNS would say of the selectors "rsa" and "ed"."""
    if name == b"rsa._domainkey.example.gov.":
        der = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
    assert name == b"ed._domainkey.example.gov."
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(ED25519_KEY.public_key().public_bytes_raw())


class VerifyKey:
    """PyNaCl's verifier as the independent library calls it, over the same curve from elsewhere."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, data: bytes, signature: bytes) -> None:
        self._key.verify(signature, data)


@pytest.fixture(autouse=True)
def stand_in_for_pynacl(monkeypatch: pytest.MonkeyPatch) -> None:
    signing = SimpleNamespace(VerifyKey=VerifyKey)
    exceptions = SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError)
    nacl = SimpleNamespace(signing=signing, encoding=SimpleNamespace(Base64Encoder=None), exceptions=exceptions)
    monkeypatch.setattr(dkim, "nacl", nacl, raising=False)


SIGNERS = {"rsa": Signer("example.gov", "rsa", pem(RSA_KEY)), "ed": Signer("example.gov", "ed", pem(ED25519_KEY).decode())}
EVERY_SIGNER = pytest.mark.parametrize("selector", sorted(SIGNERS))


def signed(selector: str = "rsa", recipient: str = "r1", **content: str) -> bytes:
    template = mime.build(a_content(**content), a_letterhead(reply_to="help@example.gov"))
    own = mime.own_head("a@example.gov", "<e.1@example.gov>", DATE, mime.unsubscribe_link(a_letterhead(), recipient))
    return SIGNERS[selector].seal(template).field(own, AT) + own.encode("ascii") + wire_body(template)


def wire_body(template: mime.Template) -> bytes:
    return template.rest.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")


def holds(mail: bytes) -> bool:
    return cast("Callable[..., bool]", dkim.verify)(mail, dnsfunc=record)


@EVERY_SIGNER
def test_an_independent_verifier_accepts_our_signature(selector: str) -> None:
    assert holds(signed(selector))
    assert holds(signed(selector, recipient=""))
    assert holds(signed(selector, html="", body=".\n..\n \nБ \t\n\n\n", thread="<first@example.gov>", subject="水 " * 99))


def test_the_signature_covers_both_unsubscribe_fields_and_all_that_people_see() -> None:
    head = signed().partition(b"\r\n\r\n")[0].decode("ascii")
    names = re.sub(r"\s", "", re.findall(r"h=([^;]*);", head)[0]).split(":")
    present = re.findall(r"(?m)^([A-Za-z-]+):", head)
    assert sorted(set(names)) == sorted(set(present) - {"DKIM-Signature"})
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= set(names)
    assert [name for name in ("From", "To", "Subject") if names.count(name) != 2] == []


@EVERY_SIGNER
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"unsubscribe/r1>", b"unsubscribe/r2>"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
        (b"To: a@", b"To: b@"),
        (b"one minute", b"one second"),
        (b"Auto-Submitted: auto-generated", b"Auto-Submitted: no"),
        (b"From: ", b"Subject: All clear\r\nFrom: "),
        (b"From: ", b"From: mallory@example.gov\r\nFrom: "),
        (b"Message-ID: <e.1@", b"Message-ID: <e.2@"),
        (b"\r\n\r\n", b"\r\nList-Unsubscribe: <https://example.gov/>\r\n\r\n"),
    ],
)
def test_a_changed_mail_does_not_verify(selector: str, was: bytes, becomes: bytes) -> None:
    mail = signed(selector)
    if was == b"\r\n\r\n":
        assert holds(mail.replace(was, b"\r\nX-Seen: yes\r\n\r\n", 1))
        return
    assert was in mail
    assert not holds(mail.replace(was, becomes, 1))


def test_what_relays_may_change_does_not_break_the_signature() -> None:
    mail = signed()
    assert holds(b"Received: from relay\r\n" + mail)
    assert holds(mail.replace(b"To: a@example.gov\r\n", b"to:   a@example.gov \r\n"))
    assert holds(mail + b"\r\n\r\n")


@settings(max_examples=25, deadline=None)
@given(body=st.text(max_size=300), html=st.text(max_size=100), subject=st.text(max_size=100))
@example(body="\n\n", html="", subject="")
def test_every_content_can_be_signed(body: str, html: str, subject: str) -> None:
    assert holds(signed("ed", body=body, html=html, subject=subject))


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"."]), max_size=30).map(b"".join))
def test_bodies_are_made_canonical_as_the_independent_verifier_does(body: bytes) -> None:
    body += b"\r\n"
    assert relaxed_body(body) == dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed").canonicalize_body(body)


def test_examples_of_the_standard() -> None:
    """RFC 6376 section 3.4.5."""
    assert relaxed_field(("A", "X")) + relaxed_field(("B ".strip(), "Y\t\r\n\tZ  ")) == b"a:X\r\nb:Y Z\r\n"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


@pytest.mark.parametrize(
    ("domain", "selector", "key", "sentence"),
    [
        ("exa mple", "s\n", pem(RSA_KEY), "The DKIM domain 'exa mple' is not .* The DKIM selector"),
        ("example.gov", "s", b"no key", "not a private key in PEM"),
        ("example.gov", "s", pem(generate_private_key(SECP256R1())), "neither RSA nor Ed25519"),
        ("example.gov", "s", pem(generate_rsa_key(65537, 1024)), "has 1024 bits; RSA needs at least 2048"),
    ],
)
def test_a_wrong_setting_is_named(domain: str, selector: str, key: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Signer(domain, selector, key)
