"""Who has practised: counted by month, carried by a certificate that cannot be forged, asked for only where that is safe."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from notify import audit
from notify.alerts import register
from notify.alerts.alert import Severity, Stage
from notify.alerts.broadcast import NotAllowed
from notify.alerts.life import Role, Staff
from notify.clock import ManualClock
from notify.db import Database
from notify.keys import KeysError
from notify.staff import certificate, people, training
from notify.staff import training_log as records
from notify.staff.certificate import BadCertificate
from notify.staff.drills import Drill, Score
from notify.staff.training import Member, Part, Rule, Waiting
from notify.staff.training_log import Training
from tests.notify.newsroom_factory import APPROVER, Room, follow_up
from tests.notify.staff.test_drills import SCRIPT, a_fit, line

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
RULE = Rule(due=31 * DAY, refuse=60 * DAY)
ZONE = ZoneInfo("America/Los_Angeles")
DRILL = Drill(
    drill_id="drill-1",
    script=SCRIPT,
    started_by="admin",
    started_at=datetime(2014, 5, 23, 15, 40, 12, tzinfo=UTC),
    first_line=1,
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def a_part(person_id: str = "approver", ago: timedelta = DAY, **fields: Any) -> Part:
    ended = fields.pop("ended", NOW - ago)
    usual = {
        "drill_id": f"drill-{ended:%m%d%H}",
        "script": "practice",
        "title": "Practice",
        "began": ended - HOUR,
        "ended": ended,
    }
    did = {"wrote": False, "decided": True, "alone": False, "wrong": 0, "audience": True}
    lengths = {"draft_s": None, "submit_s": None, "approve_s": 61.0, "correct_s": None}
    return Part(person_id=person_id, **(usual | did | lengths | fields))


def member(name: str, *roles: Role, since: datetime = NOW - 400 * DAY) -> Member:
    return Member(staff=Staff(person_id=name, roles=frozenset(roles or {Role.APPROVER})), since=since)


def waiting(**fields: Any) -> Waiting:
    usual: dict[str, Any] = {"author": "author", "stage": Stage.FIRST, "severity": Severity.SEVERE, "problems": lambda _: []}
    return Waiting(**(usual | {"submitted_at": NOW, "now": NOW} | fields))


def asked(known: list[Part], alert: Waiting, *members: Member, rule: Rule = RULE) -> list[str]:
    """What "approver" is told, among these."""
    them = members or (member("approver"), member("deputy"))
    standing = {one.member.staff.person_id: one for one in training.standings(them, known, NOW)}
    return training.refusal(rule, them[0].staff, standing, alert)


# What counts as practice.


def test_what_everybody_did_is_read_from_the_drills_log() -> None:
    lines = [
        line(1, "author", "composed", "K7Q2X-1"),
        line(3, "author", "submitted", "K7Q2X-1"),
        line(4, "approver", "BROKE THE GLASS", "K7Q2X-1"),
        line(4, "approver", "approved", "K7Q2X-1"),
        line(5, "viewer", "was refused", "K7Q2X-1"),
    ]
    lengths = {
        "draft": MINUTE,
        "submit": None,
        "approve": None,
        "correct": None,
        "wrong": 1,
        "fits": [a_fit("K7Q2X-1", right=True)],
    }
    scores = [Score(person_id=name, **lengths) for name in ("approver", "author", "viewer")]  # type: ignore[arg-type]
    approver, author = training.parts(DRILL, scores, lines, DRILL.started_at + HOUR)
    assert (approver.person_id, approver.wrote, approver.decided, approver.alone) == ("approver", False, True, True)
    assert (author.person_id, author.wrote, author.decided, author.alone) == ("author", True, False, False)
    assert (author.draft_s, author.submit_s, author.wrong, author.audience, author.length) == (60.0, None, 1, True, HOUR)


def test_an_approver_has_practised_when_they_decided_and_an_author_when_they_wrote() -> None:
    wrote = {"wrote": True, "decided": False}
    known = [a_part("approver", **wrote), a_part("author", **wrote)]
    them = [member("author", Role.AUTHOR), member("approver"), member("viewer", Role.VIEWER)]
    approver, author = training.standings(them, known, NOW)
    assert (approver.last, author.last) == (None, NOW - DAY)
    assert approver.is_overdue(RULE.due) and not author.is_overdue(RULE.due)


def test_somebody_new_is_not_overdue_before_they_could_have_practised() -> None:
    (one,) = training.standings([member("approver", since=NOW - 30 * DAY)], [], NOW)
    assert not one.is_overdue(RULE.due)


def test_a_month_is_the_citys_and_names_who_did_nothing_in_it() -> None:
    late = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)  # still 31 May in the city
    known = [
        a_part("approver", ended=late + HOUR, alone=True, script="toxic_release"),
        a_part("author", ended=late - 5 * DAY, decided=False, wrote=True),
        a_part("author", ended=late + 2 * DAY, decided=False, wrote=True),
    ]
    standing = training.standings([member("approver"), member("author", Role.AUTHOR), member("deputy")], known, late + 3 * DAY)
    report = training.month(known, standing, date(2026, 5, 1), ZONE)
    assert [part.person_id for part in report.parts] == ["author", "approver"]
    assert report.glass is not None and report.glass.person_id == "approver"
    assert [one.member.staff.person_id for one in report.idle] == ["deputy"]
    table = list(training.table(report, RULE))
    assert {len(row) for row in table} == {len(table[0])}
    assert [row[:4] for row in table[1:]] == [
        ["2026-05", "approver", "approver", known[0].drill_id],
        ["2026-05", "author", "author", known[1].drill_id],
        ["2026-05", "deputy", "approver", ""],
    ]
    assert table[3][-1] == "yes", "overdue"


def test_the_last_broken_glass_is_the_last() -> None:
    assert training.last_glass([a_part()]) is None
    known = [a_part(ago=DAY), a_part(ago=34 * DAY, alone=True), a_part(ago=60 * DAY, alone=True)]
    found = training.last_glass(known)
    assert found is not None and NOW - found.ended == 34 * DAY


# Who is refused, and who never is.


def test_an_approver_long_overdue_is_refused_with_a_sentence_that_says_what_to_do() -> None:
    (sentence,) = asked([a_part("approver", 96 * DAY), a_part("deputy")], waiting())
    assert sentence == (
        "approver last practised approving on 2026-02-13, and the city asks for it every 60 days. deputy may approve this. "
        "To catch up, take part in a drill on the training instance. "
        "From 12:10:00 UTC on nobody is refused for want of practice."
    )
    (sentence,) = asked([a_part("deputy")], waiting())
    assert sentence.startswith("approver has not practised approving yet, and")


@pytest.mark.parametrize(
    "alert",
    [
        waiting(stage=Stage.CORRECTION),
        waiting(stage=Stage.FALSE_ALARM),
        waiting(now=NOW + training.RELIEF),
        waiting(severity=Severity.EXTREME, now=NOW + training.RELIEF_EXTREME),
        waiting(author="approver"),
        waiting(problems=lambda staff: ["may not"] if staff.person_id == "deputy" else []),
    ],
    ids=["a correction", "a false alarm", "it has waited", "it is extreme and has waited", "one's own", "nobody else may"],
)
def test_nobody_is_refused_where_that_could_cost_lives(alert: Waiting) -> None:
    assert asked([a_part("deputy")], alert) == []


def test_nobody_is_refused_when_nobody_has_practised_or_the_city_does_not_ask_for_it() -> None:
    assert asked([], waiting()) == []
    assert asked([a_part("deputy")], waiting(), member("approver"), member("deputy", Role.AUTHOR)) == []
    assert asked([a_part("deputy")], waiting(), rule=Rule(due=31 * DAY)) == []
    assert asked([a_part("approver", 60 * DAY), a_part("deputy")], waiting()) == [], "sixty days are not more than sixty"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 200)), max_size=8),
    st.sampled_from(list(Severity)),
    st.integers(0, 900),
)
def test_there_is_always_somebody_who_may_approve(drilled: list[tuple[str, int]], severity: Severity, waited_s: int) -> None:
    them = [member(name) for name in "abcd"]
    known = [a_part(name, ago * DAY) for name, ago in drilled]
    standing = {one.member.staff.person_id: one for one in training.standings(them, known, NOW)}
    alert = waiting(severity=severity, now=NOW + timedelta(seconds=waited_s))
    refused = [one for one in them if training.refusal(RULE, one.staff, standing, alert)]
    assert len(refused) < len(them)
    assert not refused or waited_s < 600


# In the verbs.


def keep(db: Database, *found: Part) -> None:
    """As a certificate that was taken."""
    detail = {"parts": certificate.as_detail(list(found)), "key": ""}
    act = audit.Act(actor="shell", action=records.TAKEN, subject="drills", detail=detail)
    db.write_now(lambda conn: audit.append(conn, act, NOW))


def staffed(db: Database, clock: ManualClock, *names: str) -> None:
    for name in names:
        db.write_now(lambda conn, name=name: people.add(conn, name, ["approver"], {}, clock.now() - 400 * DAY))  # type: ignore[misc]


def test_approving_asks_for_practice_for_a_while_and_mending_never_does(db: Database, clock: ManualClock) -> None:
    room = Room.on(db, clock)
    object.__setattr__(room.newsroom, "practised", Training(RULE).refusal)
    staffed(db, clock, "approver", "deputy")
    keep(db, a_part("deputy", ended=clock.now() - DAY))
    alert_id, digest = room.submitted()
    with pytest.raises(NotAllowed, match="deputy may approve this"):
        room.do("approve", APPROVER, alert_id, digest)
    row = db.read_now(
        lambda conn: room.newsroom.hindrances(
            conn, Staff(person_id="deputy", roles=APPROVER.roles), register.alert(conn, alert_id)
        )
    )
    assert row == []
    clock.forward(10 * MINUTE)
    room.do("approve", APPROVER, alert_id, digest)
    room.do("send", APPROVER, alert_id)
    assert room.begin(alert_id) is not None
    wrong, digest = room.submitted(follow_up(alert_id, Stage.FALSE_ALARM))
    room.do("approve", APPROVER, wrong, digest)


def test_on_the_training_instance_nobody_is_kept_from_practising(db: Database, clock: ManualClock) -> None:
    staffed(db, clock, "approver", "deputy")
    keep(db, a_part("deputy", ended=clock.now() - DAY))
    alert = waiting(now=clock.now(), submitted_at=clock.now())
    refused = db.read_now(lambda conn: Training(RULE).refusal(conn, [APPROVER], alert))
    assert refused["approver"]
    assert db.read_now(lambda conn: Training(RULE, practice=True).refusal(conn, [APPROVER], alert)) == {}


# Certificates.


def test_a_certificate_is_taken_once_logged_and_names_strangers(db: Database, clock: ManualClock) -> None:
    staffed(db, clock, "approver")
    text = certificate.issue([a_part(), a_part(alone=True, ago=2 * DAY), a_part("somebody-else")], "Portland", KEY, NOW)
    parts = certificate.read(text, "Portland", certificate.public(KEY), NOW)
    ours = Training(RULE)
    assert db.read_now(ours.follow) == []

    def take() -> records.Took:
        return db.write_now(lambda conn: records.take(conn, parts, "shell", certificate.public(KEY), NOW))

    took = take()
    assert (took.new, took.known, took.strangers) == (2, 0, ["somebody-else"])
    again = take()
    assert (again.new, again.known) == (0, 2), "twice is once"
    lines = db.read_now(audit.lines)
    assert [one.action for one in lines] == [records.TAKEN] and audit.problems(lines) == []
    assert db.read_now(ours.follow) == parts[:2] == db.read_now(ours.follow)
    duty = db.read_now(lambda conn: ours.duty(conn, NOW + 40 * DAY))
    assert duty.glass == parts[1] and duty.glass_late and [one.member.staff.person_id for one in duty.overdue] == ["approver"]
    assert not db.read_now(lambda conn: ours.duty(conn, NOW)).glass_late


def test_nothing_but_the_trusted_instances_certificate_of_this_city_and_of_the_past_is_believed() -> None:
    def told(text: str, city: str = "Portland", trusted: str = certificate.public(KEY), now: datetime = NOW) -> str:
        with pytest.raises(BadCertificate) as caught:
            certificate.read(text, city, trusted, now)
        return "\n".join(caught.value.problems)

    good = certificate.issue([a_part()], "Portland", KEY, NOW)
    other = Ed25519PrivateKey.generate()
    assert "TOCSIN_DRILL_KEY is empty" in told(good, trusted="")
    assert "another key than TOCSIN_DRILL_KEY" in told(good, trusted=certificate.public(other))
    assert "It is of Portland, and this is Eugene" in told(good, city="Eugene")
    assert "times that have not come yet" in told(good, now=NOW - HOUR)
    assert "ends before it begins" in told(certificate.issue([a_part(began=NOW)], "Portland", KEY, NOW))
    for nothing in ("", "[]", "{}", "null", "{" * 50_000):
        assert "certificate" in told(nothing)
    changed = json.loads(good)
    changed["parts"][0]["person_id"] = "author"
    assert "signature does not hold" in told(json.dumps(changed))
    forged = json.loads(certificate.issue([a_part()], "Portland", other, NOW)) | {"key": certificate.public(KEY)}
    assert "signature does not hold" in told(json.dumps(forged))
    assert "signature does not hold" in told(json.dumps(changed | {"signature": 7}))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_letter_of_a_certificate_can_be_changed(data: st.DataObject) -> None:
    text = certificate.issue([a_part()], "Portland", KEY, NOW)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from('09azAZ{}[]:," \n'))
    changed = text[:at] + other + text[at + 1 :]
    try:
        assert certificate.read(changed, "Portland", certificate.public(KEY), NOW) == [a_part()], "it says the same"
    except BadCertificate as error:
        assert error.problems


def test_the_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    file = tmp_path / "drill-key.pem"
    first = certificate.public(certificate.own_key(file))
    assert certificate.public(certificate.own_key(file)) == first and len(first) == 44
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(KeysError, match="can be read by others"):
        certificate.own_key(file)
    file.write_text("no key")
    file.chmod(0o600)
    with pytest.raises(KeysError, match="cannot be read"):
        certificate.own_key(file)


def test_two_drills_of_one_number_are_two(db: Database, clock: ManualClock) -> None:
    """A training database that was made anew counts from one again."""
    staffed(db, clock, "approver")
    first = a_part(drill_id="drill-1")
    keep(db, first, replace(first, began=first.began + 2 * HOUR, ended=first.ended + 2 * HOUR))
    assert len(db.read_now(Training(RULE).parts)) == 2
