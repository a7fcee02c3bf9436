"""What holds of every dialog, whatever is texted, in whatever order."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from subscribers.contacts import MEMORY
from subscribers.dialog import player, talk
from subscribers.dialog.intent import Awaited, Kind
from subscribers.dialog.lexicon import Family
from subscribers.dialog.reading import read
from subscribers.dialog.stopping import all_words
from subscribers.dialog.turn import (
    Asked,
    Count,
    Erase,
    Heard,
    Keep,
    Kept,
    Known,
    Memory,
    Note,
    Obeyed,
    Option,
    Question,
    Reconfirm,
    Reply,
    Standing,
    Start,
    Stop,
    Tongue,
    Turn,
)
from subscribers.place import PLACES_MAX, Point, ZipArea
from tests.subscribers.dialog.subjects import ACTIVE, HOME, LEXICON, NOW, WORLD, answer, heard, keys

PLACES = (HOME, Kept(label="WORK", spot=ZipArea("97204")))
OPTIONS = (Option(words="97204", spot=ZipArea("97204")), Option(words="Lents", spot=ZipArea("97266"), language="es"))
QUESTIONS = [None, *(Question(asked=asked, at=NOW, label="HOME", options=OPTIONS) for asked in Asked)]
memories = st.builds(
    Memory,
    question=st.sampled_from(QUESTIONS),
    greeted=st.integers(0, 3),
    greeted_at=st.sampled_from([None, NOW]),
    puzzled_at=st.sampled_from([None, NOW]),
    muted_until=st.sampled_from([None, NOW - timedelta(1), NOW + timedelta(minutes=5)]),
    tongue=st.sampled_from(Tongue),
)
anybody = st.builds(
    Known,
    standing=st.sampled_from(Standing),
    language=st.sampled_from(["", "en", "es", "ar", "zh-Hant"]),
    memory=memories,
    places=st.sampled_from([(), (HOME,), PLACES]),
)
words = st.sampled_from(sorted({word for family in Family for word in LEXICON.families[family].languages}))
texts = st.one_of(
    st.text(max_size=200),
    st.text(st.characters(), max_size=60),  # with lone surrogates
    words,
    st.lists(words, max_size=4).map(" ".join),
    st.from_regex(r"[0-9]{1,6}( [a-z]{1,8}){0,3}", fullmatch=True),
    st.sampled_from(
        ["1", "2", "ok", "no", "1120 5th", "1120 SW 5th Ave", "97214", "97005", "Lents", "sunny", "ADD 97204", "DELETE"]
    ),
)


@settings(max_examples=200)
@given(
    known=anybody, word=st.sampled_from(all_words(LEXICON)), shape=st.sampled_from(["{}", "  {}!! ", "please {}", "{}, thanks"])
)
def test_stop_is_one_message_away_in_every_state_and_language(known: Known, word: str, shape: str) -> None:
    turn = answer(known, shape.format(word))
    question = known.memory.question
    awaited = talk.AWAITED[question.asked] if question is not None else Awaited.NOTHING
    if known.standing is Standing.STOPPED:
        assert turn.replies == () and turn.acts == ()
    elif read(word, LEXICON, awaited=awaited).kind is not Kind.YES:
        assert Stop() in turn.acts and keys(turn) == ["M19"]
        assert turn.memory.question is None


@settings(max_examples=400)
@given(known=anybody, text=texts)
def test_no_text_can_break_the_dialog_and_the_same_text_gives_the_same_turn(known: Known, text: str) -> None:
    turn = answer(known, text)
    assert turn == answer(known, text)
    assert len(turn.replies) <= 2
    assert len(turn.replies) < 2 or keys(turn)[0] in ("M02", "M15", "M16")
    assert MEMORY.validate_json(MEMORY.dump_json(turn.memory, exclude_defaults=True)) == turn.memory
    assert len(player.after(known, turn).places) <= PLACES_MAX


HOSTILE = [
    "", " ", "\x00", "\ud800", "a" * 10_000, "a b " * 2_500, "stop " * 2_000, "🙂" * 500, "1️⃣" * 300, "\u202e97214", "9" * 400,
    "'\"`;--", "{{7*7}}", "%(places)s", "\u0301", "e" + "\u0301" * 900, "ﷺ" * 500, "\u200b", "：：：", "-" * 900,
    "ADD " + "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_answered_like_any_other(text: str) -> None:
    answer(Known(), text)
    answer(ACTIVE, text)


class Dialog(RuleBasedStateMachine):
    """One phone, any texts, any pauses, a yearly check now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.known, self.now = Known(), NOW
        self.turn = Turn(memory=Memory())
        self.before = self.known

    def _hear(self, text: str, **given: object) -> None:
        said = Heard(text=text, at=self.now, **given)  # type: ignore[arg-type]
        self.before = self.known
        self.turn = talk.turn(self.known, said, WORLD, LEXICON)
        self.known = player.after(self.known, self.turn)

    @rule(text=texts, pause_s=st.sampled_from([1, 20, 400, 1_000, 1_900, 90_000]))
    def text(self, text: str, pause_s: int) -> None:
        self.now += timedelta(seconds=pause_s)
        self._hear(text)

    @rule(word=st.sampled_from(["stop", "ALTO", "стоп", "no mas"]))
    def stop(self, word: str) -> None:
        self._hear(word)
        assert self.known.standing is Standing.STOPPED

    @rule(word=st.sampled_from(Obeyed))
    def obeyed(self, word: Obeyed) -> None:
        self._hear(word.value, obeyed=word)
        if word is not Obeyed.NOTHING:
            assert self.turn.replies == ()

    @rule()
    def yearly_check(self) -> None:
        self.turn = talk.yearly_check(self.known, self.now, WORLD, LEXICON)
        self.before, self.known = self.known, player.after(self.known, self.turn)

    @rule()
    def new_owner(self) -> None:
        if self.known.standing is Standing.ACTIVE:
            self.known = replace(self.known, standing=Standing.SUSPECT)

    @invariant()
    def no_question_is_open_past_its_time(self) -> None:
        question = self.known.memory.question
        assert question is None or question.asked is Asked.YEARLY or self.now - question.at <= timedelta(minutes=30)
        assert question is None or question.times <= 2

    @invariant()
    def a_stopped_phone_hears_nothing_but_the_way_back_and_help(self) -> None:
        if self.before.standing is Standing.STOPPED and self.known.standing is Standing.STOPPED:
            assert keys(self.turn) in ([], ["M18"])

    @invariant()
    def nobody_is_signed_up_without_a_place_or_a_wish(self) -> None:
        assert self.known.standing is not Standing.NEW or self.known.places == ()

    @invariant()
    def the_house_number_is_never_kept(self) -> None:
        kept = [place.words for place in self.known.places]
        assert not any(words.startswith("1120 ") for words in kept)
        assert "1120" not in MEMORY.dump_json(self.known.memory).decode()


Dialog.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestDialog = Dialog.TestCase


@given(text=texts.filter(lambda text: read(text, LEXICON).kind not in (Kind.START, Kind.JOIN, Kind.YES, Kind.HELP)))
def test_a_stopped_number_is_never_answered(text: str) -> None:
    stopped = Known(standing=Standing.STOPPED, language="en", places=PLACES)
    assert answer(stopped, text).replies == ()


@pytest.mark.parametrize("text", ["ok", "OK thanks", "thank you", "да", "sí", "right", "k", "👍"])
def test_acknowledging_a_stop_is_no_way_back(text: str) -> None:
    assert answer(Known(standing=Standing.STOPPED, language="en", places=PLACES), text) == Turn(
        memory=answer(Known(standing=Standing.STOPPED, language="en", places=PLACES), text).memory
    )


@pytest.mark.parametrize("text", ["START", "unstop", "Yes", "JOIN", "subscribe", "comenzar"])
def test_there_is_a_way_back(text: str) -> None:
    turn = answer(Known(standing=Standing.STOPPED, language="en", places=PLACES), text)
    assert Start() in turn.acts and keys(turn) == ["M20"]


@pytest.mark.parametrize("word", [Obeyed.STOP, Obeyed.START, Obeyed.HELP])
def test_what_the_provider_answered_is_not_answered_again(word: Obeyed) -> None:
    assert talk.turn(ACTIVE, heard("whatever", obeyed=word), WORLD, LEXICON).replies == ()


def test_a_yes_that_the_provider_answered_still_answers_our_question() -> None:
    asked = answer(Known(), "1120 5th")
    known = replace(player.after(Known(), asked), standing=Standing.ACTIVE)
    question = Question(asked=Asked.CONFIRM, at=NOW, label="HOME", options=OPTIONS[:1])
    known = replace(known, memory=Memory(question=question))
    turn = talk.turn(known, heard("YES", obeyed=Obeyed.START), WORLD, LEXICON)
    assert turn.replies == () and Keep(label="HOME", spot=ZipArea("97204")) in turn.acts


class TestYesAndStopInOneWord:
    """Vietnamese "dừng" is stop and "đúng" is right; without their marks both are "dung"."""

    waits = replace(ACTIVE, memory=Memory(question=Question(asked=Asked.CONFIRM, at=NOW, label="HOME", options=OPTIONS[:1])))

    def test_bare_it_stops_unless_a_question_waits_for_a_yes(self) -> None:
        assert Stop() in answer(ACTIVE, "dung").acts
        turn = answer(self.waits, "DUNG")
        assert Stop() not in turn.acts and isinstance(turn.acts[-1], Keep)
        assert keys(turn) == ["M02"], "the one that names STOP"

    def test_with_its_marks_it_is_what_it_says_at_any_time(self) -> None:
        for known in (ACTIVE, self.waits):
            assert Stop() in answer(known, "Dừng").acts
            assert Stop() not in answer(known, "đúng").acts
        assert isinstance(answer(self.waits, "Đúng ạ").acts[-1], Keep)


def test_what_is_kept_of_an_address_never_names_the_house() -> None:
    turn = answer(Known(), "1120 SW 5th Ave")
    kept = [act.spot for act in turn.acts if isinstance(act, Keep)]
    assert [spot.block for spot in kept if isinstance(spot, Point)] == ["1100 block SW 5th Ave"]
    assert "1120" not in MEMORY.dump_json(turn.memory).decode()


def test_somebody_in_danger_is_sent_to_911_even_while_their_phone_is_muted_and_once() -> None:
    muted = replace(ACTIVE, memory=Memory(muted_until=NOW + timedelta(minutes=9)))
    turn = answer(muted, "fire! we are trapped")
    assert keys(turn) == ["M28"] and Count(Note.DISTRESS) in turn.acts
    assert keys(answer(player.after(muted, turn), "fire! we are trapped")) == []


@pytest.mark.parametrize(
    "text",
    [
        "the water is coming up the stairs now and my mother cannot walk any more",
        "I am at 99999 Nowhere St and the roof has come down on the two of us",
    ],
)
def test_a_long_text_into_the_silence_is_answered_as_if_somebody_might_be_in_danger_once(text: str) -> None:
    muted = replace(ACTIVE, memory=Memory(muted_until=NOW + timedelta(minutes=9)))
    turn = answer(muted, text)
    assert keys(turn) == ["M28"] and Count(Note.DISTRESS) in turn.acts
    assert turn.memory.muted_until == muted.memory.muted_until
    assert answer(player.after(muted, turn), text).replies == ()


def test_the_third_cry_for_help_within_a_minute_is_answered_with_911_and_not_with_silence() -> None:
    known, said = ACTIVE, []
    for _ in range(4):
        turn = answer(known, "help me")
        said.append(keys(turn))
        known = player.after(known, turn)
    assert said == [["M28"], ["M28"], ["M28"], []]


def test_a_wrong_number_is_deleted_even_while_it_is_muted_or_stopped() -> None:
    muted = replace(ACTIVE, memory=Memory(muted_until=NOW + timedelta(minutes=9)))
    assert Erase(wrong=True) in answer(muted, "wrong number").acts
    stopped = answer(replace(ACTIVE, standing=Standing.STOPPED), "wrong number")
    assert Erase(wrong=True) in stopped.acts and stopped.replies == ()


def test_a_number_that_may_have_a_new_owner_never_hears_where_the_old_one_lives() -> None:
    suspect = replace(ACTIVE, standing=Standing.SUSPECT, places=PLACES)
    for text in ("where", "status", "97206", "remove work", "move 97206", "start", "remove 9", "add mom 97206"):
        turn = answer(suspect, text)
        assert not {reply.key for reply in turn.replies if isinstance(reply, Reply)} & talk.NAMES_PLACES, text
        told = [value for reply in turn.replies if isinstance(reply, Reply) for value in reply.slots.values()]
        assert not any("97204" in str(value) for value in told), text


def test_a_number_that_may_have_a_new_owner_is_believed_when_it_says_ok() -> None:
    suspect = replace(ACTIVE, standing=Standing.SUSPECT)
    asked = player.after(suspect, answer(suspect, "where"))
    turn = answer(asked, "ok")
    assert Reconfirm() in turn.acts and keys(turn) == ["confirmed"]


@pytest.mark.parametrize("text", ["help", "fire at home", "I'm driving right now"])
def test_what_has_nothing_to_do_with_it_leaves_the_question_open(text: str) -> None:
    known = player.after(Known(), answer(Known(), "1120 5th"))
    turn = answer(known, text)
    assert turn.memory.question is not None
    assert keys(answer(player.after(known, turn), "2")) == ["M10"]


@pytest.mark.parametrize(
    "text", ["cant talk right now he has a gun", "I am driving and there is a fire", "운전 중입니다 사고가 나서 다쳤어요"]
)
def test_danger_behind_the_words_of_a_machine_is_danger(text: str) -> None:
    turn = talk.turn(Known(), Heard(text=text, at=player.NOON), WORLD, LEXICON)
    assert [reply.key for reply in turn.replies if isinstance(reply, Reply)] == ["M28"]
