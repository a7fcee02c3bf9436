"""The rules of forms, by value."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from notify.web.forms import Form, Marks, client_of, from_us, origin_of, preferred

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MARKS = Marks(b"k" * 32)
LANGUAGES = ("en", "es", "zh-Hant", "ar")


def test_a_mark_holds_for_its_purpose_for_half_a_day() -> None:
    mark = MARKS.make("form", NOW)
    assert MARKS.holds(mark, "form", NOW + timedelta(hours=11, minutes=59))
    assert not MARKS.holds(mark, "form", NOW + timedelta(hours=12))
    assert not MARKS.holds(mark, "visit", NOW)
    assert not Marks(b"x" * 32).holds(mark, "form", NOW)


@given(st.text(max_size=60))
def test_no_text_is_a_mark_by_chance(text: str) -> None:
    assert not MARKS.holds(text, "form", NOW)


@given(st.integers(0, 43), st.characters())
def test_a_mark_with_one_letter_changed_is_none(position: int, letter: str) -> None:
    mark = MARKS.make("form", NOW)
    changed = mark[:position] + letter + mark[position + 1 :]
    assert changed == mark or not MARKS.holds(changed, "form", NOW)


@given(st.text())
def test_a_field_is_one_visible_line(text: str) -> None:
    line = Form({"place": text}).text("place")
    assert line == " ".join(line.split())
    assert not set("\r\n\0\x1b\u2028\u202e\u200b\x85") & set(line)
    assert Form({"place": line}).text("place") == line


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://a.example.gov"}, False),
        ({"Origin": "https://a.example.gov"}, True),
        ({"Origin": "https://A.EXAMPLE.gov"}, True),
        ({"Origin": "http://127.0.0.1:8080"}, True),
        ({"Origin": "http://a.example.gov"}, False),
        ({"Origin": "https://a.example.gov.evil.example"}, False),
        ({"Origin": "null"}, True),
        ({}, True),
    ],
)
def test_who_posts_is_told_by_the_browser(headers: dict[str, str], ours: bool) -> None:
    assert from_us(headers, "https://a.example.gov", "http://127.0.0.1:8080") is ours


def test_the_origin_of_an_address_is_scheme_and_host() -> None:
    assert origin_of("https://a.example.gov/alerts") == "https://a.example.gov"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("fr", "en"),
        ("fr, ar;q=0.5", "ar"),
        ("en;q=0.5, es", "es"),
        ("zh-TW", "zh-Hant"),
        ("zh-CN, es;q=0.1", "es"),
        ("zh-Hant-HK", "zh-Hant"),
        ("es;q=0, en", "en"),
        ("es;q=nonsense, ar", "ar"),
        (";;,,q=", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_the_browser_likes_best(accepted: str, language: str) -> None:
    assert preferred(accepted, LANGUAGES) == language


@given(st.text(max_size=200))
def test_any_header_has_a_language(accepted: str) -> None:
    assert preferred(accepted, LANGUAGES) in LANGUAGES


@pytest.mark.parametrize(
    ("told", "proxies", "client"),
    [
        (["192.0.2.1"], 0, "10.0.0.1"),
        (["192.0.2.1"], 1, "192.0.2.1"),
        (["203.0.113.7, 192.0.2.1"], 1, "192.0.2.1"),
        (["203.0.113.7, 192.0.2.1"], 2, "203.0.113.7"),
        (["203.0.113.7", "192.0.2.1"], 2, "203.0.113.7"),
        (["192.0.2.1"], 2, "10.0.0.1"),
        ([], 1, "10.0.0.1"),
        (["192.0.2.1:4711"], 1, "192.0.2.1"),
        (["[2001:db8::1]:4711"], 1, "2001:db8::1"),
    ],
)
def test_the_client_is_whom_our_own_proxies_saw(told: list[str], proxies: int, client: str) -> None:
    transport: Any = type("Transport", (), {"get_extra_info": lambda *_: ("10.0.0.1", 1)})()
    request = make_mocked_request("GET", "/", CIMultiDict([("X-Forwarded-For", one) for one in told]), transport=transport)
    assert client_of(request, proxies) == client
