"""What a code says of an address, by the documents that define it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import twilio_codes
from channels.faults import NUMBERS, Fault, fault

HARD, SOFT = Fault.HARD, Fault.SOFT


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("5.1.1", HARD), ("5.1.2", HARD), ("5.1.10", HARD), ("5.2.1", HARD), ("550 5.1.1", HARD), ("551", HARD), ("553", HARD),
        ("4.1.1", SOFT), ("5.2.2", SOFT), ("4.2.2", SOFT), ("5.3.0", SOFT), ("4.4.7", SOFT), ("5.0.0", SOFT), ("552", SOFT),
        ("550", SOFT), ("4.2.1", SOFT), ("552 5.2.2", SOFT),
        ("30003", HARD), ("30005", HARD), ("30006", HARD), ("21614", HARD), ("21635", HARD),
    ],
)  # fmt: skip
def test_a_code_that_speaks_of_the_address_says_how_badly(code: str, said: Fault) -> None:
    assert fault(code) is said


@pytest.mark.parametrize(
    "code",
    [
        "5.7.1", "550 5.7.1", "5.7.26", "5.1.7", "5.1.8", "5.4.6", "5.5.0", "5.6.1", "554", "30007", "30008", "30034", "21610",
        "21408", "21617", "canceled", "address", "content", "unencodable", "", "2.0.0x", "left to staff",
        "\u0665.1.1", "5.1.1 junk",
    ],
)  # fmt: skip
def test_a_code_that_speaks_of_us_or_the_network_says_nothing_of_the_address(code: str) -> None:
    assert fault(code) is None


def test_every_number_is_one_that_the_channel_knows() -> None:
    assert set(NUMBERS) <= set(twilio_codes.CODES) | set(twilio_codes.REASONS)


@given(st.text(max_size=12))
def test_any_code_can_be_asked_about(code: str) -> None:
    assert fault(code) in (HARD, SOFT, None)
