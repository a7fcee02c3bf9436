"""A file that anybody with a public key can write and only the private key's holder can read.

    header   "TOCSIN-SEALED-1\\n", then the writer's ephemeral X25519 public key (32 bytes)
    key      HKDF-SHA256(secret = X25519(ephemeral, recipient), salt = ephemeral public | recipient public, info = MAGIC)
    chunks   ChaCha20-Poly1305, 64 KiB of text each (the last may be shorter), nonce = chunk number (11 bytes, big-endian)
             | 1 on the last chunk, else 0 (1 byte)

The construction is that of age's X25519 recipient (https://age-encryption.org/v1, C2SP), with the file key derived directly:
one recipient, one file, one key. Chunks are STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and
its Nonce-Reuse Misuse-Resistance", 2015): none can be altered, moved, dropped or added, and a cut file does not end well. The
key is used for one file only, so nonces never repeat. Every primitive is of `cryptography` (RFC 7748, RFC 5869, RFC 8439).
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

MAGIC: Final = b"TOCSIN-SEALED-1\n"
KEY_BYTES: Final = 32
CHUNK: Final = 64 * 1024
TAG: Final = 16


class Unreadable(Exception):
    """The file does not open: another key, cut, altered, or none of ours. The message says which."""


def make_key(path: Path) -> str:
    """Writes a new private key, for its owner alone; returns the public half. Raises FileExistsError."""
    key = X25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def load_key(path: Path) -> X25519PrivateKey:
    """Raises Unreadable and what the file raises."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise Unreadable(f"{path} is no private key in PEM without a passphrase.") from error
    if not isinstance(key, X25519PrivateKey):
        raise Unreadable(f"{path} is a key of another kind; 'tocsin snapshot key' makes the right one.")
    return key


class Sealer:
    """Writes text sealed to a public key (base64). `key` opens what is being written, so that it can be checked right after."""

    def __init__(self, file: BinaryIO, public: str) -> None:
        recipient = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        ephemeral = X25519PrivateKey.generate()
        ours = ephemeral.public_key().public_bytes_raw()
        self.key = _derived(ephemeral.exchange(recipient), ours, recipient.public_bytes_raw())
        self._cipher, self._file = ChaCha20Poly1305(self.key), file
        self._number, self._left = 0, bytearray()
        file.write(MAGIC + ours)

    def write(self, data: bytes) -> None:
        self._left += data
        while len(self._left) > CHUNK:  # at least one byte stays: only the end knows which chunk is the last
            self._seal(bytes(self._left[:CHUNK]), last=False)
            del self._left[:CHUNK]

    def close(self) -> None:
        self._seal(bytes(self._left), last=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:  # what was broken off has no end, and so never opens
            self.close()

    def _seal(self, text: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), text, None))
        self._number += 1


def opened(file: BinaryIO, private: X25519PrivateKey) -> Iterator[bytes]:
    """The text, chunk by chunk, each one proven before it is given. Raises Unreadable, at the latest at the end."""
    ours = _header(file)
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(ours))
    except ValueError as error:
        raise Unreadable("The file's header is broken.") from error
    yield from _chunks(file, _derived(secret, ours, private.public_key().public_bytes_raw()))


def opened_with(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    """As `opened`, with the key of the file itself."""
    _header(file)
    yield from _chunks(file, key)


def _header(file: BinaryIO) -> bytes:
    head = file.read(len(MAGIC) + KEY_BYTES)
    if not head.startswith(MAGIC) or len(head) < len(MAGIC) + KEY_BYTES:
        raise Unreadable("This is no sealed file of version 1.")
    return head[len(MAGIC) :]


def _chunks(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    cipher, number, sealed = ChaCha20Poly1305(key), 0, file.read(CHUNK + TAG)
    while True:
        following = file.read(CHUNK + TAG)
        last = not following
        try:
            text = cipher.decrypt(_nonce(number, last=last), sealed, None)
        except InvalidTag:
            why = "another key, or it was altered" if number == 0 else "it was cut or altered"
            raise Unreadable(f"The file does not open at chunk {number + 1}: {why}.") from None
        yield text
        if last:
            return
        number, sealed = number + 1, following


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _derived(secret: bytes, ours: bytes, theirs: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=ours + theirs, info=MAGIC).derive(secret)
