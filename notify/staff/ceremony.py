"""Passkeys as browsers and authenticators speak of them (Web Authentication Level 3): what is asked, and whether an answer
holds. Pure: the library `webauthn` reads and verifies; what it leaves to us is checked here."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import helpers
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

ASKED_FOR: Final = timedelta(minutes=5)  # how long a challenge holds; the standard's longest suggestion
LONGEST_ANSWER: Final = 16_384  # characters; a key without attestation takes about 1,000
CHALLENGE_BYTES: Final = 32
# What every phone, laptop and security key of today can sign with; Windows Hello on old machines has RSA only.
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
USUAL_PORTS: Final = {"https": 443, "http": 80}
# What reading bytes that anybody may have made can raise, beside the library's own refusals.
_FAULTS: Final = (WebAuthnException, UnsupportedAlgorithm, ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Unproven(Exception):
    """An answer that does not hold; the message says why, for our log and not for whoever sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who asks. rp_id: the host name keys are bound to. origin: where answers must come from. name: as people read it."""

    rp_id: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One passkey's public half. count: how often it says it was used; 0 for ever where it is kept on several devices."""

    credential_id: bytes
    public_key: bytes
    count: int


def party_of(url: str, name: str) -> Party | None:
    """Who we are to authenticators when staff reach the console at `url`. None where there can be no passkeys: browsers bind
    them to a host name, never to an address, and only where nobody can listen in."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if not host or _is_address(host) or (parts.scheme != "https" and not (parts.scheme == "http" and host == "localhost")):
        return None
    shown = "" if port is None or port == USUAL_PORTS[parts.scheme] else f":{port}"
    return Party(rp_id=host, origin=f"{parts.scheme}://{host}{shown}", name=name)


def handle(key: bytes, person_id: str) -> bytes:
    """What an authenticator keeps in place of a name: the same for each passkey of a person, and nothing to read."""
    return hmac.new(key, f"passkey {person_id}".encode(), hashlib.sha256).digest()


def to_add(party: Party, person_id: str, user: bytes, challenge: bytes, known: Sequence[bytes]) -> dict[str, Any]:
    """What the browser is asked when somebody adds a passkey: one that it finds without a name, and that checks who holds it.
    known: credentials the person has already, none of which is made twice."""
    options = webauthn.generate_registration_options(
        rp_id=party.rp_id,
        rp_name=party.name,
        user_name=person_id,
        user_id=user,
        challenge=challenge,
        timeout=_milliseconds(ASKED_FOR),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        supported_pub_key_algs=ALGORITHMS,
    )
    return helpers.options_to_json_dict(options)


def to_prove(party: Party, challenge: bytes, known: Sequence[bytes] = ()) -> dict[str, Any]:
    """What the browser is asked when somebody uses a passkey. known: empty for whoever is not signed in: nobody learns from us
    who has which."""
    options = webauthn.generate_authentication_options(
        rp_id=party.rp_id,
        challenge=challenge,
        timeout=_milliseconds(ASKED_FOR),
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return helpers.options_to_json_dict(options)


def added(party: Party, challenge: bytes, answer: str) -> Key:
    """The key that was made. Raises Unproven."""
    given = _read(answer)
    with _told_as_unproven():
        credential = helpers.parse_registration_credential_json(dict(given))
        _of_this_page(credential.response.client_data_json)
        _without_certificates(credential.response.attestation_object)
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        if found.credential_id != credential.raw_id:
            raise Unproven("the answer names another credential than the one it made")
        helpers.decoded_public_key_to_cryptography(helpers.decode_credential_public_key(found.credential_public_key))
    return Key(credential_id=found.credential_id, public_key=found.credential_public_key, count=found.sign_count)


def claimed(answer: str) -> AuthenticationCredential:
    """What an answer says of itself, not verified: which credential, whose. Raises Unproven."""
    given = _read(answer)
    with _told_as_unproven():
        return helpers.parse_authentication_credential_json(dict(given))


def proven(party: Party, challenge: bytes, key: Key, claim: AuthenticationCredential) -> int:
    """The count that the authenticator states, once everything else holds. Whether it went backwards is the caller's to judge.
    Raises Unproven."""
    with _told_as_unproven():
        _of_this_page(claim.response.client_data_json)
        found = webauthn.verify_authentication_response(
            credential=claim,
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    return found.new_sign_count


def went_backwards(kept: int, stated: int) -> bool:
    """Whether two devices hold one key (Web Authentication 6.1.1). Authenticators that do not count always state 0."""
    return (kept, stated) != (0, 0) and stated <= kept


@contextmanager
def _told_as_unproven() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise Unproven(f"{type(error).__name__}: {error}") from error


def _read(answer: str) -> Mapping[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise Unproven(f"the answer has {len(answer)} characters")
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise Unproven("the answer is not JSON") from error
    if not isinstance(given, dict):
        raise Unproven("the answer is not an object")
    return given


def _of_this_page(client_data: bytes) -> None:
    """The library checks type, challenge and origin; that no other site's frame asked is ours to check."""
    if helpers.parse_client_data_json(client_data).cross_origin:
        raise Unproven("another site's page asked")


def _without_certificates(attestation: bytes) -> None:
    """We ask for no proof of who made the authenticator. Whatever comes with a maker's certificate is not even read."""
    found = helpers.parse_attestation_object(attestation)
    if found.fmt not in ("none", "packed") or found.att_stmt.x5c is not None:
        raise Unproven(f"attestation '{found.fmt}' was not asked for")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _milliseconds(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)
