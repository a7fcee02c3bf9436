"""What holds of every dialog, whatever is texted: a stop is always heard, and nothing else is taken for one."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.contacts import MEMORY
from subscribers.dialog import lexicon, player, talk
from subscribers.dialog.lexicon import Family
from subscribers.dialog.reading import Kind, read
from subscribers.dialog.turn import Asked, Heard, Known, Memory, Obeyed, Question, Reply, Standing, Stop, Turn
from subscribers.place import Point, ZipArea

ROOT = Path(__file__).parents[3]
LEXICON = lexicon.load(ROOT / "templates" / "dialog" / "vocabulary")
WORLD = player.SampleWorld(alert="boil_water")
NOW = player.NOON

STOPS = [
    "stop",
    " STOP! ",
    "Stop.",
    "“Stop”",
    "s t o p".replace(" ", ""),
    "STOP ALL",
    "stopall",
    "stop please",
    "please stop",
    "pls stop",
    "plz stop texting",
    "stop texting me",
    "please stop these",
    "stop it",
    "stop now",
    "STOP sending me messages",
    "I want to stop receiving these messages",
    "unsubscribe",
    "please unsubscribe me",
    "unsubscribe me from your alerts",
    "opt out",
    "Opt-out",
    "optout please",
    "revoke",
    "END",
    "end please",
    "cancel",
    "Cancel, thanks",
    "quit",
    "remove me",
    "REMOVE ALL",
    "take me off this list",
    "no more texts",
    "no more messages please",
    "leave me alone",
    "do not text me again",
    "don't text me",
    "ok thanks please stop texting me",
    "stop stop stop",
    "STOP 🛑",
    "CTOП",
]
NO_STOPS = [
    "the bus stop at 82nd is flooded",
    "is the bus stop on Foster open",
    "the stop sign is down",
    "end of my street",
    "at the end of SE 82nd",
    "cancel my appointment with the clinic",
    "dont stop sending me alerts",
    "please do not stop the alerts",
    "don't stop",
    "quit smoking class",
    "when will it stop raining",
    "non stop rain here",
    "weekend",
    "stopwatch",
    "REMOVE WORK",
    "remove 2",
    "the road ends at the river",
    "what is the end date",
    "unstop",
    "my stop is at 97214 and 5th",
]


def heard(text: str, **given: object) -> Heard:
    return Heard(text=text, at=NOW, **given)  # type: ignore[arg-type]


def answer(known: Known, text: str) -> Turn:
    return talk.turn(known, heard(text), WORLD, LEXICON)


ACTIVE = Known(standing=Standing.ACTIVE, language="en", places=())


@pytest.mark.parametrize("text", STOPS)
def test_a_person_would_read_this_as_stop(text: str) -> None:
    turn = answer(ACTIVE, text)
    assert Stop() in turn.acts
    assert [reply.key for reply in turn.replies if isinstance(reply, Reply)] == ["M19"]


@pytest.mark.parametrize("text", NO_STOPS)
def test_this_only_contains_a_stop_word(text: str) -> None:
    assert Stop() not in answer(ACTIVE, text).acts


STOP_WORDS = sorted({*LEXICON.families[Family.STOP], *LEXICON.families[Family.STOP_ALONE]})
QUESTIONS = [None, *(Question(asked=asked, at=NOW, label="HOME") for asked in Asked)]
standings = st.sampled_from([Standing.NEW, Standing.ACTIVE, Standing.SUSPECT])


@given(word=st.sampled_from(STOP_WORDS), standing=standings, question=st.sampled_from(QUESTIONS), data=st.data())
def test_stop_is_one_message_away_in_every_state_and_language(
    word: str, standing: Standing, question: Question | None, data: st.DataObject
) -> None:
    courtesy = data.draw(st.sampled_from(["", "please ", "Thanks, "]))
    text = data.draw(st.sampled_from([word, word.upper(), f"  {word}!! ", f"{courtesy}{word}"]))
    known = Known(standing=standing, language="en", memory=Memory(question=question, muted_until=NOW + timedelta(minutes=5)))
    confirmed = question is not None and question.asked in talk.CONFIRMED_BY_YES and LEXICON.holds(Family.YES, word)
    if not confirmed:
        assert Stop() in answer(known, text).acts


memories = st.builds(
    Memory,
    question=st.sampled_from(QUESTIONS),
    greeted=st.integers(0, 3),
    muted_until=st.sampled_from([None, NOW - timedelta(1), NOW + timedelta(1)]),
)
anybody = st.builds(
    Known,
    standing=st.sampled_from(Standing),
    language=st.sampled_from(["", "en", "es", "ar"]),
    memory=memories,
    places=st.just(()),
)
words = st.sampled_from(sorted({word for family in Family for word in LEXICON.families[family]}))
texts = st.one_of(
    st.text(max_size=200), words, st.lists(words, max_size=4).map(" ".join), st.from_regex(r"[0-9]{1,6}( [a-z]{1,8}){0,3}")
)


@settings(max_examples=300)
@given(known=anybody, text=texts)
def test_no_text_can_break_the_dialog_and_the_same_text_gives_the_same_turn(known: Known, text: str) -> None:
    turn = answer(known, text)
    assert turn == answer(known, text)
    assert len(turn.replies) <= 2
    assert MEMORY.validate_json(MEMORY.dump_json(turn.memory, exclude_defaults=True)) == turn.memory


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "\ud800", "a" * 10_000, "🙂" * 500, "\u202e97214", "9" * 400, "'\"`;--", "{{7*7}}"]
)
def test_hostile_texts_are_answered_like_any_other(text: str) -> None:
    answer(Known(), text)
    answer(ACTIVE, text)


@given(text=texts.filter(lambda text: read(text, LEXICON).kind not in (Kind.START, Kind.YES, Kind.HELP)))
def test_a_stopped_number_is_never_answered(text: str) -> None:
    stopped = Known(standing=Standing.STOPPED, language="en")
    assert answer(stopped, text).replies == ()


@given(said=st.lists(st.tuples(texts, st.integers(1, 3_600)), max_size=12))
def test_no_dialog_leaves_a_question_open_past_its_time(said: list[tuple[str, int]]) -> None:
    known, now = Known(), NOW
    for text, seconds in said:
        now += timedelta(seconds=seconds)
        turn = talk.turn(known, Heard(text=text, at=now), WORLD, LEXICON)
        known = player.after(known, turn)
        question = known.memory.question
        assert question is None or now - question.at <= timedelta(minutes=30)


@pytest.mark.parametrize("word", [Obeyed.STOP, Obeyed.START, Obeyed.HELP])
def test_what_the_provider_answered_is_not_answered_again(word: Obeyed) -> None:
    assert talk.turn(ACTIVE, heard("whatever", obeyed=word), WORLD, LEXICON).replies == ()


def test_yes_and_stop_in_one_word_is_yes_only_while_a_question_waits_for_it() -> None:
    both = [word for word in LEXICON.families[Family.STOP] if LEXICON.holds(Family.YES, word)]
    assert both, "Vietnamese has one: dung"
    spot = ZipArea("97214")
    from subscribers.dialog.turn import Option

    waits = Memory(question=Question(asked=Asked.CONFIRM, at=NOW, label="HOME", options=(Option(words="97214", spot=spot),)))
    for word in both:
        assert Stop() in answer(ACTIVE, word).acts
        assert Stop() not in answer(replace(ACTIVE, memory=waits), word).acts


def test_what_is_kept_of_an_address_never_names_the_house() -> None:
    turn = answer(Known(), "1120 SW 5th Ave")
    kept = [act.spot for act in turn.acts if isinstance(act, player.Keep)]
    assert [spot.block for spot in kept if isinstance(spot, Point)] == ["1100 block SW 5th Ave"]
    assert "1120" not in MEMORY.dump_json(turn.memory).decode()
