"""The words that ship: what the law, the evidence and the handsets ask of every text, page and CAP message."""

import re
from dataclasses import replace
from functools import cache

import pytest

from channels.text import Encoding, measure
from notify.alerts.alert import Mode, Stage, Wording
from notify.alerts.hazards import catalogue
from notify.wording import catalogs, glossary, proofs
from notify.wording.phrasing import blocks
from notify.wording.proofs import Row
from notify.wording.render import Rendering, problems, render
from notify.wording.reviews import promised
from notify.wording.slots import ENGLISH
from notify.wording.words import placeholders
from tests.notify.subjects import TAGS, TEMPLATES, a_subject, reviews_of, the_words

FIRST_UNITS = 70
ACTIONS = {
    "water_main_break": "SAVE WATER.",
    "wildfire_get_ready": "GET READY TO LEAVE.",
    "structure_fire": "STAY AWAY from the area.",
    "flood": "GO TO HIGHER GROUND now.",
    "landslide": "MOVE AWAY from steep slopes.",
    "earthquake": "DROP, COVER, HOLD ON",
    "extreme_heat": "STAY COOL and drink water.",
    "winter_storm": "STAY OFF THE ROADS.",
    "power_outage": "STAY AWAY from fallen wires.",
    "outage_911": "CALL 503-555-0111, not 911.",
    "missing_person": "CALL 911 if you see this missing person: Ana Perez.",
    "dangerous_person": "STAY INSIDE and lock the doors.",
    "road_closed": "CLOSED TO TRAFFIC: Ross Island Bridge.",
    "disease_outbreak": "STAY HOME and call a doctor.",
    "sewage_or_algae": "STAY OUT OF THE WATER.",
    "help_open": "CHARGE phones and medical devices here:",
}
URL = re.compile(r"\nalerts\.example\.gov/([a-zA-Z-]+/)?a/K7Q2$")
DO = (
    "BOIL",
    "boil",
    "Keep boiling",
    "Call",
    "call",
    "Go ",
    "LEAVE",
    "STAY",
    "Stay",
    "Move",
    "You ",
    "you ",
    "Your ",
    "No action",
    "DO NOT",
    "Do not",
    "do NOT",
    "CALL",
    "CHARGE",
)
FILLED = {"sites_number", "statements", "danger", "over"}  # what the program makes of slots and controlled sentences
CUT_TO_FIT = ("sms.evacuate_now", "sms.stay_inside")  # English has the room for what the engine adds to the bare words
JARGON = (
    "advisory",
    "turbidity",
    "coliform",
    "precaution",
    "contaminant",
    "Level ",
    "shelter in place",
    "imminent",
    "commence",
)


@cache
def rows(*, typed: bool) -> tuple[Row, ...]:
    return proofs.table(the_words(), typed=typed)


def texts(language: str = ENGLISH) -> list[Row]:
    return [row for row in rows(typed=True) if row.language == language and not row.context.startswith(("dialog.", "callers."))]


@cache
def everywhere() -> Rendering:
    return render(a_subject(), the_words(), (), TAGS, allow_drafts=True)


@cache
def english(hazard: str, stage: Stage, mode: Mode = Mode.LIVE) -> Rendering:
    known = the_words()
    return render(a_subject(hazard, stage, mode=mode), known, reviews_of(known, ENGLISH), {"en": "en-US"}, allow_drafts=False)


def test_the_catalogues_are_in_step_with_the_templates() -> None:
    assert catalogs.stale(TEMPLATES) == ()


def test_every_translation_that_ships_can_be_used_and_fits() -> None:
    assert proofs.problems(the_words()) == ()


def test_words_that_every_alert_must_say_the_same_way_are_said_that_way() -> None:
    assert list(glossary.problems(the_words())) == []
    terms = glossary.read(TEMPLATES)
    assert all(set(TAGS) - {ENGLISH} <= set(term) for term in terms.values())


def test_another_word_for_a_locked_one_is_found() -> None:
    known = the_words()
    said = {**known.translations["es"], "page.generic.title.false_alarm": "Todo bien: %(hazard)s"}
    changed = replace(known, translations={**known.translations, "es": said})
    (sentence,) = glossary.problems(changed, "es")
    assert sentence == "page.generic.title.false_alarm in es has none of the words for false_alarm: falsa alarma."


def test_every_hazard_has_words_and_a_title() -> None:
    known = the_words()
    assert set(known.folders) == set(catalogue())
    assert {context.removeprefix("hazard.") for context in known.messages if context.startswith("hazard.")} == set(catalogue())
    assert set(known.dangers) <= set(catalogue())


def test_every_language_of_the_city_is_promised_something() -> None:
    assert set(the_words().languages()) == set(TAGS)


@pytest.mark.parametrize("language", TAGS)
def test_a_language_that_has_begun_has_all_that_it_was_promised(language: str) -> None:
    wanted = {message.context for message in promised(the_words(), language)}
    missing = {context for context in wanted if the_words().text(context, language) is None}
    assert missing in (set(), wanted)


@pytest.mark.parametrize("hazard", catalogue())
def test_every_hazard_can_be_said_in_every_stage(hazard: str) -> None:
    for stage in Stage:
        assert problems(a_subject(hazard, stage), the_words()) == ()
        rendering = english(hazard, stage)
        assert rendering.problems == () and len(rendering.pages) == 1
        (info,) = rendering.infos
        assert len({info.headline, info.description, info.instruction}) == 3 and len(info.headline) < 140


def test_whoever_is_texted_finds_the_same_words_on_the_page_and_in_cap() -> None:
    known = the_words()
    for folder in set(known.folders.values()):
        said = blocks(TEMPLATES, f"{folder}/sms.txt") - {Wording.SHORT}
        assert blocks(TEMPLATES, f"{folder}/page.txt") == said
        assert blocks(TEMPLATES, f"{folder}/cap.txt") == said - {Wording.OUTSIDE}
    for wording in Wording:
        if wording is not Wording.SHORT:
            folder = "test" if wording is Wording.TEST else "generic"
            assert wording in blocks(TEMPLATES, f"{folder}/sms.txt")


def test_every_placeholder_is_a_slot_of_its_folder() -> None:
    known = the_words()
    for message in known.messages.values():
        assert placeholders(message.text) <= set(known.declared(message.domain)) | FILLED, message.context


def test_every_message_tells_its_translator_what_it_is_for() -> None:
    assert [message.context for message in the_words().messages.values() if not message.comment] == []


@pytest.mark.parametrize("language", ["en", "es", "so"])
def test_languages_that_can_are_written_in_gsm_letters(language: str) -> None:
    assert [row.context for row in texts(language) if row.encoding is not Encoding.GSM_7] == []


@pytest.mark.parametrize("language", TAGS)
def test_no_text_has_more_parts_than_it_may(language: str) -> None:
    found = [row for row in rows(typed=False) if row.language == language]
    assert [(row.context, row.parts) for row in found if row.parts > row.most_parts] == []


@pytest.mark.parametrize("language", TAGS)
def test_the_link_stands_alone_on_the_last_line(language: str) -> None:
    assert [row.context for row in texts(language) if not URL.search(row.text)] == []


@pytest.mark.parametrize("language", TAGS)
def test_who_speaks_is_named_in_every_text(language: str) -> None:
    assert [row.context for row in texts(language) if "Portland Water" not in row.text] == []


def test_what_to_do_stands_in_the_first_seventy_letters() -> None:
    wanted = {
        "sms.boil_water": "BOIL TAP WATER 1",
        "sms.do_not_drink": "DO NOT DRINK TAP WATER.",
        "sms.do_not_use": "DO NOT USE TAP WATER",
        "sms.evacuate_now": "LEAVE NOW",
        "sms.stay_inside": "STAY INSIDE",
        "sms.generic.first.instruction": "Move to higher ground now.",
        "sms.other": "Stay away from SW 5th Ave.",
    }
    for row in texts():
        for start, action in wanted.items():
            if row.context.startswith(start) and (".first" in row.context or ".short" in row.context):
                assert action in row.text[:FIRST_UNITS], row.context
    for hazard, action in ACTIONS.items():
        assert action in english(hazard, Stage.FIRST).contents["sms/first/en"].body[:FIRST_UNITS], hazard


@pytest.mark.parametrize("hazard", [hazard for hazard in catalogue() if hazard not in ("test", "other")])
def test_every_hazard_has_words_of_its_own_that_fit_two_parts(hazard: str) -> None:
    assert the_words().folders[hazard] != "generic"
    rendering = english(hazard, Stage.FIRST)
    size, body = rendering.measures["sms/first/en"], rendering.contents["sms/first/en"].body
    assert size.parts <= 2 and size.units <= 260
    assert "Portland Water: " in body and "Outer East Portland" in body


def test_the_hazards_that_controlled_sentences_speak_for_are_those_of_their_folder() -> None:
    known = the_words()
    assert set(known.guidance) == {hazard for hazard, folder in known.folders.items() if folder == "protect"} == set(ACTIONS)


@pytest.mark.parametrize("hazard", ["do_not_drink", "do_not_use"])
@pytest.mark.parametrize("stage", Stage)
def test_nobody_is_told_to_boil_water_that_has_a_chemical_in_it(hazard: str, stage: Stage) -> None:
    for content in english(hazard, stage).contents.values():
        for sentence in re.split(r"(?<=[.?!])\s", content.body):
            if "boil" in sentence.casefold():
                assert re.search(r"(?i)\bno\b|\bnot\b|never|worse|can i boil", sentence), sentence


@pytest.mark.parametrize("hazard", ["do_not_drink", "do_not_use"])
@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE, Stage.CORRECTION])
def test_a_chemical_notice_carries_all_ten_elements_in_order(hazard: str, stage: Stage) -> None:
    facts = english(hazard, stage).pages[0].facts[:10]
    assert [question for question, _ in facts] == list(ELEMENTS)
    assert all(answer for _, answer in facts)
    assert facts[0][1].endswith("in the tap water: perchlorate. Amount found: 12 mg/L.")


@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE, Stage.CORRECTION])
def test_nobody_is_sent_to_911_while_it_is_down(stage: Stage) -> None:
    for content in english("outage_911", stage).contents.values():
        assert not re.search(r"[Cc]all 911", content.body.replace("Do not call 911 to see if it works", "")), content.body


def test_a_controlled_sentence_without_its_slot_is_not_said() -> None:
    """A correction carries what the first alert said, but need not: what is not there leaves no gap behind."""
    for hazard in the_words().guidance:
        for step in english(hazard, Stage.CORRECTION).pages[0].steps:
            assert not re.search(r"[:,] ?[.,]|\bcall [.,]|  ", step), step


def test_a_link_is_never_the_only_guidance() -> None:
    for row in texts():
        if not row.context.endswith("correction.fact"):  # there the right fact, typed by staff, is the guidance
            assert any(word in row.text.rpartition("\n")[0] for word in DO), row.context


def test_every_text_says_a_time() -> None:
    for row in texts():
        if row.context.startswith(CUT_TO_FIT):
            said = [english(hazard, Stage.FIRST).contents["sms/first/en"].body for hazard in ("gas_leak", "toxic_release")]
            assert all(re.search(r"from now|Fri \d", body) for body in said)
        elif ".false_alarm" not in row.context and ".correction" not in row.context:
            assert re.search(r"from now|until|Fri \d", row.text), row.context


def test_a_correction_a_false_alarm_and_an_all_clear_say_so_first() -> None:
    for wording, start in (("correction", "CORRECTION"), ("false_alarm", "FALSE ALARM"), ("all_clear", "ALL CLEAR")):
        found = [row.text for row in texts() if row.context.split(".")[2] == wording]
        assert found and all(text.startswith(f"Portland Water: {start}") for text in found)


def test_a_test_says_what_it_is_in_the_first_seventy_letters_and_never_the_opposite() -> None:
    for row in texts():
        if row.context.endswith(".test"):
            assert (
                row.text.startswith("TEST ONLY. No emergency. No action needed.")
                and len("TEST ONLY. No emergency. No action needed.") < 70
            )
    for message in the_words().messages.values():
        assert "drill" not in message.text.casefold()


@pytest.mark.parametrize("language", TAGS)
def test_an_exercise_says_so_in_seventy_units_of_any_language(language: str) -> None:
    said = the_words().text("line.exercise", language)
    assert said is None or len(said.encode("utf-16-le")) // 2 <= FIRST_UNITS


def test_capitals_are_for_the_danger_and_the_action_only() -> None:
    said = [(row.context, row.text) for row in texts() if not row.context.startswith(CUT_TO_FIT)]
    for hazard in ("gas_leak", "toxic_release"):
        for stage in (Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR):
            said.append((f"{hazard} {stage}", english(hazard, stage).contents[f"sms/{stage}/en"].body))
    for context, text in said:
        spoken = "".join(filter(str.isalpha, text.rpartition("\n")[0]))
        assert sum(map(str.isupper, spoken)) / len(spoken) < 0.25, context


def test_residents_are_spoken_to_in_plain_words() -> None:
    required = {"page.boil_water.a3.ecoli", "page.boil_water.a3.germs", "page.boil_water.a10", "page.do_not_drink.a3.nitrate"}
    for message in the_words().messages.values():
        if message.context not in required:
            assert [word for word in JARGON if word in message.text] == [], message.context


def test_sentences_are_short() -> None:
    """Fourteen words on average; sentences that federal rule prescribes are not ours to shorten."""
    for row in texts():
        sentences = re.split(r"[.:?!] ", row.text.rpartition("\n")[0])
        assert sum(len(sentence.split()) for sentence in sentences) / len(sentences) <= 14, row.context


ELEMENTS = {  # 40 CFR 141.205(a): what each of the ten answers must hold
    "What happened?": ("E. coli", "Samples with E. coli: 3"),
    "When did it happen?": ("Thu, May 22, 2:00 PM", "Fri, May 23, 8:15 AM"),
    "How can the water make me sick?": ("short-term effects", "diarrhea"),
    "Who is most at risk?": ("Babies", "older people", "weak immune system"),
    "Should I use other water?": ("Yes.", "bottled water"),
    "What should I do, and when should I see a doctor?": ("numbered steps", "See a doctor"),
    "What are you doing about it?": ("We are testing the water",),
    "When will it be over?": ("We do not know yet.",),
    "Who can answer my questions?": ("Portland Water Bureau", "1120 SW 5th Ave", "503-823-4000"),
    "Who else should know?": ("Please share this information",),
}


@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE, Stage.CORRECTION])
def test_page_and_mail_of_a_water_notice_carry_all_ten_elements_in_order(stage: Stage) -> None:
    rendering = english("boil_water", stage)
    facts = rendering.pages[0].facts[:10]
    assert [question for question, _ in facts] == list(ELEMENTS)
    mail = rendering.contents[f"email/{stage}/en"]
    for (_, answer), held in zip(facts, ELEMENTS.values(), strict=True):
        assert all(words in answer for words in held), answer
        assert answer in mail.body


def test_what_federal_rule_prescribes_is_said_word_for_word() -> None:
    """40 CFR 141 subpart Q, appendix B (E. coli; entry 1d), and 40 CFR 141.205(d)(3)."""
    said = {context: message.text for context, message in the_words().messages.items()}
    assert said["page.boil_water.a3.ecoli"] == (
        "E. coli are bacteria whose presence indicates that the water may be contaminated with human or animal wastes. "
        "Human pathogens in these wastes can cause short-term effects, such as diarrhea, cramps, nausea, headaches, or other "
        "symptoms. They may pose a greater health risk for infants, young children, the elderly, and people with "
        "severely-compromised immune systems."
    )
    assert said["page.boil_water.a3.germs"] == (
        "Inadequately treated or inadequately protected water may contain disease-causing organisms. "
        "These organisms can cause symptoms such as diarrhea, nausea, cramps, and associated headaches."
    )
    assert said["page.do_not_drink.a3.nitrate"] == (
        "Infants below the age of six months who drink water containing nitrate in excess of the MCL could become seriously "
        "ill and, if untreated, may die. Symptoms include shortness of breath and blue baby syndrome."
    )
    assert said["page.boil_water.a10"] == (
        "Please share this information with all the other people who drink this water, especially those who may not have "
        "received this notice directly (for example, people in apartments, nursing homes, schools, and businesses). You can "
        "do this by posting this notice in a public place or distributing copies by hand or mail."
    )


def test_the_page_answers_what_people_ask_about_boiled_water() -> None:
    page = english("boil_water", Stage.FIRST).pages[0]
    whole = " ".join([*page.steps, *(answer for _, answer in page.facts)])
    for word in (
        "1 full minute",
        "6,562 feet",
        "brushing teeth",
        "ice",
        "baby formula",
        "pets",
        "filter",
        "do not swallow",
        "150 °F",
    ):
        assert word in whole


@pytest.mark.parametrize("cause", ["ecoli", "low_pressure", "main_break", "treatment"])
@pytest.mark.parametrize("doing", ["testing", "flushing", "repairing"])
def test_each_cause_and_each_remedy_has_its_own_sentence(cause: str, doing: str) -> None:
    known = the_words()
    subject = a_subject(slots={"cause": cause, "doing": doing, "sites": ["Lents Park", "Gateway Park"]})
    rendering = render(subject, known, reviews_of(known, ENGLISH), {"en": "en-US"}, allow_drafts=False)
    facts = dict(rendering.pages[0].facts)
    assert ("E. coli" in facts["What happened?"]) == (cause == "ecoli")
    assert ("E. coli" in rendering.contents["sms/first/en"].body) == (cause == "ecoli")
    assert f"{doing}" in facts["What are you doing about it?"].casefold()
    assert facts["Should I use other water?"].endswith("Lents Park; Gateway Park.")


def test_a_mail_says_the_essentials_in_its_first_three_hundred_letters() -> None:
    opening = english("boil_water", Stage.FIRST).contents["email/first/en"].body[:300]
    for word in ("Portland Water Bureau", "Boil", "1 full minute", "Outer East Portland", "from now until"):
        assert word in opening


@pytest.mark.parametrize("hazard", ["boil_water", "wildfire_leave_now", "toxic_release", "flood", "other"])
def test_html_and_plain_text_of_a_mail_say_the_same(hazard: str) -> None:
    rendering = english(hazard, Stage.FIRST)
    mail, page = rendering.contents["email/first/en"], rendering.pages[0]
    for words_said in (page.title, page.lead, *page.steps, *(answer for _, answer in page.facts)):
        assert words_said in mail.body and words_said in mail.html


def test_an_exercise_in_every_hazard_starts_with_test_only() -> None:
    for hazard in catalogue():
        contents = english(hazard, Stage.FIRST, Mode.TRAINING).contents
        assert contents["sms/first/en"].body[:FIRST_UNITS].startswith("TEST ONLY. No emergency. No action needed.")


@pytest.mark.parametrize("language", TAGS)
def test_a_topic_s_pages_are_one_part_in_gsm_7_and_two_in_ucs_2(language: str) -> None:
    pages = [everywhere().contents[f"topic/WATER/{number}/{language}"].body for number in (1, 2, 3, 4)]
    sizes = [measure(page) for page in pages]
    assert [size.parts for size in sizes if size.parts > (1 if size.encoding is Encoding.GSM_7 else 2)] == []
