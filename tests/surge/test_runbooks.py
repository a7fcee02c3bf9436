"""Runbooks: read as they are written, and every fault of a script found before anybody reads it aloud."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command
from typer.testing import CliRunner

from notify import data
from notify.alerts import hazards
from notify.cli.main import app
from surge.scripts import paths, reading, review
from surge.scripts.reading import BadRunbook
from surge.scripts.runbook import Choice, Ending, Runbook, Saying, Step

GOOD = """---
hazard: boil_water
facts:
  boil_minutes: {asks: "How long?", unit: minutes}
---
# Boil water

Prose for everybody. - [x] is no check here.

## Before
- [ ] Call the State

## Script
### Emergency first
Say: "Is anybody in danger?"
Never: "Only a precaution."
- yes -> [911](#to-911)
- anything else -> [How long](#how-long-to-boil)

### To 911
Say: "I connect you."
Ask: place
Transfer: 911
End: emergency

### How long to boil
Say: "Boil it for {fact:boil_minutes}."
Need: WATER
Offer: guide
Tell it slowly.
- again (at most 2 times) -> [How long](#how-long-to-boil)
- anything else -> [Goodbye](#goodbye)

### Goodbye
Say: "Thank you."
End: informed
"""


TRIGGER = "trigger: {enter_at: 2, leave_at: 2, enter_minutes: 9, window_minutes: 5, dwell_minutes: 1, leave_minutes: 1}"


def problems(page: str) -> list[str]:
    """Everything wrong with a page, whoever finds it."""
    try:
        return review.problems(reading.read("page", page))
    except BadRunbook as error:
        return error.problems


def test_a_page_is_read_as_it_is_written() -> None:
    book = reading.read("boil-water", GOOD)
    assert (book.title, book.hazard, book.checklist) == ("Boil water", "boil_water", (("Call the State", 11),))
    assert [step.anchor for step in book.steps] == ["emergency-first", "to-911", "how-long-to-boil", "goodbye"]
    first, out, boil, bye = book.steps
    assert first.says == (Saying(text="Is anybody in danger?", line=15),) and first.never[0].text == "Only a precaution."
    assert (out.asks, out.transfers, out.ends) == (("place",), ("911",), Ending.EMERGENCY)
    assert (boil.needs, boil.offers, boil.told) == (("WATER",), ("guide",), ("Tell it slowly.",))
    assert boil.choices[0] == Choice(answer="again", to="how-long-to-boil", line=31, most=2)
    assert bye.ends is Ending.INFORMED and book.facts["boil_minutes"].unit == "minutes"
    assert problems(GOOD) == []


WRONG = [
    ("hazard: boil_water", "hazzard: x", 0, "hazzard: Extra inputs are not permitted."),
    ("hazard: boil_water", "hazard: [", 4, "the front matter is no YAML: expected ',' or ']', but got ':'."),
    ("# Boil water\n", "", 0, "the page has no title (# ...)."),
    ("End: informed", "End: happy", 36, "abusive, not as 'happy'."),
    ("End: informed", "End: informed\nEnd: referred", 37, "this step has ended already, as 'informed'."),
    ('"I connect you."', "I connect you.", 21, "no move and no keyword is written so: Say: I connect you."),
    ("- yes ->", "- yes =>", 17, "no move and no keyword is written so: - yes => [911](#to-911)"),
    ("(#to-911)", "(#to-912)", 17, "there is no step #to-912."),
    ("- anything else -> [How", "- no -> [How", 14, "has no answer for whoever says something else (- anything else -> ...)."),
    (" (at most 2 times)", "", 31, "'again' leads in a circle without a bound (at most N times)."),
    ("{fact:boil_minutes}", "1 minute", 27, "says 1: published advice differs, so make it a fact."),
    ("{fact:boil_minutes}", "a while", 0, "the fact boil_minutes is asked for and never said."),
    ("{fact:boil_minutes}", "{fact:minutes}", 27, "there is no fact minutes; the front matter names boil_minutes."),
    ("{fact:boil_minutes}", "{boil_minutes}", 27, "{boil_minutes} is no fact; facts are written {fact:name}."),
    ("Transfer: 911\n", "", 20, "'To 911' ends as an emergency and transfers to nobody (Transfer: 911)."),
    ("Transfer: 911", "Transfer: 912", 20, "'To 911' transfers to 912; the city has 911."),
    ("### Goodbye\n", "### Goodbye\n- next -> [x](#to-911)\n", 34, "'Goodbye' both ends and goes on."),
    ("End: informed", "", 34, "'Goodbye' leads nowhere: it needs a move or an End."),
    ("- yes ->", "- Anything else ->", 17, "'Anything else' is answered twice in 'Emergency first'."),
    ("- yes ->", "- next ->", 14, "goes on to one step (next), and has other answers."),
    ("### Goodbye", "### Never\nEnd: informed\n### Goodbye", 34, "nothing leads to 'Never'."),
    ("in danger?", "in danger? Hello. Wait.", 14, "a call begins with 2 sentences at most"),
    ("### Goodbye", "### To 911", 34, "'To 911' has the same anchor as line 20."),
    ("hazard: boil_water", TRIGGER, 0, "the trigger leaves at 2.0: not below 2.0, where it enters."),
    ("hazard: boil_water", TRIGGER, 0, "9 of the last 5 minutes there are never."),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, line: int, said: str) -> None:
    found = [one for one in problems(GOOD.replace(old, new, 1)) if said in one]
    assert found and (not line or found[0].startswith(f"page.md, line {line}: ")), problems(GOOD.replace(old, new, 1))


def test_the_way_to_911_is_near_and_no_way_is_a_dead_end() -> None:
    def step(name: str, *to: str, transfers: tuple[str, ...] = (), ends: Ending | None = None) -> Step:
        moves = tuple(Choice(answer=f"{name} {n}", to=target, line=1) for n, target in enumerate(to))
        return Step(anchor=name, heading=name, line=1, choices=moves, transfers=transfers, ends=ends)

    far = (step("a", "b"), step("b", "c"), step("c", "d"), step("d", transfers=("911",), ends=Ending.EMERGENCY))
    assert [text for _, text in paths.problems(Runbook(name="x", title="x", hazard=None, steps=far))] == [
        "the way to 911 is more than 2 steps from 'a'."
    ]
    lost = (step("a", "b", "d"), step("b", "c"), step("c", "b"), step("d", transfers=("911",), ends=Ending.EMERGENCY))
    assert {text for _, text in paths.problems(Runbook(name="x", title="x", hazard=None, steps=lost))} == {
        "from 'b' no way leads to an end.",
        "from 'c' no way leads to an end.",
        "'b 0' leads in a circle without a bound (at most N times).",
        "'c 0' leads in a circle without a bound (at most N times).",
    }


def books() -> list[Path]:
    return [page for page in sorted(data.folder("runbooks").glob("*.md")) if page.name != "README.md"]


@pytest.mark.parametrize("page", books(), ids=lambda page: page.stem)
def test_our_own_runbooks_may_be_published(page: Path) -> None:
    assert problems(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", books(), ids=lambda page: page.stem)
def test_every_walk_through_our_scripts_ends_and_nobody_says_one_thing_for_ever(page: Path) -> None:
    book = reading.read(page.stem, page.read_text(encoding="utf-8"))
    if not book.steps:
        return
    longest: dict[str, int] = {}

    def walk(anchor: str, on_the_way: frozenset[str]) -> int:
        """The most steps that can follow without a bounded move; a bounded one starts a walk of its own."""
        assert anchor not in on_the_way, f"{anchor} comes back without a bound"
        if anchor not in longest:
            step = book.step(anchor)
            assert step is not None and (step.ends is not None) != bool(step.choices)
            free = [choice for choice in step.choices if choice.most is None]
            longest[anchor] = 1 + max((walk(choice.to, on_the_way | {anchor}) for choice in free), default=0)
            for choice in step.choices:
                if choice.most is not None:
                    walk(choice.to, frozenset())
        return longest[anchor]

    assert walk(book.steps[0].anchor, frozenset()) <= 10


@given(st.text(max_size=300) | st.lists(st.sampled_from(GOOD.splitlines()), max_size=30).map("\n".join))
def test_no_page_breaks_the_reader(page: str) -> None:
    assert all(isinstance(one, str) and one.startswith("page.md") for one in problems(page))


def test_the_command_says_all_of_it_or_that_nothing_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text(GOOD)
    (tmp_path / "bad.md").write_text(GOOD.replace("#to-911", "#nowhere").replace("again (at most 2 times)", "again"))
    good = CliRunner().invoke(app, ["runbook", "check", str(tmp_path / "good.md")])
    assert good.exit_code == 0 and "Boil water: 4 steps, 1 facts, nothing wrong." in good.stdout
    bad = CliRunner().invoke(app, ["runbook", "check", str(tmp_path / "bad.md"), str(tmp_path / "good.md")])
    assert (
        bad.exit_code == 1 and "bad.md, line 17: there is no step #nowhere." in bad.stderr and "leads in a circle" in bad.stderr
    )
    assert CliRunner().invoke(app, ["runbook", "check"]).exit_code == 0


def screens() -> set[str]:
    """The paths of the console's pages, as its modules name them; a number or name within one stands for any."""
    root = data.folder("runbooks").parent
    modules = [*(root / "notify" / "console").glob("*.py"), *(root / "surge" / "pages").glob("*.py")]
    paths = {path for module in modules for path in re.findall(r'"(/[a-z0-9/_-]*)', module.read_text(encoding="utf-8"))}
    return paths | {"/surge/script/latest", "/surge/facts", "/needs/map", "/readyz"}


HAZARDS = [page.stem for page in books() if "\nhazard:" in page.read_text(encoding="utf-8")]
SCREEN = re.compile(r"`(/[a-z0-9/_-]+)`")
COMMAND = re.compile(r"`tocsin ([a-z0-9-]+)(?: ([a-z0-9-]+))?(?: ([a-z]+))?[^`]*`")
LINK = re.compile(r"\]\(([a-z0-9-]+\.md)\)")


@pytest.mark.parametrize("name", HAZARDS)
def test_a_hazard_s_script_begins_with_911_and_keeps_its_checklists_and_its_end(name: str) -> None:
    page = (data.folder("runbooks") / f"{name}.md").read_text(encoding="utf-8")
    book = reading.read(name, page)
    assert book.hazard in hazards.catalogue() and book.trigger is not None
    first = book.steps[0]
    assert first.never and {choice.to for choice in first.choices if choice.answer in ("yes", "anything else")} == {
        "to-the-emergency-centre"
    }
    endings = {step.ends for step in book.steps if step.ends}
    assert {Ending.INFORMED, Ending.EMERGENCY, Ending.REFERRED, Ending.OUT_OF_AREA} <= endings
    assert any(step.needs for step in book.steps) and sum(len(step.never) for step in book.steps) >= 3
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == ["Before the alert leaves", "While it lasts", "Afterwards", "Script"]
    over = [step for step in book.steps if {"still in force", "still out"} & {choice.answer for choice in step.choices}]
    assert len(over) == 1 and over[0].told  # what changes when it is over, and the word that it may be said


def test_no_script_but_that_of_a_911_outage_keeps_from_saying_911() -> None:
    for name in HAZARDS:
        book = reading.read(name, (data.folder("runbooks") / f"{name}.md").read_text(encoding="utf-8"))
        out = book.step("to-the-emergency-centre")
        assert out is not None and out.transfers == ("911",) and {"place", "callback_number"} <= set(out.asks)
        told = " ".join(saying.text for saying in out.says)
        assert ("dial 911" in told) == (name != "911-outage")


@pytest.mark.parametrize("page", books(), ids=lambda page: page.stem)
def test_every_screen_command_and_page_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in LINK.findall(text):
        assert (page.parent / name).is_file(), name
    for group, command, below in COMMAND.findall(text):
        commands = getattr(get_command(app), "commands", {})
        for part in [one for one in (group, command, below) if one and commands]:
            assert part in commands, f"tocsin {group} {command} {below}"
            commands = getattr(commands[part], "commands", {})
    known = screens()
    for screen in SCREEN.findall(text):
        assert screen in known or screen.replace("ID", "{incident_id}") in known, screen
