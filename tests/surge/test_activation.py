"""Surge mode's states: only what follows may follow, and never one person alone opens it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notify.alerts.life import Role, Staff
from surge.switch import activation
from surge.switch.activation import ALLOWED, Activation, Left, NotNow, NotReady, NotYou, Status

NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
AUTHOR = Staff(person_id="author", roles=frozenset({Role.AUTHOR}))
APPROVER = Staff(person_id="approver", roles=frozenset({Role.APPROVER}))
LEAD = Staff(person_id="lead", roles=frozenset({Role.LEAD311}))
AGENT = Staff(person_id="agent", roles=frozenset({Role.AGENT311}))
VIEWER = Staff(person_id="viewer", roles=frozenset({Role.VIEWER, Role.ADMIN, Role.TRANSLATOR}))
EVERYBODY = (AUTHOR, APPROVER, LEAD, AGENT, VIEWER)
DRAFT = Activation(
    activation_id="A1", runbook="boil-water", title="Boil water", status=Status.DRAFT, made_by="author", made_at=NOW
)
ARMED = activation.armed(DRAFT, AUTHOR, NOW, [])
OPEN = activation.opened(ARMED, APPROVER, 2, NOW)
DOWN = activation.standing_down(OPEN, LEAD, NOW)


def test_what_is_not_ready_is_not_armed_and_every_reason_is_named() -> None:
    with pytest.raises(NotReady) as refused:
        activation.armed(DRAFT, AUTHOR, NOW, ["The script is not published.", "No message can be heard in vi."])
    assert refused.value.problems == ["The script is not published.", "No message can be heard in vi."]


def test_whoever_armed_it_never_opens_it() -> None:
    with pytest.raises(NotYou, match="lead armed surge mode; somebody else must open it"):
        activation.opened(activation.armed(DRAFT, LEAD, NOW, []), LEAD, 1, NOW)
    assert OPEN.opened_by == "approver" and OPEN.armed_by == "author" and OPEN.level == 2


def test_an_author_arms_and_does_not_open() -> None:
    with pytest.raises(NotYou, match="approver, lead311"):
        activation.opened(activation.armed(DRAFT, LEAD, NOW, []), AUTHOR, 1, NOW)


@pytest.mark.parametrize("who", [AGENT, VIEWER], ids=lambda one: one.person_id)
def test_agents_and_viewers_switch_nothing(who: Staff) -> None:
    for act in (
        lambda: activation.armed(DRAFT, who, NOW, []),
        lambda: activation.disarmed(ARMED, who),
        lambda: activation.opened(ARMED, who, 1, NOW),
        lambda: activation.levelled(OPEN, who, 1),
        lambda: activation.standing_down(OPEN, who, NOW),
        lambda: activation.closed(DOWN, who, NOW, Left(), "note"),
    ):
        with pytest.raises(NotYou):
            act()


def test_opening_twice_at_one_level_is_opening_once() -> None:
    assert activation.opened(OPEN, LEAD, 2, NOW + timedelta(minutes=5)) == OPEN
    with pytest.raises(NotNow, match="open at level 2 already"):
        activation.opened(OPEN, LEAD, 3, NOW)


def test_a_draft_is_not_opened_past_the_pre_flight() -> None:
    with pytest.raises(NotNow, match="is draft and cannot become open"):
        activation.opened(DRAFT, APPROVER, 1, NOW)


@pytest.mark.parametrize("level", [0, 4, -1])
def test_there_are_three_levels(level: int) -> None:
    for act in (lambda: activation.opened(ARMED, APPROVER, level, NOW), lambda: activation.levelled(OPEN, APPROVER, level)):
        with pytest.raises(NotReady, match=f"not {level}"):
            act()


def test_nobody_is_left_alone_by_closing() -> None:
    with pytest.raises(NotReady) as refused:
        activation.closed(DOWN, LEAD, NOW, Left(waiting=3, callbacks=2), " ")
    assert len(refused.value.problems) == 3
    with pytest.raises(NotNow, match="is open and cannot become closed"):
        activation.closed(OPEN, LEAD, NOW, Left(), "note")
    over = activation.closed(DOWN, LEAD, NOW, Left(), "Two deliveries are open with the water bureau.")
    assert over.status is Status.CLOSED and over.closed_by == "lead"


def test_a_relapse_opens_again_and_keeps_when_it_began() -> None:
    again = activation.opened(DOWN, APPROVER, 3, NOW + timedelta(hours=2))
    assert (again.status, again.level, again.opened_at, again.standing_down_at) == (Status.OPEN, 3, NOW, None)
    with pytest.raises(NotYou):
        activation.opened(DOWN, replace(AUTHOR, roles=frozenset({Role.APPROVER})), 3, NOW)


def test_a_draft_that_nobody_wants_is_closed_without_a_note() -> None:
    assert activation.closed(DRAFT, AUTHOR, NOW, Left(waiting=9), "").status is Status.CLOSED


def test_a_drill_gives_way_to_what_is_real_and_nothing_real_to_anything() -> None:
    drill = replace(OPEN, drill=True)
    assert activation.in_the_way(drill, drill=False) == ""
    assert activation.set_aside(drill, LEAD, NOW).status is Status.CLOSED
    assert "close it first" in activation.in_the_way(drill, drill=True)
    assert "close it first" in activation.in_the_way(OPEN, drill=False)
    assert "close it first" in activation.in_the_way(OPEN, drill=True)
    with pytest.raises(NotNow):
        activation.set_aside(OPEN, LEAD, NOW)


class Life(RuleBasedStateMachine):
    """Anybody tries anything at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.now = DRAFT, NOW
        self.people_since_armed: set[str] = set()

    def become(self, after: Activation, who: Staff) -> None:
        before = self.one
        if after.status is not before.status:
            assert after.status in ALLOWED[before.status]
            assert who.roles & (activation.ARMERS | activation.OPENERS)
        self.one, self.now = after, self.now + timedelta(minutes=1)

    @rule(who=st.sampled_from(EVERYBODY), problems=st.lists(st.just("Something is missing."), max_size=1))
    def arm(self, who: Staff, problems: list[str]) -> None:
        before = self.one
        try:
            self.become(activation.armed(self.one, who, self.now, problems), who)
            assert before.status is Status.ARMED or not problems
        except (NotNow, NotYou, NotReady):
            assert self.one is before

    @rule(who=st.sampled_from(EVERYBODY))
    def disarm(self, who: Staff) -> None:
        try:
            self.become(activation.disarmed(self.one, who), who)
        except (NotNow, NotYou):
            pass

    @rule(who=st.sampled_from(EVERYBODY), level=st.integers(0, 4))
    def open(self, who: Staff, level: int) -> None:
        before = self.one
        try:
            self.become(activation.opened(self.one, who, level, self.now), who)
        except (NotNow, NotYou, NotReady):
            return
        assert self.one == before or self.one.opened_by == who.person_id
        assert activation.opened(self.one, who, level, self.now) == self.one

    @rule(who=st.sampled_from(EVERYBODY), level=st.integers(0, 4))
    def level(self, who: Staff, level: int) -> None:
        try:
            self.become(activation.levelled(self.one, who, level), who)
        except (NotNow, NotYou, NotReady):
            pass

    @rule(who=st.sampled_from(EVERYBODY))
    def stand_down(self, who: Staff) -> None:
        try:
            self.become(activation.standing_down(self.one, who, self.now), who)
        except (NotNow, NotYou):
            pass

    @rule(
        who=st.sampled_from(EVERYBODY), waiting=st.integers(0, 1), callbacks=st.integers(0, 1), note=st.sampled_from(["", "x"])
    )
    def close(self, who: Staff, waiting: int, callbacks: int, note: str) -> None:
        before = self.one
        try:
            self.become(activation.closed(self.one, who, self.now, Left(waiting=waiting, callbacks=callbacks), note), who)
        except (NotNow, NotYou, NotReady):
            return
        assert before.status in (Status.DRAFT, Status.CLOSED) or (waiting, callbacks, note) == (0, 0, "x")

    @precondition(lambda self: self.one.over)
    @rule(who=st.sampled_from(EVERYBODY))
    def report(self, who: Staff) -> None:
        try:
            self.become(activation.reported(self.one, who), who)
        except (NotNow, NotYou):
            pass

    @invariant()
    def two_people_stand_behind_what_is_open(self) -> None:
        if self.one.status in activation.SERVING:
            assert self.one.armed_by and self.one.opened_by and self.one.armed_by != self.one.opened_by
            assert self.one.level in activation.LEVELS and self.one.opened_at is not None

    @invariant()
    def the_clock_of_a_surge_starts_once(self) -> None:
        if self.one.opened_at is not None:
            assert self.one.armed_at is not None and self.one.armed_at <= self.one.opened_at


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
