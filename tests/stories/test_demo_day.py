"""The demo's second act, small: its report agrees with what the telephone's own log says of every call."""

import json
from pathlib import Path

import pytest

from channels.simulator.telephone.day import Day
from notify import city, data
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


def test_everybody_who_calls_on_the_demos_day_is_in_its_report_and_in_one_place(tmp_path: Path) -> None:
    who = Day(calls=CALLS, span_s=120.0, peak_s=30.0, talk_s=30.0, languages={"0": 1.0}, agents=18)
    day = SurgeDay(tmp_path / "day", city.find("portland", data.folder("city")), 20, 20, who)
    try:
        day.build()
        day.start()
        day.play()
    finally:
        day.children.end()
    assert day.problems == []
    log = [json.loads(line) for line in (day.home / "carrier" / "voice.jsonl").read_text("utf-8").splitlines()]
    rung = [one for one in log if one["event"] == "ring" and one["direction"] == "inbound"]
    assert len({one["from"] for one in rung if one["to"] == day.pack.number}) >= CALLS - 1  # some show no number
    assert any(one["to"] == day.pack.from_911 for one in rung)
    lines = {line.name: line.value for section in day.report() for line in section.lines if not line.about}
    assert lines["offered_total"] == Count(number=len(rung))
    assert lines["waiting_now"] == lines["on_the_way"] == Count(number=0)
    assert isinstance(lines["r_net"], Count) and isinstance(lines["r4_load"], Between)  # 911's minutes say how long it needs
    assert lines["conservation"] == Said(words="Every contact is in one place.")
