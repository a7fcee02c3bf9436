"""Addresses at rest: sealed with AES-256-GCM so that a stolen database names nobody, and found again by a keyed hash.

A sealed address is nonce (12 bytes), ciphertext, tag (16 bytes). The channel is bound to it as associated data: a sealed
phone number moved into a row of another channel does not open. The key's name is kept beside it, so keys can be rotated while
the service runs: seal with the new one, open with either, `reseal` the rest.

The blind index has a key of its own, which stays for the life of the database: changing it means hashing every address anew.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D: random nonces of this length serve 2**32 messages under one key
BLIND_BYTES = 16


class Unopenable(Exception):
    """A sealed address cannot be read: its key is missing or its bytes were altered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What is stored of an address, under the name of the key that opens it."""

    key_id: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys of one database. `current` names the key that seals; every key in `keys` opens. Keys are 32 random bytes.

    Raises ValueError, naming every fault, when a key has the wrong length, two keys are the same or `current` is missing.
    """

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    blind_key: bytes = field(repr=False)
    _ciphers: dict[str, AESGCM] = field(init=False, repr=False, compare=False)
    _mac: hmac.HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults = _faults(self.current, self.keys, self.blind_key)
        if faults:
            raise ValueError(" ".join(faults))
        object.__setattr__(self, "_ciphers", {name: AESGCM(key) for name, key in self.keys.items()})
        object.__setattr__(self, "_mac", hmac.new(self.blind_key, digestmod="sha256"))

    def seal(self, channel: str, address: str) -> Sealed:
        """Seals a normalised address. Two seals of one address differ; only `blind` compares."""
        nonce = os.urandom(NONCE_BYTES)
        secret = self._ciphers[self.current].encrypt(nonce, address.encode(), channel.encode())
        return Sealed(key_id=self.current, data=nonce + secret)

    def open(self, channel: str, key_id: str, data: bytes) -> str:
        """The address in clear. Raises Unopenable."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Unopenable(f"An address is sealed with key {key_id!r}, which is not among the configured keys.")
        try:
            return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], channel.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unopenable(
                f"An address sealed with key {key_id!r} does not open: it was altered, or the key is another of that name."
            ) from error

    def reseal(self, channel: str, key_id: str, data: bytes) -> Sealed | None:
        """The same address under the current key; None when it already is. Raises Unopenable."""
        return None if key_id == self.current else self.seal(channel, self.open(channel, key_id, data))

    def blind(self, channel: str, address: str) -> bytes:
        """The 16 bytes that find a normalised address again: HMAC-SHA256 of channel and address, cut.

        Letter case is ignored, so that Resident@example.gov and resident@example.gov are one mailbox: it gets one copy, and
        its opt-out is found however it is written.
        """
        mac = self._mac.copy()  # keyed once: setting up the key costs more than the hash
        mac.update(f"{channel}\0{address.lower()}".encode())
        return mac.digest()[:BLIND_BYTES]


def _faults(current: str, keys: Mapping[str, bytes], blind_key: bytes) -> list[str]:
    faults = []
    if current not in keys:
        faults.append(f"The current key {current!r} is not among the keys given.")
    for name, key in [*keys.items(), ("blind index", blind_key)]:
        if len(key) != KEY_BYTES:
            faults.append(f"The key {name!r} has {len(key)} bytes; it needs {KEY_BYTES}.")
    if len({*keys.values(), blind_key}) <= len(keys):
        faults.append("Two keys are the same; each name, and the blind index, needs its own.")
    return faults
