"""What an ID token must say, claim by claim."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.identity import claims
from notify.identity.claims import LEEWAY, OLDEST, Asked, Lack, NotAdmitted, Terms

NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
TERMS = Terms(issuer="https://login.example.gov/city", client_id="tocsin")
ASKED = Asked(nonce="n-1")
AT = NOW.timestamp()
SLACK = LEEWAY.total_seconds()


def good(**more: Any) -> dict[str, Any]:
    said = {"iss": TERMS.issuer, "sub": "s-1", "aud": "tocsin", "exp": AT + 300, "iat": AT, "nonce": "n-1"} | more
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"aud": ["tocsin"]},
        {"aud": ["tocsin", "other"], "azp": "tocsin"},
        {"azp": "tocsin"},
        {"exp": AT - SLACK + 1},
        {"iat": AT + SLACK},
        {"iat": AT - OLDEST.total_seconds() - SLACK},
        {"nbf": AT + SLACK},
        {"auth_time": AT - 86_400},
    ],
)
def test_a_token_that_holds_opens(said: dict[str, Any]) -> None:
    assert claims.problems(good(**said), TERMS, ASKED, NOW) == []


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"iss": TERMS.issuer + "/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iss": [TERMS.issuer]}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"sub": "s\n1"}, "sub"),
        ({"aud": None}, "aud"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["other"]}, "aud"),
        ({"aud": {"tocsin": 1}}, "aud"),
        ({"aud": ["tocsin", "other"]}, "azp"),
        ({"aud": ["tocsin", "other"], "azp": "other"}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": None}, "exp"),
        ({"exp": AT - SLACK}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": math.inf}, "exp"),
        ({"exp": math.nan}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": AT + SLACK + 1}, "iat"),
        ({"iat": AT - OLDEST.total_seconds() - SLACK - 1}, "iat"),
        ({"nbf": AT + SLACK + 1}, "nbf"),
        ({"nbf": "now"}, "nbf"),
        ({"auth_time": AT + SLACK + 1}, "auth_time"),
        ({"auth_time": "just now"}, "auth_time"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": ["n-1"]}, "nonce"),
    ],
)
def test_each_claim_that_does_not_hold_is_named(said: dict[str, Any], wrong: str) -> None:
    (told,) = claims.problems(good(**said), TERMS, ASKED, NOW)
    assert wrong in told.split()


def test_everything_wrong_is_named_at_once() -> None:
    assert len(claims.problems({}, TERMS, ASKED, NOW)) == 6


@pytest.mark.parametrize(
    ("shown", "holds"),
    [(None, False), (AT - SLACK - 31, False), (AT - SLACK - 30, True), (AT, True), ("now", False)],
)
def test_whoever_was_to_sign_in_anew_did_so_since_they_were_asked(shown: Any, holds: bool) -> None:
    asked = Asked(nonce="n-1", anew_since=NOW - timedelta(seconds=30))
    assert (claims.problems(good(auth_time=shown), TERMS, asked, NOW) == []) is holds


def test_who_it_is_is_issuer_and_subject_and_nothing_else() -> None:
    who = claims.identity(good(auth_time=AT - 60, email="admin@example.gov", preferred_username="admin"))
    assert (who.issuer, who.subject, who.shown_at) == (TERMS.issuer, "s-1", NOW - timedelta(seconds=60))
    assert claims.identity(good()).shown_at is None


@pytest.mark.parametrize(
    ("given_terms", "said", "lack"),
    [
        ({"required": ("groups", "tocsin")}, {"groups": ["a", "tocsin"]}, None),
        ({"required": ("groups", "tocsin")}, {"groups": "tocsin"}, None),
        ({"required": ("groups", "tocsin")}, {"groups": ["tocsin-guests"]}, Lack.GROUP),
        ({"required": ("groups", "tocsin")}, {"groups": "tocsin-guests tocsin"}, Lack.GROUP),
        ({"required": ("groups", "tocsin")}, {}, Lack.GROUP),
        ({"required": ("groups", "tocsin")}, {"groups": {"tocsin": True}}, Lack.GROUP),
        ({"acr": ("mfa", "gold")}, {"acr": "gold"}, None),
        ({"acr": ("mfa",)}, {"acr": "0"}, Lack.MEANS),
        ({"acr": ("mfa",)}, {}, Lack.MEANS),
        ({"amr": ("mfa", "hwk")}, {"amr": ["pwd", "hwk"]}, None),
        ({"amr": ("mfa",)}, {"amr": ["pwd"]}, Lack.MEANS),
        ({"amr": ("mfa",)}, {}, Lack.MEANS),
    ],
)
def test_what_the_city_requires_is_held_or_nobody_enters(
    given_terms: dict[str, Any], said: dict[str, Any], lack: Lack | None
) -> None:
    terms = Terms(issuer=TERMS.issuer, client_id="tocsin", **given_terms)
    try:
        claims.admit(good(**said), terms)
        found = None
    except NotAdmitted as error:
        found = error.lack
    assert found == lack


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "auth_time", "nonce", "acr", "amr", "groups"])


@given(st.dictionaries(NAMES, JSON))
def test_whatever_a_token_says_is_judged_and_never_breaks(said: dict[str, Any]) -> None:
    """Only what holds every rule by itself may pass: invented claims never do."""
    terms = Terms(issuer="i", client_id="c", required=("groups", "g"), acr=("a",), amr=("m",))
    assert claims.problems(said, terms, Asked(nonce="a nonce nobody guesses"), NOW)
    with pytest.raises(NotAdmitted):
        claims.admit(said, terms)
