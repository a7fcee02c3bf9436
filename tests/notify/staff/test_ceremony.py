"""What a passkey's answer must hold, judged by value with an authenticator of our own making."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.staff import ceremony
from notify.staff.ceremony import LONGEST_ANSWER, Key, Party, Unproven, party_of
from tests.notify.authenticator import PRESENT, VERIFIED, Authenticator, Place, b64, cbor, plain

PARTY = Party(rp_id="console.example.gov", origin="https://console.example.gov", name="Portland Tocsin")
HERE = Place(origin=PARTY.origin, rp_id=PARTY.rp_id)
CHALLENGE, OTHER = b"c" * 32, b"o" * 32
BENT = [
    replace(HERE, origin="https://console.example.gov.example.com"),
    replace(HERE, origin="http://console.example.gov"),
    replace(HERE, origin="https://console.example.gov:8443"),
    replace(HERE, rp_id="example.gov"),
    replace(HERE, flags=PRESENT),
    replace(HERE, flags=VERIFIED),
    replace(HERE, cross_origin=True),
    replace(HERE, kind="webauthn.other"),
]
BENT_NAMES = ["lookalike", "unencrypted", "port", "parent-domain", "nobody-verified", "nobody-there", "frame", "kind"]


def asked_to_add(challenge: bytes = CHALLENGE) -> dict[str, Any]:
    return ceremony.to_add(PARTY, "approver", b"u" * 32, challenge, [])


def asked_to_prove(challenge: bytes = CHALLENGE) -> dict[str, Any]:
    return ceremony.to_prove(PARTY, challenge)


def made(device: Authenticator) -> Key:
    return ceremony.added(PARTY, CHALLENGE, device.make(asked_to_add(), HERE))


def judged(key: Key, answer: str, challenge: bytes = CHALLENGE) -> int:
    return ceremony.proven(PARTY, challenge, key, ceremony.claimed(answer))


def test_a_key_is_made_and_used() -> None:
    device = Authenticator()
    key = made(device)
    assert (key.credential_id, key.count) == (device.credential_id, 0)
    assert judged(key, device.sign(asked_to_prove(), HERE)) == 1
    assert judged(key, device.sign(asked_to_prove(), HERE)) == 2


def test_a_passkey_is_asked_for_that_needs_no_name_and_checks_who_holds_it() -> None:
    asked = ceremony.to_add(PARTY, "approver", b"u" * 32, CHALLENGE, [b"one of theirs"])
    wanted = asked["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["requireResidentKey"], wanted["userVerification"]) == ("required", True, "required")
    assert asked["attestation"] == "none" and asked["rp"] == {"name": PARTY.name, "id": PARTY.rp_id}
    assert [one["id"] for one in asked["excludeCredentials"]] == [b64(b"one of theirs")]
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [-7, -8, -257]
    used = asked_to_prove()
    assert used["allowCredentials"] == [] and used["userVerification"] == "required" and used["rpId"] == PARTY.rp_id


@pytest.mark.parametrize("place", BENT, ids=BENT_NAMES)
def test_what_was_made_elsewhere_or_without_its_holder_is_no_passkey(place: Place) -> None:
    with pytest.raises(Unproven):
        ceremony.added(PARTY, CHALLENGE, Authenticator().make(asked_to_add(), place))


@pytest.mark.parametrize("place", BENT, ids=BENT_NAMES)
def test_what_was_signed_elsewhere_or_without_its_holder_proves_nothing(place: Place) -> None:
    device = Authenticator()
    key = made(device)
    with pytest.raises(Unproven):
        judged(key, device.sign(asked_to_prove(), place))


def test_an_answer_to_another_challenge_proves_nothing() -> None:
    device = Authenticator()
    key = made(device)
    with pytest.raises(Unproven, match="challenge"):
        judged(key, device.sign(asked_to_prove(OTHER), HERE))
    with pytest.raises(Unproven, match="challenge"):
        ceremony.added(PARTY, CHALLENGE, Authenticator().make(asked_to_add(OTHER), HERE))


def test_another_key_signs_for_nobody() -> None:
    device, thief = Authenticator(), Authenticator()
    key = made(device)
    thief.credential_id = device.credential_id
    with pytest.raises(Unproven, match="signature"):
        judged(key, thief.sign(asked_to_prove(), HERE))


def test_what_was_made_is_never_taken_for_what_was_signed() -> None:
    device = Authenticator()
    answer = device.make(asked_to_add(), HERE)
    with pytest.raises(Unproven):
        ceremony.claimed(answer)
    signed = device.sign(asked_to_prove(), HERE)
    with pytest.raises(Unproven):
        ceremony.added(PARTY, CHALLENGE, signed)


def test_an_answer_may_not_name_another_credential_than_it_made() -> None:
    given = json.loads(Authenticator().make(asked_to_add(), HERE))
    given["id"] = given["rawId"] = b64(b"somebody else's")
    with pytest.raises(Unproven, match="names another"):
        ceremony.added(PARTY, CHALLENGE, json.dumps(given))


def test_a_maker_s_certificate_is_not_even_read() -> None:
    for fmt, statement in [("packed", {"alg": -7, "sig": b"s", "x5c": [b"c"]}), ("android-safetynet", {"ver": "1"})]:
        with pytest.raises(Unproven, match="was not asked for"):
            ceremony.added(PARTY, CHALLENGE, Authenticator().make(asked_to_add(), HERE, fmt, statement))


def test_a_point_that_is_not_on_the_curve_is_no_key() -> None:
    device = Authenticator()
    given = json.loads(device.make(asked_to_add(), HERE))
    whole = plain(given["response"]["attestationObject"])
    y = device.key.public_key().public_numbers().y.to_bytes(32, "big")
    given["response"]["attestationObject"] = b64(whole.replace(cbor(y), cbor(bytes(31) + b"\x01")))
    with pytest.raises(Unproven):
        ceremony.added(PARTY, CHALLENGE, json.dumps(given))


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", "null", "[" * 15_000, "{}", '{"id": 1}', "é" * 200, " " * (LONGEST_ANSWER + 1)], ids=repr
)
def test_nonsense_is_refused_without_a_fault(answer: str) -> None:
    with pytest.raises(Unproven):
        ceremony.claimed(answer)
    with pytest.raises(Unproven):
        ceremony.added(PARTY, CHALLENGE, answer)


DEVICE = Authenticator()
KEY = made(DEVICE)
SIGNED = json.loads(DEVICE.sign(asked_to_prove(), HERE))
MADE = json.loads(DEVICE.make(asked_to_add(), HERE))


@given(st.sampled_from(["authenticatorData", "signature", "clientDataJSON", "userHandle"]), st.binary(max_size=80))
def test_no_bytes_in_place_of_signed_ones_are_taken_or_fault(name: str, data: bytes) -> None:
    bent = SIGNED | {"response": SIGNED["response"] | {name: b64(data)}}
    if name == "userHandle":  # not signed: whose it is the caller compares
        assert ceremony.claimed(json.dumps(bent)).response.user_handle == data
        return
    with pytest.raises(Unproven):
        judged(KEY, json.dumps(bent))


@given(st.sampled_from(["attestationObject", "clientDataJSON"]), st.integers(0, 400), st.integers(1, 255))
def test_one_byte_changed_in_what_was_made_is_no_fault(name: str, at: int, by: int) -> None:
    """Without attestation nothing is signed, so a changed byte of the key may pass; it must only never break anything."""
    data = bytearray(plain(MADE["response"][name]))
    data[at % len(data)] ^= by
    bent = MADE | {"response": MADE["response"] | {name: b64(bytes(data))}}
    try:
        ceremony.added(PARTY, CHALLENGE, json.dumps(bent))
    except Unproven:
        return


@pytest.mark.parametrize(
    ("kept", "stated", "backwards"),
    [(0, 0, False), (0, 1, False), (4, 5, False), (4, 4, True), (4, 3, True), (4, 0, True), (0, 2**32 - 1, False)],
)
def test_a_count_may_only_rise_or_stay_nought(kept: int, stated: int, backwards: bool) -> None:
    assert ceremony.went_backwards(kept, stated) is backwards


@pytest.mark.parametrize(
    ("url", "party"),
    [
        ("https://console.example.gov", ("console.example.gov", "https://console.example.gov")),
        ("https://Console.Example.gov:443/", ("console.example.gov", "https://console.example.gov")),
        ("https://console.example.gov:8443", ("console.example.gov", "https://console.example.gov:8443")),
        ("http://localhost:8081", ("localhost", "http://localhost:8081")),
        ("http://console.example.gov", None),
        ("http://127.0.0.1:8081", None),
        ("https://10.0.0.7", None),
        ("https://[2001:db8::1]:8443", None),
        ("", None),
    ],
)
def test_keys_are_bound_to_a_host_name_that_is_reached_unheard(url: str, party: tuple[str, str] | None) -> None:
    found = party_of(url, "Tocsin")
    assert (found and (found.rp_id, found.origin)) == party


def test_a_handle_tells_nothing_and_is_each_person_s_own() -> None:
    key = b"k" * 32
    assert ceremony.handle(key, "author") == ceremony.handle(key, "author")
    assert len({ceremony.handle(key, "author"), ceremony.handle(key, "approver"), ceremony.handle(b"l" * 32, "author")}) == 3
