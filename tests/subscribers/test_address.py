"""Addresses as people write them: one form, or a sentence."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.address import (
    HOME_COUNTRIES,
    REACHABLE_TYPES,
    BadAddress,
    Samples,
    channel_of,
    normal_email,
    normal_phone,
)


@pytest.mark.parametrize(
    "written",
    [
        "+15035550123",
        "503-555-0123",
        "(503) 555-0123",
        "503.555.0123",
        "1 503 555 0123",
        "+1 (503) 555 0123",
        " 503–555–0123 ",
        "\u202a+15035550123\u202c",
        "５０３５５５０１２３",
    ],
)
def test_a_number_has_one_form_however_it_is_written(written: str) -> None:
    assert normal_phone(written, Samples.ALLOWED) == "+15035550123"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "not a phone number"),
        ("none", "not a phone number"),
        ("resident 503-555-0123", "not a phone number"),
        ("503-555-0123 ext. 5", "not a phone number"),
        ("503-555-0123, 503-555-0199", "not a phone number"),
        ("503-555-0123 / 503-555-0199", "not a phone number"),
        ("311", "too few digits"),
        ("503555", "too few digits"),
        ("+150355501234", "too many or too few"),
        ("(999) 555-0123", "no area has such a code"),
        ("(503) 155-0123", "no area has such a code"),
        ("+44 20 7946 0018", "belongs to GB"),
        ("+1 242 555 0123", "belongs to BS"),
        ("800-555-0123", "toll-free"),
        ("900-555-0123", "premium"),
    ],
)
def test_a_number_nobody_could_be_reached_at_is_refused(written: str, reason: str) -> None:
    with pytest.raises(BadAddress, match=reason):
        normal_phone(written, Samples.ALLOWED)


def test_a_city_may_take_numbers_of_other_countries() -> None:
    wider = HOME_COUNTRIES | {"PR", "GB"}
    assert normal_phone("+1 787 555 0123", Samples.ALLOWED, wider) == "+17875550123"
    assert normal_phone("+44 20 7946 0018", Samples.ALLOWED, wider) == "+442079460018"


def test_sample_numbers_are_refused_live_and_the_only_ones_in_a_demo() -> None:
    with pytest.raises(BadAddress, match="kept for samples"):
        normal_phone("503-555-0123", Samples.REFUSED)
    assert normal_phone("503-555-0123", Samples.ONLY) == "+15035550123"
    with pytest.raises(BadAddress, match="no real phone rings"):
        normal_phone("503-823-4000", Samples.ONLY)
    assert normal_phone("503-823-4000", Samples.REFUSED) == "+15038234000"


@given(national=st.integers(2_000_000_000, 9_999_999_999))
def test_numbers_are_judged_as_the_numbering_plan_judges_them(national: int) -> None:
    number = phonenumbers.parse(f"+1{national}")
    good = phonenumbers.region_code_for_number(number) in HOME_COUNTRIES and phonenumbers.number_type(number) in REACHABLE_TYPES
    try:
        assert normal_phone(str(national), Samples.ALLOWED) == f"+1{national}"
    except BadAddress:
        assert not good
    else:
        assert good


def test_a_mailbox_keeps_its_name_and_gets_a_lower_case_domain() -> None:
    assert normal_email(" First.Last+alerts@Example.GOV ") == "First.Last+alerts@example.gov"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("resident", "not an e-mail address"),
        ("resident@example", "not an e-mail address"),
        ("resident@@example.gov", "not an e-mail address"),
        ("a..b@example.gov", "not an e-mail address"),
        ("<resident@example.gov>", "not an e-mail address"),
        ("resident@example.gov, other@example.gov", "not an e-mail address"),
        ("resident@192.0.2.7", "not an e-mail address"),
        ("resident@-example.gov", "not an e-mail address"),
        ("resident@example.gov\r\nBcc: other@example.gov", "control character"),
        ("resi\0dent@example.gov", "control character"),
        ("resident\x85@example.gov", "control character"),
        ("résident@example.gov", "ASCII"),
        ("resident@exämple.gov", "xn--"),
        ("r" * 65 + "@example.gov", "too long"),
        ("resident@" + "example." * 31 + "gov", "too long"),
    ],
)
def test_what_is_no_mailbox_is_refused(written: str, reason: str) -> None:
    with pytest.raises(BadAddress, match=reason) as raised:
        normal_email(written)
    assert not written.strip() or written not in str(raised.value)


@given(st.text(max_size=80))
def test_a_refused_or_accepted_mailbox_never_carries_a_second_line(text: str) -> None:
    try:
        mailbox = normal_email(text)
    except BadAddress:
        return
    assert mailbox.isascii()
    assert mailbox.isprintable()
    assert mailbox.count("@") == 1
    assert normal_email(mailbox) == mailbox


def test_the_channel_follows_from_the_address() -> None:
    assert channel_of("resident@example.gov") == "email"
    assert channel_of("+15035550123") == "sms"
