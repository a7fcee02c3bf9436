"""Nobody gets stuck: not with as many places as we keep, not with odd figures, not on the way back from a stop."""

from dataclasses import replace
from datetime import timedelta

import pytest

from subscribers.dialog import looping, player, talk
from subscribers.dialog.turn import Asked, Heard, Keep, Kept, Known, Memory, Obeyed, Option, Question, Standing, Start
from subscribers.place import PLACES_MAX, ZipArea
from tests.subscribers.dialog.subjects import ACTIVE, LEXICON, NOW, WORLD, answer, heard, keys

LABELS = {"WORK": "97204", "MOM": "97206", "DAD": "97214", "KIDS": "97209", "GYM": "97211"}
FULL = replace(ACTIVE, places=tuple(Kept(label=label, spot=ZipArea(code)) for label, code in LABELS.items()))
ELSEWHERE = Option(words="97202", spot=ZipArea("97202"))


def waiting(asked: Asked, label: str = "HOME") -> Known:
    """Somebody with five places who has been asked before the fifth was saved, on their own page."""
    return replace(FULL, memory=Memory(question=Question(asked=asked, at=NOW, label=label, options=(ELSEWHERE, ELSEWHERE))))


@pytest.mark.parametrize("text", ["MOVE 97202", "move 1120 SW 5th Ave", "my new address is 97202", "97202", "ADD HOME 97202"])
def test_a_sixth_place_is_refused_in_words_also_where_home_is_not_among_the_five(text: str) -> None:
    turn = answer(FULL, text)
    assert keys(turn) == ["M11"] and turn.acts == ()


@pytest.mark.parametrize(
    ("asked", "text"), [(Asked.CONFIRM, "ok"), (Asked.PICK, "1"), (Asked.PICK, "97202"), (Asked.MOVE, "ok")]
)
def test_an_answer_that_comes_when_the_places_are_full_is_refused_in_words(asked: Asked, text: str) -> None:
    turn = answer(waiting(asked), text)
    assert keys(turn) == ["M11"] and len(player.after(FULL, turn).places) == PLACES_MAX


def test_a_place_that_is_saved_already_can_still_be_made_another_one_when_all_are_taken() -> None:
    assert Keep(label="WORK", spot=ZipArea("97202")) in answer(FULL, "ADD WORK 97202").acts
    assert Keep(label="WORK", spot=ZipArea("97202")) in answer(waiting(Asked.CONFIRM, "WORK"), "ok").acts


@pytest.mark.parametrize("figure", ["❶", "⓵", "፩", "𐩀"])
def test_figures_that_are_no_plain_digits_name_no_place(figure: str) -> None:
    assert keys(answer(ACTIVE, f"REMOVE {figure}")) == ["M13_unknown"]


@pytest.mark.parametrize("asked", Asked)
@pytest.mark.parametrize("word", ["YES", "START", "unstop"])
def test_a_start_that_the_provider_obeyed_ends_a_stop_whatever_was_asked_before(asked: Asked, word: str) -> None:
    """They were stopped on their own page, or by a refusal, after we had asked them something."""
    stopped = replace(waiting(asked), standing=Standing.STOPPED)
    turn = talk.turn(stopped, heard(word, obeyed=Obeyed.START), WORLD, LEXICON)
    assert Start() in turn.acts and turn.replies == ()
    assert player.after(stopped, turn).standing is Standing.ACTIVE


def test_a_yearly_check_says_nothing_into_an_open_question() -> None:
    asked = player.after(ACTIVE, answer(ACTIVE, "MOVE 97202"))
    turn = talk.yearly_check(asked, NOW, WORLD, LEXICON)
    assert turn.replies == () and turn.memory == asked.memory
    ok = talk.turn(player.after(asked, turn), Heard(text="ok", at=NOW), WORLD, LEXICON)
    assert Keep(label="HOME", spot=ZipArea("97202")) in ok.acts


MUTED = Memory(muted_until=NOW + timedelta(minutes=9))


@pytest.mark.parametrize("known", [Known(memory=MUTED), replace(ACTIVE, memory=MUTED)])
def test_what_a_muted_phone_asks_for_is_done_without_a_word(known: Known) -> None:
    """It was told that we stopped replying, not that we stopped listening."""
    turn = answer(known, "ADD WORK 97206")
    assert turn.replies == () and turn.acts == (Keep(label="WORK", spot=ZipArea("97206")),)
    assert turn.memory.muted_until == MUTED.muted_until
    signed_up = player.after(known, turn)
    assert signed_up.standing is Standing.ACTIVE and [place.label for place in signed_up.places][-1] == "WORK"


def test_a_muted_phone_is_asked_nothing_that_it_cannot_have_read() -> None:
    for text in ("1120 5th", "MOVE 97206", "DELETE", "REMOVE HOME", "LANG"):
        turn = answer(replace(ACTIVE, memory=MUTED), text)
        assert turn.replies == () and turn.acts == () and turn.memory.question is None, text


def test_the_text_that_is_one_too_many_is_still_done() -> None:
    known = Known()
    for _ in range(2):
        known = player.after(known, answer(known, "97214 97206"))
    recent = tuple((NOW, f"{number:04x}") for number in range(looping.MANY))
    turn = answer(replace(known, memory=Memory(recent=recent)), "ADD MOM 97209")
    assert keys(turn) == ["M34"] and Keep(label="MOM", spot=ZipArea("97209")) in turn.acts


def test_whoever_erases_everything_with_one_text_too_many_is_not_told_that_alerts_go_on() -> None:
    recent = tuple((NOW, f"{number:04x}") for number in range(looping.MANY))
    asked = Memory(recent=recent, question=Question(asked=Asked.DELETE, at=NOW))
    assert keys(answer(replace(ACTIVE, memory=asked), "DELETE")) == ["M37"]


@pytest.mark.parametrize("between", ["STATUS", "WATER", "PRIVACY", "where"])
@pytest.mark.parametrize(("asks", "late"), [("MOVE 97202", "ok"), ("1120 SW 5th Ave", "yes")])
def test_an_answer_to_a_question_that_a_command_has_ended_is_told_that_nothing_was_changed(
    between: str, asks: str, late: str
) -> None:
    """Else whoever says OK believes to be warned for where they live now."""
    known = ACTIVE
    for text in (asks, between):
        known = player.after(known, answer(known, text))
    turn = answer(known, late)
    assert keys(turn) == ["M47"] and turn.acts == ()
    assert keys(answer(player.after(known, turn), "ok")) == [], "once"
    much_later = Heard(text="ok", at=NOW + timedelta(minutes=31))
    assert talk.turn(known, much_later, WORLD, LEXICON).replies == (), "an OK to something else"


AFTER_ALL = ("MOVE 97202", "STATUS", "MOVE 97202", "ok", "ok")


@pytest.mark.parametrize(
    "texts", [("Lents", "STATUS", "ok"), ("MOVE 97202", "97206", "ok", "ok"), ("MOVE 97202", "no", "ok"), AFTER_ALL]
)
def test_an_ok_that_nothing_waits_for_is_met_with_silence(texts: tuple[str, ...]) -> None:
    known = ACTIVE
    for text in texts:
        turn = answer(known, text)
        known = player.after(known, turn)
    assert keys(turn) == []
