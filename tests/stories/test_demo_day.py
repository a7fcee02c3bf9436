"""The demo's second act, small: its report agrees with what the telephone's own log says of every call."""

import json
from pathlib import Path
from typing import cast

import pytest

from channels.simulator.telephone.day import Day
from notify import city, data
from notify.cli.client import ApiRefused, Client
from notify.cli.demo import day
from notify.cli.demo.day import SurgeDay, behind
from surge.numbers.sections import Between, Count, Said

CALLS = 10


@pytest.mark.parametrize(
    ("played_s", "said"),
    [(28_800.0, ""), (26_000.0, ""), (9_600.0, "20 minutes of the day in a minute, not 60"), (0.0, "Try --speed 1.")],
)
def test_a_machine_too_slow_for_the_day_is_told_which_speed_it_can_play(played_s: float, said: str) -> None:
    found = behind(played_s, 480.0, 60.0)
    assert said in found and bool(said) is bool(found)


class Closing:
    """Surge mode that is refused its end with each of these sentences in turn; without end with the last, unless one is ""."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)

    async def call(self, method: str, path: str, body: object) -> None:
        said = self.refusals.pop(0) if len(self.refusals) > 1 else self.refusals[0]
        if said:
            raise ApiRefused(409, "Not now", [said])


@pytest.mark.parametrize(
    ("refusals", "left"),
    [
        (["9 people still wait or talk.", "8 people still wait or talk.", "1 callback is open.", ""], []),
        (["9 people still wait or talk.", "8 people still wait or talk."], ["8 people still wait or talk."]),
    ],
)
async def test_the_end_is_waited_for_as_long_as_people_are_being_helped(
    monkeypatch: pytest.MonkeyPatch, refusals: list[str], left: list[str]
) -> None:
    monkeypatch.setattr(day, "SETTLED_S", 0)
    monkeypatch.setattr(day, "LOOK_S", 0)
    found = await day._closed(cast(Client, Closing(*refusals)), "/surge/activations/A1")
    assert found == [f"Surge mode cannot be closed: {problem}" for problem in left]


def test_everybody_who_calls_on_the_demos_day_is_in_its_report_and_in_one_place(tmp_path: Path) -> None:
    who = Day(calls=CALLS, span_s=120.0, peak_s=30.0, talk_s=30.0, languages={"0": 1.0}, agents=18)
    played = SurgeDay(tmp_path / "day", city.find("portland", data.folder("city")), 20, 20, who)
    try:
        played.build()
        played.start()
        played.play()
    finally:
        played.children.end()
    assert played.problems == []
    log = [json.loads(line) for line in (played.home / "carrier" / "voice.jsonl").read_text("utf-8").splitlines()]
    rung = [one for one in log if one["event"] == "ring" and one["direction"] == "inbound"]
    assert len({one["from"] for one in rung if one["to"] == played.pack.number}) >= CALLS - 1  # some show no number
    assert any(one["to"] == played.pack.from_911 for one in rung)
    lines = {line.name: line.value for section in played.report() for line in section.lines if not line.about}
    assert lines["offered_total"] == Count(number=len(rung))
    assert lines["waiting_now"] == lines["on_the_way"] == Count(number=0)
    assert isinstance(lines["r_net"], Count) and isinstance(lines["r4_load"], Between)  # 911's minutes say how long it needs
    assert lines["conservation"] == Said(words="Every contact is in one place.")
