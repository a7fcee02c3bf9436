"""The XML signature of a CAP document (OASIS CAP 1.2, 3.3.2.1): enveloped, over the whole alert, RSA or ECDSA with SHA-2.

Ours is made here, once, at approval. Anybody's is judged here by one strict form: one signature, the last child of <alert>,
over everything else in it (Reference URI="") and by a certificate that was named beforehand. What a general verifier allows
beyond that (other references, XPath, several signatures, SHA-1) is what signature wrapping is made of, and is refused.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from notify.publishing.cap_document import (
    Element,
    Problem,
    Unreadable,
    as_time,
    content,
    read,
    read_as_signed,
    shortened,
    text,
)

DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED: Final = f"{DSIG}enveloped-signature"
DIGESTS: Final[Mapping[str, str]] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
METHODS: Final[Mapping[str, tuple[str, hashes.HashAlgorithm]]] = {
    f"{MORE}rsa-sha256": ("rsa", hashes.SHA256()),
    f"{MORE}rsa-sha384": ("rsa", hashes.SHA384()),
    f"{MORE}rsa-sha512": ("rsa", hashes.SHA512()),
    f"{MORE}ecdsa-sha256": ("ec", hashes.SHA256()),
    f"{MORE}ecdsa-sha384": ("ec", hashes.SHA384()),
    f"{MORE}ecdsa-sha512": ("ec", hashes.SHA512()),
}
FEWEST_RSA_BITS: Final = 2048

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that holds: whose certificate made it, and from when to when that is valid."""

    certificate: x509.Certificate

    @property
    def signer(self) -> str:
        return self.certificate.subject.rfc4514_string()

    def valid_at(self, moment: datetime) -> bool:
        return self.certificate.not_valid_before_utc <= moment <= self.certificate.not_valid_after_utc


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key, and shows its certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    def sign(self, xml: bytes) -> bytes:
        """The document with its signature as the last child of <alert>; every other byte's meaning stays. Raises Unreadable
        for what cannot be signed so that it would be believed."""
        alert = read_as_signed(xml)
        if _signatures(alert):
            raise Unreadable("SIGNED_TWICE", "The document is signed already.")
        digest = base64.b64encode(hashlib.sha256(_canonical(alert, EXCLUSIVE)).digest()).decode()
        kind = "rsa" if isinstance(self.key, rsa.RSAPrivateKey) else "ecdsa"
        signature = etree.SubElement(alert, f"{{{DSIG}}}Signature", nsmap={None: DSIG})
        info = _child(signature, "SignedInfo")
        _child(info, "CanonicalizationMethod", Algorithm=EXCLUSIVE)
        _child(info, "SignatureMethod", Algorithm=f"{MORE}{kind}-sha256")
        reference = _child(info, "Reference", URI="")
        transforms = _child(reference, "Transforms")
        _child(transforms, "Transform", Algorithm=ENVELOPED)
        _child(transforms, "Transform", Algorithm=EXCLUSIVE)
        _child(reference, "DigestMethod", Algorithm="http://www.w3.org/2001/04/xmlenc#sha256")
        _child(reference, "DigestValue").text = digest
        value = _made(self.key, _canonical(info, EXCLUSIVE))
        _child(signature, "SignatureValue").text = base64.b64encode(value).decode()
        data = _child(_child(signature, "KeyInfo"), "X509Data")
        _child(data, "X509Certificate").text = base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()
        return bytes(etree.tostring(alert, encoding="UTF-8", xml_declaration=True))


def verified(xml: bytes, trusted: Sequence[x509.Certificate]) -> Signed:
    """Whose signature this is: that of one of the trusted certificates, itself and not its issuer. Raises Unreadable, whose
    problem says why it is not believed. Whether the certificate was valid at the time is for the caller to ask."""
    read(xml)
    alert = read_as_signed(xml)
    found = _signatures(alert)
    if not found:
        raise Unreadable("NOT_SIGNED", "The document carries no signature.")
    if len(found) > 1:
        raise Unreadable("SIGNED_TWICE", "The document carries more than one signature.", found[1].sourceline or 0)
    (signature,) = found
    line = signature.sourceline or 0
    if signature.getparent() is not alert or signature.getnext() is not None:
        raise Unreadable("SIGNATURE_MOVED", "The signature must be the last element of <alert>, and stands elsewhere.", line)
    form = _Form.of(signature)
    signed_info = _canonical(form.info, form.info_canon)
    _take_out(signature)
    digest = hashlib.new(form.digest, _canonical(alert, form.canon)).digest()
    if digest != form.digest_value:
        raise Unreadable("CHANGED_SINCE_SIGNED", "The document is not what was signed: its digest differs.", line)
    shown = form.certificate
    candidates = [one for one in trusted if shown is None or one == shown]
    if not candidates:
        whom = shortened(shown.subject.rfc4514_string()) if shown is not None else "nobody who is named"
        raise Unreadable("SIGNER_UNKNOWN", f"It is signed by {whom}, whose certificate is not among those trusted here.", line)
    for one in candidates:
        if _fits(one, form, signed_info):
            return Signed(certificate=one)
    raise Unreadable("SIGNATURE_WRONG", "The signature does not fit the document and the certificate.", line)


def shown_certificate(xml: bytes) -> x509.Certificate | None:
    """The certificate that a document brings along, which anybody could have made. Raises Unreadable."""
    found = _signatures(read_as_signed(xml))
    return _Form.of(found[0]).certificate if found else None


def problems(xml: bytes, trusted: Sequence[x509.Certificate], now: datetime) -> list[Problem]:
    """What is wrong with the signature, by what was true when the document was sent and by what is now."""
    try:
        signed = verified(xml, trusted)
        sent = as_time(text(read(xml), "sent"))
    except Unreadable as error:
        return [error.problem]
    if sent is None:
        return [Problem(rule="INVALID_DATE", sentence="<sent> cannot be read: nobody knows when this was signed.")]
    who = shortened(signed.signer)
    if not signed.valid_at(sent):
        sentence = f"The certificate of {who} was not valid when the document was sent."
        return [Problem(rule="SIGNER_NOT_VALID_THEN", sentence=sentence)]
    if not signed.valid_at(now):
        sentence = f"The certificate of {who} was valid when the document was sent, and is not any more."
        return [Problem(rule="SIGNER_NOT_VALID_NOW", sentence=sentence, advice=True)]
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A signature of the one form that is read."""

    info: Element
    info_canon: str
    canon: str
    kind: str
    hash: hashes.HashAlgorithm
    digest: str
    digest_value: bytes
    value: bytes
    certificate: x509.Certificate | None

    @classmethod
    def of(cls, signature: Element) -> "_Form":
        names = ("SignedInfo", "SignatureValue", "KeyInfo")[: max(2, len(signature))]
        info, value, *key = _exactly(signature, names)
        canon_node, method, reference = _exactly(info, ("CanonicalizationMethod", "SignatureMethod", "Reference"))
        if dict(reference.attrib) != {"URI": ""}:
            raise _odd(reference, 'its Reference is not URI="", the whole document')
        transforms, digest_node, digest_value = _exactly(reference, ("Transforms", "DigestMethod", "DigestValue"))
        steps = [_algorithm(step) for step in _exactly(transforms, ("Transform",) * min(2, max(1, len(transforms))))]
        if steps[0] != ENVELOPED or steps[1:] not in ([], [EXCLUSIVE], [INCLUSIVE]):
            raise _odd(transforms, "its transforms are not enveloped-signature and canonical XML without comments")
        info_canon = _algorithm(canon_node)
        if info_canon not in (EXCLUSIVE, INCLUSIVE):
            raise _odd(canon_node, "its canonical form is not known")
        kind, hashed = _known(METHODS, method)
        return cls(
            info=info,
            info_canon=info_canon,
            canon=steps[1] if len(steps) > 1 else INCLUSIVE,
            kind=kind,
            hash=hashed,
            digest=_known(DIGESTS, digest_node),
            digest_value=_decoded(digest_value),
            value=_decoded(value),
            certificate=_shown(key[0]) if key else None,
        )


def _signatures(alert: Element) -> list[Element]:
    return list(alert.iter(f"{{{DSIG}}}Signature"))


def _child(parent: Element, name: str, **attributes: str) -> Element:
    return etree.SubElement(parent, f"{{{DSIG}}}{name}", **attributes)


def _exactly(parent: Element, names: Sequence[str]) -> list[Element]:
    """The children, which must be these in this order. Raises Unreadable."""
    if [child.tag for child in parent] != [f"{{{DSIG}}}{name}" for name in names]:
        raise _odd(parent, f"its {etree.QName(parent).localname} does not hold exactly {', '.join(names)}")
    return list(parent)


def _algorithm(node: Element) -> str:
    if len(node) or set(node.attrib) != {"Algorithm"}:
        raise _odd(node, f"its {etree.QName(node).localname} holds more than an algorithm")
    return str(node.get("Algorithm"))


def _known(table: Mapping[str, Any], node: Element) -> Any:
    if (name := _algorithm(node)) not in table:
        raise Unreadable("SIGNATURE_ALGORITHM", f"The algorithm {shortened(name)} is not accepted.", node.sourceline or 0)
    return table[name]


def _decoded(node: Element) -> bytes:
    try:
        return base64.b64decode("".join(content(node).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _odd(node, f"its {etree.QName(node).localname} is not base64") from None


def _shown(key_info: Element) -> x509.Certificate | None:
    """The one certificate that the signature brings along; None where it only names a key."""
    found = list(key_info.iter(f"{{{DSIG}}}X509Certificate"))
    if not found:
        return None
    try:
        return x509.load_der_x509_certificate(_decoded(found[0]))
    except ValueError:
        raise _odd(found[0], "its certificate cannot be read") from None


def _odd(node: Element, why: str) -> Unreadable:
    return Unreadable("SIGNATURE_FORM", f"The signature is not of the form that is read here: {why}.", node.sourceline or 0)


def _take_out(signature: Element) -> None:
    """Removes the signature and keeps the text behind it, as the enveloped-signature transform does."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(signature)


def _canonical(node: Element, form: str) -> bytes:
    if form == EXCLUSIVE:
        return bytes(etree.tostring(node, method="c14n", exclusive=True, with_comments=False, with_tail=False))
    # Inclusive canonical XML says every namespace in scope, which only a root of its own shows lxml.
    alone = etree.Element(node.tag, node.attrib, nsmap=node.nsmap)
    alone.text = node.text
    alone.extend(deepcopy(child) for child in node)
    return bytes(etree.tostring(alone, method="c14n", with_comments=False))


def _made(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")  # XML signatures hold the two numbers, not their DER


def _fits(certificate: x509.Certificate, form: _Form, data: bytes) -> bool:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and form.kind == "rsa" and key.key_size >= FEWEST_RSA_BITS:
            key.verify(form.value, data, padding.PKCS1v15(), form.hash)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and form.kind == "ec":
            half = len(form.value) // 2
            numbers = (int.from_bytes(part, "big") for part in (form.value[:half], form.value[half:]))
            key.verify(encode_dss_signature(*numbers), data, ec.ECDSA(form.hash))
            return True
    except InvalidSignature:
        return False
    return False
