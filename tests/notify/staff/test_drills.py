"""A drill's script and its score: pure, by value."""

from datetime import timedelta

import pytest
from shapely import box

from notify.alerts import hazards
from notify.alerts.alert import Mode
from notify.staff import drills
from notify.staff.drills import BadScript, Drill, Fit
from notify.tables import AuditLine
from tests.notify.factories import SENT
from tests.notify.newsroom_factory import portland_areas

GOOD = """
title: Practice
minutes: 20
people: 10
injects:
  - {at: 0, from: Laboratory, words: Three samples hold E. coli.}
  - {at: 6, from: Water bureau, words: Woodstock too., mistake: true}
right:
  - {at: 0, hazard: boil_water, areas: [Lents]}
  - {at: 6, hazard: boil_water, areas: [Lents, Woodstock]}
"""
SCRIPT = drills.read("practice", GOOD)
DRILL = Drill(drill_id="drill-1", script=SCRIPT, started_by="admin", started_at=SENT, first_line=1)


def line(minute: float, actor: str, action: str, subject: str) -> AuditLine:
    at = (SENT + timedelta(minutes=minute)).isoformat()
    return AuditLine(seq=1, at=at, actor=actor, action=action, subject=subject, detail="{}", hash="")


def a_fit(alert_id: str, *, right: bool) -> Fit:
    return Fit(alert_id=alert_id, right=right, missed_share=0, extra_share=0, missed=0, extra=0, hazard_right=True)


def test_every_script_that_ships_can_be_played_in_the_sample_city() -> None:
    names = {area.name for area in portland_areas()}
    scripts = drills.catalogue()
    assert len(scripts) >= 2
    for script in scripts.values():
        for one in script.right:
            assert set(one.areas) <= names and one.hazard in hazards.catalogue()


def test_what_comes_in_comes_at_its_minute_the_newest_first() -> None:
    assert [one.sender for one in SCRIPT.come(timedelta(minutes=5, seconds=59))] == ["Laboratory"]
    assert [one.sender for one in SCRIPT.come(timedelta(minutes=6))] == ["Water bureau", "Laboratory"]
    assert SCRIPT.right_at(timedelta(minutes=5)).areas == ("Lents",)
    assert SCRIPT.right_at(timedelta(hours=5)).areas == ("Lents", "Woodstock")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("at: 0, from", "at: 1, from"), "injects must begin at minute 0"),
        (("at: 6, hazard", "at: 0, hazard"), ""),
        (("minutes: 20", "minutes: 5"), "the last inject comes after the drill's 5 minutes"),
        (("areas: [Lents]", "areas: []"), "right needs at least one area"),
        (("from: Laboratory, ", ""), "injects.0.sender"),
        (("title: Practice", "headline: Practice"), "headline: there is no such field"),
        (("title: Practice", "- ]"), "this is not YAML"),
    ],
)
def test_a_script_that_cannot_be_played_says_why(change: tuple[str, str], sentence: str) -> None:
    text = GOOD.replace(*change)
    if not sentence:
        drills.read("practice", text)
        return
    with pytest.raises(BadScript) as caught:
        drills.read("practice", text)
    assert any(sentence in problem for problem in caught.value.problems)


def test_each_operator_is_judged_by_what_the_log_has_of_them() -> None:
    lines = [
        line(1, "author", "composed", "K7Q2X-1"),
        line(2.5, "author", "was refused", "K7Q2X-1"),
        line(3, "author", "submitted", "K7Q2X-1"),
        line(4, "approver", "approved", "K7Q2X-1"),
        line(4, "approver", "sent", "K7Q2X-1"),
        line(4.1, "tocsin", "leaves", "K7Q2X-1"),
        line(7, "author", "composed", "K7Q2X-2"),
        line(8, "author", "submitted", "K7Q2X-2"),
        line(8.5, "approver", "approved", "K7Q2X-2"),
    ]
    fits = {"K7Q2X-1": a_fit("K7Q2X-1", right=True), "K7Q2X-2": a_fit("K7Q2X-2", right=False)}
    approver, author = drills.scores(DRILL, lines, fits)
    assert (author.person_id, approver.person_id) == ("author", "approver"), "what the program does itself is no score"
    assert (author.draft, author.submit) == (timedelta(minutes=1), timedelta(minutes=2))
    assert (author.approve, author.wrong, author.audience) == (None, 1, False)
    assert approver.approve == timedelta(minutes=1) and approver.draft is None and approver.wrong == 0
    assert author.correct == approver.correct == timedelta(minutes=2.5)


def test_a_correction_counts_from_the_mistake_and_only_after_it() -> None:
    early = [line(1, "author", "composed", "K7Q2X-2"), line(2, "approver", "approved", "K7Q2X-2")]
    assert all(score.correct is None for score in drills.scores(DRILL, early, {}))


def test_an_area_is_right_when_nobody_is_missed_and_nobody_told_in_vain() -> None:
    right = box(0, 0, 10, 10)
    assert drills.fit("A-1", right, right, (0, 0), hazard_right=True).right
    assert not drills.fit("A-1", right, right, (0, 1), hazard_right=True).right
    half = drills.fit("A-1", box(0, 0, 5, 10), right, (7, 0), hazard_right=True)
    assert (half.right, half.missed_share, half.extra_share) == (False, 0.5, 0.0)
    twice = drills.fit("A-1", box(0, 0, 20, 10), right, (0, 9), hazard_right=True)
    assert (twice.right, twice.missed_share, twice.extra_share) == (False, 0.0, 1.0)


def test_drills_run_in_training_only() -> None:
    assert drills.mode_problems(Mode.TRAINING) == []
    for mode in (Mode.LIVE, Mode.DEMO):
        (problem,) = drills.mode_problems(mode)
        assert problem.startswith("Drills run on the training instance only")
