"""Which signatures count: two algorithms, each with its own kind of key, and no other."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from notify.identity import tokens
from notify.identity.tokens import LONGEST_TOKEN, NoSuchKey, Unsigned
from tests.notify.identity.provider_server import b64, ec_key, jwk, rsa_key, signed

RSA, OTHER, CURVE = rsa_key("first"), rsa_key("second"), ec_key("first")
KNOWN = tokens.keys({"keys": [jwk(RSA, "r"), jwk(CURVE, "e")]})
CLAIMS = {"sub": "s-1"}


@pytest.mark.parametrize(("key", "kid"), [(RSA, "r"), (CURVE, "e")])
def test_either_kind_of_key_signs(key: Any, kid: str) -> None:
    assert tokens.verified(signed(CLAIMS, key, kid=kid), KNOWN) == CLAIMS


def test_one_key_alone_needs_no_name() -> None:
    assert tokens.verified(signed(CLAIMS, RSA), KNOWN) == CLAIMS  # the only one for RS256
    with pytest.raises(Unsigned, match="which of several"):
        tokens.verified(signed(CLAIMS, RSA), tokens.keys({"keys": [jwk(RSA, "r"), jwk(OTHER, "o")]}))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "HS384", "RS512", "PS256", "EdDSA", "", None])
def test_no_other_algorithm_counts_whatever_the_token_says(algorithm: str | None) -> None:
    with pytest.raises(Unsigned):
        tokens.verified(signed(CLAIMS, RSA, kid="r", alg=algorithm), KNOWN)


def test_a_public_key_is_no_secret() -> None:
    """HS256 with the public key, which everybody has, and an "oct" key slipped into the set."""
    with pytest.raises(Unsigned, match="HS256"):
        tokens.verified(signed(CLAIMS, RSA, kid="r", alg="HS256"), KNOWN)
    assert tokens.keys({"keys": [{"kty": "oct", "k": b64(b"s" * 32), "kid": "o", "alg": "HS256"}]}) == []


def test_a_key_signs_with_its_own_algorithm_only() -> None:
    with pytest.raises(Unsigned):
        tokens.verified(signed(CLAIMS, CURVE, kid="r"), KNOWN)
    with pytest.raises(Unsigned):
        tokens.verified(signed(CLAIMS, RSA, kid="r", alg="ES256"), KNOWN)


def test_a_key_that_nobody_knows_is_told_apart_from_a_signature_that_does_not_hold() -> None:
    with pytest.raises(NoSuchKey):
        tokens.verified(signed(CLAIMS, OTHER, kid="new"), KNOWN)
    with pytest.raises(Unsigned) as error:
        tokens.verified(signed(CLAIMS, OTHER, kid="r"), KNOWN)
    assert not isinstance(error.value, NoSuchKey)


def test_a_key_that_the_token_itself_brings_is_not_used() -> None:
    own = jwk(OTHER, "r")
    for header in ({"jwk": own}, {"jku": "https://example.gov/keys"}, {"x5c": ["AAAA"]}):
        with pytest.raises(Unsigned):
            tokens.verified(signed(CLAIMS, OTHER, kid="r", **header), KNOWN)


def test_what_must_be_understood_and_is_not_is_refused() -> None:
    with pytest.raises(Unsigned):
        tokens.verified(signed(CLAIMS, RSA, kid="r", crit=["exp"], exp=1), KNOWN)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_letter_changed_anywhere_voids_it(at: int) -> None:
    parts = signed(CLAIMS, RSA, kid="r").split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[at] + "=="))
    raw[len(raw) // 2] ^= 1
    parts[at] = b64(bytes(raw))
    with pytest.raises(Unsigned):
        tokens.verified(".".join(parts), KNOWN)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "{}", "x" * (LONGEST_TOKEN + 1), "\x00.\x00.\x00", "é.é.é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unsigned):
        tokens.verified(token, KNOWN)


def test_what_is_signed_must_be_an_object() -> None:
    with pytest.raises(Unsigned, match="no object"):
        tokens.verified(signed([1], RSA, kid="r"), KNOWN)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key",
    [
        jwk(RSA, "r", use="enc"),
        jwk(RSA, "r", alg="RSA-OAEP"),
        jwk(RSA, "r", alg="RS512"),
        jwk(RSA, "r", key_ops=["encrypt"]),
        jwk(rsa_key("short", 1024), "r"),
        jwk(ec.generate_private_key(ec.SECP384R1()), "e"),
        jwk(ec.generate_private_key(ec.SECP384R1()), "e", alg="ES256"),
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": b64(b"x" * 32)},
        {},
        "key",
        None,
    ],
)
def test_a_key_that_cannot_sign_for_us_is_passed_over_and_the_others_kept(key: Any) -> None:
    assert [one.key_id for one in tokens.keys({"keys": [key, jwk(CURVE, "good")]})] == ["good"]


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, "keys", 7])
def test_what_is_no_set_of_keys_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="no list of keys"):
        tokens.keys(document)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_invented_bytes_never_pass_and_never_break(head: bytes, body: bytes, end: bytes) -> None:
    with pytest.raises(Unsigned):
        tokens.verified(f"{b64(head)}.{b64(body)}.{b64(end)}", KNOWN)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), st.none() | st.text(max_size=8) | st.booleans()
    )
)
def test_invented_headers_never_pass_with_another_s_signature(header: dict[str, Any]) -> None:
    text = f"{b64(json.dumps(header).encode())}.{b64(b'{}')}.{b64(b's' * 256)}"
    with pytest.raises(Unsigned):
        tokens.verified(text, KNOWN)
