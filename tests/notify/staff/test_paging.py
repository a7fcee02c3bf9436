"""Who is paged next, what a page says, and where its link leads: by value, without a clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Content
from channels.text import parts
from notify.alerts.alert import Mode
from notify.staff import paging
from notify.staff.paging import Links, Member, News, Pace, Ref

AT = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
PACE = Pace(next_after=timedelta(minutes=3), again_after=timedelta(minutes=10))
LINKS = Links(b"k" * 32, "https://console.example.gov/")
NEWS = News(mode=Mode.LIVE, alert_id="K7Q2X-1", headline="Boil tap water, Lents", who="duty-officer")
MEMBERS = [Member(person_id="c"), Member(person_id="a", turn=5), Member(person_id="b", on_call=True)]
TEXT = Content(key="sms/first/es", language="es", body="Hierva el agua.", thread="")
MAIL = Content(
    key="email/first/en",
    language="en",
    body="Boil it.",
    subject="Boil",
    html="<html><body dir='ltr'>Boil</body>",
    thread="<a@b>",
)


def test_who_is_on_call_is_paged_first_and_the_others_in_their_turn() -> None:
    assert paging.next_called(MEMBERS, []) == ["b"]
    assert paging.next_called(MEMBERS, ["b"]) == ["a"]
    assert paging.next_called(MEMBERS, ["b", "a"]) == ["c"]
    assert paging.next_called(MEMBERS, ["b", "a", "c"]) == ["b", "a", "c"]


def test_everybody_is_paged_at_once_when_nobody_is_on_call() -> None:
    off = [replace(one, on_call=False) for one in MEMBERS]
    assert paging.next_called(off, []) == ["a", "b", "c"]


def test_who_comes_on_call_later_is_paged_at_the_next_step() -> None:
    both = [replace(one, on_call=one.person_id in "bc") for one in MEMBERS]
    assert paging.next_called(both, ["b"]) == ["c"]


def test_the_next_approver_comes_after_minutes_and_everybody_again_after_more() -> None:
    assert paging.wait_after(MEMBERS, ["b"], PACE) == PACE.next_after
    assert paging.wait_after(MEMBERS, ["b", "a", "c"], PACE) == PACE.again_after


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8))
def test_everybody_is_paged_before_anybody_is_paged_twice_and_it_ends(given_: list[tuple[int, bool]]) -> None:
    members = [Member(person_id=f"p{n}", turn=turn, on_call=on) for n, (turn, on) in enumerate(given_)]
    paged: list[str] = []
    steps = 0
    while set(paged) != {one.person_id for one in members}:
        called = paging.next_called(members, paged)
        assert called and not set(called) & set(paged)
        paged += called
        steps += 1
    assert steps <= len(members) and not paging.is_last(steps, members)
    assert paging.is_last(len(members) + paging.MOST_ROUNDS, members)


def test_a_step_is_named_by_its_alert_and_its_submission() -> None:
    named = {str(Ref(alert_id="K7Q2X-1", asked_at=AT + timedelta(microseconds=n), step=n)) for n in range(3)}
    assert len(named) == 3 and all(one.startswith("K7Q2X-1 ") for one in named)
    assert {str(Ref.read(one)) for one in named} == named


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("page", [paging.approval, paging.alone])
def test_a_page_names_the_alert_and_the_link_and_says_where_it_is_not_for_real(mode: Mode, page: object) -> None:
    link = LINKS.link(123456, "x")
    for channel in ("sms", "email"):
        content = page(channel, replace(NEWS, mode=mode, reason="Nobody answers."), link)  # type: ignore[operator]
        assert link in content.body and "K7Q2X-1" in content.body
        first = content.body if channel == "sms" else content.subject
        assert first.startswith(paging.MARKS[mode]) and "Boil tap water, Lents" in first


def test_a_page_by_text_has_two_parts_at_most() -> None:
    news = replace(NEWS, mode=Mode.TRAINING, headline="Dangerous smoke indoors and out, Lents", reason="Nobody answers. " * 30)
    link = LINKS.link(123456, "x")
    assert parts(paging.approval("sms", news, link).body) <= 2
    assert parts(paging.alone("sms", news, link).body) <= 3


def test_a_link_holds_for_its_own_page_only() -> None:
    token = LINKS.token(7, "approver K7Q2X-1")
    assert LINKS.holds(token, "approver K7Q2X-1") and paging.page_of(token) == 7
    assert not LINKS.holds(token, "author K7Q2X-1")
    assert not LINKS.holds(token.replace("7-", "8-", 1), "approver K7Q2X-1")
    assert not Links(b"j" * 32, LINKS.url).holds(token, "approver K7Q2X-1")
    assert LINKS.link(7, "approver K7Q2X-1") == f"https://console.example.gov/p/{token}"


@given(st.text(max_size=60))
def test_whatever_stands_in_a_link_is_no_token_or_not_ours(text: str) -> None:
    assert not LINKS.holds(text, "approver K7Q2X-1")


def test_a_link_leads_somewhere_once_and_for_an_hour() -> None:
    assert paging.is_open(AT, None, AT + timedelta(minutes=59))
    assert not paging.is_open(AT, None, AT + timedelta(hours=1))
    assert not paging.is_open(AT, AT, AT) and not paging.is_open(None, None, AT)


def test_a_rehearsal_begins_by_saying_that_it_is_a_test() -> None:
    assert paging.rehearsed(TEXT, "TEST ONLY", False).body == "TEST ONLY. Hierva el agua."
    mail = paging.rehearsed(MAIL, "TEST ONLY", False)
    assert mail.subject == "TEST ONLY: Boil" and mail.body.startswith("TEST ONLY.") and mail.thread == ""
    assert "<body dir='ltr'><p><strong>TEST ONLY</strong></p>Boil" in mail.html


def test_what_begins_like_a_test_is_not_marked_twice() -> None:
    marked = replace(TEXT, body="TEST ONLY. Hierva el agua.")
    assert paging.rehearsed(marked, "TEST ONLY", True).body == marked.body


def test_a_code_is_in_the_text_and_in_the_mail() -> None:
    assert all("123456" in paging.code(channel, Mode.LIVE, "123456").body for channel in ("sms", "email"))
