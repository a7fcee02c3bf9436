"""An authenticator in software: makes keys on P-256 and signs as Web Authentication has it, its bytes put together by hand, so
that the library that judges them is not the one that made them."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40  # flags of authenticator data, Web Authentication 6.1
AAGUID: Final = bytes(16)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """RFC 8949, as much of it as an attestation needs: integers, byte and text strings, maps in the order given."""
    match value:
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case dict():
            return _head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())
        case list():
            return _head(4, len(value)) + b"".join(cbor(one) for one in value)
    raise TypeError(value)


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    if number < 256:
        return bytes([kind << 5 | 24, number])
    return bytes([kind << 5 | 25]) + number.to_bytes(2, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the browser is, as it tells the authenticator and signs: what a trickster would bend."""

    origin: str
    rp_id: str
    flags: int = PRESENT | VERIFIED
    cross_origin: bool = False
    kind: str = ""  # of client data; empty: the right one


@dataclass(slots=True)
class Authenticator:
    """Holds one passkey once it was asked to make one. step: how far its counter goes with each use; 0: it does not count."""

    step: int = 1
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user: bytes = b""

    def copied(self) -> "Authenticator":
        """Its twin, as a thief would make one."""
        return replace(self)

    def make(self, options: dict[str, Any], place: Place, fmt: str = "none", statement: dict[str, Any] | None = None) -> str:
        """navigator.credentials.create: the answer as JSON."""
        assert options["pubKeyCredParams"][0] == {"type": "public-key", "alg": -7}
        assert options["authenticatorSelection"]["userVerification"] == "required"
        self.user = plain(options["user"]["id"])
        shown = self._data(place, place.flags | HAS_KEY) + self._attested()
        attestation = cbor({"fmt": fmt, "attStmt": statement or {}, "authData": shown})
        client = _client(options, place, "webauthn.create")
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def sign(self, options: dict[str, Any], place: Place) -> str:
        """navigator.credentials.get: the answer as JSON."""
        allowed = [plain(one["id"]) for one in options["allowCredentials"]]
        assert not allowed or self.credential_id in allowed, "the browser would not offer this passkey"
        return self.sign_anyway(options, place)

    def sign_anyway(self, options: dict[str, Any], place: Place) -> str:
        """As `sign`, by somebody who minds no list of what is allowed."""
        self.count += self.step
        data, client = self._data(place, place.flags), _client(options, place, "webauthn.get")
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": b64(client),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.user),
            }
        )

    def _data(self, place: Place, flags: int) -> bytes:
        return hashlib.sha256(place.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _attested(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor(cose)

    def _answer(self, response: dict[str, str]) -> str:
        shown = b64(self.credential_id)
        return json.dumps({"id": shown, "rawId": shown, "type": "public-key", "response": response})


def _client(options: dict[str, Any], place: Place, kind: str) -> bytes:
    said = {"type": place.kind or kind, "challenge": options["challenge"], "origin": place.origin}
    return json.dumps(said | {"crossOrigin": place.cross_origin}).encode()
