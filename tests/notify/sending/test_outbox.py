"""The last look before a message leaves: the frozen words, the right person, the right mode, and not a second too late."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Content, Outbound, Refused, Retry
from notify.alerts.alert import Event, Mode
from notify.clock import ManualClock
from notify.sending import outbox
from notify.sending.leases import Leased
from notify.sending.outbox import EVENTS, Envelopes, FrozenEvents, Tampered, content_for, unsubscribe_reference
from subscribers.sealing import KEY_BYTES, Keyring
from tests.notify.factories import SENT, an_event

RING = Keyring(current="k1", keys={"k1": b"1" * KEY_BYTES}, blind_key=b"b" * KEY_BYTES)
TEXTS = {
    key: Content(key=key, language=key.rpartition("/")[2], body=f"Words of {key}.")
    for key in ("sms/first/en", "sms/first/es", "sms/first/why/en", "sms/update/en", "email/first/en")
}


def a_row(channel: str = "sms", address: str = "+15035550123", **fields: Any) -> Leased:
    sealed = RING.seal(channel, address)
    values: dict[str, Any] = dict.fromkeys(Leased._fields)
    values |= {"delivery_id": 1, "event_id": "event-1", "address_id": 7, "language": "en", "wording": "first"}
    return Leased(**(values | {"sealed": sealed.data, "key_id": sealed.key_id} | fields))


class Desk:
    def __init__(self, event: Event | Tampered, mode: Mode = Mode.DEMO) -> None:
        self.pages: list[str] = []
        self.clock = ManualClock(SENT)
        self.reads = 0
        self._event = event
        self.outbox = Envelopes(FrozenEvents(self._read), RING, self.clock, mode, self.pages.append, {"test only"})

    def _read(self, _: str) -> Event:
        self.reads += 1
        if isinstance(self._event, Tampered):
            raise self._event
        return self._event


def an_event_in(mode: Mode = Mode.DEMO, **fields: Any) -> Event:
    return an_event(**({"mode": mode, "contents": TEXTS} | fields))


def test_a_person_gets_the_frozen_words_of_their_language() -> None:
    desk = Desk(an_event_in())
    letter = desk.outbox.letter("sms", a_row(language="es"))
    assert isinstance(letter, Outbound)
    assert (letter.address, letter.content.body) == ("+15035550123", "Words of sms/first/es.")
    desk.outbox.letter("sms", a_row())
    assert desk.reads == 1


def test_words_of_events_sent_long_ago_are_not_kept_in_memory() -> None:
    desk = Desk(an_event_in())
    for number in range(EVENTS + 1):
        desk.outbox.letter("sms", a_row(event_id=f"event-{number}"))
    assert desk.reads == EVENTS + 1
    desk.outbox.letter("sms", a_row(event_id=f"event-{EVENTS}"))
    assert desk.reads == EVENTS + 1
    desk.outbox.letter("sms", a_row(event_id="event-0"))
    assert desk.reads == EVENTS + 2


def test_texts_are_told_apart_however_many_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CONTENTS", 1)
    desk = Desk(an_event_in())
    for language in ("en", "es", "en"):
        letter = desk.outbox.letter("sms", a_row(language=language))
        assert isinstance(letter, Outbound) and letter.content.language == language


@pytest.mark.parametrize(
    ("wording", "language", "key"),
    [
        ("first", "es", "sms/first/es"),
        ("first", "vi", "sms/first/en"),
        ("first/why", "es", "sms/first/why/en"),
        ("update", "es", "sms/update/en"),
        ("update/why", "es", "sms/update/en"),
    ],
)
def test_there_are_always_words(wording: str, language: str, key: str) -> None:
    assert content_for(an_event_in(), "sms", wording, language).key == key


def test_an_event_without_english_is_a_mistake_that_is_named() -> None:
    with pytest.raises(KeyError, match="not even in English"):
        content_for(an_event_in(), "sms", "all_clear", "es")


@pytest.mark.parametrize(("mode", "address"), [(Mode.LIVE, "+15035550123"), (Mode.DEMO, "+15033334444")])
def test_exchange_555_is_for_training_and_demo_and_they_for_it(mode: Mode, address: str) -> None:
    letter = Desk(an_event_in(mode), mode).outbox.letter("sms", a_row(address=address))
    assert isinstance(letter, Refused) and letter.code == "wrong-mode"


def test_an_event_of_another_mode_is_held_and_paged_once() -> None:
    desk = Desk(an_event_in(Mode.TRAINING))
    letters = [desk.outbox.letter("sms", a_row()) for _ in range(3)]
    assert all(isinstance(letter, Retry) and letter.after >= timedelta(minutes=1) for letter in letters)
    (page,) = desk.pages
    assert "approved in mode training; this service runs in mode demo" in page


def test_an_event_that_is_not_what_was_approved_is_held_and_paged_once() -> None:
    desk = Desk(Tampered("event-1 is not what was approved."))
    assert all(isinstance(desk.outbox.letter("sms", a_row()), Retry) for _ in range(3))
    assert desk.pages == ["event-1 is not what was approved."]


def test_an_erased_person_is_not_written_to() -> None:
    letter = Desk(an_event_in()).outbox.letter("sms", a_row(sealed=None, key_id=None))
    assert isinstance(letter, Refused) and letter.code == "erased"


def test_an_address_that_cannot_be_opened_is_refused_and_not_sent_elsewhere() -> None:
    letter = Desk(an_event_in()).outbox.letter("sms", a_row(key_id="k9"))
    assert isinstance(letter, Refused) and letter.code == "sealed"


def test_a_message_is_valid_as_long_as_its_alert_and_ten_hours_at_most() -> None:
    desk = Desk(an_event_in(expires=SENT + timedelta(hours=24)))
    letter = desk.outbox.letter("sms", a_row())
    assert isinstance(letter, Outbound) and letter.valid_for == timedelta(hours=10)
    desk.clock.forward(timedelta(hours=23))
    letter = desk.outbox.letter("sms", a_row())
    assert isinstance(letter, Outbound) and letter.valid_for == timedelta(hours=1)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=1)])
def test_nothing_leaves_after_its_alert_has_expired(late: timedelta) -> None:
    event = an_event_in()
    desk = Desk(event)
    desk.clock.forward(event.expires - SENT + late)
    assert isinstance(desk.outbox.letter("sms", a_row()), Retry)


def test_an_unsubscribe_reference_cannot_be_guessed_from_another() -> None:
    one, other = unsubscribe_reference(RING.blind_key, 7), unsubscribe_reference(RING.blind_key, 8)
    assert one.startswith("7-") and other.startswith("8-") and one[2:] != other[2:]
    assert unsubscribe_reference(replace(RING, blind_key=b"c" * KEY_BYTES).blind_key, 7) != one
