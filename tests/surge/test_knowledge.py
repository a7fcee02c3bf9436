"""What is suggested to a question, and who is in danger."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify import data
from subscribers.dialog import lexicon
from surge.desk import practice
from surge.desk.faq import problems
from surge.desk.guard import in_danger
from surge.desk.knowledge import Entry, Kind, Shelf, answers
from surge.desk.tally import KEYS, LATE, Reason, pressed_at, top
from surge.scripts import reading
from surge.scripts.runbook import EMERGENCY_LINE, Ending, Runbook

LEXICON = lexicon.load(data.folder("templates") / "dialog" / "vocabulary")
BOOK: Runbook = reading.read("boil-water", (data.folder("runbooks") / "boil-water.md").read_text("utf-8"))
STEPS = answers(BOOK, 1, {step.anchor: {"en": " ".join(one.text for one in step.says)} for step in BOOK.steps if step.says})
NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "question,step",
    [
        ("how long do I have to boil", "how-to-boil"),
        ("Is it safe to shower or take a bath?", "what-is-safe"),
        ("can my dog drink the water? pets", "pets"),
        ("my mom is on dialysis", "dialysis"),
        ("I already drank tap water this morning, what now", "already-drank-it"),
        ("can I wash dishes", "food-business"),
    ],
)
def test_a_question_finds_the_step_that_answers_it(question: str, step: str) -> None:
    assert f"step:1:{step}" in [one.entry.source for one in Shelf.of(STEPS).search(question)]


@pytest.mark.parametrize("question", ["is the mayor going to resign", "", "???", "the of and"])
def test_what_nothing_answers_gets_no_suggestion(question: str) -> None:
    assert Shelf.of(STEPS).search(question) == []
    assert Shelf.of([]).search("boil") == []


def test_steps_that_hand_over_or_end_are_no_answers() -> None:
    told = {entry.source.rpartition(":")[2] for entry in STEPS}
    assert "to-the-emergency-centre" not in told and "goodbye" not in told and "how-to-boil" in told


def test_an_answer_is_given_in_the_language_it_was_asked_in_else_in_english_and_says_which() -> None:
    entry = Entry(source="faq:F1:1", kind=Kind.FAQ, about={"en": "showers", "es": "ducha"}, words={"en": "Yes.", "es": "Sí."})
    assert entry.said("es") == ("Sí.", "es") and entry.said("uk") == ("Yes.", "en")
    assert Shelf.of([entry, *STEPS]).search("¿Puedo usar la ducha?")[0].entry is entry


def test_a_question_without_spaces_is_found_by_its_letters() -> None:
    entry = Entry(source="faq:F1:1", kind=Kind.FAQ, about={"zh-Hant": "可以洗澡嗎"}, words={"zh-Hant": "可以。"})
    assert [one.entry for one in Shelf.of([entry, *STEPS]).search("請問可以洗澡嗎")] == [entry]


@given(st.text(max_size=200))
def test_no_text_breaks_the_search_or_the_guard(text: str) -> None:
    assert all(0 < one.likeness <= 1 for one in Shelf.of(STEPS).search(text))
    in_danger(text, LEXICON)


@pytest.mark.parametrize(
    "text",
    [
        "suicide",
        "my husband can't breathe",
        "There is a fire in my kitchen",
        "Hello. I can't go on. I want to die.",
        "no puedo respirar",
        "не могу дышать",
        "我想自殺",
        "🆘",
        "word " * 600 + "please help, we are trapped",
    ],
)
def test_whoever_is_in_danger_is_seen(text: str) -> None:
    assert in_danger(text, LEXICON)


@pytest.mark.parametrize("text", ["is the water safe to shower?", "when is it over", "can my dog drink it"])
def test_an_ordinary_question_is_no_danger(text: str) -> None:
    assert not in_danger(text, LEXICON)


def test_the_practice_is_an_ordinary_call_and_an_emergency() -> None:
    ordinary, danger = practice.calls(BOOK)
    assert ordinary.turns[-1].step.ends is Ending.INFORMED and not ordinary.emergency
    assert EMERGENCY_LINE in danger.turns[-1].step.transfers and danger.emergency
    assert ordinary.turns[0].says == "no" and danger.turns[0].says == "yes"


def test_nobody_gets_through_the_practice_by_guessing() -> None:
    made = practice.calls(BOOK)
    right = [turn.choice for call in made for turn in call.turns if turn.choice is not None]
    assert practice.at(made, []) == (0, 0) and practice.at(made, right) is None
    assert practice.at(made, right[:-1]) == (1, len(made[1].turns) - 2)
    for wrong in ([99], [*right, 0]):
        with pytest.raises(ValueError):
            practice.at(made, wrong)


def test_an_operations_page_has_no_practice() -> None:
    assert practice.calls(reading.read("backup", "# Backup\n\n- [ ] Make one\n")) == ()


def test_a_press_counts_when_the_page_says_unless_that_cannot_be() -> None:
    assert len(KEYS) == 8 and KEYS[-1] is Reason.OTHER
    assert pressed_at(NOW - timedelta(minutes=2), NOW) == NOW - timedelta(minutes=2)
    assert pressed_at(NOW + timedelta(seconds=1), NOW) == NOW
    assert pressed_at(NOW - LATE - timedelta(seconds=1), NOW) == NOW and pressed_at(None, NOW) == NOW
    assert top(["b", "a", "b"], 1) == [("b", 2)]


def test_an_answer_says_everything_that_is_wrong_with_it() -> None:
    assert len(problems("", "")) == 2
    assert len(problems("q" * 2000, "{fact:x}")) == 2
    assert problems("Showers?", "Yes.") == []
