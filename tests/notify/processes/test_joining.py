"""What a process of each role is told when it cannot run, and what it looks at by itself."""

from pathlib import Path

import pytest

from notify.app import running
from notify.processes.joining import ticks_of
from notify.processes.posts import DUTIES, PAGES, Alone, Role
from notify.schedule import Tick
from notify.settings import load
from notify.wiring import CannotStart, Place


@pytest.mark.parametrize("role", [Role.WEB, Role.SENDER])
async def test_one_of_several_processes_is_refused_on_sqlite_in_a_sentence(role: Role, tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as refusal:
        async with running(load(mode="demo", data_dir=tmp_path), role=role):
            raise AssertionError("it ran")
    (sentence,) = refusal.value.problems
    assert sentence.startswith(f"'tocsin {role}' is one of several processes, and SQLite is for one: run 'tocsin serve'")
    assert "TOCSIN_DATABASE_URL" in sentence


async def test_what_belongs_to_a_post_is_looked_at_only_while_it_is_held() -> None:
    looked: list[str] = []

    class OnPost(Alone):
        def term(self, post: str) -> int:
            return int(post in held)

    def tick(name: str, post: str) -> Tick:
        async def look() -> None:
            looked.append(name)

        return Tick(name, 1, look, post)

    held: set[str] = set()
    place = Place(Role.SENDER, OnPost())
    ticks = ticks_of([tick("own", ""), tick("due work", DUTIES), tick("page and feeds", PAGES)], place, None)
    for wanted in (set(), {DUTIES}):
        held |= wanted
        for one in ticks:
            await one.run()
    assert looked == ["own", "own", "due work"]
