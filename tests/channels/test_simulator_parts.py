"""The simulator's plain logic: reading requests, listing, words from residents, faults, set-up."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels.simulator.archive import Archive
from channels.simulator.callbacks import encoded, signature
from channels.simulator.config import MailConfig, SimulatedSender, SimulatorConfig, problems
from channels.simulator.drafts import Draft, read
from channels.simulator.faults import Dice, MailFaults, SmsFaults, Unfit, changed
from channels.simulator.handsets import Handsets
from channels.simulator.inbound import BadReply, Keyword, keyword, replies
from channels.simulator.listing import Listing
from channels.simulator.messages import OUTBOUND, Message
from channels.simulator.refusals import REASONS, Refusal

SENDER = "+15035550100"
PHONE = "+15035550123"
GOOD = {"To": PHONE, "From": SENDER, "Body": "Boil tap water."}
HERE = frozenset({"127.0.0.1"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "resident"}, 21211),
        ({"To": "+1503555012"}, 21408),
        ({"To": "+15039980123"}, 21408),  # a number somebody may really have
        ({"To": "+447700900123"}, 21408),
        ({"To": "+1503555O123"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "Portland"}, 21212),
        ({"From": "+15035550199"}, 21606),
        ({"From": "555555"}, 21606),
        ({"From": PHONE}, 21266),
        ({"Body": ""}, 21602),
        ({"Body": "a" * 1601}, 21617),
        ({"StatusCallback": "ftp://127.0.0.1/"}, 21609),
        ({"StatusCallback": "http://alerts.example.gov/"}, 21609),
        ({"StatusCallback": "http://127.0.0.1@alerts.example.gov/"}, 21609),
        ({"StatusCallback": "http://127.0.0.1/\r\nHost: alerts.example.gov"}, 21609),
        ({"StatusCallback": "http://127.0.0.1:port/"}, 21609),
        ({"StatusCallback": "http://[::1"}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "ten"}, 21624),
        ({"To": "", "Body": ""}, 21604),  # the first objection is the one told
    ],
)
def test_a_bad_request_is_refused_under_twilios_code(change: dict[str, str], code: int) -> None:
    outcome = read(GOOD | change, {SENDER}, HERE)
    assert isinstance(outcome, Refusal)
    assert outcome.code == code
    assert outcome.document()["status"] == REASONS[code][0]


def test_a_good_request_is_read_whole() -> None:
    form = GOOD | {"Body": "水" * 71, "StatusCallback": "http://127.0.0.1:1/reports/sms/7", "ValidityPeriod": "36000"}
    assert read(form, {SENDER}, HERE) == Draft(
        to=PHONE,
        sender=SENDER,
        body="水" * 71,
        segments=2,
        callback="http://127.0.0.1:1/reports/sms/7",
        valid_for_s=36_000,
    )
    assert isinstance(read(GOOD | {"Body": "a" * 1600}, {SENDER}, HERE), Draft)


def an_archive(messages: list[tuple[str, str, float | None]]) -> Archive:
    archive = Archive()
    for number, (to, sender, sent_at) in enumerate(messages):
        archive.add(
            Message(
                sid=f"SM{number:032x}",
                sender=sender,
                to=to,
                body="",
                segments=1,
                direction=OUTBOUND,
                status="sent",
                created_at=0.0,
                updated_at=0.0,
                sent_at=sent_at,
            )
        )
    return archive


DAY = datetime(2026, 5, 23, tzinfo=UTC).timestamp()
MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([PHONE, "+15035550124"]),
        st.sampled_from([SENDER, "+15035550101"]),
        st.sampled_from([None, DAY - 0.5, DAY, DAY + 86_399.5, DAY + 86_400]),
    ),
    max_size=25,
)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "To": st.just(PHONE),
        "From": st.just(SENDER),
        "DateSent": st.just("2026-05-23"),
        "DateSent<": st.just("2026-05-23"),
        "DateSent>": st.sampled_from(["2026-05-23", "2026-05-24T00:00:00Z"]),
    },
)


def wanted(message: tuple[str, str, float | None], query: dict[str, str]) -> bool:
    to, sender, sent_at = message
    day = None if sent_at is None else datetime.fromtimestamp(sent_at, UTC).date().isoformat()
    return (
        query.get("To", to) == to
        and query.get("From", sender) == sender
        and ("DateSent" not in query or day == query["DateSent"])
        and ("DateSent<" not in query or (day is not None and day <= query["DateSent<"]))
        and ("DateSent>" not in query or (day is not None and day >= query["DateSent>"][:10]))
    )


@given(MESSAGES, QUERIES, st.integers(1, 6))
def test_pages_hold_every_matching_text_once_newest_first_and_lead_back(
    messages: list[tuple[str, str, float | None]], query: dict[str, str], size: int
) -> None:
    archive = an_archive(messages)
    found: list[str] = []
    pages: list[list[str]] = []
    step: dict[str, str] | None = query | {"PageSize": str(size)}
    last: Listing[Message] | None = None
    while step is not None:
        listing = archive.page(step)
        assert isinstance(listing, Listing)
        assert len(listing.shown) <= size
        pages.append([message.sid for message in listing.shown])
        found += pages[-1]
        step, last = None if listing.following is None else dict(parse_qsl(listing.following)), listing
    assert found == [f"SM{n:032x}" for n in reversed(range(len(messages))) if wanted(messages[n], query)]
    for page in reversed(pages[:-1]):
        assert last is not None and last.previous is not None
        listing = archive.page(dict(parse_qsl(last.previous)))
        assert isinstance(listing, Listing)
        assert [message.sid for message in listing.shown] == page
        last = listing


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"PageSize": "1001"}, 20007),
        ({"PageSize": "0"}, 20007),
        ({"PageSize": "many"}, 20007),
        ({"DateSent": "yesterday"}, 20001),
        ({"Page": "-1"}, 20404),
        ({"PageToken": "PASM" + "0" * 32}, 20404),
        ({"PageToken": "next"}, 20404),
    ],
)
def test_a_bad_page_is_refused(query: dict[str, str], code: int) -> None:
    outcome = an_archive([]).page(query)
    assert isinstance(outcome, Refusal)
    assert outcome.code == code


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("STOP", Keyword.STOP),
        (" stop \n", Keyword.STOP),
        ("Unsubscribe", Keyword.STOP),
        ("start", Keyword.START),
        ("YES", Keyword.START),
        ("help", Keyword.HELP),
        ("STOP it", None),
        ("97214", None),
        ("", None),
    ],
)
def test_a_gateway_obeys_single_words_alone(body: str, word: Keyword | None) -> None:
    assert keyword(body) is word


@pytest.mark.parametrize(
    ("twiml", "texts"),
    [
        ("", ()),
        ("<Response/>", ()),
        ("<Response><Message>One &amp; two</Message><Message><Body>đúng</Body></Message></Response>", ("One & two", "đúng")),
        ("<Response><Message></Message></Response>", ()),
    ],
)
def test_replies_are_read_from_twiml(twiml: str, texts: tuple[str, ...]) -> None:
    assert replies(twiml) == texts


@pytest.mark.parametrize("answer", ["OK", "<html></html>", "<Response>"])
def test_an_answer_that_is_no_twiml_is_told_apart(answer: str) -> None:
    with pytest.raises(BadReply):
        replies(answer)


def test_faults_change_by_name_and_go_back() -> None:
    faults = changed(SmsFaults(), {"cut_after": 0.5, "too_many_next": 3, "reports_off": True})
    assert (faults.cut_after, faults.too_many_next, faults.reports_off) == (0.5, 3, True)
    assert changed(faults, {"cut_after": 0}).too_many_next == 3
    assert changed(faults, None) == SmsFaults()
    assert changed(MailFaults(), {"codes": {"resident@example.gov": 550}}).codes == {"resident@example.gov": 550}


def test_every_problem_of_a_fault_change_is_told_at_once() -> None:
    with pytest.raises(Unfit) as caught:
        changed(SmsFaults(), {"cut_afer": 1, "cut_after": 1.5, "too_many_next": True, "reports_off": 1, "slow_s": "2"})
    assert len(caught.value.problems) == 5
    with pytest.raises(Unfit):
        changed(MailFaults(), {"codes": {"resident@example.gov": 200}})
    with pytest.raises(Unfit):
        changed(SmsFaults(), ["cut_after"])


def test_dice_fall_alike_for_a_seed_and_unused_faults_draw_nothing() -> None:
    def throws(unused: int) -> list[bool]:
        dice = Dice("seed")
        return [dice.hit(0.3) for _ in range(200) if not any(dice.hit(0.0) for _ in range(unused))]

    assert throws(0) == throws(3)
    assert 30 < sum(throws(0)) < 90


def a_config(**changes: Any) -> SimulatorConfig:
    return replace(SimulatorConfig(log=Path("log")), **changes)


def test_a_set_up_that_cannot_run_is_told_why() -> None:
    assert problems(a_config()) == ()
    assert problems(a_config(senders=(SimulatedSender(number="97214", rate=0.1),))) == ()
    wrong = a_config(
        account_sid="AC1",
        senders=(SimulatedSender(number="+15039980100"), SimulatedSender(number=SENDER, rate=0.0)),
        inbound_url="https://alerts.example.gov/inbound/sms",
        callbacks_at_once=0,
        mail=MailConfig(require_starttls=True),
        handsets=Handsets(landline=0.6, unknown=0.5, listed={PHONE: "asleep"}, seed="", delivered_after_s=-1.0),
    )
    assert len(problems(wrong)) == 10


@given(st.dictionaries(st.sampled_from(["Body", "From", "To", "MessageSid"]), st.text(), min_size=1))
def test_the_signature_is_twilios_and_the_form_reads_back(form: dict[str, str]) -> None:
    url = "http://127.0.0.1:8080/reports/sms/7?try=1"
    assert signature("token", url, form) == RequestValidator("token").compute_signature(url, form)
    assert dict(parse_qsl(encoded(form).decode(), keep_blank_values=True)) == form
