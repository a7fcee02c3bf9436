"""The simulated network, with the time given: rates, queues, expiry, endings."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.simulator.carrier import FULLEST_QUEUE_S, Carrier
from channels.simulator.config import SimulatedSender
from channels.simulator.drafts import Draft
from channels.simulator.handsets import ENDINGS, Handsets, delay_s, ending
from channels.simulator.messages import Change, Message
from channels.simulator.refusals import Refusal

SENDER = "+15035550100"
PHONE = "+15035550123"


def a_carrier(rate: float = 1.0, **handsets: object) -> Carrier:
    return Carrier(
        (SimulatedSender(number=SENDER, rate=rate),),
        replace(Handsets(delivered_after_s=0.0), **handsets),  # type: ignore[arg-type]
    )


def a_draft(**changes: object) -> Draft:
    return replace(Draft(to=PHONE, sender=SENDER, body="Boil tap water.", segments=1), **changes)  # type: ignore[arg-type]


def told(changes: list[Change]) -> list[tuple[str, float, int | None]]:
    return [(change.status, change.at, change.code) for change in changes]


def test_a_sender_sends_at_its_rate_in_segments() -> None:
    carrier = a_carrier(rate=2.0)
    for segments in (1, 3, 1):
        carrier.accept(a_draft(segments=segments), 100.0)
    assert carrier.next_due() == 100.0
    sent = [change.at for change in carrier.advance(200.0) if change.status == "sent"]
    assert sent == [100.0, 100.5, 102.0]


def test_nothing_leaves_before_its_time() -> None:
    carrier = a_carrier(rate=1.0)
    carrier.accept(a_draft(), 100.0)
    carrier.accept(a_draft(), 100.0)
    assert told(carrier.advance(100.0)) == [("sent", 100.0, None), ("delivered", 100.0, None)]
    assert carrier.next_due() == 101.0
    assert carrier.advance(100.99) == []
    assert told(carrier.advance(101.0)) == [("sent", 101.0, None), ("delivered", 101.0, None)]
    assert carrier.next_due() is None
    assert carrier.waiting == 0


def test_a_text_whose_validity_ends_in_the_queue_fails_on_time_and_is_never_sent() -> None:
    carrier = a_carrier(rate=0.1)
    carrier.accept(a_draft(), 0.0)
    late = carrier.accept(a_draft(valid_for_s=5), 0.0)
    carrier.advance(0.0)
    assert carrier.next_due() == 5.0
    assert told(carrier.advance(5.0)) == [("failed", 5.0, 30036)]
    assert carrier.advance(100.0) == []
    assert (late.status, late.code, late.sent_at) == ("failed", 30036, None)
    assert carrier.waiting == 0


def test_a_text_that_cancelling_saves_from_expiry_is_sent() -> None:
    carrier = a_carrier(rate=0.1)
    carrier.accept(a_draft(), 0.0)
    ahead = carrier.accept(a_draft(), 0.0)
    saved = carrier.accept(a_draft(valid_for_s=15), 0.0)
    carrier.advance(0.0)
    carrier.cancel(ahead, 1.0)
    carrier.advance(30.0)
    assert (ahead.status, saved.status, saved.sent_at) == ("canceled", "delivered", 10.0)


def test_only_a_queued_text_can_be_canceled() -> None:
    carrier = a_carrier()
    message = carrier.accept(a_draft(), 0.0)
    carrier.advance(0.0)
    assert carrier.cancel(message, 1.0) == Refusal(30409)


def test_a_queue_holds_ten_hours_of_segments() -> None:
    carrier = a_carrier(rate=0.001)
    for _ in range(FULLEST_QUEUE_S // 1000):
        assert carrier.objection(a_draft()) is None
        carrier.accept(a_draft(), 0.0)
    assert carrier.objection(a_draft()) == Refusal(21611, SENDER)


@pytest.mark.parametrize(("name", "code"), ENDINGS.items())
def test_a_listed_number_ends_as_listed(name: str, code: int) -> None:
    carrier = a_carrier(listed={PHONE: name})
    carrier.accept(a_draft(), 0.0)
    assert told(carrier.advance(0.0)) == [("sent", 0.0, None), ("undelivered", 0.0, code)]


def test_the_same_seed_gives_the_same_city_and_shares_hold() -> None:
    handsets = Handsets(seed="one", landline=0.1, unreachable=0.05, unknown=0.02, filtered=0.01)
    numbers = [f"+1{area}555{line:04}" for area in (503, 971) for line in range(10_000)]
    ends = [ending(handsets, number) for number in numbers]
    assert ends == [ending(handsets, number) for number in numbers]
    for name, code in ENDINGS.items():
        assert ends.count(code) / len(ends) == pytest.approx(getattr(handsets, name), rel=0.15)
    assert ends != [ending(replace(handsets, seed="two"), number) for number in numbers]


def test_half_of_deliveries_come_within_the_median() -> None:
    handsets = Handsets(delivered_after_s=2.0)
    delays = [delay_s(handsets, f"+1503555{line:04}") for line in range(5000)]
    assert min(delays) > 0
    assert sum(delay < 2.0 for delay in delays) / len(delays) == pytest.approx(0.5, abs=0.03)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(1, 4), st.integers(1, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 20), st.just(0)),
    ),
    max_size=60,
)
NEXT = {"queued": {"sent", "failed", "canceled"}, "sent": {"delivered", "undelivered"}}


@given(STEPS, st.sampled_from([0.25, 1.0, 3.0]))
def test_every_text_ends_once_forward_only_and_no_faster_than_the_rate(steps: list[tuple[str, int, int]], rate: float) -> None:
    carrier, now = a_carrier(rate=rate, delivered_after_s=2.0, landline=0.3), 0.0
    messages: list[Message] = []
    changes: list[Change] = []
    for act, number, validity in steps:
        if act == "accept":
            draft = a_draft(segments=number, valid_for_s=validity, to=f"+1503555{len(messages):04}")
            messages.append(carrier.accept(draft, now))
        elif act == "wait":
            now += number
            changes += carrier.advance(now)
        elif number < len(messages):
            outcome = carrier.cancel(messages[number], now)
            changes += [outcome] if isinstance(outcome, Change) else []
    while (due := carrier.next_due()) is not None:
        fallen_due = carrier.advance(max(due, now))
        assert fallen_due or carrier.next_due() != due  # waking up is never for nothing twice
        changes += fallen_due
    assert carrier.waiting == 0
    standing = {message.sid: "queued" for message in messages}
    for change in changes:
        assert change.status in NEXT[standing[change.message.sid]]
        standing[change.message.sid] = change.status
    assert all(status not in NEXT for status in standing.values())
    sent = [(change.at, change.message.segments) for change in changes if change.status == "sent"]
    for (earlier, segments), (later, _) in pairwise(sent):
        assert later - earlier >= segments / rate - 1e-9
    assert all(message.sent_at is None or message.sent_at <= message.expires_at for message in messages)
