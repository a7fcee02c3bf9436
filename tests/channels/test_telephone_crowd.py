"""Crowds: scripted people on the telephone, read from files or made up from a seed."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.simulator.numbers import FICTIONAL
from channels.simulator.telephone.characters import Person
from channels.simulator.telephone.crowd import Crowd
from channels.simulator.telephone.crowd_file import BadCrowd, read, script_of
from channels.simulator.telephone.day import Day, agent_number, made_up, number_of
from channels.simulator.telephone.legs import Source
from channels.simulator.telephone.orders import Order
from tests.channels.telephone_factories import AGENT, CALLER, CITY, URL, House, Page, twiml

MENU = '<Gather numDigits="1" action="/language"><Say>Press 1.</Say></Gather>'
PAGES: dict[str, Page] = {
    "/ring": twiml(MENU),
    "/language": lambda form: twiml(f'<Enqueue waitUrl="/wait" action="/left">q{form["Digits"]}</Enqueue>'),
    "/wait": twiml('<Gather numDigits="1" action="/back"><Say>To be called back press 9.</Say><Pause length="20"/></Gather>'),
    "/back": twiml("<Say>We call you back.</Say><Hangup/>"),
    "/left": twiml(),
    "/agent": twiml('<Gather numDigits="1" action="/agent/said"><Say>Press 1.</Say></Gather>'),
    "/agent/said": twiml("<Dial><Queue>q2</Queue></Dial>"),
}


def crowd(*people: Person) -> tuple[House, Crowd]:
    house = House(PAGES)
    gathered = Crowd(house.board, CITY, people, "tocsin", Counter())
    gathered.begin()
    return house, gathered


def order_agent(house: House) -> None:
    house.board.create(Order(to=AGENT, caller=CITY, source=Source(url=f"{URL}/agent")))


def test_somebody_chooses_a_language_waits_talks_and_hangs_up() -> None:
    house, people = crowd(Person(number=CALLER, at_s=10, presses=("2",), talk_s=60), Person(number=AGENT))
    house.until(40.0)
    order_agent(house)
    house.to_the_end()
    assert people.tally == {"called": 1, "rung": 1, "picked up": 1, "met": 2}
    assert [line["what"] for line in house.lines if line["event"] == "digit"] == ["2", "1"]
    met = next(line["t_s"] for line in house.lines if line["event"] == "bridge")
    parted = next(line["t_s"] for line in house.lines if line["event"] == "part")
    assert parted - met == pytest.approx(60.0)
    assert house.app.forms("/left")[0]["QueueResult"] == "bridged"
    assert house.board.quiet


def test_somebody_loses_patience_and_calls_again() -> None:
    house, people = crowd(Person(number=CALLER, at_s=0, presses=("2",), patience_s=90, redials=1, redial_after_s=30))
    house.to_the_end()
    assert people.tally == {"called": 2, "gave up": 2, "redialled": 1}
    assert [line["t_s"] for line in house.lines if line["event"] == "ring"] == [0.0, 120.0]


def test_somebody_answers_to_words_and_is_called_back() -> None:
    caller = Person(number=CALLER, at_s=0, presses=("2",), answers=(("called back", "9"),), presses_called=("1",), talk_s=5)
    house, people = crowd(caller)
    house.until(60.0)
    house.board.create(Order(to=CALLER, caller=CITY, source=Source(url=f"{URL}/agent")))
    house.until(120.0)
    assert house.app.forms("/back")[0]["Digits"] == "9"
    assert people.tally["picked up"] == 1
    assert house.app.forms("/agent/said")[0]["Digits"] == "1"


def test_somebody_hangs_up_suddenly_or_shows_no_number() -> None:
    house, _ = crowd(Person(number=CALLER, at_s=0, hangs_up_s=3.5, withheld=True))
    house.to_the_end()
    assert [(line["from"], line["t_s"]) for line in house.lines if line["event"] == "end"] == [("anonymous", 3.5)]


def test_an_agent_misses_a_share_of_calls() -> None:
    house, people = crowd(Person(number=AGENT, misses=0.5))
    for _ in range(40):
        order_agent(house)
        house.until(house.board.timeline.now + 90.0)
    missed = sum(line["cause"] == "no-answer" for line in house.lines if line["event"] == "end")
    assert 8 <= missed <= 32 and people.tally["picked up"] == 40 - missed


def test_a_crowd_comes_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "crowd.yaml"
    file.write_text(
        "number: '+15035550311'\nseed: may\npeople:\n"
        "  - {number: '+15035551001', at_s: 10, presses: ['2', ''], answers: {back: '9'}, patience_s: 300, redials: 1}\n"
        "  - {number: '+15035552001', rings_s: 6, misses: 0.1}\n"
        "  - {number: '+15035550911', becomes: no-answer}\n"
    )
    script = read(file)
    assert (script.number, script.seed) == (CITY, "may")
    assert script.people[0] == Person(
        number=CALLER, at_s=10, presses=("2", ""), answers=(("back", "9"),), patience_s=300, redials=1
    )
    assert script.people[2].becomes == "no-answer"


def test_a_table_of_the_staffing_simulation_is_a_crowd(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("call_id,arrival_s,service_s,patience_s,presses\na,0.5,240,600,2|1\nb,1,100,60,\n")
    first, second = read(file).people
    assert first == Person(number=number_of(0), at_s=0.5, talk_s=240, patience_s=600, presses=("2", "1"))
    assert second == Person(number=number_of(1), at_s=1, talk_s=100, patience_s=60)


def test_a_bad_crowd_is_refused_with_all_its_problems() -> None:
    people = [
        {"number": "+15032281234", "at_s": -1, "becomes": "asleep"},
        {"number": CALLER, "presses": "12", "hobby": "chess"},
        {"number": CALLER, "answers": {"(": "1"}, "redials": 0.5},
        "somebody",
    ]
    with pytest.raises(BadCrowd) as refused:
        script_of({"people": people, "crowd": 1, "day": {"calls": -1}})
    words = " ".join(refused.value.problems)
    for part in ("exchange 555", "at_s", "asleep", "presses", "hobby", "answers", "redials", "no object", "'crowd'", "day"):
        assert part in words


def test_the_made_up_day_has_its_size_and_its_peak_forty_minutes_after_the_notice() -> None:
    people = [person for person in made_up(Day(agents=23)) if person.at_s is not None]
    minutes = [0] * 480
    for person in people:
        minutes[int((person.at_s or 0.0) // 60)] += 1
    smooth = [sum(minutes[at - 7 : at + 8]) for at in range(7, 473)]
    assert len(people) == 4_139
    assert 30 <= smooth.index(max(smooth)) + 7 <= 50
    assert len({person.number for person in people}) == 4_139


@settings(max_examples=25)
@given(st.integers(0, 300), st.text(max_size=5))
def test_a_day_follows_from_its_seed(calls: int, seed: str) -> None:
    day = Day(seed=seed, calls=calls, agents=3)
    people = made_up(day)
    assert people == made_up(day)
    times = [person.at_s for person in people if person.at_s is not None]
    assert times == sorted(times) and len(times) == calls


@given(st.integers(0, 400_000))
def test_made_up_numbers_reach_nobody(at: int) -> None:
    assert FICTIONAL.fullmatch(number_of(at)) and number_of(at)[2:5][1:] != "11"
    assert number_of(at) != agent_number(at % 9_000)
