"""The surge half of the after-action report: counts first, nobody's worse service hidden, nobody recognisable."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.city import BadPack
from surge.contact import Contact, Moved, Standing, Way, replayed
from surge.desk.needs import NeedStatus
from surge.floor.callback import State
from surge.floor.queue import Head, place
from surge.numbers import costs, groups
from surge.numbers.city_rates import rates
from surge.numbers.costs import PUBLISHED, BadRates, Channel, Money
from surge.numbers.forecast import NotMeasured, Span
from surge.numbers.measures import Share
from surge.numbers.outcomes import (
    AgentTime,
    Graded,
    Promised,
    first_contact,
    most_overtaken,
    occupancy,
    promises,
    satisfaction,
)
from surge.numbers.relief import Moved as Relieved
from surge.numbers.report import Happened, Relief, report
from surge.numbers.rights import Request
from surge.numbers.sections import COLUMNS, Between, Count, Part, Ratio, Said, Section, as_json, rows, sentence
from tests.surge.calls import START, a_call, events, walks

END = START + timedelta(hours=3)


def answered(contact_id: str, wait_s: int = 10, talk_s: int = 60, **given: Any) -> Contact:
    path = events(
        (0, Standing.QUEUEING),
        (wait_s, Standing.RESERVED),
        (wait_s, Standing.TALKING),
        (wait_s + talk_s, Standing.WRAP),
        (wait_s + talk_s + 30, Standing.DONE),
    )
    return replayed(a_call(contact_id=contact_id, **given), path)


def ended(contact_id: str, how: Standing, after_s: int = 40, **given: Any) -> Contact:
    path = events((0, Standing.QUEUEING), (after_s, how))
    if how in (Standing.SELF_SERVED, Standing.BLOCKED):
        path = events((after_s, how))
    return replayed(a_call(contact_id=contact_id, **given), path)


def happened(contacts: list[Contact], **more: Any) -> Happened:
    return Happened(
        span=Span(start=START, end=END),
        now=END,
        contacts=contacts,
        relief=Relief(moved=Relieved(gross=3, returned=5)),
        **more,
    )


def value(sections: tuple[Section, ...], section: str, name: str, about: str = "") -> Any:
    lines = next(one for one in sections if one.name == section).lines
    return next(line.value for line in lines if line.name == name and line.about == about)


def names(sections: tuple[Section, ...], section: str) -> set[tuple[str, str]]:
    return {(line.name, line.about) for one in sections if one.name == section for line in one.lines}


def a_day() -> list[Contact]:
    """Twelve in English (ten answered after 10 s, two hang up), twelve in Spanish (six answered after 100 s, six hang up),
    three in Vietnamese who find the queue full."""
    english = [answered(f"e{n}", caller=f"e{n}") for n in range(10)]
    english += [ended(f"g{n}", Standing.ABANDONED, caller=f"g{n}") for n in range(2)]
    spanish = [answered(f"s{n}", wait_s=100, caller=f"s{n}", language="es") for n in range(6)]
    spanish += [ended(f"t{n}", Standing.ABANDONED, caller=f"t{n}", language="es") for n in range(6)]
    rest = [ended(f"v{n}", Standing.BLOCKED, caller=f"v{n}", language="vi") for n in range(3)]
    return english + spanish + rest


def test_every_percentage_stands_beside_the_two_counts_it_is_made_of() -> None:
    table = list(rows(report(happened(a_day()))))
    assert table[0] == COLUMNS
    for row in table[1:]:
        cells = dict(zip(COLUMNS, row, strict=True))
        if cells["percent"] != "":
            assert cells["percent"] == pytest.approx(100 * cells["count"] / cells["of"], abs=0.05)  # type: ignore[operator]
            assert cells["of_what"]
    json.dumps(as_json(report(happened(a_day()))))


def test_the_same_calls_are_read_four_ways_and_each_names_its_whole() -> None:
    found = report(happened(a_day()))
    assert value(found, "service", "answered_of_queued", "60 s") == Part(share=Share(part=10, whole=24), whole="queued")
    assert value(found, "service", "answered_of_answered", "60 s").share == Share(part=10, whole=16)
    assert value(found, "service", "answered_or_gone_in_time", "60 s").share == Share(part=18, whole=24)
    assert value(found, "people", "access") == Part(share=Share(part=16, whole=27), whole="callers")
    assert value(found, "waits", "mean_wait_of_answered").after == timedelta(seconds=(10 * 10 + 6 * 100) / 16)
    assert value(found, "agents", "handling_time").after == timedelta(seconds=90)


def test_worse_service_in_one_language_shows_and_too_few_are_not_shown() -> None:
    russian = [answered(f"r{n}", caller=f"r{n}", language="ru") for n in range(8)]
    found = report(happened([*a_day(), *russian]))
    apart = value(found, "languages", "access_worst_to_best")
    assert isinstance(apart, Ratio) and apart.value == pytest.approx(0.5 / (10 / 12))
    assert (apart.worst, apart.best) == ("es: 6 of 12 callers", "en: 10 of 12 callers")
    assert value(found, "languages", "mean_wait_worst_to_best").value == pytest.approx(70 / 15)  # 40 s for who hung up
    assert {about for _, about in names(found, "languages")} == {"", "en", "es", groups.WITHHELD}


def test_a_group_of_few_is_not_found_by_subtraction() -> None:
    """Three in Vietnamese alone would be the total less the others: the smallest other group hides them."""
    found = groups.groups(a_day(), groups.language)
    assert [name for name, _ in found.shown] == ["en"] and len(found.rest) == 15 and found.withheld == 2
    enough = groups.groups([*a_day(), *[answered(f"w{n}", language="ru") for n in range(8)]], groups.language)
    assert [name for name, _ in enough.shown] == ["en", "es"] and len(enough.rest) == 11


@given(st.lists(st.sampled_from("abcdef"), max_size=80))
def test_no_group_is_shown_or_left_over_that_is_smaller_than_ten(areas: list[str]) -> None:
    contacts = [a_call(contact_id=f"c{n}", area=area) for n, area in enumerate(areas)]
    found = groups.groups(contacts, groups.area)
    assert all(len(some) >= groups.FEWEST for _, some in found.shown)
    assert sum(len(some) for _, some in found.shown) + len(found.rest) == len(contacts)
    if found.shown:
        assert not found.rest or len(found.rest) >= groups.FEWEST


def test_costs_are_ranges_that_add_up_and_deflection_saves_between_the_extremes() -> None:
    contacts = [
        *[answered(f"p{n}") for n in range(4)],
        *[ended(f"d{n}", Standing.SELF_SERVED) for n in range(3)],
        answered("t", way=Way.SMS),
        answered("m", way=Way.EMAIL),
        answered("w", way=Way.WALK_IN),
        ended("x", Standing.ABANDONED),
    ]
    numbers = costs.counted(contacts)
    assert numbers == {Channel.ONLINE: 3, Channel.CHAT: 1, Channel.EMAIL: 1, Channel.PHONE: 4, Channel.WALK_IN: 1}
    total = costs.total(costs.spent(numbers, PUBLISHED).values())
    assert total == Money(low=Decimal("31.30"), high=Decimal("39.45"))  # 0.30+1.50+2.50+18+9 and 0.75+2.50+3+21.20+12
    assert costs.saved(3, PUBLISHED) == Money(
        low=Decimal("12.75"), high=Decimal("15.60")
    )  # 3 x (4.50 - 0.25), 3 x (5.30 - 0.10)
    found = report(happened(contacts))
    assert value(found, "costs", "contacts_without_a_rate") == Count(number=1)
    assert value(found, "costs", "deflection_saved") == Between(low=12.75, high=15.6, unit="dollars")


@given(st.lists(walks(), max_size=25), st.lists(st.sampled_from(Way), min_size=25, max_size=25))
def test_every_contact_has_one_cost_or_none(paths: list[list[Moved]], ways: list[Way]) -> None:
    contacts = [replayed(a_call(contact_id=f"c{n}", way=ways[n]), path) for n, path in enumerate(paths)]
    numbers = costs.counted(contacts)
    assert sum(numbers.values()) == sum(costs.channel(one) is not None for one in contacts) <= len(contacts)
    total = costs.total(costs.spent(numbers, PUBLISHED).values())
    assert total.low == sum(PUBLISHED.each[one].low * number for one, number in numbers.items()) <= total.high


def test_rates_that_cannot_be_used_are_named_all_at_once() -> None:
    table = "\n".join(f'"{channel}" = [1.0, 2]' for channel in Channel)
    good = costs.read(f'of = 2026\nsource = "the city"\n[rates]\n{table}')
    assert good.of == 2026 and good.each[Channel.PHONE] == Money(low=Decimal("1.0"), high=Decimal(2))
    with pytest.raises(BadRates) as refused:
        costs.read('of = "now"\n[rates]\nphone = [5, 4]\nfax = [1, 2]')
    assert len(refused.value.problems) == 8  # fax, of, source, and five channels without a pair
    timed = costs.read(f'of = 2026\nsource = "the city"\ncentre_handling_s = [95, 140.5]\n[rates]\n{table}')
    assert timed.centre_handling_s == (95.0, 140.5) and good.centre_handling_s is None
    for bad in ("[140, 95]", "[0, 95]", "95", "[1, 2, 3]", '["a", "b"]', "[1, 90000]"):
        with pytest.raises(BadRates, match="centre_handling_s: the least and the most seconds"):
            costs.read(f'of = 2026\nsource = "the city"\ncentre_handling_s = {bad}\n[rates]\n{table}')
    with pytest.raises(BadRates, match="no TOML"):
        costs.read("of =")


def test_a_city_without_rates_of_its_own_has_the_published_ones_and_bad_ones_are_refused(tmp_path: Path) -> None:
    assert rates(tmp_path) == PUBLISHED
    (tmp_path / "costs.toml").write_text('of = 2026\nsource = "x"\n[rates]\nphone = [5, 4]\n')
    with pytest.raises(BadPack) as refused:
        rates(tmp_path)
    assert "costs.toml: phone: a low and a high figure in dollars, as in [4.50, 5.30]." in refused.value.problems


def test_promises_kept_leave_out_who_called_again_themselves() -> None:
    def promised(state: State, reached_min: int | None = None, attempts: int = 1) -> Promised:
        reached = None if reached_min is None else START + timedelta(minutes=reached_min)
        begins, ends = START + timedelta(minutes=10), START + timedelta(minutes=30)
        return Promised(
            contact_id="c", state=state, asked_at=START, begins=begins, ends=ends, attempts=attempts, reached_at=reached
        )

    given = [promised(State.DONE, 25), promised(State.DONE, 50), promised(State.EXPIRED), promised(State.MERGED)]
    found = promises([*given, promised(State.HOLDING)], START + timedelta(minutes=20))
    assert (found.asked, found.kept, found.reached) == (5, Share(part=1, whole=3), Share(part=2, whole=3))
    assert found.late == timedelta(minutes=20) and found.late_people == 1
    later = promises([*given, promised(State.HOLDING)], START + timedelta(minutes=31))
    assert later.kept == Share(part=1, whole=4)  # its time has passed, and nobody called


def test_whoever_was_called_back_got_an_answer_and_cost_a_call() -> None:
    contacts = [ended(f"b{n}", Standing.CALLBACK, caller=f"b{n}") for n in range(3)]
    begins, ends = START, START + timedelta(minutes=30)
    callbacks = [
        Promised(contact_id=f"b{n}", state=state, asked_at=START, begins=begins, ends=ends, reached_at=at)
        for n, (state, at) in enumerate([(State.DONE, ends), (State.EXPIRED, None), (State.HOLDING, None)])
    ]
    found = report(happened(contacts, callbacks=callbacks))
    assert value(found, "people", "access").share == Share(part=1, whole=3)
    assert value(found, "people", "answered_by_first_contact").share == Share(part=1, whole=1)
    assert value(found, "costs", "contacts_answered", "phone") == Count(number=1)
    assert value(found, "contacts", "callbacks") == Count(number=3)  # how the contacts themselves ended
    assert value(found, "callbacks", "promise_kept").share == Share(part=1, whole=3)


def test_who_was_overtaken_most_is_found_by_place_and_not_by_arrival() -> None:
    seconds = {"a": (0, 300), "b": (10, 200), "c": (20, 250), "d": (30, 100)}
    contacts = []
    for contact_id, (came, reached) in seconds.items():
        path = events(
            (came, Standing.QUEUEING), (reached, Standing.RESERVED), (reached, Standing.TALKING), (400, Standing.DONE)
        )
        contacts.append(replayed(a_call(contact_id=contact_id), path))
    places = {one.contact_id: place(one.enqueued_at or START, Head.NONE, n) for n, one in enumerate(contacts)}
    assert most_overtaken(contacts, places) == 3  # b, c and d were answered before a
    ahead = {**places, "d": place(START + timedelta(seconds=30), Head.FROM_911, 3)}
    assert most_overtaken(contacts, ahead) == 2  # d started two minutes ahead: b and c passed a, a passed nobody


def test_one_contact_was_enough_for_whoever_did_not_come_again() -> None:
    def at(contact: Contact, minutes: int) -> Contact:
        given = {name: getattr(contact, name) for name in contact.__slots__} | {
            "offered_at": START + timedelta(minutes=minutes)
        }
        return Contact(**given)

    contacts = [
        answered("a1", caller="a"),  # once
        at(answered("b1", caller="b"), 0),
        at(ended("b2", Standing.ABANDONED, caller="b"), 30),  # answered, and came again
        at(ended("c1", Standing.ABANDONED, caller="c"), 0),
        at(answered("c2", caller="c"), 30),  # hung up, came again, was answered
        ended("d1", Standing.ABANDONED, caller="d"),
        answered("nobody knows"),
    ]
    found = first_contact(contacts)
    assert (found.once, found.people, found.attempts) == (Share(part=2, whole=3), 4, 6)


def test_occupancy_leaves_out_breaks() -> None:
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    one = AgentTime(
        agent_id="a", signed_in=2 * hour, paused=hour / 2, talking=50 * minute, wrapping=10 * minute, reserved=6 * minute
    )
    assert occupancy([one]) == Share(part=66 * 60, whole=90 * 60)
    found = report(happened(a_day(), agents=[one] * 3))
    assert value(found, "agents", "occupancy").share == Share(part=3 * 66 * 60, whole=3 * 90 * 60)
    assert isinstance(value(report(happened([])), "agents", "occupancy"), Said)


def test_satisfaction_is_counts_of_those_who_answered() -> None:
    found = satisfaction([Graded(contact_id=str(n), grade=grade) for n, grade in enumerate([5, 4, 1, None, None])])
    assert found.answered == Share(part=3, whole=5) and found.good == Share(part=2, whole=3)
    assert found.each == {1: 1, 2: 0, 3: 0, 4: 1, 5: 1}


def test_relief_is_four_figures_and_may_be_below_zero() -> None:
    found = report(happened(a_day()))
    assert value(found, "relief", "r_net") == Count(number=-2)
    for name in ("r3_calls_that_did_not_come", "r4_load", "answering_of_911"):
        assert value(found, "relief", name).words.startswith("Not measured: ")
    unknown = Relief(moved=Relieved(gross=0, returned=0), load=NotMeasured(why="Because."))
    told = report(Happened(span=Span(start=START, end=END), now=END, contacts=[], relief=unknown))
    assert value(told, "relief", "r4_load") == Said(words="Not measured: Because.")


def test_accommodations_are_counted_to_their_end_and_few_are_only_few() -> None:
    asked = [
        Request(
            code="INTERPRETER",
            language="es",
            status=NeedStatus.MET if n < 8 else NeedStatus.LOGGED,
            logged_at=START,
            ended_at=START + timedelta(minutes=10 + n) if n < 8 else None,
            due_at=START + timedelta(minutes=15),
        )
        for n in range(12)
    ]
    few = [Request(code="ASL", language="en", status=NeedStatus.LOGGED, logged_at=START)] * 2
    complaint = Request(code="COMPLAINT", language="es", status=NeedStatus.LOGGED, logged_at=START)
    found = report(happened(a_day(), requests=[*asked, *few, complaint]))
    assert value(found, "rights", "accommodations_asked") == Count(number=14)
    assert value(found, "rights", "accommodations_met", "INTERPRETER").share == Share(part=8, whole=12)
    assert value(found, "rights", "accommodations_in_time", "INTERPRETER").share == Share(part=6, whole=8)
    median = value(found, "rights", "accommodations_median_response", "INTERPRETER")
    assert median.after == timedelta(minutes=13, seconds=30)
    assert value(found, "rights", "accommodations_asked", "ASL") == Said(words="fewer than 10")
    assert value(found, "rights", "complaints_asked") == Said(words="fewer than 10")


@settings(deadline=None, max_examples=40)
@given(st.lists(walks(), max_size=25))
def test_the_checks_hold_for_every_true_log(paths: list[list[Moved]]) -> None:
    contacts = [replayed(a_call(contact_id=f"c{n}", caller=f"h{n % 4}"), path) for n, path in enumerate(paths)]
    found = report(happened(contacts))
    assert value(found, "checks", "conservation") == Said(words="Every contact is in one place.")
    assert value(found, "checks", "little_hours_broken") == Count(number=0)
    assert value(found, "checks", "little_hours_checked") == Count(number=3)
    assert all(sentence(line) for section in found for line in section.lines)


def test_nothing_of_a_person_is_in_it() -> None:
    contacts = [answered(f"contact-{n}", caller="hash-of-a-number", area="97217") for n in range(12)]
    written = json.dumps(as_json(report(happened(contacts))))
    assert "hash-of-a-number" not in written and "contact-1" not in written and "97217" in written
