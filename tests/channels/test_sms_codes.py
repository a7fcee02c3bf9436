"""What Twilio's answers and statuses mean, by value."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Delivered, Handed, Outcome, Refused, Retry, Undelivered, Unknown
from channels.twilio_codes import (
    CODES,
    LONGEST_PAUSE,
    REASONS,
    STATUSES,
    Doubt,
    Means,
    Stop,
    Verdict,
    message_id,
    outcome,
    pause,
    verdict,
)


def reading(status: int, code: int | None = None, *, body: bytes = b"", retry_after: str = "") -> Verdict:
    return verdict(status, code, body=body, retry_after=retry_after)


def test_an_accepted_message_is_handed_under_its_id() -> None:
    assert reading(201, body=b'{"account_sid": "AC5", "body": "\\"sid\\": \\"SM9\\"", "sid": "SM1"}') == Handed("SM1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"sid": null}', b'{"sid": ""}', b'{"sid": 7}', b"\xff"])
def test_an_accepting_answer_that_cannot_be_read_leaves_the_outcome_unknown(body: bytes) -> None:
    assert reading(201, body=body) == Unknown("unreadable answer")


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 500, 502, 503, 504])
def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(status: int) -> None:
    assert reading(status) == Unknown(f"HTTP {status}")


@pytest.mark.parametrize("code", [20429, 20500, 21211, 21610])
def test_no_code_makes_a_server_error_a_proof(code: int) -> None:
    assert reading(503, code) == Unknown("HTTP 503")


@pytest.mark.parametrize("code", [21211, 21214, 21265, 21268, 21612, 21614, 21617, 21635])
def test_a_fault_of_the_number_or_text_is_a_refusal(code: int) -> None:
    read = reading(400, code)
    assert isinstance(read, Refused)
    assert (read.code, read.opted_out) == (str(code), False)


def test_a_country_the_account_may_not_send_to_is_a_refusal_though_it_comes_as_403() -> None:
    assert isinstance(reading(403, 21408), Refused)


def test_a_stop_known_to_the_carrier_is_mirrored() -> None:
    read = reading(400, 21610)
    assert isinstance(read, Refused)
    assert read.opted_out


@pytest.mark.parametrize(
    ("status", "code", "after_s"),
    [(429, 20429, 2), (429, None, 2), (429, 21611, 30), (400, 21611, 30)],
)
def test_a_limit_pauses_the_sender(status: int, code: int | None, after_s: int) -> None:
    read = reading(status, code)
    assert isinstance(read, Retry)
    assert (read.after, read.pause_sender) == (timedelta(seconds=after_s), True)


def test_retry_after_is_obeyed() -> None:
    read = reading(429, 20429, retry_after="7")
    assert isinstance(read, Retry)
    assert read.after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("status", "code"), [(401, 20003), (401, None), (403, None), (403, 20006), (404, None), (404, 20404), (400, 21660)]
)
def test_what_only_settings_can_cure_stops_the_channel(status: int, code: int | None) -> None:
    assert isinstance(reading(status, code), Stop)


@pytest.mark.parametrize("code", [21606, 21659, 21608, 21999, 63038])
def test_a_code_that_may_speak_of_our_number_is_not_held_against_the_person(code: int) -> None:
    read = reading(400, code)
    assert isinstance(read, Doubt)
    assert read.refusal.code == str(code)


@pytest.mark.parametrize("status", [400, 407, 413, 421])
def test_a_refusal_in_words_that_are_not_twilios_is_tried_again(status: int) -> None:
    assert reading(status) == Retry(timedelta(seconds=2), f"HTTP {status}", pause_sender=True)


@given(status=st.integers(100, 599), code=st.none() | st.integers(10_000, 99_999), after=st.text(), body=st.binary())
def test_every_answer_means_something_and_only_refusals_are_proofs(
    status: int, code: int | None, after: str, body: bytes
) -> None:
    read = reading(status, code, body=body, retry_after=after)
    proven = isinstance(read, Refused | Retry | Doubt | Stop)
    assert proven == (400 <= status < 500 and (status, code) != (408, None))


@given(st.text())
def test_any_retry_after_gives_a_bounded_wait(header: str) -> None:
    assert timedelta(0) <= pause(header, timedelta(seconds=2)) <= LONGEST_PAUSE


@pytest.mark.parametrize("header", ["", "soon", "-1", "1.5", "Fri, 23 May 2014 18:16:00 GMT", "²"])
def test_a_retry_after_in_no_known_form_gives_the_usual_wait(header: str) -> None:
    assert pause(header, timedelta(seconds=2)) == timedelta(seconds=2)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_document_breaks_the_reading_of_an_answer(document: object) -> None:
    found = message_id(json.dumps(document).encode())
    assert found is None or found == document["sid"]  # type: ignore[index]


def test_every_code_has_a_sentence_an_operator_can_read() -> None:
    sentences = [sentence for _, sentence in (*CODES.values(), *STATUSES.values())] + list(REASONS.values())
    for sentence in sentences:
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_a_channel_stopped_by_a_setting_names_it() -> None:
    accounts = {10001, 20005, 20006}  # nothing of ours can cure these
    for code, (means, sentence) in CODES.items():
        if means is Means.STOP and code not in accounts:
            assert "TOCSIN_" in sentence, code


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("accepted", Handed("SM1")),
        ("scheduled", Handed("SM1")),
        ("queued", Handed("SM1")),
        ("sending", Handed("SM1")),
        ("sent", Handed("SM1")),
        ("a status of next year", Handed("SM1")),
        ("delivered", Delivered()),
        ("read", Delivered()),
        ("canceled", Undelivered("canceled", "It was taken back before it was sent.")),
        ("failed", Undelivered("failed", "Twilio gave no reason.")),
    ],
)
def test_a_status_without_a_code(status: str, expected: Outcome) -> None:
    assert outcome(status, "SM1", None) == expected


@pytest.mark.parametrize("status", ["undelivered", "failed"])
@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_text_that_did_not_arrive_says_why(status: str, code: int) -> None:
    assert outcome(status, "SM1", code) == Undelivered(str(code), REASONS[code], opted_out=code == 21610)


def test_a_reason_nobody_listed_points_to_twilios_page() -> None:
    read = outcome("undelivered", "SM1", 30999)
    assert isinstance(read, Undelivered)
    assert "30999" in read.reason


def test_an_error_code_on_a_delivered_text_does_not_undo_the_delivery() -> None:
    assert outcome("delivered", "SM1", 30008) == Delivered()
