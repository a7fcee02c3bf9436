"""One digit after a call is a grade, once, and nothing else that anybody texts is read otherwise for it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.dialog.turn import Asked, Count, Known, Note, Option, Question, Reply, Standing, Stop, Turn
from tests.subscribers.dialog.subjects import ACTIVE, HOME, NOW, answer, keys

MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "stop",
            "STOP",
            "no mas",
            "help",
            "fire",
            "97214",
            "1120 5th",
            "ok",
            "yes",
            "no",
            "DELETE",
            "where",
            "LANG",
            "0",
            "6",
            "55",
        ]
    ),
)


def asked(known: Known = ACTIVE, ago: timedelta = MINUTE, language: str = "en") -> Known:
    return replace(known, memory=replace(known.memory, helped=(NOW - ago, language)))


def grades(turn: Turn) -> list[str]:
    return [act.detail for act in turn.acts if isinstance(act, Count) and act.note is Note.GRADED]


@pytest.mark.parametrize("words", ["1", "5", " 3. ", "４", "“2”"])
@pytest.mark.parametrize("known", [ACTIVE, Known(), replace(ACTIVE, standing=Standing.SUSPECT)])
def test_a_digit_is_a_grade_once_and_is_thanked_for(known: Known, words: str) -> None:
    turn = answer(asked(known), words)
    assert len(grades(turn)) == 1 and keys(turn) == ["graded"] and turn.memory.helped is None
    assert grades(answer(replace(known, memory=turn.memory), words)) == []


def test_thanks_are_in_the_language_of_the_question() -> None:
    turn = answer(asked(Known(), language="es"), "5")
    assert [reply.language for reply in turn.replies if isinstance(reply, Reply)] == ["es"]


@pytest.mark.parametrize("words", ["0", "6", "12", "five", "5 fire", "it was a 5"])
def test_other_words_are_no_grade_and_the_question_stays(words: str) -> None:
    turn = answer(asked(), words)
    assert grades(turn) == [] and turn.memory.helped == asked().memory.helped


def test_a_digit_a_day_later_is_none() -> None:
    assert grades(answer(asked(ago=DAY), "5")) == ["5"]
    assert grades(answer(asked(ago=DAY + MINUTE), "5")) == []


def test_an_open_question_comes_first_and_one_that_ran_out_only_where_it_is_the_later_one() -> None:
    option = Option(words="97214", spot=HOME.spot)
    picks = Question(asked=Asked.PICK, at=NOW - MINUTE, options=(option, option))
    known = asked(replace(ACTIVE, memory=replace(ACTIVE.memory, question=picks)))
    assert grades(answer(known, "1")) == [] and grades(answer(known, "5")) == [], "5 is no option: it is asked again"
    old = replace(picks, at=NOW - 40 * MINUTE)
    later = replace(known, memory=replace(known.memory, question=old))
    assert grades(answer(later, "5")) == ["5"]
    before = asked(later, ago=50 * MINUTE)
    assert grades(answer(before, "5")) == [] and keys(answer(before, "5")) == ["M47"]


@given(words=TEXTS, known=st.sampled_from([ACTIVE, Known(), replace(ACTIVE, standing=Standing.STOPPED)]))
def test_whatever_is_no_grade_is_read_as_if_nobody_had_asked(words: str, known: Known) -> None:
    """A stop above all: it is obeyed with the same words."""
    plain, turn = answer(known, words), answer(asked(known), words)
    if not grades(turn):
        assert turn.acts == plain.acts and turn.replies == plain.replies
        assert replace(turn.memory, helped=None) == plain.memory
    else:
        assert not any(isinstance(act, Stop) for act in plain.acts) and known.standing is not Standing.STOPPED


@given(words=TEXTS, kind=st.sampled_from([Asked.CONFIRM, Asked.PICK, Asked.LABEL, Asked.DELETE, Asked.YEARLY, Asked.LANGUAGE]))
def test_an_open_question_is_answered_as_if_nobody_had_asked(words: str, kind: Asked) -> None:
    question = Question(asked=kind, at=NOW - MINUTE, label="HOME", options=(Option(words="97214", spot=HOME.spot),))
    known = replace(ACTIVE, memory=replace(ACTIVE.memory, question=question))
    plain, turn = answer(known, words), answer(asked(known), words)
    assert (turn.acts, turn.replies, turn.memory.question) == (plain.acts, plain.replies, plain.memory.question)
