"""A place with a hello, a thank you or the name of a language around it: the place is kept, and the words tell the language."""

import tomllib

import pytest

from subscribers.dialog.hearing import fold
from subscribers.dialog.lexicon import Family
from subscribers.dialog.turn import Keep, Known, Reply, Speak, Tongue
from subscribers.place import in_words
from tests.subscribers.dialog.subjects import ACTIVE, LEXICON, VOCABULARY, answer, keys

PLACES = {"97206": "97206", "Lents": "Lents", "St Johns": "St Johns", "1120 SW 5th Ave": "1100 block SW 5th Ave"}
FORMS = ("{word} {place}", "{place} {word}", "{word}, {place}", "{word}!\n{place}", "{place}. {word}")
CODES = {"en": "EN", "es": "ES", "vi": "VI", "zh-Hant": "ZH", "ru": "RU", "uk": "UK", "ro": "RO", "so": "SO", "ar": "AR"}
CODES |= {"ja": "JA", "lo": "LO", "ko": "KO"}
NEW = Known()


def words_of(language: str, family: Family) -> list[str]:
    """The words that only this language has: one that another has as well may tell of either."""
    listed = tomllib.loads((VOCABULARY / f"{language}.toml").read_text("utf-8"))[family]
    return [word for word in listed if LEXICON.families[family].languages[fold(word)] == (language,)]


def outcome(text: str, known: Known = NEW) -> tuple[list[str], str]:
    """The places kept, in words, and the language of the answer."""
    turn = answer(known, text)
    kept = [in_words(act.spot) for act in turn.acts if isinstance(act, Keep)]
    return kept, next((reply.language for reply in turn.replies if isinstance(reply, Reply)), "")


@pytest.mark.parametrize("language", sorted(CODES))
@pytest.mark.parametrize("family", [Family.GREETING, Family.COURTESY])
def test_a_hello_or_a_thank_you_hides_no_place_and_tells_the_language(language: str, family: Family) -> None:
    wrong = {}
    for word in words_of(language, family):
        for place, wanted in PLACES.items():
            for form in FORMS:
                text = form.format(word=word, place=place)
                if (got := outcome(text)) != ([wanted], language):
                    wrong[text] = got
    assert wrong == {}


@pytest.mark.parametrize("language", sorted(CODES))
def test_a_language_named_beside_a_place_is_chosen(language: str) -> None:
    names = [word for word in words_of(language, Family.NAMES) if len(word) > 3 or not word.isascii()]
    assert names
    for name in names:
        for place, wanted in PLACES.items():
            for form in ("{word} {place}", "{place} {word}", "{word}, {place}"):
                text = form.format(word=name, place=place)
                assert outcome(text) == ([wanted], language), text
                turn = answer(NEW, text)
                assert Speak(language) in turn.acts and turn.memory.tongue is Tongue.CHOSEN


@pytest.mark.parametrize(("language", "code"), sorted(CODES.items()))
def test_a_code_in_capitals_beside_digits_is_a_language(language: str, code: str) -> None:
    for text in (f"{code} 97206", f"97206 {code}", f"{code}, 97206"):
        assert outcome(text) == (["97206"], language), text
        assert outcome(text, ACTIVE)[1] == language, "a language asked for counts whatever is saved"


def test_small_words_that_are_codes_as_well_choose_nothing() -> None:
    for text in ("so 97206", "lo 97206", "97206 is it ok", "en 97206"):
        assert not any(isinstance(act, Speak) and not act.guessed for act in answer(NEW, text).acts), text


@pytest.mark.parametrize("text", ["97206 no hablo english", "I live in 97206 and do not speak English", "English muffins"])
def test_a_language_that_somebody_does_not_speak_is_not_chosen_for_them(text: str) -> None:
    assert Speak("en") not in answer(NEW, text).acts


def test_a_language_named_beside_words_that_are_no_place_changes_nothing() -> None:
    turn = answer(ACTIVE, "russian dressing")
    assert not any(isinstance(act, Speak) for act in turn.acts) and keys(turn) == ["M27"]


def test_a_label_with_thanks_is_the_label() -> None:
    assert outcome("ADD WORK 97206, gracias", ACTIVE)[0] == ["97206"]
