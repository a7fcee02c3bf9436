"""Scripts: a language is read whole or not at all, a version never changes, and who heard what can be said."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify import data
from notify.wording import sayings
from surge.contact import Standing
from surge.scripts import reading, script
from surge.scripts.facts import Said
from surge.scripts.script import Facts, Script
from surge.scripts.sources import books
from tests.surge.incident_factory import PAGE, SPANISH, a_book

NOW = datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
BOOK = a_book().runbook
FACTS: Facts = {
    "boil_minutes": {"en": Said(1, "3 minutes"), "es": Said(1, "3 minutos")},
    "next_update": {"en": Said(2, "4 PM"), "es": Said(2, "las 16 h")},
    "sites": {"en": Said(3, "Lents Park"), "es": Said(3, "Lents Park")},
}


def a_script(version: int = 1, facts: Facts = FACTS, page: str = PAGE) -> Script:
    book = a_book(page).runbook
    return Script(
        activation_id="S-1",
        version=version,
        book=book,
        facts=facts,
        steps=script.steps(book, facts, {"es": SPANISH}),
        published_by="lead",
        published_at=NOW,
    )


def said(made: Script, language: str, anchor: str = "boil") -> list[str]:
    step = made.step(anchor, language)
    assert step is not None
    return [one.text for one in step.says]


def without(name: str) -> Facts:
    return {key: value for key, value in FACTS.items() if key != name}


def test_facts_are_filled_in_whatever_is_read_or_told() -> None:
    made = a_script()
    assert said(made, "en") == ["Boil for 3 minutes. We speak again at 4 PM.", "Free water: Lents Park."]
    assert said(made, "es")[0] == "Hierva durante 3 minutos. Volveremos a hablar: las 16 h."
    step = made.step("boil")
    assert step is not None and step.told == ("The rule is 3 minutes.",)


def test_a_language_without_one_sentence_is_the_interpreters() -> None:
    lacks = {key: text for key, text in SPANISH.items() if key != "runbook.boil.end.1"}
    assert list(script.steps(BOOK, FACTS, {"es": lacks})) == ["en"]
    assert script.lacking(BOOK, FACTS, lacks, "es") == ["1 sentences have no reviewed words in es."]


def test_a_language_that_cannot_say_one_fact_is_the_interpreters() -> None:
    facts = FACTS | {"sites": {"en": Said(3, "At the park.")}}
    made = a_script(facts=facts)
    assert made.languages == ("en",) and said(made, "es") == said(made, "en")
    assert script.lacking(BOOK, facts, SPANISH, "es") == ["These facts cannot be said in es: sites."]


def test_a_sentence_whose_fact_was_taken_back_is_read_in_no_language() -> None:
    made = a_script(facts=without("sites"))
    assert made.languages == ("en", "es")
    assert len(said(made, "en")) == len(said(made, "es")) == 1
    step = made.step("boil")
    assert step is not None and step.told[0] == script.NOT_NOW
    assert script.withheld(made) == ["sites"]


def test_the_strip_says_what_is_new_and_what_it_was() -> None:
    before = a_script()
    assert script.changes(None, before) == "" == script.changes(before, a_script(2))
    after = a_script(2, FACTS | {"sites": {"en": Said(4, "Lents Park; Gateway Park")}})
    assert script.changes(before, after) == "Sites: Lents Park; Gateway Park (was Lents Park)"
    assert script.changes(before, a_script(2, without("sites"))) == "Sites: taken back (was Lents Park)"
    longer = PAGE.replace('Say: "Goodbye."', 'Say: "Thank you. Goodbye."')
    assert script.changes(before, a_script(2, page=longer)) == "End: other words"


@dataclass(frozen=True)
class Heard:
    contact_id: str
    standing: str
    script: int | None


def test_whoever_may_have_heard_a_fact_is_named_and_nobody_else() -> None:
    old, new = a_script(), a_script(2, FACTS | {"sites": {"en": Said(4, "Gateway Park")}})
    contacts = [
        Heard("talked", Standing.DONE, 1),
        Heard("talks", Standing.TALKING, 1),
        Heard("recording", Standing.SELF_SERVED, 1),
        Heard("hung up", Standing.ABANDONED, 1),
        Heard("waits", Standing.QUEUEING, 1),
        Heard("busy", Standing.BLOCKED, 1),
        Heard("newer", Standing.DONE, 2),
        Heard("no script", Standing.DONE, None),
    ]
    assert script.told([old, new], 3, contacts) == ["talked", "talks", "recording", "hung up"]
    assert script.told([old, new], 4, contacts) == ["newer"]
    assert script.told([old, new], 1, contacts) == ["talked", "talks", "recording", "hung up", "newer"]


def test_facts_come_back_from_the_database_as_they_were() -> None:
    assert script.facts_from(script.facts_json(FACTS)) == FACTS


@given(
    st.sets(st.sampled_from(sorted(SPANISH))), st.sets(st.sampled_from(sorted(FACTS))), st.sets(st.sampled_from(sorted(FACTS)))
)
def test_no_language_says_less_than_english_and_none_says_braces(words: set[str], there: set[str], spoken: set[str]) -> None:
    facts = {name: {"en": FACTS[name]["en"]} | ({"es": FACTS[name]["es"]} if name in spoken else {}) for name in there}
    found = script.steps(BOOK, facts, {"es": {key: SPANISH[key] for key in words}})
    for steps in found.values():
        assert [len(one.says) for one in steps] == [len(one.says) for one in found["en"]]
        assert not [one for step in steps for one in step.says if "{" in one.text or script.UNKNOWN in one.text]
    assert ("es" in found) == (words == set(SPANISH) and there <= spoken)


RUNBOOKS = data.folder("runbooks")


@pytest.mark.parametrize(
    "page", [one for one in sorted(RUNBOOKS.glob("*.md")) if one.name != "README.md"], ids=lambda one: one.stem
)
def test_what_translators_get_is_what_is_read_aloud(page: Path) -> None:
    book = reading.read(page.stem, page.read_text("utf-8"))
    theirs = {one.context: one.text for one in sayings.messages(RUNBOOKS) if one.file == f"runbooks/{page.name}"}
    assert theirs == {key: saying.text for key, _, saying in script.sentences(book)}


def test_every_runbook_with_a_script_can_be_chosen() -> None:
    assert "boil-water" in books(RUNBOOKS)


def test_a_runbook_that_cannot_be_used_is_left_out_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "boil.md").write_text(PAGE, "utf-8")
    (tmp_path / "broken.md").write_text(PAGE.replace("#emergency", "#nowhere"), "utf-8")
    (tmp_path / "README.md").write_text("# Runbooks", "utf-8")
    assert list(books(tmp_path)) == ["boil"]


def test_a_translation_that_lost_a_fact_counts_as_missing() -> None:
    (message, *_) = [one for one in sayings.messages(RUNBOOKS) if "{fact:boil_minutes}" in one.text]
    assert sayings.fault(message, "Hierva el agua.") == "its facts are not those of the English"
    assert sayings.fault(message, message.text) == ""
    assert sayings.fault(replace(message, text="a"), "a }") == "braces stand alone"


def test_the_catalogues_are_in_step_with_the_runbooks() -> None:
    assert sayings.stale(data.folder("templates"), RUNBOOKS) == [], "run `tocsin words extract`"
    assert sayings.load(data.folder("templates"), RUNBOOKS).faults == ()
