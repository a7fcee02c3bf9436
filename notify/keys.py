"""The keys file: made once by `tocsin init`, readable by its owner alone, never in the database or a backup of it."""

import base64
import os
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from cryptography.x509 import load_der_x509_certificate

from notify.publishing.cap_signature import PrivateKey, Signer
from subscribers.sealing import KEY_BYTES, Keyring


class KeysError(Exception):
    """The keys cannot be used; the message says what is wrong and what to do."""


def create(path: Path) -> Keyring:
    """Makes a new keys file with mode 600. Raises KeysError when there is one: losing keys loses every address."""
    text = _text("k1", {"k1": secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise KeysError(f"{path} exists already and is kept: without it no address could ever be read again.") from None
    return load(path)


def load(path: Path) -> Keyring:
    """Raises KeysError."""
    try:
        given = tomllib.loads(path.read_text("ascii"))
    except FileNotFoundError:
        raise KeysError(
            f"{path} is missing. 'tocsin init' makes it; if there was one, restore it from where it is kept."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read: {error}") from None
    if path.stat().st_mode & 0o077:
        raise KeysError(f"{path} can be read by others. Run: chmod 600 {path}")
    try:
        keys = {name: base64.b64decode(value, validate=True) for name, value in given["keys"].items()}
        return Keyring(current=given["current"], keys=keys, blind_key=base64.b64decode(given["blind"], validate=True))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise KeysError(f"{path} does not hold what it should: {error}") from None


def add_key(path: Path) -> Keyring:
    """Adds a new current key beside the old ones, which go on opening what they sealed. Written atomically."""
    ring = load(path)
    name = next(name for number in count(1) if (name := f"k{number}") not in ring.keys)
    _replace(path, _text(name, {**ring.keys, name: secrets.token_bytes(KEY_BYTES)}, ring.blind_key, signers(path)))
    return load(path)


def signers(path: Path) -> tuple[Signer, ...]:
    """The keys that CAP documents are and were signed with, the newest first; none where none was made. Raises KeysError."""
    load(path)
    given = tomllib.loads(path.read_text("ascii")).get("signing", [])
    try:
        return tuple(
            Signer(_signing_key(base64.b64decode(one["key"])), load_der_x509_certificate(base64.b64decode(one["certificate"])))
            for one in given
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise KeysError(f"{path} does not hold signing keys as it should: {error}") from None


def add_signer(path: Path, signer: Signer) -> None:
    """From the next start on CAP documents are signed with this one; the old ones stay, so that their certificates do."""
    ring = load(path)
    _replace(path, _text(ring.current, ring.keys, ring.blind_key, (signer, *signers(path))))


def _signing_key(der: bytes) -> PrivateKey:
    key = load_der_private_key(der, None)
    if not isinstance(key, PrivateKey):
        raise ValueError("a signing key is neither RSA nor elliptic")
    return key


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _text(current: str, keys: Mapping[str, bytes], blind: bytes, signers: Sequence[Signer] = ()) -> str:
    lines = [f'current = "{current}"', f'blind = "{base64.b64encode(blind).decode()}"', "", "[keys]"]
    lines += [f'{name} = "{base64.b64encode(key).decode()}"' for name, key in keys.items()]
    for one in signers:
        key = one.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        certificate = one.certificate.public_bytes(Encoding.DER)
        lines += ["", "[[signing]]", f'key = "{base64.b64encode(key).decode()}"']
        lines += [f'certificate = "{base64.b64encode(certificate).decode()}"']
    return "\n".join(lines) + "\n"
