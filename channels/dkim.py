"""DKIM signatures (RFC 6376, and RFC 8463 for Ed25519), relaxed/relaxed, over every header field a mail carries.

The body's hash and the shared fields are made canonical once per content; what is left per mail is the signature itself:
about a millisecond with RSA, a tenth of that with Ed25519. The key's arithmetic runs without the interpreter's lock.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from channels.mime import DOMAIN, Field, Template

# Named once more than they occur, so that nobody on the way can add a second one and keep the signature (section 8.15).
OVERSIGNED = ("From", "To", "Subject", "Date", "Message-ID", "Reply-To")
RSA_BITS_MIN = 2048
FOLD_AT = 72  # characters of b= on a line

_BLANKS = re.compile(rb"[ \t]+")
_FOLDS = re.compile(r"[ \t\r\n]+")


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4. Lines end in CRLF before and after; an empty body stays empty."""
    squeezed = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b" ")
    trimmed = re.sub(rb"(?:\r\n)+\Z", b"", squeezed)
    return trimmed + b"\r\n" if trimmed else b""


def relaxed_field(field: Field) -> bytes:
    """RFC 6376 section 3.4.2, with the CRLF at its end."""
    name, value = field
    return f"{name.lower()}:{_FOLDS.sub(' ', value).strip(' ')}\r\n".encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What of a signature is the same for everybody who gets one content."""

    signer: "Signer"
    body_hash: str
    names: str
    canonical: bytes

    def field(self, own_head: str, at: datetime) -> bytes:
        """The DKIM-Signature field, CRLF included, of a mail with this head of its own (mime.own_head) before the rest."""
        signer = self.signer
        own = [(name, value) for name, _, value in (line.partition(": ") for line in own_head.splitlines())]
        names = ":\r\n ".join((":".join([name for name, _ in own]), self.names, ":".join(OVERSIGNED)))
        value = (
            f"v=1; a={signer.algorithm}; c=relaxed/relaxed; d={signer.domain}; s={signer.selector};"
            f" t={int(at.timestamp())};\r\n h={names};\r\n bh={self.body_hash};\r\n b="
        )
        signed = b"".join(map(relaxed_field, own)) + self.canonical
        signed += relaxed_field(("DKIM-Signature", value)).removesuffix(b"\r\n")
        signature = base64.b64encode(signer.sign(signed)).decode("ascii")
        return f"DKIM-Signature: {value}{_folded(signature)}\r\n".encode("ascii")


class Signer:
    """Signs for one domain under one selector: `selector._domainkey.domain` holds the public key in the DNS."""

    def __init__(self, domain: str, selector: str, private_key_pem: str | bytes) -> None:
        """Raises ValueError naming every setting that is wrong."""
        problems = []
        for setting, value in (("DKIM domain", domain), ("DKIM selector", selector)):
            if not DOMAIN.fullmatch(value):
                problems.append(f"The {setting} {value!r} is not a domain name.")
        key, problem = _key(private_key_pem)
        if problem:
            problems.append(problem)
        if problems or key is None:
            raise ValueError(" ".join(problems))
        self.domain = domain
        self.selector = selector
        self._key = key
        self.algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"

    def seal(self, template: Template) -> Seal:
        digest = hashlib.sha256(relaxed_body(template.body)).digest()
        return Seal(
            signer=self,
            body_hash=base64.b64encode(digest).decode("ascii"),
            names=":".join(name for name, _ in template.fields),
            canonical=b"".join(map(relaxed_field, template.fields)),
        )

    def sign(self, data: bytes) -> bytes:
        """The raw signature. RFC 8463 section 3: Ed25519 signs the SHA-256 of the data."""
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        return self._key.sign(hashlib.sha256(data).digest())


def _key(pem: str | bytes) -> tuple[RSAPrivateKey | Ed25519PrivateKey | None, str]:
    """The key, or None and what is wrong with it."""
    try:
        key = load_pem_private_key(pem.encode("utf-8") if isinstance(pem, str) else pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None, "The DKIM key is not a private key in PEM without a passphrase."
    if isinstance(key, Ed25519PrivateKey):
        return key, ""
    if not isinstance(key, RSAPrivateKey):
        return None, "The DKIM key is neither RSA nor Ed25519."
    if key.key_size < RSA_BITS_MIN:
        return None, f"The DKIM key has {key.key_size} bits; RSA needs at least {RSA_BITS_MIN}."
    return key, ""


def _folded(text: str) -> str:
    """Broken into lines: white space inside b= does not count."""
    return "\r\n ".join(text[at : at + FOLD_AT] for at in range(0, len(text), FOLD_AT))
