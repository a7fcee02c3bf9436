"""Facts: what counts now, what may be entered, and how a value is read in each language."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.scripts import facts
from surge.scripts.facts import SAME, Fact, Wanted
from surge.scripts.runbook import FactSlot
from tests.surge.incident_factory import a_book

NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("America/Los_Angeles")
MINUTES = FactSlot(name="boil_minutes", asks="How long?", unit="minutes")
WORDS = FactSlot(name="sites", asks="Where?")


def a_fact(number: int, value: str, language: str = SAME, name: str = "sites", **more: object) -> Fact:
    given: dict[str, object] = {
        "fact_id": number,
        "name": name,
        "language": language,
        "rev": number,
        "value": value,
        "issued_by": "Health officer",
        "valid_from": NOW - HOUR,
        "entered_by": "lead",
        "entered_at": NOW - HOUR,
    }
    return Fact(**given | more)  # type: ignore[arg-type]


def counting(*listed: Fact) -> dict[str, str]:
    return {tag: one.value for tag, one in facts.held(listed, NOW).get("sites", {}).items()}


def test_the_newest_value_counts() -> None:
    assert counting(a_fact(1, "three"), a_fact(2, "five")) == {SAME: "five"}


def test_a_translation_of_yesterdays_sentence_is_not_read_today() -> None:
    old = [a_fact(1, "At the park.", "en"), a_fact(2, "En el parque.", "es")]
    assert counting(*old) == {"en": "At the park.", "es": "En el parque."}
    assert counting(*old, a_fact(3, "At the school.", "en")) == {"en": "At the school."}
    assert counting(*old, a_fact(3, "Lents Park")) == {SAME: "Lents Park"}


def test_nobody_goes_back_to_the_value_before_the_one_that_was_recalled() -> None:
    assert counting(a_fact(1, "three"), a_fact(2, "five", recalled_at=NOW)) == {}


def test_a_value_holds_from_its_beginning_to_its_end() -> None:
    assert counting(a_fact(1, "three"), a_fact(2, "five", valid_from=NOW + HOUR)) == {SAME: "three"}
    assert counting(a_fact(1, "three", valid_to=NOW)) == {}
    assert counting(a_fact(1, "three", valid_to=NOW + HOUR)) == {SAME: "three"}


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "3 minutes"), ("es", "3 minutos"), ("vi", "3 phút"), ("ru", "3 минуты"), ("ar", "3 دقائق"), ("zh-Hant", "3 分鐘")],
)
def test_a_number_is_read_with_its_unit_in_every_language(language: str, said: str) -> None:
    found = facts.read(MINUTES, {SAME: a_fact(7, "3")}, language, ZONE)
    assert found is not None and (found.fact_id, found.value) == (7, said)


@pytest.mark.parametrize("unit", sorted(facts.UNITS))
@pytest.mark.parametrize(
    "language", ["en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko", "tlh", "x-y"]
)
def test_no_language_reads_the_name_that_a_program_has_for_a_unit(unit: str, language: str) -> None:
    found = facts.read(FactSlot(name="x", asks="?", unit=unit), {SAME: a_fact(7, "3")}, language, ZONE)
    assert found is None or "-" not in found.value


def test_one_minute_is_no_minutes() -> None:
    found = facts.read(MINUTES, {SAME: a_fact(7, "1")}, "en", ZONE)
    assert found is not None and found.value == "1 minute"


def test_a_unit_that_only_english_names_is_not_read_in_other_languages() -> None:
    batches = FactSlot(name="ice", asks="How many?", unit="batches")
    held = {SAME: a_fact(7, "2")}
    assert facts.read(batches, held, "es", ZONE) is None
    english = facts.read(batches, held, "en", ZONE)
    assert english is not None and english.value == "2 batches"
    spanish = facts.read(batches, held | {"es": a_fact(8, "2 tandas", "es")}, "es", ZONE)
    assert spanish is not None and spanish.value == "2 tandas"


def test_a_time_is_read_by_the_clock_of_the_city_in_the_language() -> None:
    held = {SAME: a_fact(7, "2026-05-04T23:00+00:00")}
    said = [facts.read(WORDS, held, tag, ZONE) for tag in ("en", "es")]
    assert [one.value for one in said if one] == ["Mon, May 4, 4:00 PM", "lun, 4 de may, 4:00 p.m."]


def test_english_words_are_read_in_english_only() -> None:
    held = {"en": a_fact(7, "At the park.", "en")}
    assert facts.read(WORDS, held, "es", ZONE) is None
    assert facts.read(WORDS, held, "en", ZONE) is not None


def wanted(value: str, language: str = SAME, **more: object) -> Wanted:
    given: dict[str, object] = {"name": "x", "values": {language: value}, "issued_by": "Health officer", "valid_from": NOW}
    return Wanted(**given | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slot", "entered", "why"),
    [
        (MINUTES, wanted("three"), "it is a number of minutes"),
        (MINUTES, wanted(""), "it is empty"),
        (WORDS, wanted("a\nb"), "one line"),
        (WORDS, wanted("{fact:other}"), "braces"),
        (WORDS, wanted("x" * 401), "at most 400"),
        (WORDS, wanted("evil \u202e txet"), "U+202E"),
        (WORDS, wanted("sí", "es"), "in English"),
        (WORDS, wanted("a", values={"": "a", "en": "b"}), "cannot be both"),
        (WORDS, wanted("a", issued_by=" "), "who issued it"),
        (WORDS, wanted("a", valid_to=NOW), "end before it begins"),
    ],
)
def test_what_nobody_could_read_aloud_is_refused(slot: FactSlot, entered: Wanted, why: str) -> None:
    assert any(why in sentence for sentence in facts.wrong(slot, entered)), facts.wrong(slot, entered)


def test_every_missing_fact_says_why_and_whom_to_ask() -> None:
    book = a_book().runbook
    listed = [
        a_fact(1, "3", name="boil_minutes", recalled_at=NOW),
        a_fact(2, "2026-05-04T18:00+00:00", name="next_update", valid_to=NOW - HOUR / 2),
        a_fact(3, "x", valid_from=NOW + HOUR),
    ]
    assert facts.problems(book, listed, NOW) == [
        "boil_minutes: recalled, and nothing has taken its place. How long?",
        "next_update: what was known has run out. When does the City speak next?",
        "sites: it holds from 2026-05-04 20:00 UTC on only. Where is water?",
    ]


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from([SAME, "en", "es", "vi"]), st.booleans(), st.integers(-3, 3), st.one_of(st.none(), st.integers(-2, 5))
    ),
    max_size=12,
)


@given(ENTRIES)
def test_no_value_counts_that_is_older_than_its_english_or_was_taken_back(
    entries: list[tuple[str, bool, int, int | None]],
) -> None:
    listed = [
        a_fact(
            number,
            f"v{number}",
            language,
            valid_from=NOW + start * HOUR,
            valid_to=None if length is None else NOW + length * HOUR,
            recalled_at=NOW if recalled else None,
        )
        for number, (language, recalled, start, length) in enumerate(entries, 1)
    ]
    found = facts.held(listed, NOW).get("sites", {})
    begun = [one for one in listed if one.valid_from <= NOW]
    bases = [one for one in begun if one.language in (SAME, "en")]
    if not found:
        assert not bases or bases[-1].recalled_at or (bases[-1].valid_to is not None and bases[-1].valid_to <= NOW)
        return
    assert bases[-1] in found.values()
    for one in found.values():
        assert one.recalled_at is None and one.fact_id >= bases[-1].fact_id
        assert one.valid_from <= NOW and (one.valid_to is None or one.valid_to > NOW)
        assert one is [each for each in begun if each.language == one.language][-1]
