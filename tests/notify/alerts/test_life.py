"""Who may write and approve what, for every role and every step."""

from itertools import product

import pytest

from notify.alerts.alert import Stage
from notify.alerts.life import ALLOWED, IN_FORCE, LEAVING, Matter, Role, Staff, Status, may_approve, may_write

DANGER = (Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR, Stage.TEST)
MENDS = (Stage.CORRECTION, Stage.FALSE_ALARM)


def a_person(name: str, *roles: Role, **scope: frozenset[str]) -> Staff:
    return Staff(person_id=name, roles=frozenset(roles), **scope)


def a_matter(stage: Stage = Stage.FIRST, **fields: object) -> Matter:
    values = {
        "stage": stage,
        "hazard": "boil_water",
        "areas": frozenset({"Lents"}),
        "channels": frozenset({"sms", "feed"}),
        "author": "ann",
        "last_editor": "ann",
    }
    return Matter(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", list(Role))
def test_only_authors_and_approvers_write(role: Role) -> None:
    allowed = may_write(a_person("ann", role), a_matter()) == []
    assert allowed is (role in (Role.AUTHOR, Role.APPROVER))


@pytest.mark.parametrize(("role", "stage", "needed"), list(product(Role, Stage, (1, 2))))
def test_a_stranger_approves_only_with_the_role_approver(role: Role, stage: Stage, needed: int) -> None:
    allowed = may_approve(a_person("bob", role), a_matter(stage), needed) == []
    assert allowed is (role is Role.APPROVER)


@pytest.mark.parametrize("stage", DANGER)
def test_with_two_people_neither_author_nor_last_editor_approves(stage: Stage) -> None:
    both = (Role.AUTHOR, Role.APPROVER)
    matter = a_matter(stage, author="ann", last_editor="bob")
    assert may_approve(a_person("ann", *both), matter, 2) == ["ann wrote this alert; somebody else must approve it."]
    (sentence,) = may_approve(a_person("bob", *both), matter, 2)
    assert "last to edit" in sentence
    assert may_approve(a_person("cleo", Role.APPROVER), matter, 2) == []


@pytest.mark.parametrize("stage", DANGER)
def test_with_one_person_the_author_alone_is_enough_and_another_author_is_not(stage: Stage) -> None:
    assert may_approve(a_person("ann", Role.AUTHOR), a_matter(stage), 1) == []
    assert may_approve(a_person("bob", Role.AUTHOR), a_matter(stage), 1) != []
    assert may_approve(a_person("ann", Role.VIEWER), a_matter(stage), 1) != []


@pytest.mark.parametrize("stage", MENDS)
def test_a_mistake_is_taken_back_by_who_made_it_or_by_any_approver(stage: Stage) -> None:
    matter = a_matter(stage, author="ann", original_people=frozenset({"ann", "bob"}))
    assert may_approve(a_person("ann", Role.AUTHOR), matter, 1) == []
    assert may_approve(a_person("cleo", Role.APPROVER), matter, 1) == []
    assert may_approve(a_person("dora", Role.AUTHOR), matter, 1) != []
    assert may_approve(a_person("bob", Role.VIEWER), matter, 1) != [], "who has lost the role takes nothing back"


@pytest.mark.parametrize(
    ("scope", "what"),
    [
        ({"hazards": frozenset({"flood"})}, "may not act on 'boil_water', only on flood"),
        ({"areas": frozenset({"Hazelwood"})}, "may not use area Lents, only Hazelwood"),
        ({"channels": frozenset({"feed"})}, "may not use channel sms, only feed"),
    ],
)
@pytest.mark.parametrize("stage", [*DANGER, *MENDS])
def test_a_scope_narrows_writing_and_approving_alike(scope: dict[str, frozenset[str]], what: str, stage: Stage) -> None:
    (written,) = may_write(a_person("ann", Role.AUTHOR, **scope), a_matter(stage))
    assert what in written
    assert any(what in problem for problem in may_approve(a_person("cleo", Role.APPROVER, **scope), a_matter(stage), 1))


def test_all_that_is_wrong_is_said_at_once() -> None:
    staff = a_person("ann", Role.AUTHOR, hazards=frozenset({"flood"}), areas=frozenset({"Lents"}), channels=frozenset({"feed"}))
    assert len(may_approve(staff, a_matter(), 2)) == 4


def test_no_status_comes_back_to_one_before_it_but_a_returned_draft() -> None:
    order = list(Status)
    backward = {(one, other) for one, after in ALLOWED.items() for other in after if order.index(other) <= order.index(one)}
    assert backward == {
        (Status.RETURNED, Status.PENDING),
        (Status.APPROVED, Status.RETURNED),
    }
    assert set(ALLOWED) == set(Status)
    assert LEAVING < IN_FORCE
