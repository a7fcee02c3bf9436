"""Addresses at rest: only the right key opens them, and only in their own channel."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.sealing import BLIND_BYTES, NONCE_BYTES, Keyring, Unopenable
from tests.subscribers.factories import a_keyring

PHONE = "+15035550123"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(channel=st.sampled_from(["sms", "email"]), address=texts)
def test_what_is_sealed_opens_again(channel: str, address: str) -> None:
    keyring = a_keyring()
    sealed = keyring.seal(channel, address)
    assert keyring.open(channel, sealed.key_id, sealed.data) == address


def test_a_sealed_address_does_not_show_the_address_and_never_looks_the_same() -> None:
    keyring = a_keyring()
    first, second = keyring.seal("sms", PHONE), keyring.seal("sms", PHONE)
    assert PHONE.encode() not in first.data
    assert first.data != second.data
    assert len(first.data) == NONCE_BYTES + len(PHONE) + 16


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_an_address_altered_by_one_bit_does_not_open(place: int, bit: int) -> None:
    keyring = a_keyring()
    sealed = keyring.seal("sms", PHONE)
    altered = bytearray(sealed.data)
    altered[place % len(altered)] ^= 1 << bit
    with pytest.raises(Unopenable, match="altered"):
        keyring.open("sms", sealed.key_id, bytes(altered))


@pytest.mark.parametrize("length", [0, 5, NONCE_BYTES, NONCE_BYTES + 15])
def test_a_cut_off_address_does_not_open(length: int) -> None:
    keyring = a_keyring()
    sealed = keyring.seal("sms", PHONE)
    with pytest.raises(Unopenable):
        keyring.open("sms", sealed.key_id, sealed.data[:length])


def test_an_address_moved_to_another_channel_does_not_open() -> None:
    keyring = a_keyring()
    sealed = keyring.seal("sms", PHONE)
    with pytest.raises(Unopenable):
        keyring.open("email", sealed.key_id, sealed.data)


def test_a_missing_key_is_named_and_the_address_is_not() -> None:
    sealed = a_keyring().seal("sms", PHONE)
    later = a_keyring("2015", **{"2015": b"n" * 32})
    with pytest.raises(Unopenable, match="'2014'") as raised:
        later.open("sms", sealed.key_id, sealed.data)
    assert PHONE not in str(raised.value)


def test_after_rotation_old_addresses_still_open_and_are_sealed_anew_once() -> None:
    old = a_keyring()
    sealed = old.seal("sms", PHONE)
    both = a_keyring("2015", **{"2014": b"k" * 32, "2015": b"n" * 32})
    assert both.open("sms", sealed.key_id, sealed.data) == PHONE
    fresh = both.reseal("sms", sealed.key_id, sealed.data)
    assert fresh is not None
    assert fresh.key_id == "2015"
    assert both.open("sms", "2015", fresh.data) == PHONE
    assert both.reseal("sms", fresh.key_id, fresh.data) is None
    assert both.blind("sms", PHONE) == old.blind("sms", PHONE), "the blind index survives rotation"


def test_the_blind_index_is_a_keyed_hash_of_channel_and_address() -> None:
    expected = hmac.digest(b"b" * 32, b"sms\0" + PHONE.encode(), hashlib.sha256)[:BLIND_BYTES]
    assert a_keyring().blind("sms", PHONE) == expected
    assert a_keyring().blind("email", PHONE) != expected
    other = Keyring(current="a", keys={"a": b"k" * 32}, blind_key=b"c" * 32)
    assert other.blind("sms", PHONE) != expected


def test_one_mailbox_written_in_two_ways_is_found_as_one() -> None:
    keyring = a_keyring()
    assert keyring.blind("email", "Resident@example.gov") == keyring.blind("email", "resident@example.gov")


def test_bad_keys_are_refused_with_every_fault_at_once() -> None:
    with pytest.raises(ValueError) as raised:
        Keyring(current="new", keys={"old": b"short"}, blind_key=b"b" * 31)
    message = str(raised.value)
    assert "'new' is not among" in message
    assert "'old' has 5 bytes" in message
    assert "'blind index' has 31 bytes" in message


@pytest.mark.parametrize(("keys", "blind"), [({"a": b"k" * 32}, b"k" * 32), ({"a": b"k" * 32, "b": b"k" * 32}, b"b" * 32)])
def test_one_key_for_two_purposes_is_refused(keys: dict[str, bytes], blind: bytes) -> None:
    with pytest.raises(ValueError, match="the same"):
        Keyring(current="a", keys=keys, blind_key=blind)


def test_keys_never_appear_when_a_keyring_is_printed() -> None:
    assert repr(a_keyring()) == "Keyring(current='2014')"
