"""Certificates that CAP documents are signed with: made, read and shown. One file of PEM holds any number of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from notify.publishing.cap_signature import FEWEST_RSA_BITS, PrivateKey, Signer

RSA_BITS: Final = 3072
STARTS_EARLIER: Final = timedelta(hours=1)  # so that a reader whose clock is slow believes it at once


class BadCertificate(ValueError):
    """The certificates cannot be used; the message says why."""


def new_key(*, elliptic: bool) -> PrivateKey:
    """elliptic: P-256, short and quick; else RSA, which every reader knows and IPAWS demands."""
    return ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, RSA_BITS)


def self_signed(key: PrivateKey, sender: str, publisher: str, now: datetime, life: timedelta) -> x509.Certificate:
    """A certificate that vouches for itself: partners take it from our address, over HTTPS, and keep it."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, publisher[:64]), x509.NameAttribute(NameOID.COMMON_NAME, sender[:64])]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - STARTS_EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )


def read_file(path: Path) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM file. Raises BadCertificate."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise BadCertificate(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise BadCertificate(f"{path} holds no certificate in PEM form.") from None


def of_files(key_file: Path, certificate: Path) -> Signer:
    """A key and its certificate from files. Raises BadCertificate."""
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except OSError as error:
        raise BadCertificate(f"{key_file} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise BadCertificate(f"{key_file} holds no private key in PEM form without a password.") from None
    (found, *_) = read_file(certificate)
    if not isinstance(key, PrivateKey) or (isinstance(key, rsa.RSAPrivateKey) and key.key_size < FEWEST_RSA_BITS):
        raise BadCertificate(f"{key_file} must hold an RSA key of at least {FEWEST_RSA_BITS} bits, or an elliptic one.")
    if key.public_key() != found.public_key():
        raise BadCertificate(f"The certificate {certificate} is not that of the key {key_file}.")
    return Signer(key, found)


def pem(certificates: Sequence[x509.Certificate]) -> bytes:
    """For partners: each certificate under a line that says whose it is and how long it is valid."""
    parts = []
    for one in certificates:
        life = f"{one.not_valid_before_utc:%Y-%m-%d} to {one.not_valid_after_utc:%Y-%m-%d}"
        head = f"# {one.subject.rfc4514_string()}; {life}; SHA-256 {fingerprint(one)}\n"
        parts.append(head.encode() + one.public_bytes(Encoding.PEM))
    return b"".join(parts)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, as openssl prints it without colons."""
    return certificate.fingerprint(hashes.SHA256()).hex()
