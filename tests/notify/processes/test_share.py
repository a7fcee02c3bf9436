"""Who takes which post: every one is held, nobody has more than a fair share, and it comes to rest."""

from hypothesis import given
from hypothesis import strategies as st

from notify.processes.share import LATER_S, Seen, Wants, fair, to_give_up, to_take


@given(st.integers(0, 12), st.integers(1, 6))
def test_processes_that_take_turns_come_to_rest_with_every_post_held_and_none_with_more_than_its_share(
    posts: int, crew: int
) -> None:
    wants = Wants(divided=tuple(f"sender {number}" for number in range(posts)))
    hands: list[set[str]] = [set(wants.divided), *(set() for _ in range(crew - 1))]  # the first was alone until now
    for _ in range(2):
        for ours in hands:
            if extra := to_give_up(wants, ours, crew):
                ours.difference_update(extra)
                continue
            held = {post for each in hands for post in each}
            ours.update(to_take(wants, ours, Seen(held=held, crew=crew), {}, 0.0))
    assert sorted(post for ours in hands for post in ours) == sorted(wants.divided)
    assert max(len(ours) for ours in hands) <= fair(posts, crew)
    assert all(to_give_up(wants, ours, crew) == [] for ours in hands)


def test_a_post_that_others_should_rather_have_is_taken_only_when_nobody_has_had_it_for_a_while() -> None:
    wants, seen = Wants(later=("duties",)), Seen(held=set(), crew=1)
    assert to_take(wants, (), seen, {"duties": 10.0}, 10.0 + LATER_S - 0.1) == []
    assert to_take(wants, (), seen, {"duties": 10.0}, 10.0 + LATER_S) == ["duties"]
    assert to_take(wants, (), Seen(held={"duties"}, crew=1), {}, 99.0) == []


def test_a_lone_process_has_every_sender() -> None:
    wants = Wants(at_once=("duties",), divided=("sender a", "sender b", "sender c"))
    assert to_take(wants, (), Seen(held=set(), crew=1), {}, 0.0) == ["duties", "sender a", "sender b", "sender c"]
