"""Signatures of ID tokens: which keys of a provider count, and whether one of them signed. Pure: `jwt` (PyJWT) reads and
verifies; which algorithm and key may be used at all is decided here, never by the token."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWS

# By the kind of key: a token that says otherwise ("none", or a public key as an HMAC's secret) is none of ours.
ALGORITHMS: Final[Mapping[str, str]] = {"RSA": "RS256", "EC": "ES256"}
LEAST_RSA_BITS: Final = 2048
LONGEST_TOKEN: Final = 16_384  # characters; one with a hundred groups takes about 6,000
MOST_KEYS: Final = 50
_FAULTS: Final = (jwt.PyJWTError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


class Unsigned(Exception):
    """No key of the provider signed this; the message says why, for our log."""


class NoSuchKey(Unsigned):
    """The token names a key that is not among those known: there may be new ones."""


def keys(document: Any) -> list[PyJWK]:
    """The keys of a JWK Set that may sign for us; others (for encryption, short, of another kind) are passed over. Raises
    ValueError when it is no such set."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("it is no list of keys")
    found = [_key(one) for one in document["keys"][:MOST_KEYS]]
    return [one for one in found if one is not None]


def verified(token: str, known: Sequence[PyJWK]) -> dict[str, Any]:
    """What the token claims, signed by one of the known keys. Raises Unsigned, NoSuchKey."""
    if len(token) > LONGEST_TOKEN:
        raise Unsigned(f"the token has {len(token)} characters")
    reader = PyJWS(algorithms=list(ALGORITHMS.values()))
    try:
        header = reader.get_unverified_header(token)
        key = _of(header, known)
        said = reader.decode(token, key, algorithms=[key.algorithm_name])
        claims = json.loads(said)
    except _FAULTS as error:
        raise Unsigned(f"{type(error).__name__}: {error}"[:200]) from error
    if not isinstance(claims, dict):
        raise Unsigned("what is signed is no object")
    return claims


def _of(header: Mapping[str, Any], known: Sequence[PyJWK]) -> PyJWK:
    algorithm, name = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS.values():
        raise Unsigned(f"it is signed with {str(algorithm)[:20]!r}")
    fitting = [one for one in known if one.algorithm_name == algorithm and (name is None or one.key_id == name)]
    if not fitting:
        raise NoSuchKey(f"no key {str(name)[:60]!r} for {algorithm} is known")
    if len(fitting) > 1:
        raise Unsigned("it does not say which of several keys signed it")
    return fitting[0]


def _key(said: Any) -> PyJWK | None:
    if not isinstance(said, dict) or said.get("use", "sig") != "sig":
        return None
    algorithm = ALGORITHMS.get(str(said.get("kty")))
    if algorithm is None or said.get("alg", algorithm) != algorithm:
        return None
    if "key_ops" in said and "verify" not in said["key_ops"]:
        return None
    try:
        made = PyJWK(said, algorithm)
    except _FAULTS:
        return None
    key = made.key
    strong = isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS
    return made if strong or (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)) else None
