import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.wording.plain_language import AIM, SAY, advice, grade, report

PLAIN = "Boil your tap water for one full minute. Then let it cool. Do not drink it before that. We tell you when it is safe."
OFFICIAL = (
    "Residents are advised to utilize sufficient quantities of boiled water prior to consumption in the event of "
    "microbiological contamination of the municipal distribution infrastructure until subsequent notification is issued."
)


def test_plain_words_are_easy_and_official_ones_are_not() -> None:
    easy, hard = grade(PLAIN), grade(OFFICIAL)
    assert easy is not None and hard is not None
    assert easy < 3 < AIM < 15 < hard
    assert advice(PLAIN) == []


def test_advice_names_each_hard_word_and_each_long_sentence() -> None:
    found = advice(OFFICIAL)
    for hard in ("utilize", "sufficient", "prior to", "in the event of", "subsequent"):
        assert f"Instead of '{hard}' say '{SAY[hard]}'." in found
    assert any(line.startswith("A sentence of ") for line in found)


@pytest.mark.parametrize(("text", "words"), [("Leave now.", None), ("", None), ("alerts.example.gov/a/K7Q2X " * 20, None)])
def test_a_few_words_have_no_grade(text: str, words: None) -> None:
    assert grade(text) is words


def test_an_address_is_no_word_and_ends_no_sentence() -> None:
    assert grade(f"{PLAIN} https://alerts.example.gov/a/K7Q2X") == grade(PLAIN)


@given(st.text(max_size=400))
def test_no_text_whatever_makes_it_fail(text: str) -> None:
    found = grade(text)
    assert found is None or -20 < found < 1_000
    assert all(line for line in advice(text))


def test_a_report_names_the_hardest_message_first_and_leaves_slots_out() -> None:
    found = report({"plain": PLAIN, "hard": OFFICIAL, "slots": "%(source)s %(place)s %(url)s"})
    assert found[0].startswith("English: half of 2 messages need grade") and found[1].startswith("hard: grade")
    assert not any(line.startswith(("plain:", "slots:")) for line in found)
    assert report({}) == []
