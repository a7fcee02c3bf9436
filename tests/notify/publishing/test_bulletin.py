"""What stands, what is over and what replaced what."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.alerts.alert import Mode, Reference, Stage
from notify.publishing.bulletin import Bulletin, Status, Thread, changed_at, is_test, next_change, threads
from tests.notify.feed_factory import a_bulletin, after, an_event, at

DAY = timedelta(hours=24)


def only(*bulletins: Bulletin, minute: float) -> Thread:
    (thread,) = threads(bulletins, at(minute))
    return thread


def standing(thread: Thread) -> list[Status]:
    return [message.status for message in thread.messages]


def test_an_alert_stands_from_its_publication_until_it_expires() -> None:
    alert = a_bulletin(1, expires=at(60))
    assert standing(only(alert, minute=1)) == [Status.ACTIVE]
    assert standing(only(alert, minute=59.99)) == [Status.ACTIVE]
    assert standing(only(alert, minute=60)) == [Status.EXPIRED]
    assert only(alert, minute=200).newest.ended_at == at(60)


def test_an_alert_that_staff_should_have_renewed_expires_all_the_same() -> None:
    assert standing(only(a_bulletin(1, expires=at(60), until_cleared=True), minute=61)) == [Status.EXPIRED]


def test_an_update_replaces_what_came_before() -> None:
    first = a_bulletin(1)
    second = after(first, 10, Stage.UPDATE)
    third = after(second, 20, Stage.CORRECTION)
    thread = only(first, second, third, minute=30)
    ids = [bulletin.event.identifier for bulletin in (first, second, third)]
    assert standing(thread) == [Status.ACTIVE, Status.REPLACED, Status.REPLACED]
    assert [message.event.identifier for message in thread.messages] == ids[::-1]
    assert [message.replaced_by for message in thread.messages] == ["", ids[2], ids[1]]
    assert [message.replaces for message in thread.messages] == [(ids[0], ids[1]), (ids[0],), ()]
    assert [message.ended_at for message in thread.messages] == [None, at(20), at(10)]


def test_messages_of_an_incident_replace_each_other_even_without_references() -> None:
    thread = only(a_bulletin(1), a_bulletin(2, incident_id="K7Q2"), minute=5)
    assert standing(thread) == [Status.ACTIVE, Status.REPLACED]


def test_what_an_update_refers_to_never_comes_back_however_late_it_was_published() -> None:
    first = a_bulletin(1, published_at=at(9))
    cleared = after(first, 5, Stage.ALL_CLEAR)
    assert standing(only(first, cleared, minute=10)) == [Status.CLEARED, Status.REPLACED]


@pytest.mark.parametrize(("stage", "status"), [(Stage.ALL_CLEAR, Status.CLEARED), (Stage.FALSE_ALARM, Status.FALSE_ALARM)])
def test_an_all_clear_and_a_false_alarm_end_the_thread_at_once(stage: Stage, status: Status) -> None:
    first = a_bulletin(1)
    thread = only(first, after(first, 10, stage), minute=11)
    assert not thread.active
    assert (thread.newest.status, thread.newest.ended_at) == (status, at(10))


def test_an_incident_that_flares_up_again_stands_again() -> None:
    first = a_bulletin(1)
    cleared = after(first, 10, Stage.ALL_CLEAR)
    assert only(first, cleared, after(cleared, 20, Stage.UPDATE), minute=21).active


@pytest.mark.parametrize(
    ("why", "status"),
    [
        ("cleared", Status.CLEARED),
        ("false alarm", Status.FALSE_ALARM),
        ("false_alarm", Status.FALSE_ALARM),
        ("cancelled", Status.CANCELLED),
        ("expired", Status.EXPIRED),
        ("for a reason of our own", Status.CANCELLED),
        ("active", Status.CANCELLED),
        ("", Status.CANCELLED),
    ],
)
def test_what_staff_ended_is_over_and_says_why(why: str, status: Status) -> None:
    thread = only(a_bulletin(1, ended_at=at(5), ended_why=why), minute=6)
    assert (thread.newest.status, thread.newest.ended_at) == (status, at(5))


def test_an_end_noted_for_later_does_not_end_anything_now() -> None:
    assert only(a_bulletin(1, ended_at=at(5), ended_why="cancelled"), minute=4).active


def test_an_end_noted_after_the_expiry_does_not_prolong_the_alert() -> None:
    thread = only(a_bulletin(1, expires=at(60), ended_at=at(70), ended_why="cleared"), minute=80)
    assert (thread.newest.status, thread.newest.ended_at) == (Status.EXPIRED, at(60))


def test_an_alert_said_to_be_updated_stands_until_the_update_is_there() -> None:
    first = a_bulletin(1, ended_at=at(5), ended_why="updated", replaced_by="not published yet")
    assert only(first, minute=6).active
    assert standing(only(first, after(first, 7, Stage.UPDATE), minute=8)) == [Status.ACTIVE, Status.REPLACED]


def test_a_known_successor_is_named_before_the_next_in_time() -> None:
    first, second = a_bulletin(1), a_bulletin(2)
    third = a_bulletin(3)
    named = replace(first, replaced_by=third.event.identifier)
    assert only(named, second, third, minute=5).messages[-1].replaced_by == third.event.identifier


def test_what_is_over_is_shown_for_24_hours_more() -> None:
    alert = a_bulletin(1, expires=at(60))
    thread = only(alert, minute=61)
    assert thread.shown(at(60) + DAY - timedelta(seconds=1))
    assert not thread.shown(at(60) + DAY)


@pytest.mark.parametrize(
    "fields", [{"stage": Stage.TEST}, {"mode": Mode.TRAINING}, {"hazard": "test"}, {"stage": Stage.TEST, "mode": Mode.DEMO}]
)
def test_a_test_never_replaces_an_alert(fields: dict[str, object]) -> None:
    real, test = a_bulletin(1), a_bulletin(2, **fields)
    found = threads([real, test], at(5))
    assert {thread.test: thread.active for thread in found} == {False: True, True: True}
    assert is_test(test.event) and not is_test(real.event)


def test_a_demo_is_no_test() -> None:
    assert not is_test(an_event(mode=Mode.DEMO))


def test_the_most_recently_changed_incident_comes_first() -> None:
    old, new = a_bulletin(1, incident_id="AAAA"), a_bulletin(2, incident_id="BBBB")
    assert [thread.incident_id for thread in threads([old, new], at(5))] == ["BBBB", "AAAA"]
    later = after(old, 10, Stage.UPDATE)
    assert [thread.incident_id for thread in threads([old, new, later], at(15))] == ["AAAA", "BBBB"]


def test_the_same_message_given_twice_counts_once() -> None:
    assert len(only(a_bulletin(1), a_bulletin(1), minute=5).messages) == 1


def test_the_clock_alone_changes_things_at_an_expiry_and_a_day_later() -> None:
    alert = a_bulletin(1, expires=at(60))
    assert next_change([alert], at(30)) == at(60)
    assert next_change([alert], at(60)) == at(60) + DAY
    assert next_change([alert], at(60) + DAY) is None
    assert next_change([], at(0)) is None


def test_the_last_change_never_goes_back() -> None:
    first = a_bulletin(1, expires=at(60))
    other = a_bulletin(2, incident_id="BBBB", expires=at(90))
    given = [first, other, after(first, 30, Stage.ALL_CLEAR)]
    seen = [changed_at(given[: 2 + (minute >= 30)], at(minute)) for minute in range(2, 60 * 30)]
    moments = [moment for moment in seen if moment]
    assert len(moments) == len(seen)
    assert moments == sorted(moments)
    assert moments[-1] == at(90) + DAY


@settings(deadline=None, max_examples=60)
@given(
    stages=st.lists(st.sampled_from([Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM]), max_size=3),
    minute=st.floats(min_value=0, max_value=3000),
)
def test_at_most_one_message_of_an_incident_stands_and_it_is_the_newest(stages: list[Stage], minute: float) -> None:
    chain = [a_bulletin(1, cap=b"")]
    for number, stage in enumerate(stages, start=2):
        chain.append(after(chain[-1], number, stage, cap=b""))
    seen = {standing_of(shuffled, minute) for shuffled in permutations(chain)}
    assert len(seen) == 1
    ((statuses, identifiers),) = seen
    assert identifiers == tuple(bulletin.event.identifier for bulletin in reversed(chain))
    assert set(statuses[1:]) <= {Status.REPLACED}
    assert statuses[0] is not Status.REPLACED


def standing_of(bulletins: tuple[Bulletin, ...], minute: float) -> tuple[tuple[Status, ...], tuple[str, ...]]:
    thread = only(*bulletins, minute=minute)
    return tuple(standing(thread)), tuple(message.event.identifier for message in thread.messages)


def test_a_reference_to_something_older_than_all_we_have_is_still_replaced() -> None:
    gone = Reference(sender="alerts@example.gov", identifier="gone", sent=at(-60))
    first = a_bulletin(1, stage=Stage.UPDATE, references=(gone,))
    assert only(first, minute=5).newest.replaces == ("gone",)
