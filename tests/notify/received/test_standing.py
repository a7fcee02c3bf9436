"""How another agency's alert stands, whatever order its messages come in, and what may not change that."""

from datetime import timedelta
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Reference
from notify.received.standing import Known, Standing, shown
from tests.notify.received.agency import SENDER, SENT, urn

NOW = SENT + timedelta(hours=1)


def known(number: int = 1, **given: Any) -> Known:
    """refers: the numbers of earlier messages, each sent as many minutes after SENT as its number says."""
    refers = given.pop("refers", ())
    sender = given.pop("sender", SENDER)
    fields = {
        "received_id": f"R-{given.get('source', 'nws')}-{number}",
        "source": "nws",
        "own": named(number, sender),
        "actual": True,
        "msg_type": "Alert",
        "all_clear": False,
        "references": tuple(named(one, sender) for one in refers),
        "ends_at": SENT + timedelta(hours=6),
        "came_at": SENT + timedelta(minutes=number),
    }
    return Known(**(fields | given))


def named(number: int, sender: str = SENDER) -> Reference:
    return Reference(sender=sender, identifier=urn(number), sent=SENT + timedelta(minutes=number))


def standings(*every: Known, now: Any = NOW) -> dict[str, Standing]:
    return {one.one.received_id: one.standing for one in shown(every, now)}


def test_an_alert_is_in_force_until_its_end() -> None:
    assert standings(known()) == {"R-nws-1": Standing.IN_FORCE}
    assert standings(known(), now=SENT + timedelta(hours=6)) == {"R-nws-1": Standing.EXPIRED}


def test_an_update_takes_its_place_and_a_cancel_ends_it_in_whatever_order_they_come() -> None:
    messages = [known(1), known(2, msg_type="Update", refers=[1]), known(3, msg_type="Cancel", refers=[1, 2])]
    for order in permutations((1, 2, 3)):
        came = [
            Known(**{name: getattr(one, name) for name in Known.__slots__} | {"came_at": SENT + timedelta(minutes=at)})
            for one, at in zip(messages, order, strict=True)
        ]
        found = standings(*came)
        assert found == {"R-nws-1": Standing.CANCELLED, "R-nws-2": Standing.CANCELLED, "R-nws-3": Standing.OVER}


def test_an_all_clear_is_over_and_ends_what_it_speaks_of() -> None:
    found = standings(known(1), known(2, msg_type="Update", refers=[1], all_clear=True))
    assert found == {"R-nws-1": Standing.UPDATED, "R-nws-2": Standing.OVER}


def test_an_update_names_the_very_message_and_not_only_its_identifier() -> None:
    other = Reference(sender=SENDER, identifier=urn(1), sent=SENT - timedelta(hours=1))
    assert standings(known(1), known(2, msg_type="Cancel", references=(other,)))["R-nws-1"] is Standing.IN_FORCE


def test_nobody_elses_message_ends_an_alert() -> None:
    cancel = {"msg_type": "Cancel", "references": (named(1),)}
    for wrong in (
        known(2, **cancel, source="posted"),  # another source
        known(2, **cancel, sender="hoax@example.gov"),  # another sender
        known(2, **cancel, actual=False),  # a test
        known(2, **(cancel | {"msg_type": "Ack"})),
        known(2, **(cancel | {"msg_type": "Error"})),
        known(2, **(cancel | {"msg_type": "Alert"})),
    ):
        assert standings(known(1), wrong)["R-nws-1"] is Standing.IN_FORCE


def test_the_same_alert_of_two_sources_is_shown_once() -> None:
    (one,) = shown([known(1, source="atom", came_at=SENT), known(1)], NOW)
    assert [copy.source for copy in one.copies] == ["atom", "nws"] and one.standing is Standing.IN_FORCE


def test_a_source_that_fell_silent_does_not_end_what_another_still_says() -> None:
    copies = [known(1), known(1, source="other", ends_at=SENT + timedelta(minutes=2))]
    (one,) = shown(copies, NOW)
    assert one.standing is Standing.IN_FORCE


def test_a_test_with_an_alerts_identity_stands_apart_from_it() -> None:
    found = shown([known(1), known(1, source="drill", actual=False)], NOW)
    assert sorted(one.one.actual for one in found) == [False, True]


def test_messages_about_messages_are_notices() -> None:
    assert standings(known(1, msg_type="Ack"), known(2, system=True)) == {
        "R-nws-1": Standing.NOTICE,
        "R-nws-2": Standing.NOTICE,
    }


def test_a_message_that_refers_to_itself_ends_nothing() -> None:
    assert standings(known(1, msg_type="Update", refers=[1]))["R-nws-1"] is Standing.IN_FORCE


MESSAGES = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.sampled_from(["Alert", "Update", "Cancel", "Ack"]),
        st.lists(st.integers(1, 6), max_size=3),
        st.sampled_from(["nws", "atom"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(MESSAGES)
def test_every_message_is_shown_exactly_once_and_a_test_never_ends_an_alert(given_messages: Any) -> None:
    every = {
        f"{number}{source}{actual}": known(
            number, msg_type=kind, refers=refers, source=source, actual=actual, received_id=f"{number}{source}{actual}"
        )
        for number, kind, refers, source, actual in given_messages
    }
    found = shown(every.values(), NOW)
    assert sorted(copy.received_id for one in found for copy in one.copies) == sorted(every)
    real = shown([one for one in every.values() if one.actual], NOW)
    assert {one.one.received_id: one.standing for one in found if one.one.actual} == {
        one.one.received_id: one.standing for one in real
    }
