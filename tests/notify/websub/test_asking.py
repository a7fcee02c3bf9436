"""What is asked of the hub, by value: leases within bounds, addresses kept as they are, meters that count a minute."""

from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.partners.address import Rules
from notify.websub.asking import LONGEST, MINUTE, SHORTEST, USUAL, Asked, Meter, read, verification
from notify.websub.hub import digest
from tests.notify.feed_factory import NOON

TOPICS = {"https://alerts.example.gov/feeds/active.atom": "feeds/active.atom"}
TOPIC = next(iter(TOPICS))
RULES = Rules(inside=(ip_network("127.0.0.0/8"),), plain=True)


def asked(**more: str) -> Asked | None:
    form = {"hub.mode": ["subscribe"], "hub.topic": [TOPIC], "hub.callback": ["http://127.0.0.1:9/x?y=1"]}
    found, _ = read(form | {f"hub.{name}": [value] for name, value in more.items()}, TOPICS, RULES)
    return found


@pytest.mark.parametrize(
    ("text", "lease"),
    [("", USUAL), ("60", SHORTEST), ("7200", timedelta(hours=2)), ("99999999999999999999", LONGEST), ("0", SHORTEST)],
)
def test_a_lease_is_brought_within_bounds(text: str, lease: timedelta) -> None:
    found = asked(lease_seconds=text)
    assert found is not None and found.lease == lease


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "١٠", "1e3"])
def test_a_lease_that_is_no_number_is_refused(text: str) -> None:
    assert asked(lease_seconds=text) is None


def test_what_a_callback_has_after_its_question_mark_stays() -> None:
    found = asked()
    assert found is not None
    query = parse_qs(urlsplit(verification(found, "words&more")).query)
    assert query["y"] == ["1"] and query["hub.challenge"] == ["words&more"] and query["hub.lease_seconds"] == ["864000"]


def test_a_secret_is_in_no_representation_that_could_be_logged() -> None:
    assert "hush" not in repr(asked(secret="hush"))


@given(st.lists(st.integers(0, 200), max_size=60))
def test_no_minute_ever_holds_more_than_the_meter_allows(seconds: list[int]) -> None:
    meter = Meter(5)
    moments = [NOON + timedelta(seconds=one) for one in sorted(seconds)]
    allowed = [moment for moment in moments if meter.take("x", moment)]
    assert all(len([one for one in allowed if start <= one < start + MINUTE]) <= 5 for start in allowed)
    assert Meter(5).take("y", NOON)


@given(st.datetimes(), st.sampled_from([b'{"generated":"%s","a":1}', b"<feed><tocsin:generated>%s</tocsin:generated></feed>"]))
def test_a_feed_is_the_same_whenever_it_was_generated(at: object, form: bytes) -> None:
    assert digest(form % str(at).encode()) == digest(form % b"2014-05-23T12:00:00-07:00")
    assert digest(form % b"x") != digest(form.replace(b"{", b"[{").replace(b"<feed>", b"<feed>!") % b"x")
