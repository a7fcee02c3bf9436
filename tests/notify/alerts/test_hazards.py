"""The catalogue that ships, the rule of how many people approve, and what a broken catalogue says about itself."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Certainty, Severity, Stage, Urgency
from notify.alerts.hazards import BadCatalogue, catalogue, parse, people_needed, renews

HAZARDS = catalogue()
FAST_PATH = {"wildfire_leave_now", "toxic_release", "gas_leak", "dam_failure", "outage_911", "dangerous_person"}
ONE_PERSON = {
    "water_main_break", "earthquake", "extreme_heat", "winter_storm", "smoke", "power_outage", "road_closed",
    "sewage_or_algae", "help_open", "test",
}  # fmt: skip

GOOD = """
title = "Boil tap water"
synonyms = ["boil water"]
categories = ["Health"]
oet = ["OET-144"]
same = "LAE"
response_type = "Execute"
urgency = "Immediate"
severity = "Severe"
certainty = "Observed"
expires_h = 24
people = 2
"""


def a_catalogue(extra: str = "", **tables: str) -> str:
    """TOML of the two hazards that must be there, the given tables, and extra lines."""
    whole = {"test": _named("Test") + "test = true", "other": _named("Emergency"), **tables}
    return "\n".join(f"[{key}]\n{body}" for key, body in whole.items()) + extra


def _named(title: str) -> str:
    return GOOD.replace("Boil tap water", title).replace("boil water", f"{title.lower()} words")


def problems_of(toml: str) -> list[str]:
    with pytest.raises(BadCatalogue) as caught:
        parse(toml)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_the_catalogue_holds_the_26_hazards_and_other() -> None:
    assert len(HAZARDS) == 27
    assert next(iter(HAZARDS)) == "boil_water"
    assert list(HAZARDS)[-2:] == ["test", "other"]
    assert all(key == hazard.key for key, hazard in HAZARDS.items())


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("fast_path = true", "flood: may_slow: an alert of the fast path is never slowed."),
        ('severity = "Extreme"', "flood: may_slow: an alert of Extreme severity is never slowed."),
    ],
)
def test_what_may_be_slowed_is_never_what_minutes_count_in(extra: str, said: str) -> None:
    flood = _named("Flood") + "may_slow = true\n"
    assert parse(a_catalogue(flood=flood))["flood"].may_slow and not HAZARDS["flood"].may_slow
    name = extra.partition(" ")[0]
    kept = "\n".join(line for line in flood.splitlines() if not line.startswith(name))
    assert problems_of(a_catalogue(flood=f"{kept}\n{extra}\n")) == [said]


def test_boiling_water_is_what_the_standards_say() -> None:
    boil = HAZARDS["boil_water"]
    assert boil.title == "Boil tap water"
    assert boil.categories == ("Health", "Infra")
    assert boil.event_codes == (("SAME", "LAE"), ("OET", "OET-144"), ("OET", "OET-047"))
    assert (boil.urgency, boil.severity, boil.certainty) == (Urgency.IMMEDIATE, Severity.SEVERE, Certainty.OBSERVED)
    assert boil.response_type == "Execute"
    assert boil.expires == timedelta(hours=24)
    assert boil.must_renew
    assert boil.people == 2
    assert boil.topics == ("WATER",)


def test_the_hazards_one_person_may_send_are_these() -> None:
    assert {key for key, hazard in HAZARDS.items() if hazard.people == 1} == ONE_PERSON


def test_the_fast_path_is_for_the_hazards_where_minutes_kill() -> None:
    assert {key for key, hazard in HAZARDS.items() if hazard.fast_path} == FAST_PATH


def test_no_hazard_originates_a_code_of_the_weather_service() -> None:
    for key in ("extreme_heat", "smoke", "water_main_break", "road_closed", "sewage_or_algae"):
        assert HAZARDS[key].same is None
        assert HAZARDS[key].note
        assert all(name == "OET" for name, _ in HAZARDS[key].event_codes)


def test_only_the_test_is_a_test_and_its_certainty_is_known() -> None:
    assert [key for key, hazard in HAZARDS.items() if hazard.test] == ["test"]
    assert HAZARDS["test"].certainty is Certainty.OBSERVED


def test_the_catalogue_cannot_be_changed_by_a_reader() -> None:
    with pytest.raises(TypeError):
        HAZARDS["boil_water"] = HAZARDS["flood"]  # type: ignore[index]


@given(st.sampled_from(sorted(HAZARDS)), st.sampled_from([Stage.CORRECTION, Stage.FALSE_ALARM]), st.integers(0, 10**6))
def test_taking_words_back_never_waits_for_a_second_person(key: str, stage: Stage, recipients: int) -> None:
    assert people_needed(HAZARDS[key], stage, recipients) == 1


@given(
    st.sampled_from(sorted(set(HAZARDS) - ONE_PERSON)),
    st.sampled_from([Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR, Stage.TEST]),
    st.integers(0, 10**6),
)
def test_a_two_person_hazard_needs_two_even_in_a_test(key: str, stage: Stage, recipients: int) -> None:
    assert people_needed(HAZARDS[key], stage, recipients) == 2


@pytest.mark.parametrize(("recipients", "people"), [(0, 1), (4, 1), (1_000, 1), (1_001, 2), (670_000, 2)])
@pytest.mark.parametrize(("key", "stage"), [("test", Stage.TEST), ("test", Stage.FIRST), ("smoke", Stage.TEST)])
def test_a_test_to_more_than_a_thousand_phones_needs_two(key: str, stage: Stage, recipients: int, people: int) -> None:
    assert people_needed(HAZARDS[key], stage, recipients) == people


def test_a_service_message_goes_out_on_one_persons_word() -> None:
    assert people_needed(HAZARDS["help_open"], Stage.FIRST, 500_000) == 1


def test_nothing_severe_ends_in_silence() -> None:
    assert renews(HAZARDS["do_not_drink"], Severity.SEVERE)
    assert renews(HAZARDS["smoke"], Severity.EXTREME)
    assert renews(HAZARDS["boil_water"], Severity.MINOR)
    assert not renews(HAZARDS["smoke"], Severity.MODERATE)


def test_a_small_catalogue_is_read() -> None:
    hazards = parse(a_catalogue(boil_water=GOOD))
    assert list(hazards) == ["test", "other", "boil_water"]
    assert replace(hazards["boil_water"], people=1).people == 1


def test_every_problem_is_told_at_once() -> None:
    bad = GOOD.replace('"Immediate"', '"Soon"').replace('"Health"', '"Wealth"').replace("people = 2", "people = 3")
    found = problems_of(a_catalogue(boil_water=bad + "colour = 'red'\n"))
    assert len(found) == 4
    assert all(sentence.startswith("boil_water: ") and sentence.endswith(".") for sentence in found)
    for field in ("urgency", "categories.0", "people", "colour"):
        assert any(f": {field}: " in sentence for sentence in found), field


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("expires_h = 24", "expires_h = 0", "expires_h"),
        ("expires_h = 24", "expires_h = true", "expires_h"),
        ("expires_h = 24", 'expires_h = "24"', "expires_h"),
        ("expires_h = 24", "", "expires_h"),
        ('title = "Boil tap water"', 'title = " "', "title"),
        ('title = "Boil tap water"', "", "title"),
        ('["boil water"]', '["Boil Water"]', "synonyms.0"),
        ('["OET-144"]', '["144"]', "oet.0"),
        ('"LAE"', '"lae"', "same"),
        ('"Severe"', '"Unknown"', "severity"),
        ('"Observed"', '"Unknown"', "certainty"),
        ('"Execute"', '"Run"', "response_type"),
        ("people = 2", "people = 2\ntopics = ['water']", "topics.0"),
    ],
)
def test_a_field_out_of_its_list_is_named(old: str, new: str, field: str) -> None:
    found = problems_of(a_catalogue(boil_water=GOOD.replace(old, new)))
    assert len(found) == 1
    assert found[0].startswith(f"boil_water: {field}: ")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            GOOD.replace("people = 2", "people = 1\nfast_path = true"),
            "boil_water: fast_path is for a second person, but people is 1.",
        ),
        (
            GOOD.replace('"LAE"', '"FFW"'),
            "boil_water: same = FFW is reserved for the National Weather Service.",
        ),
        (GOOD.replace('["Health"]', "[]"), "boil_water: categories needs at least one."),
        (GOOD.replace('same = "LAE"', ""), "boil_water: without a SAME code a note must say why."),
        (GOOD + "test = true", "boil_water: test = true belongs to the hazard named test, and to no other."),
        (GOOD.replace('"boil water"', '"emergency"'), 'boil_water: "emergency" already stands for other.'),
    ],
)
def test_contradictions_are_told(body: str, sentence: str) -> None:
    assert problems_of(a_catalogue(boil_water=body)) == [sentence]


def test_a_key_is_snake_case() -> None:
    found = problems_of(a_catalogue(BoilWater=GOOD))
    assert len(found) == 1
    assert found[0].startswith("BoilWater: key: ")


def test_a_lone_value_is_not_a_hazard() -> None:
    found = problems_of("boil_water = 3\n" + a_catalogue())
    assert len(found) == 1
    assert found[0].startswith("boil_water: ")


def test_test_and_other_must_be_there() -> None:
    assert problems_of(f"[boil_water]{GOOD}") == ["test: this hazard is missing.", "other: this hazard is missing."]


def test_broken_toml_is_a_sentence() -> None:
    (sentence,) = problems_of("[boil_water\n")
    assert sentence.startswith("The catalogue is not valid TOML: ")
    (twice,) = problems_of(f"[boil_water]{GOOD}[boil_water]{GOOD}")
    assert twice.startswith("The catalogue is not valid TOML: ")
