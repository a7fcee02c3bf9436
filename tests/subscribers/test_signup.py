"""What people may type on the sign-up page, and what follows from it, by value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.address import Samples
from subscribers.dialog.turn import Sight
from subscribers.place import PLACES_MAX, NamedPlace, normal_label
from subscribers.signup import Fault, Reach, chosen, free_label, label_for, mark, masked, nowhere, reach


def a_sight(name: str = "Lents", score: float = 1.0, zip_code: str = "") -> Sight:
    return Sight(spot=NamedPlace(name), words=name, exact=name, score=score, zip=zip_code)


@pytest.mark.parametrize("typed", ["(503) 555-0123", "503.555.0123", "+1 503 555 0123", " 15035550123 "])
def test_a_phone_is_known_however_it_is_written(typed: str) -> None:
    assert reach(typed, Samples.ALLOWED) == Reach(channel="sms", address="+15035550123")


def test_a_mailbox_is_what_has_an_at_sign() -> None:
    assert reach("Resident@EXAMPLE.gov", Samples.ALLOWED) == Reach(channel="email", address="Resident@example.gov")
    assert reach("resident@localhost", Samples.ALLOWED) is Fault.BAD_EMAIL


@pytest.mark.parametrize("mode", Samples)
def test_which_phones_count_depends_on_the_mode(mode: Samples) -> None:
    sample, real = reach("503-555-0123", mode), reach("503-823-4000", mode)
    assert isinstance(sample, Reach) is (mode is not Samples.REFUSED)
    assert isinstance(real, Reach) is (mode is not Samples.ONLY)


@given(st.text(max_size=400))
def test_whatever_is_typed_is_an_address_or_a_fault(typed: str) -> None:
    found = reach(typed, Samples.ALLOWED)
    assert isinstance(found, Fault) or not set(found.address) & set(" \r\n\t<>\"'")


def test_a_place_that_is_clear_is_taken_and_one_that_is_not_is_asked_about() -> None:
    sure, close = a_sight("Lents"), a_sight("Lents Park", 0.95)
    assert chosen("Lents", [sure], "") == sure
    assert chosen("Lents", [sure, close], "") is Fault.WHICH_PLACE
    assert chosen("Lents", [a_sight(score=0.5)], "") is Fault.WHICH_PLACE
    assert chosen("Lents", [], "") is Fault.NO_PLACE
    assert chosen("", [], "anything") is None


def test_an_answer_counts_for_what_was_asked_only() -> None:
    sights = [a_sight("1100 block SW 5th Ave", 0.7, "97204"), a_sight("1100 block NE 5th Ave", 0.7, "97232")]
    assert chosen("1120 5th", sights, mark(sights[1])) == sights[1]
    assert chosen("1120 5th", sights, nowhere("1120 5th")) is None
    assert chosen("1120 5th", sights, nowhere("1120 6th")) is Fault.WHICH_PLACE
    assert chosen("1120 5th", sights, "somewhere else") is Fault.WHICH_PLACE


@given(st.sets(st.sampled_from(["HOME", "WORK", *(f"PLACE{number}" for number in range(2, 8))]), max_size=PLACES_MAX))
def test_a_free_label_is_free_good_and_there_as_long_as_there_is_room(taken: set[str]) -> None:
    label = free_label(taken)
    assert bool(label) is (len(taken) < PLACES_MAX)
    assert label not in taken and (not label or normal_label(label) == label)


def test_a_label_is_the_one_typed_if_it_can_be() -> None:
    assert label_for(" mom ", {"HOME"}) == "MOM"
    assert label_for("", {"HOME"}) == "PLACE2"
    for typed in ("home", "x" * 13, "<b>", "💧"):
        assert label_for(typed, {"HOME"}) is Fault.BAD_LABEL
    assert label_for("", {"HOME", "A", "B", "C", "D"}) is Fault.BAD_LABEL


def test_an_address_is_shown_to_its_owner_alone() -> None:
    assert masked("sms", "+15035550123") == "…23"
    assert masked("email", "resident@example.gov") == "r…@example.gov"
