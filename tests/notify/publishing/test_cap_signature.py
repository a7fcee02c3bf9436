"""Signed CAP: an independent library believes ours; what moves, doubles, edits or weakens a signature is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import signxml
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from notify.publishing.cap import build
from notify.publishing.cap_certificates import fingerprint, new_key, pem, self_signed
from notify.publishing.cap_check import problems as cap_problems
from notify.publishing.cap_document import Unreadable
from notify.publishing.cap_signature import DSIG, Signer, problems, shown_certificate, verified
from tests.notify.factories import PORTLAND, SENT, an_event

DOCUMENT = build(an_event(), PORTLAND)
LIFE = timedelta(days=730)


def a_signer(*, elliptic: bool = True, made_at: datetime = SENT - timedelta(days=30), life: timedelta = LIFE) -> Signer:
    key = new_key(elliptic=elliptic) if elliptic else rsa.generate_private_key(65537, 2048)
    return Signer(key, self_signed(key, "alerts@example.gov", "City of Portland", made_at, life))


SIGNER, STRANGER = a_signer(), a_signer()
SIGNED = SIGNER.sign(DOCUMENT)
CAP, SIGNATURE = "{urn:oasis:names:tc:emergency:cap:1.2}", f"{{{DSIG}}}Signature"


def refusal(xml: bytes, *trusted: Signer) -> str:
    with pytest.raises(Unreadable) as refused:
        verified(xml, [one.certificate for one in trusted or (SIGNER,)])
    assert refused.value.problem.sentence.endswith(".")
    return refused.value.problem.rule


def changed(edit: Callable[[Any], None]) -> bytes:
    """The signed document after somebody's hand was in it."""
    root = etree.fromstring(SIGNED)
    edit(root)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


@pytest.mark.parametrize("elliptic", [True, False])
def test_an_independent_library_believes_our_signature(elliptic: bool) -> None:
    signer = a_signer(elliptic=elliptic)
    signed = signer.sign(DOCUMENT)
    expect = signxml.SignatureConfiguration(location="./", verification_time=SENT)
    found = signxml.XMLVerifier().verify(signed, x509_cert=signer.certificate, expect_config=expect)
    assert isinstance(found, signxml.VerifyResult) and found.signed_xml is not None
    assert found.signed_xml.findtext(f"{CAP}identifier") == an_event().identifier
    assert verified(signed, [signer.certificate]).signer == "CN=alerts@example.gov,O=City of Portland"


@pytest.mark.parametrize("form", ["EXCLUSIVE_XML_CANONICALIZATION_1_0", "CANONICAL_XML_1_0"])
@pytest.mark.parametrize("elliptic", [True, False])
def test_we_believe_what_an_independent_library_signed(form: str, elliptic: bool) -> None:
    signer = a_signer(elliptic=elliptic)
    maker = signxml.XMLSigner(
        signature_algorithm="ecdsa-sha256" if elliptic else "rsa-sha256",
        c14n_algorithm=signxml.CanonicalizationMethod[form],
    )
    theirs = etree.tostring(maker.sign(etree.fromstring(DOCUMENT), key=signer.key, cert=[signer.certificate]))
    assert verified(theirs, [signer.certificate]).certificate == signer.certificate
    assert refusal(theirs.replace(b"Boil", b"Sip", 1), signer) == "CHANGED_SINCE_SIGNED"


def test_a_signed_document_is_still_right_by_the_standard_and_says_the_same() -> None:
    assert cap_problems(SIGNED, "cap") == []
    kept = etree.fromstring(SIGNED)
    kept.remove(kept.find(SIGNATURE))
    assert etree.tostring(kept, method="c14n") == etree.tostring(etree.fromstring(DOCUMENT), method="c14n")


@pytest.mark.parametrize("old, new", [(b"Boil", b"Drink"), (b"<scope>Public", b"<scope>Private"), (b"-122.6", b"-121.6")])
def test_an_edited_document_is_refused(old: bytes, new: bytes) -> None:
    assert refusal(SIGNED.replace(old, new, 1)) == "CHANGED_SINCE_SIGNED"


def test_a_document_without_a_signature_is_refused() -> None:
    assert refusal(DOCUMENT) == "NOT_SIGNED"


def test_somebody_elses_certificate_is_refused_whatever_the_document_brings_along() -> None:
    assert refusal(SIGNED, STRANGER) == "SIGNER_UNKNOWN"
    assert refusal(STRANGER.sign(DOCUMENT), SIGNER) == "SIGNER_UNKNOWN"
    forged = STRANGER.sign(DOCUMENT)
    shown, ours = (one.findtext(f".//{{{DSIG}}}X509Certificate") for one in map(etree.fromstring, (forged, SIGNED)))
    assert refusal(forged.replace(shown.encode(), ours.encode())) == "SIGNATURE_WRONG"


def test_a_signature_for_another_document_is_refused() -> None:
    other = SIGNER.sign(build(an_event(identifier="another"), PORTLAND))
    signature = etree.fromstring(other).find(SIGNATURE)

    def swap(root: Any) -> None:
        root.replace(root.find(SIGNATURE), signature)

    assert refusal(changed(swap)) == "CHANGED_SINCE_SIGNED"


def moved_to_the_front(root: Any) -> None:
    root.insert(0, root.find(SIGNATURE))


def moved_inside(root: Any) -> None:
    root.find(f"{CAP}info").append(root.find(SIGNATURE))


def moved_before_something_new(root: Any) -> None:
    etree.SubElement(root, f"{CAP}info")


def doubled(root: Any) -> None:
    root.append(etree.fromstring(etree.tostring(root.find(SIGNATURE))))


def doubled_inside(root: Any) -> None:
    root.find(f"{CAP}info").append(etree.fromstring(etree.tostring(root.find(SIGNATURE))))


def wrapped(root: Any) -> None:
    """The signed alert goes into the signature as an Object that the reference points at, and other words take its place."""
    signature = root.find(SIGNATURE)
    told = etree.fromstring(SIGNED)
    told.remove(told.find(SIGNATURE))
    told.set("Id", "told")
    etree.SubElement(signature, f"{{{DSIG}}}Object").append(told)
    signature.find(f".//{{{DSIG}}}Reference").set("URI", "#told")
    root.find(f"{CAP}identifier").text = "hoax"


def another_reference(root: Any) -> None:
    info = root.find(f".//{{{DSIG}}}SignedInfo")
    info.append(etree.fromstring(etree.tostring(info.find(f"{{{DSIG}}}Reference"))))


def filtered(root: Any) -> None:
    """A transform that lets only a part of the document be looked at."""
    transforms = root.find(f".//{{{DSIG}}}Transforms")
    etree.SubElement(transforms, f"{{{DSIG}}}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")


def with_an_object(root: Any) -> None:
    etree.SubElement(root.find(SIGNATURE), f"{{{DSIG}}}Object").text = "hoax"


@pytest.mark.parametrize(
    "edit, rule",
    [
        (moved_to_the_front, "SIGNATURE_MOVED"),
        (moved_inside, "SIGNATURE_MOVED"),
        (moved_before_something_new, "SIGNATURE_MOVED"),
        (doubled, "SIGNED_TWICE"),
        (doubled_inside, "SIGNED_TWICE"),
        (wrapped, "SIGNATURE_FORM"),
        (another_reference, "SIGNATURE_FORM"),
        (filtered, "SIGNATURE_FORM"),
        (with_an_object, "SIGNATURE_FORM"),
    ],
)
def test_a_signature_that_was_moved_doubled_or_wrapped_is_refused(edit: Callable[[Any], None], rule: str) -> None:
    assert refusal(changed(edit)) == rule


@pytest.mark.parametrize(
    "old, new",
    [
        (b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#ecdsa-sha1"),
        (b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1"),
        (b"2001/04/xmldsig-more#ecdsa-sha256", b"2000/09/xmldsig#hmac-sha1"),
    ],
)
def test_weak_algorithms_are_refused(old: bytes, new: bytes) -> None:
    assert refusal(SIGNED.replace(old, new, 1)) == "SIGNATURE_ALGORITHM"


@pytest.mark.parametrize("inside", [b"<!-- x -->", b"<?x y?>"])
def test_a_comment_in_the_identifier_is_refused_though_its_digest_would_hold(inside: bytes) -> None:
    assert refusal(SIGNED.replace(b"</identifier>", inside + b"</identifier>", 1)) == "COMMENT_IN_SIGNED"


def test_a_short_rsa_key_is_refused() -> None:
    key = rsa.generate_private_key(65537, 1024)
    weak = Signer(key, self_signed(key, "alerts@example.gov", "City", SENT, LIFE))
    assert refusal(weak.sign(DOCUMENT), weak) == "SIGNATURE_WRONG"


def test_a_document_is_not_signed_over_a_signature() -> None:
    with pytest.raises(Unreadable, match="signed already"):
        SIGNER.sign(SIGNED)


def test_a_certificate_counts_as_it_was_when_the_document_was_sent() -> None:
    """An old alert stays true after its certificate has run out; one signed with a certificate that had run out never was."""
    trusted = [SIGNER.certificate]
    assert problems(SIGNED, trusted, SENT + timedelta(days=1)) == []
    (later,) = problems(SIGNED, trusted, SENT + LIFE)
    assert (later.rule, later.advice) == ("SIGNER_NOT_VALID_NOW", True)
    for made_at in (SENT + timedelta(days=2), SENT - LIFE - timedelta(days=2)):
        wrong = a_signer(made_at=made_at)
        (then,) = problems(wrong.sign(DOCUMENT), [wrong.certificate], SENT)
        assert (then.rule, then.advice) == ("SIGNER_NOT_VALID_THEN", False)


def test_what_was_signed_under_an_earlier_key_is_believed_after_a_new_one_came() -> None:
    newer = a_signer(made_at=SENT + timedelta(days=200))
    trusted = [newer.certificate, SIGNER.certificate]
    now = SENT + timedelta(days=210)
    assert problems(SIGNED, trusted, now) == []
    later = newer.sign(build(an_event(sent=now), PORTLAND))
    assert problems(later, trusted, now) == [] and verified(later, trusted).certificate == newer.certificate


def test_partners_read_certificates_as_pem_with_their_fingerprints() -> None:
    said = pem([SIGNER.certificate, STRANGER.certificate]).decode()
    assert said.count("BEGIN CERTIFICATE") == 2 and fingerprint(SIGNER.certificate) in said
    assert shown_certificate(SIGNED) == SIGNER.certificate and shown_certificate(DOCUMENT) is None


def test_hostile_signatures_are_refused_as_any_hostile_document() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "y">]>' + SIGNED
    assert refusal(bomb) == "DOCTYPE"
    assert refusal(b"x" * 1_000_001) == "TOO_LARGE"
    assert refusal(SIGNED.replace(b"<SignatureValue>", b"<SignatureValue>!", 1)) == "SIGNATURE_FORM"
    assert datetime.now(UTC) > SENT
