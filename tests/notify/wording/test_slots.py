"""What people fill in: every problem is a sentence, and every value reads right in every language."""

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import Encoding, encoding
from notify.alerts.alert import Wording
from notify.wording.slots import PLAIN, BadSlots, Kind, Slot, declared, in_language, long_time, moment, problems, short_time
from tests.notify.subjects import SENT, TAGS, ZONE


def a_slot(kind: Kind, **fields: Any) -> Slot:
    return Slot(**{"type": kind, "wordings": (Wording.FIRST,), "meaning": "what it is", "sample": "", **fields})


def found(slot: Slot, value: Any, **others: Any) -> tuple[str, ...]:
    known = {"it": slot, **{name: a_slot(Kind.CHOICE, values=(other,)) for name, other in others.items()}}
    return problems({"it": value, **others}, known, {Wording.FIRST: known})


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        (a_slot(Kind.PLACE), "Lents"),
        (a_slot(Kind.PLACE), {"en": "Lents", "ja": "レンツ"}),
        (a_slot(Kind.TIME), "2014-05-23T10:40-07:00"),
        (a_slot(Kind.TIME), SENT),
        (a_slot(Kind.NUMBER), 0),
        (a_slot(Kind.SITES), ["Lents Park", "Gateway Park"]),
        (a_slot(Kind.PHONE), "311, 503-823-4000"),
        (a_slot(Kind.URL), "https://alerts.example.gov/a/K7Q2"),
        (a_slot(Kind.CHOICE, values=("ecoli", "main_break")), "ecoli"),
        (a_slot(Kind.TEXT, sentence=True), "Stay away."),
        (a_slot(Kind.TEXT, sentence=True), {"en": "Stay away.", "zh-Hant": "請勿靠近。"}),
    ],
)
def test_a_value_of_the_right_type_has_no_problem(slot: Slot, value: Any) -> None:
    assert found(slot, value) == ()


@pytest.mark.parametrize(
    ("slot", "value", "sentence"),
    [
        (a_slot(Kind.PLACE), 7, "The slot it must be words, or words by language."),
        (a_slot(Kind.PLACE), {"es": "Lents"}, "The slot it must have its words in English (en) too."),
        (a_slot(Kind.PLACE), {"en": 1}, "The slot it must hold words for each language."),
        (a_slot(Kind.TIME), "soon", "The slot it must be a time like 2014-05-23T10:40-07:00."),
        (a_slot(Kind.TIME), 20140523, "The slot it must be a time like 2014-05-23T10:40-07:00."),
        (a_slot(Kind.TIME), "2014-05-23T10:40", "The slot it must say its time zone, like 2014-05-23T10:40-07:00."),
        (a_slot(Kind.NUMBER), -1, "The slot it must be a whole number."),
        (a_slot(Kind.NUMBER), True, "The slot it must be a whole number."),
        (a_slot(Kind.NUMBER), "3", "The slot it must be a whole number."),
        (a_slot(Kind.SITES), "Lents Park", "The slot it must be a list of names."),
        (a_slot(Kind.SITES), ["Lents Park", " "], "The slot it must be a list of names."),
        (a_slot(Kind.PHONE), "call us", "The slot it must be a telephone number."),
        (a_slot(Kind.URL), "http://example.gov", "The slot it must be an address that starts with https://."),
        (a_slot(Kind.CHOICE, values=("a", "b")), "c", "The slot it must be one of a, b."),
        (a_slot(Kind.CHOICE, values=("a", "b")), ["a"], "The slot it must be one of a, b."),
        (a_slot(Kind.TITLE), "Flood", "The slot it is filled in by the program."),
        (a_slot(Kind.TEXT, limit=5), "Go north", "The slot it has 8 characters, at most 5 fit."),
        (a_slot(Kind.TEXT, limit=5), {"en": "Go", "es": "Al norte"}, "The slot it has 8 characters, at most 5 fit."),
        (a_slot(Kind.TEXT, sentence=True), "Go north", "The slot it must end like a sentence, with a full stop."),
        (a_slot(Kind.TEXT), "Go\nnorth", "The slot it must be one line."),
        (a_slot(Kind.PLACE), "Lents\u2028Park", "The slot it must be one line."),
    ],
)
def test_what_is_wrong_with_a_value_is_a_sentence(slot: Slot, value: Any, sentence: str) -> None:
    assert found(slot, value) == (sentence,)


def test_hidden_controls_that_change_the_reading_order_are_refused() -> None:
    (sentence,) = found(a_slot(Kind.PLACE), "Lents\u202e")
    assert sentence.startswith("The slot it: ") and "U+202E" in sentence


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_a_needed_slot_that_is_empty_says_what_is_missing(nothing: Any) -> None:
    assert found(a_slot(Kind.PLACE), nothing) == ("The slot it is empty: what it is.",)
    assert found(a_slot(Kind.PLACE, optional=True), nothing) == ()


def test_a_slot_is_needed_only_in_its_wordings_and_when_another_says_so() -> None:
    slot = a_slot(Kind.TEXT, when={"mistake": "fact"})
    assert found(slot, "", mistake="area") == ()
    assert found(slot, "", mistake="fact") == ("The slot it is empty: what it is.",)
    assert problems({}, {"it": slot}, {Wording.UPDATE: {"it": slot}}) == ()


def test_every_problem_is_named_at_once() -> None:
    known = {"number": a_slot(Kind.NUMBER), "place": a_slot(Kind.PLACE), "cause": a_slot(Kind.CHOICE, values=("a",))}
    sentences = problems({"number": "many", "cause": "b"}, known, {Wording.FIRST: known})
    assert [sentence.split()[2] for sentence in sentences] == ["number", "place", "cause"]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(Kind), json)
def test_whatever_a_form_sends_is_answered_with_sentences(kind: Kind, value: Any) -> None:
    for sentence in found(a_slot(kind, values=("a",), limit=5, sentence=True), value):
        assert sentence.startswith("The slot it") and sentence.endswith(".")


def test_a_file_of_slots_with_mistakes_names_them_all(tmp_path: Path) -> None:
    path = tmp_path / "boil_water" / "slots.toml"
    path.parent.mkdir()
    path.write_text(
        '[cause]\ntype = "choise"\nmeaning = "why"\nsample = ""\n[place]\ntype = "place"\nmening = "x"\nsample = ""\n'
    )
    with pytest.raises(BadSlots) as caught:
        declared(path)
    assert len(str(caught.value).splitlines()) == 3
    path.write_text("[cause")
    with pytest.raises(BadSlots, match="not TOML"):
        declared(path)


def test_words_given_in_a_language_are_said_in_that_language_only() -> None:
    assert in_language("Stay away.", "en") == "Stay away."
    assert in_language("Stay away.", "es") is None
    assert in_language({"en": "Stay away.", "es": "No se acerque."}, "es") == "No se acerque."


@pytest.mark.parametrize(
    ("language", "short", "long"),
    [
        ("en", "Fri 10:40 AM", "Fri, May 23, 10:40 AM"),
        ("es", "vie 10:40 a.m.", "vie, 23 de may, 10:40 a.m."),
        ("vi", "10:40 Th 6", "10:40 Th 6, 23 thg 5"),
        ("zh-Hant", "週五 上午10:40", "5月23日 週五 上午10:40"),
        ("ru", "пт 10:40", "пт, 23 мая, 10:40"),
        ("so", "Jmc 10:40", "Jmc, May 23 10:40"),
        ("ar", "الجمعة 10:40 ص", "الجمعة، 23 مايو، 10:40 ص"),
        ("ko", "금 오전 10:40", "5월 23일 (금) 오전 10:40"),
    ],
)
def test_a_time_reads_as_residents_write_it(language: str, short: str, long: str) -> None:
    assert (short_time(SENT, language, ZONE), long_time(SENT, language, ZONE)) == (short, long)


def test_a_full_hour_is_written_in_korean_as_people_write_it() -> None:
    assert short_time(datetime(2014, 5, 23, 15, 0, tzinfo=ZONE), "ko", ZONE) == "금 오후 3시"


moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(moments, st.sampled_from(list(TAGS)))
def test_no_time_has_an_unseen_character_or_foreign_digits(at: datetime, language: str) -> None:
    for written in (short_time(at, language, ZONE), long_time(at, language, ZONE)):
        assert not {"\u00a0", "\u202f", "\u200f", "\u200e"} & set(written)
        assert {character for character in written if character.isdigit()} <= set(string.digits)
        assert f"{at.astimezone(ZONE):%M}" in written or (language == "ko" and not at.minute and written.endswith("시"))


@given(moments, st.sampled_from(list(TAGS)))
def test_morning_and_evening_never_read_the_same(at: datetime, language: str) -> None:
    assert short_time(at, language, ZONE) != short_time(at + timedelta(hours=12), language, ZONE)


def test_times_come_as_text_or_as_times() -> None:
    assert moment("2014-05-23T10:40-07:00") == SENT == moment(SENT)


@pytest.mark.parametrize("language", sorted(PLAIN))
def test_a_text_costs_the_same_on_every_weekday(language: str) -> None:
    """ "sáb" would make every Spanish text of a Saturday cost twice as much."""
    for day in range(7):
        at = datetime(2014, 5, 19 + day, 22, 45, tzinfo=UTC)
        assert encoding(short_time(at, language, ZONE)) is Encoding.GSM_7
    saturday = datetime(2014, 5, 24, 22, 45, tzinfo=UTC)
    if language == "es":
        assert short_time(saturday, "es", ZONE).startswith("sab")
        assert "sáb" in long_time(saturday, "es", ZONE)
