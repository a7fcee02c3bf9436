"""What a text says, back in English: taken from the letters that are sent, by the notes of second readers."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import sanitise
from notify.alerts.alert import Stage
from notify.wording.english import Message, is_in_texts
from notify.wording.fallback import Desk, Step
from notify.wording.read_back import ReadBack, Sentence, sentences, widest
from notify.wording.reviews import arrange
from notify.wording.samples import subject
from notify.wording.slots import ENGLISH
from notify.wording.words import Words, fill, placeholders
from tests.notify.subjects import the_words

SHIPPED = the_words()
LANGUAGES = tuple(SHIPPED.backs)
STAGES = (Stage.FIRST, Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM)
NAMED = re.compile(r"Portland Water|Outer East Portland|\S+/a/K7Q2")  # what the samples have by these slots
MOMENT = 8  # letters of a weekday and of the half of the day
OF_SENTENCES = ("statements", "danger", "over", "after")
NAMES = st.text("ABCDEFGH 0123456789", min_size=1, max_size=12).map(str.strip).filter(bool)


def words(**sentences: tuple[str, str]) -> Words:
    """Words of one language, "es", with what each says."""
    return Words(
        templates=Path(),
        messages={name: Message(domain="d", context=name, text="", comment="", file="d/sms.txt") for name in sentences},
        translations={"es": {name: target for name, (target, _) in sentences.items()}},
        faults=(),
        folders={},
        dangers={},
        promised={},
        timed=frozenset(),
        most_parts={},
        slots={},
        backs={"es": {name: back for name, (_, back) in sentences.items() if back}},
    )


@pytest.mark.parametrize(
    ("said", "english"),
    [
        ("Agua: HIERVA EL AGUA, Lents.", "Agua: BOIL THE WATER, Lents."),
        ("Agua: HIERVA EL AGUA, Lents. El gas puede explotar.", "Agua: BOIL THE WATER, Lents. Gas can explode."),
        ("EJERCICIO\nAgua: HIERVA EL AGUA, Lents.", "EJERCICIO\nAgua: BOIL THE WATER, Lents."),
        ("Agua: HIERVA EL AGUA, El gas puede explotar.", "Agua: BOIL THE WATER, Gas can explode."),
        ("Nadie dijo esto.", ""),
        ("El gas no puede explotar.", ""),
        ("", ""),
    ],
)
def test_a_text_is_taken_apart_into_the_sentences_it_was_made_of(said: str, english: str) -> None:
    known = words(
        boil=("%(source)s: HIERVA EL AGUA, %(place)s.", "%(source)s: BOIL THE WATER, %(place)s."),
        gas=("El gas puede explotar.", "Gas can explode."),
        unread=("EJERCICIO", ""),
    )
    assert ReadBack(known).text(said, "es") == english


def test_what_is_in_a_slot_is_read_too_and_the_widest_sentence_wins() -> None:
    known = words(
        whole=("%(source)s: SALGA. %(statements)s\n%(url)s", "%(source)s: LEAVE. %(statements)s\\n%(url)s"),
        help=("Si necesita ayuda, llame al 911.", "If you need help, call 911."),
        call=("llame al 911.", "ring 911."),
    )
    said = "Agua: SALGA. Si necesita ayuda, llame al 911. No espere.\nx.gov/a"
    assert ReadBack(known).text(said, "es") == "Agua: LEAVE. If you need help, call 911. No espere.\nx.gov/a"


def test_a_slot_that_was_empty_leaves_no_gap_and_a_slot_that_was_left_out_stands_by_its_name() -> None:
    known = words(boil=("HIERVA %(more)s EL AGUA.", "BOIL %(more)s THE WATER, %(place)s."))
    assert ReadBack(known).text("HIERVA EL AGUA.", "es") == "BOIL  THE WATER, (place)."


def test_scripts_without_spaces_between_sentences_get_them_in_english() -> None:
    known = words(gas=("瓦斯可能爆炸。", "Gas may explode."), wait=("請勿等待。", "Do not wait."))
    assert ReadBack(known).text("瓦斯可能爆炸。請勿等待。", "es") == "Gas may explode. Do not wait."


def test_marks_in_the_wrong_order_are_given_up_at_once() -> None:
    """Looked for in every combination, as many slots as these would take years."""
    slots = [f"%(slot{number})s" for number in range(9)]
    known = words(whole=(f"{' ni '.join(slots)} FIN.", f"{' nor '.join(slots)} END."))
    assert ReadBack(known).text(f"Agua FIN. {' ni '.join(['Lents'] * 99)}", "es") == ""


def test_what_is_longer_than_any_text_is_not_read() -> None:
    known = ReadBack(words(boil=("Hierva el agua.", "Boil the water.")))
    assert known.text("Hierva el agua.", "es") == "Boil the water."
    assert known.text("Hierva el agua. " * 101, "es") == ""


@given(source=NAMES, place=NAMES)
def test_whatever_the_names_are_they_come_out_where_they_stand(source: str, place: str) -> None:
    target, back = "%(source)s: hierva el agua en %(place)s por favor", "%(source)s: in %(place)s please boil the water"
    said = fill(target, {"source": source, "place": place})
    assert ReadBack(words(boil=(target, back))).text(said, "es") == fill(back, {"source": source, "place": place})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_a_text_has_a_note_with_the_same_slots(language: str) -> None:
    """Without it two people would answer for words that nobody told them the meaning of."""
    lacking = [
        context
        for context, target in SHIPPED.translations[language].items()
        if is_in_texts(SHIPPED.messages[context])
        and placeholders(SHIPPED.backs[language].get(context, "")) != placeholders(target)
    ]
    assert lacking == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_every_danger_is_read_back_whole(language: str) -> None:
    """What is left in the language's own words are names, times and links: nothing that stands between them."""
    known = sentences(SHIPPED, language)
    unread = []
    for hazard in SHIPPED.folders:
        for stage in STAGES:
            asked = subject(SHIPPED, hazard, stage, (ENGLISH, language))
            desk = Desk(subject=asked, words=SHIPPED, reviewed=arrange(()), allow_drafts=True)
            for wording in asked.wordings:
                said = desk.say("sms.txt", wording, language)
                if said.step is not Step.ENGLISH and not covered(sanitise(said.text).text, known):
                    unread.append((hazard, wording, said.text))
    assert unread == []


def covered(said: str, known: Sequence[Sentence]) -> bool:
    """Whether nothing but sentences with a note stands in it, and in those of its slots that hold sentences."""
    if found := widest(said, known):
        match = found[1]
        inner = [value for name, value in match.groupdict().items() if name in OF_SENTENCES]
        return all(covered(piece, known) for piece in (said[: match.start()], said[match.end() :], *inner))
    rest = NAMED.sub("", said)
    return sum(map(str.isalpha, rest)) <= MOMENT
