"""Approvers paged step by step, on both databases: each page once, whoever dies and whoever looks, until somebody decides."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.base import Content, Refused, Retry, Unknown
from notify import audit
from notify.alerts import exercise, register
from notify.alerts.alert import Mode
from notify.clock import ManualClock
from notify.db import Database
from notify.staff import paging_delivery, paging_rows, people, staff_contacts
from notify.staff.paging import AGAIN_AFTER, MOST_ROUNDS, Kind, PageState, Ref
from notify.staff.paging_lane import Lane
from notify.staff.paging_rows import blank
from tests.notify.newsroom_factory import APPROVER, AUTHOR
from tests.notify.paging_factory import AGAIN, NEXT, Line, Office, a_dispatcher
from tests.notify.subjects import the_words

MARKS = exercise.marks(the_words())
FIRST, SECOND, THIRD, ADMIN = "+15035550141", "+15035550142", "+15035550143", "+15035550144"
TEXT = Content(key="page/sms", language="en", body="Approval wanted: Boil tap water, Lents.")


@pytest.fixture
def office(db: Database, clock: ManualClock) -> Office:
    return Office.on(db, clock)


@pytest.fixture
def crew(office: Office) -> Office:
    """Two approvers with phones, one on call, and a third with a mailbox only."""
    office.contact("approver", FIRST)
    office.contact("deputy", SECOND)
    office.contact("third", "third@example.gov")
    office.on_call("approver")
    return office


async def test_who_is_on_call_is_paged_first_then_one_after_the_other_then_all_anew(crew: Office) -> None:
    alert_id = crew.submitted()
    assert len(await crew.turn()) == 1
    assert crew.texts.told == [FIRST] and crew.mails.told == []
    crew.clock.forward(NEXT)
    await crew.turn()
    assert crew.texts.told == [FIRST, SECOND]
    crew.clock.forward(NEXT)
    await crew.turn()
    assert crew.mails.told == ["third@example.gov"]
    crew.clock.forward(NEXT)
    assert await crew.turn() == [], "everybody has been paged: a longer wait comes first"
    crew.clock.forward(AGAIN - NEXT)
    await crew.turn()
    assert sorted(crew.texts.told) == [FIRST, FIRST, SECOND, SECOND] and len(crew.mails.sent) == 2
    assert {state for _, _, _, state in crew.pages(alert_id)} == {"accepted"}


async def test_a_page_says_what_waits_and_its_link_is_the_persons_own(crew: Office) -> None:
    alert_id = crew.submitted()
    await crew.turn()
    (page,) = crew.db.read_now(lambda conn: paging_rows.history(conn, alert_id))
    body = crew.texts.sent[0].content.body
    assert body.startswith("DEMO. Approval wanted: Boil tap water, Portland.") and alert_id in body
    link = crew.paging.delivery.link(page)
    assert link in body and "https://console.example.gov/p/" in link


async def test_nobody_is_paged_any_more_once_somebody_has_decided(crew: Office) -> None:
    alert_id, digest = crew.room.submitted()
    await crew.turn()
    crew.room.do("approve", APPROVER, alert_id, digest)
    crew.clock.forward(NEXT)
    await crew.turn()
    assert crew.texts.told == [FIRST] and crew.waiting_steps() == 0


async def test_a_new_submission_begins_anew_and_the_old_chain_ends(crew: Office) -> None:
    alert_id = crew.submitted()
    await crew.turn()
    crew.room.do("send_back", APPROVER, alert_id, "Which side of I-205?")
    crew.clock.forward(NEXT / 2)
    crew.room.do("submit", AUTHOR, alert_id)
    await crew.turn()
    assert crew.texts.told == [FIRST, FIRST]
    crew.clock.forward(NEXT / 2)
    await crew.turn()  # the old chain's step
    assert crew.texts.told == [FIRST, FIRST] and crew.waiting_steps() == 1


async def test_the_author_and_whoever_is_disabled_or_out_of_scope_are_not_paged(office: Office) -> None:
    now = office.clock.now()
    limited = {"hazards": ["other"]}
    office.db.write_now(lambda conn: people.add(conn, "smoke-only", ["approver"], limited, now))
    for name, phone in [("author", "+15035550151"), ("approver", FIRST), ("deputy", SECOND), ("smoke-only", THIRD)]:
        office.contact(name, phone)
    office.db.write_now(lambda conn: people.disable(conn, "deputy", now))
    office.submitted()
    await office.turn()
    assert office.texts.told == [FIRST]


async def test_the_duty_officer_is_called_when_nobody_can_be_paged(office: Office) -> None:
    alert_id = office.submitted()
    await office.turn()
    assert office.texts.sent == [] and len(office.calls) == 1 and alert_id in office.calls[0]


async def test_the_duty_officer_is_called_when_no_page_leaves(crew: Office) -> None:
    crew.texts.answers = [Refused("21610", "They texted STOP.")]
    alert_id = crew.submitted()
    await crew.turn()
    assert crew.pages(alert_id) == [("approver", "sms", 0, "failed")]
    assert len(crew.calls) == 1 and "No page about" in crew.calls[0]


async def test_a_page_that_did_not_leave_is_tried_again_and_one_in_doubt_too(
    crew: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging_delivery, "LONGEST_PAUSE_S", 0.0)
    crew.texts.answers = [Retry(timedelta(seconds=5), "busy"), Unknown("no answer")]
    alert_id = crew.submitted()
    await crew.turn()
    assert crew.texts.told == [FIRST] * 3 and crew.pages(alert_id) == [("approver", "sms", 0, "accepted")]


async def test_a_page_is_given_up_after_three_tries_and_says_why(crew: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging_delivery, "LONGEST_PAUSE_S", 0.0)
    crew.texts.answers = [Unknown("no answer")] * 3
    alert_id = crew.submitted()
    await crew.turn()
    (page,) = crew.db.read_now(lambda conn: paging_rows.history(conn, alert_id))
    assert (page.state, page.code, page.attempts) == (PageState.FAILED, "nobody can say", 3)


async def test_of_several_workers_at_one_step_one_sends_each_page(crew: Office) -> None:
    alert_id = crew.submitted()
    row = crew.db.read_now(lambda conn: register.alert(conn, alert_id))
    assert row.submitted_at is not None
    ref = str(Ref(alert_id=alert_id, asked_at=row.submitted_at, step=0))
    await asyncio.gather(*(crew.paging.ask(ref) for _ in range(8)))
    assert crew.texts.told == [FIRST] and crew.waiting_steps() == 2, "this step, and the next one once"


async def test_what_a_dead_worker_was_sending_is_sent_by_another(crew: Office) -> None:
    alert_id = crew.submitted()
    await crew.turn()
    page = crew.db.read_now(lambda conn: paging_rows.history(conn, alert_id))[0]
    stuck = blank(Kind.APPROVAL, alert_id, page.asked_at, "author", step=9)
    stuck.person_id, stuck.channel = "deputy", "sms"
    number = crew.db.write_now(lambda conn: paging_rows.add(conn, stuck))
    assert crew.db.write_now(lambda conn: paging_rows.claim(conn, number, crew.clock.now())) is not None
    assert crew.db.write_now(lambda conn: paging_rows.claim(conn, number, crew.clock.now())) is None
    crew.clock.forward(paging_rows.LEASE)
    assert crew.db.write_now(lambda conn: paging_rows.claim(conn, number, crew.clock.now())) is not None


async def test_paging_ends_after_some_rounds(crew: Office) -> None:
    crew.submitted()
    steps = 0
    while await crew.turn():
        steps += 1
        crew.clock.forward(AGAIN)
    assert steps == 3 + MOST_ROUNDS + 1 and crew.waiting_steps() == 0


async def test_the_log_says_who_was_paged_and_what_came_of_it_and_names_no_address(crew: Office) -> None:
    alert_id = crew.submitted()
    await crew.turn()
    lines = [one for one in crew.db.read_now(lambda conn: audit.lines(conn, alert_id)) if one.action == "paged"]
    assert len(lines) == 1 and '"person": "approver"' in lines[0].detail and "accepted" in lines[0].detail
    everything = "".join(one.detail for one in crew.db.read_now(audit.lines))
    assert FIRST not in everything and "third@example.gov" not in everything


async def test_an_author_has_them_paged_again_but_not_every_second(crew: Office) -> None:
    alert_id = crew.submitted()
    await crew.turn()
    found = await crew.paging.ask_again(alert_id, "author")
    assert sorted(one.person_id for one in found) == ["approver", "deputy", "third"]
    with pytest.raises(register.Conflict, match="less than a minute ago"):
        await crew.paging.ask_again(alert_id, "author")
    crew.clock.forward(AGAIN_AFTER)
    assert len(await crew.paging.ask_again(alert_id, "author")) == 3
    crew.room.do("send_back", APPROVER, alert_id, "No.")
    with pytest.raises(register.Conflict, match="nobody is waited for"):
        await crew.paging.ask_again(alert_id, "author")


async def test_every_deputy_is_told_that_somebody_sends_alone_once(crew: Office) -> None:
    crew.contact("admin", ADMIN)
    crew.contact("author", "+15035550151")
    alert_id, digest = crew.room.submitted()
    draft_policy = crew.room.newsroom.assembler.glasses
    assert all(glass.hazard != "boil_water" for glass in draft_policy)
    now = crew.clock.now()
    act = audit.Act(actor="author", action="BROKE THE GLASS", subject=alert_id, detail={"reason": "Nobody answers."})
    crew.db.write_now(lambda conn: audit.append(conn, act, now))
    await crew.paging.tell_of_glass(alert_id)
    await crew.paging.tell_of_glass(alert_id)
    assert sorted(crew.texts.told) == [FIRST, SECOND, ADMIN] and crew.mails.told == ["third@example.gov"]
    assert (
        "SENT BY ONE PERSON ALONE" in crew.texts.sent[0].content.body and "Nobody answers." in crew.texts.sent[0].content.body
    )
    assert digest


async def test_the_urgent_number_is_asked_first_and_the_next_one_where_it_cannot() -> None:
    urgent, usual, broken = Line("sms"), Line("sms"), Line("sms")
    lane = Lane(
        [a_dispatcher(usual), a_dispatcher(urgent, below=2), a_dispatcher(broken, below=1, trouble="no account")],
        Mode.DEMO,
        MARKS,
    )
    await lane.send("sms", FIRST, TEXT)
    assert (len(urgent.sent), len(usual.sent), len(broken.sent)) == (1, 0, 0)
    urgent.answers = [Retry(timedelta(seconds=60), "busy", pause_sender=True)]
    await lane.send("sms", FIRST, TEXT)
    assert (len(urgent.sent), len(usual.sent)) == (2, 1)
    assert isinstance(await lane.send("email", "a@example.gov", TEXT), Retry), "there is no sender of mail"


@pytest.mark.parametrize(
    ("mode", "address", "leaves"),
    [
        (Mode.LIVE, FIRST, False),
        (Mode.LIVE, "+15032223141", True),
        (Mode.TRAINING, FIRST, True),
        (Mode.TRAINING, "+15032223141", False),
        (Mode.DEMO, "+15032223141", False),
    ],
)
async def test_the_last_hop_pages_nobody_of_another_mode(mode: Mode, address: str, leaves: bool) -> None:
    line = Line("sms")
    await Lane([a_dispatcher(line)], mode, MARKS).send("sms", address, TEXT)
    assert bool(line.sent) is leaves


@pytest.mark.parametrize("mode", Mode)
async def test_the_last_hop_lets_no_alerts_text_out_that_is_not_marked_as_a_test(mode: Mode) -> None:
    line, address = Line("sms"), "+15032223141" if mode is Mode.LIVE else FIRST
    lane = Lane([a_dispatcher(line)], mode, MARKS)
    real = replace(TEXT, key="rehearsal/sms/first/en", body="BOIL TAP WATER in Lents.")
    for body in (real.body, "TEST ONLY. This is not a drill."):
        assert isinstance(await lane.send("sms", address, replace(real, body=body)), Refused)
    await lane.send("sms", address, replace(real, body=f"TEST ONLY. {real.body}"))
    assert len(line.sent) == 1


def test_a_contact_counts_once_its_code_has_come_back(office: Office) -> None:
    ring, now = office.paging.delivery.keys, office.clock.now()
    given = staff_contacts.normal("(503) 555-0141", Mode.DEMO)
    made = office.db.write_now(lambda conn: staff_contacts.claim(conn, ("approver", "admin"), given, ring, now))

    def confirmed(code: str) -> bool:
        return office.db.write_now(lambda conn: staff_contacts.confirm(conn, "approver", "sms", code, ring, office.clock.now()))

    def reached() -> str | None:
        return office.db.read_now(lambda conn: staff_contacts.reach(conn, "approver", "sms", ring))

    wrong = "000000" if made.code != "000000" else "111111"
    assert reached() is None and not confirmed(wrong) and reached() is None
    assert confirmed(made.code) and reached() == FIRST
    shown = office.db.read_now(lambda conn: staff_contacts.contacts(conn, ring, "approver"))
    assert [(one.shown, one.confirmed) for one in shown] == [("+1503…41", True)]


def test_everybody_s_line_says_where_they_are_reached_and_nothing_is_removed_twice(office: Office) -> None:
    ring, now = office.paging.delivery.keys, office.clock.now()
    office.contact("third", "third@example.gov")
    office.on_call("third")
    office.db.write_now(lambda conn: staff_contacts.give_turn(conn, "deputy", 1, "admin", now))
    office.db.write_now(lambda conn: people.disable(conn, "author", now))
    found = office.db.read_now(lambda conn: staff_contacts.reachable(conn, ring, now))
    assert [one.person_id for one in found] == ["third", "deputy", "admin", "approver"], "on call, by turn, by name"
    assert [one.shown for one in found[0].contacts] == ["t…@example.gov"] and found[0].on_call
    (own,) = office.db.read_now(lambda conn: staff_contacts.reachable(conn, ring, now, "author"))
    assert (own.contacts, own.on_call) == ([], False)
    gone = [office.db.write_now(lambda conn: staff_contacts.remove(conn, "third", "email", "admin", now)) for _ in range(2)]
    lines = [one for one in office.db.read_now(audit.lines) if one.action == "removed a contact"]
    assert gone == [True, False] and [(one.actor, one.subject) for one in lines] == [("admin", "third")]
