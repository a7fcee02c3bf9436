"""Every voice path is walked: the way to 911 comes first and always, nothing ends in silence, nothing goes round more than
three times, no contact makes a move it cannot make, and every document is one that the provider takes."""

from dataclasses import replace
from functools import cache
from itertools import combinations, product
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.contact import TERMINAL, Standing
from surge.floor.queue import Head
from surge.pack import Shape
from surge.voice.voice import Scene, Step
from surge.voice.voice_documents import EMERGENCY_S, MOST_LAPS
from surge.voice.voice_instead import MOST_TRIES
from tests.surge.voice_factory import CALLER, NOON, SUNDAY_3_AM, ZIPS, a_promise, a_scene, portland
from tests.surge.voice_walk import ENDED, Node, facts, first, steps, walked

CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "shape": tuple(Shape),
    "staffed": (True, False),
    "activation_id": ("A1", None),
    "zips": (ZIPS, None),
    "promise": (a_promise(), None),
    "partner": (portland().partners[0], None),
    "waiting": (5, 300),
    "drill": (False, True),
    "level": (1, 2, 3),
    "now": (NOON, SUNDAY_3_AM),
    "head": (Head.NONE, Head.FROM_911),
    "caller": (CALLER, ""),
}
WAY_OUT: Final = ("In an emergency", "En una emergencia")


def covering(wide: int) -> list[dict[str, Any]]:
    """Few variants in which any so many choices occur together: each next one is the one that brings most that is new."""
    spans = list(combinations(range(len(CHOICES)), wide))
    rows = list(product(*(range(len(one)) for one in CHOICES.values())))[::7]
    bits: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}  # a set of what occurs together is one number
    brought = [sum(1 << bits.setdefault((span, tuple(row[at] for at in span)), len(bits)) for span in spans) for row in rows]
    missing = (1 << len(bits)) - 1
    chosen = []
    while missing:
        best = max(range(len(rows)), key=lambda n: (brought[n] & missing).bit_count())
        missing &= ~brought[best]
        chosen.append({name: values[at] for (name, values), at in zip(CHOICES.items(), rows[best], strict=True)})
    return chosen


def scene_of(variant: dict[str, Any]) -> Scene:
    return a_scene(**{name: value for name, value in variant.items() if name not in ("head", "caller")})


@cache
def paths(number: int) -> tuple[Scene, dict[Node, Any]]:
    variant = VARIANTS[number]
    scene = scene_of(variant)
    return scene, walked(first(scene, head=variant["head"], caller=variant["caller"]), scene)


VARIANTS: Final = covering(3)
EACH: Final = pytest.mark.parametrize("number", range(len(VARIANTS)))


@EACH
def test_the_provider_takes_every_document(number: int) -> None:
    for node in paths(number)[1]:
        assert not facts(node.twiml, node.plays).rules, (node.call, node.twiml)


@EACH
def test_the_way_to_911_comes_first_and_before_every_end(number: int) -> None:
    for node in paths(number)[1]:
        found = facts(node.twiml, node.plays)
        if found.gathers or "Record" in found.names:
            assert found.first.startswith(WAY_OUT), node.twiml
        if "Hangup" in found.names:
            assert "9 1 1" in found.said, node.twiml


@EACH
def test_nine_leads_to_the_emergency_line_from_wherever_a_key_is_heard(number: int) -> None:
    scene, found = paths(number)
    for node, onward in found.items():
        listens = facts(node.twiml, node.plays).gathers or "Record" in facts(node.twiml, node.plays).names
        there = [next_one for what, next_one in onward if what.digits == "9"]
        assert bool(there) == bool(listens), node.twiml
        for next_one in there:
            assert next_one.call.step in (Step.EMERGENCY, Step.TO_EMERGENCY)
            if next_one.call.step is Step.TO_EMERGENCY:  # a queue is left first, then the line is rung
                next_one = next(one for what, one in found[next_one] if what.queue_result == "leave")
            document = facts(next_one.twiml, False)
            assert document.dialled == (scene.pack.emergency_line,)
            assert document.timeout == str(EMERGENCY_S) == "15"


@EACH
def test_only_what_the_pack_names_is_dialled(number: int) -> None:
    scene, found = paths(number)
    allowed = {scene.pack.emergency_line, scene.pack.forward, scene.pack.second, "contact-1"}
    allowed |= {partner.number for partner in scene.pack.partners}
    assert {target for node in found for target in facts(node.twiml, node.plays).dialled} <= allowed


@EACH
def test_nothing_ends_in_silence(number: int) -> None:
    for node, onward in paths(number)[1].items():
        found = facts(node.twiml, node.plays)
        if not onward:
            assert found.names[-1] == "Hangup" and found.said
        assert node.twiml


@EACH
def test_nothing_goes_round_more_than_three_times(number: int) -> None:
    """Without waiting in the line, which time ends, no call comes to the same place twice: so every way has an end."""
    found = paths(number)[1]
    for node in found:
        assert node.call.tries < MOST_TRIES and node.call.laps <= MOST_LAPS and node.call.offers <= MOST_LAPS + 1
    white, grey = set(found), set[Node]()
    for start in found:
        if start not in white:
            continue
        stack = [(start, iter(found[start]))]
        white.discard(start)
        grey.add(start)
        while stack:
            node, onward = stack[-1]
            there = next((one for _, one in onward if not (node.call.step is one.call.step is Step.WAITING)), None)
            if there is None:
                grey.discard(node)
                stack.pop()
            elif there in white:
                white.discard(there)
                grey.add(there)
                stack.append((there, iter(found[there])))
            else:
                assert there not in grey, (node.call, there.call)


@EACH
def test_every_contact_ends_in_one_terminal_state(number: int) -> None:
    for node, onward in paths(number)[1].items():
        if node.call.step is Step.BRIDGE:  # the desk ends it
            continue
        hung_up = [one for what, one in onward if what is ENDED]
        for one in hung_up or [node]:
            assert one.standing in TERMINAL, (node.call, one.standing)
            assert one.call.settled


@EACH
def test_nobody_waits_for_nobody(number: int) -> None:
    scene, found = paths(number)
    if scene.staffed:
        return
    assert Standing.QUEUEING not in {node.standing for node in found}
    assert all("Enqueue" not in facts(node.twiml, node.plays).names for node in found)


@EACH
def test_an_exercise_is_called_one_wherever_it_is_heard(number: int) -> None:
    scene, found = paths(number)
    for node in found:
        text = facts(node.twiml, node.plays).said
        told = [text.find(words) for words in ("Boil tap water", "Hierva el agua") if words in text]
        called = [text.find(words) for words in ("exercise", "simulacro") if words in text]
        if scene.drill and told:
            assert called and min(called) < min(told)
        if not scene.drill:
            assert not called


def test_the_variants_hold_every_three_choices_together() -> None:
    for span in combinations(CHOICES, 3):
        found = {tuple(repr(variant[name]) for name in span) for variant in VARIANTS}
        assert found == set(product(*([repr(value) for value in CHOICES[name]] for name in span)))


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_changes_in_the_middle_of_a_call_strands_nobody(data: st.DataObject) -> None:
    """Agents go, promises lapse, partners fill up, the surge is closed: any scene may follow any other within a call."""
    variant = data.draw(st.sampled_from(VARIANTS))
    scenes = [scene_of(one) for one in VARIANTS]
    node = first(scene_of(variant), head=variant["head"], caller=variant["caller"])
    for _ in range(60):
        assert not facts(node.twiml, node.plays).rules
        scene = data.draw(st.sampled_from(scenes))
        if node.call.since is not None and data.draw(st.booleans()):
            scene = replace(scene, now=node.call.since + scene.pack.longest_wait)
        onward = list(steps(node, scene))
        if not onward:
            break
        node = data.draw(st.sampled_from([one for _, one in onward]))
    else:
        assert node.call.step in (Step.WAITING, Step.BRIDGE)
    if not list(steps(node, scenes[0])) and node.call.step is not Step.BRIDGE:
        assert node.standing in TERMINAL


def test_whoever_pressed_nine_stands_as_handed_to_the_emergency_centre() -> None:
    """Unless the contact had ended before, by a promise: then the promise stands."""
    scene = a_scene()
    stands = {node.standing for node in walked(first(scene), scene) if node.call.step is Step.EMERGENCY}
    assert stands == {Standing.EMERGENCY_OUT, Standing.CALLBACK}
