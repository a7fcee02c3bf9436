"""From a subject to its words: who reads what in which language, and that nobody is left without a text."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.text import GSM_7, Encoding, measure, sanitise
from notify.alerts.alert import Mode, Stage, Wording
from notify.wording import catalogs
from notify.wording.fallback import Step
from notify.wording.render import BadSubject, Rendering, problems, render
from notify.wording.slots import PLAIN
from notify.wording.subject import WORDINGS, Subject
from notify.wording.words import Words, load
from subscribers.plain import PLAIN_TAG, spoken
from tests.notify.subjects import SENT, TAGS, a_subject, reviews_of, translate, untranslated

HAZARDS = ("boil_water", "flood", "wildfire_leave_now", "toxic_release", "test", "other")
FEW = {language: TAGS[language] for language in ("en", "es", "ru", "uk", "ar")}
MARK = "ё"  # stands in every sentence of the made-up translations


def marked(english: str) -> str:
    """A translation that can be told from its English: its placeholders are the same, and it has a letter of its own."""
    return f"{MARK} {english}"


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Words:
    return load(untranslated(tmp_path_factory.mktemp("english")))


@pytest.fixture(scope="module")
def russian(tmp_path_factory: pytest.TempPathFactory) -> Words:
    """Everything that is promised in Russian is there, and everything in Spanish."""
    templates = untranslated(tmp_path_factory.mktemp("russian"))
    for domain in ("boil_water", "generic", "hazards", "lines"):
        translate(templates, "ru", domain, marked)
    for domain in ("boil_water", "generic", "hazards", "lines", "evacuate_now", "stay_inside", "test", "other"):
        translate(templates, "es", domain, marked)
    return load(templates)


def without(words: Words, language: str, *starts: str) -> Words:
    kept = {context: text for context, text in words.translations[language].items() if not context.startswith(starts)}
    return replace(words, translations={**words.translations, language: kept})


def live(subject: Subject, words: Words, *reviewed: str, tags: Mapping[str, str] = FEW) -> Rendering:
    return render(subject, words, reviews_of(words, *reviewed), tags, allow_drafts=False)


def keys(stage: Stage, short: bool) -> Iterator[str]:
    for wording in WORDINGS[stage]:
        if short or wording is not Wording.SHORT:
            for path in (wording, f"{wording}/why"):
                yield from (f"{channel}/{path}/{language}" for channel in ("sms", "email") for language in TAGS)
                yield from (f"sms/{path}/{language}{PLAIN_TAG}" for language in TAGS if language not in PLAIN)


@pytest.mark.parametrize("hazard", HAZARDS)
@pytest.mark.parametrize("stage", Stage)
def test_everybody_gets_a_text_though_only_english_is_reviewed(english: Words, hazard: str, stage: Stage) -> None:
    rendering = live(a_subject(hazard, stage), english, "en", tags=TAGS)
    messages = {key: content for key, content in rendering.contents.items() if not key.startswith("topic/")}
    assert set(messages) == set(keys(stage, short=hazard == "boil_water"))
    for key, content in messages.items():
        language = key.rpartition("/")[2]
        path = "" if language == "en" else f"{spoken(language)}/"
        assert content.key == key and content.language == "en"
        assert f"alerts.example.gov/{path}a/K7Q2" in content.body
        assert ("Free interpreter: 311" in content.body) == (language != "en")
        assert (content.subject and content.html) or key.startswith("sms/")
    assert set(rendering.languages_used.values()) == {"en"}
    assert not any("reviewed" in sentence or "parts" in sentence for sentence in rendering.problems)


@pytest.mark.parametrize("hazard", HAZARDS)
def test_english_that_nobody_reviewed_goes_out_all_the_same_and_says_so(english: Words, hazard: str) -> None:
    rendering = live(a_subject(hazard), english)
    assert rendering.contents == live(a_subject(hazard), english, "en").contents
    assert any("Nobody has reviewed" in sentence for sentence in rendering.problems)


def test_a_reviewed_language_gets_the_hazards_own_words(russian: Words) -> None:
    rendering = live(a_subject(), russian, "en", "ru")
    text = rendering.contents["sms/first/ru"]
    assert text.language == "ru" and text.body.startswith(f"{MARK} Portland Water: BOIL TAP WATER")
    assert rendering.step_of["sms/first/ru"] is Step.OWN
    assert rendering.measures["sms/first/ru"].encoding is Encoding.UCS_2
    assert rendering.languages_used == {**dict.fromkeys(FEW, "en"), "ru": "ru"}


def test_the_generic_words_stand_in_where_the_hazards_own_are_missing(russian: Words) -> None:
    rendering = live(a_subject(), without(russian, "ru", "sms.boil_water.first"), "en", "ru")
    text = rendering.contents["sms/first/ru"]
    assert text.body.startswith(f"{MARK} Portland Water: {MARK} Boil tap water. Outer East Portland")
    assert (rendering.step_of["sms/first/ru"], rendering.steps["ru"], rendering.languages_used["ru"]) == (
        Step.GENERIC,
        Step.GENERIC,
        "ru",
    )


def test_the_page_and_the_mail_fall_back_on_their_own(russian: Words) -> None:
    rendering = live(a_subject(), without(russian, "ru", "page.boil_water.step.minute"), "en", "ru")
    assert rendering.step_of["sms/first/ru"] is Step.OWN and rendering.step_of["email/first/ru"] is Step.GENERIC
    assert [page.language for page in rendering.pages] == ["en", "ru"]
    assert rendering.pages[1].title == f"{MARK} Boil tap water"


def test_a_mail_in_english_does_not_say_that_the_texts_are(russian: Words) -> None:
    rendering = live(a_subject(), without(russian, "ru", "page."), "en", "ru")
    assert rendering.contents["email/first/ru"].language == "en" and rendering.contents["sms/first/ru"].language == "ru"
    assert rendering.languages_used["ru"] == "ru" and rendering.steps["ru"] is Step.ENGLISH


def test_english_whole_and_short_stands_in_where_generic_words_are_missing_too(russian: Words) -> None:
    words = without(russian, "ru", "sms.boil_water", "sms.generic")
    text = live(a_subject(), words, "en", "ru").contents["sms/first/ru"]
    assert text.body.splitlines() == [
        "Portland Water: BOIL TAP WATER 1 minute before drinking or cooking. Outer East Portland, until we say it is safe."
        " E. coli found.",
        "alerts.example.gov/ru/a/K7Q2",
        f"{MARK} Free interpreter: 311",
    ]


def test_a_title_that_is_missing_holds_back_only_the_texts_that_use_it(russian: Words) -> None:
    words = without(russian, "ru", "hazard.boil_water")
    assert live(a_subject(), words, "en", "ru").step_of["sms/first/ru"] is Step.OWN
    assert live(a_subject("flood"), without(russian, "ru", "hazard.flood"), "en", "ru").step_of["sms/first/ru"] is Step.ENGLISH


def test_drafts_are_said_only_where_they_are_allowed(russian: Words) -> None:
    subject, reviews = a_subject(), reviews_of(russian, "en")
    assert render(subject, russian, reviews, FEW, allow_drafts=False).step_of["sms/first/ru"] is Step.ENGLISH
    assert render(subject, russian, reviews, FEW, allow_drafts=True).step_of["sms/first/ru"] is Step.OWN
    assert render(subject, russian, (), FEW, allow_drafts=True).contents["sms/first/en"].language == "en"


def test_a_broken_placeholder_leaves_one_language_to_other_words_and_no_send_broken(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    templates = untranslated(tmp_path_factory.mktemp("broken"))
    for language in ("ru", "uk"):
        for domain in ("boil_water", "generic", "hazards", "lines"):
            translate(templates, language, domain, marked)
    translate(templates, "ru", "boil_water", {"sms.boil_water.first.ecoli": "%(zona)s\n%(url)s"})
    words = load(templates)
    rendering = live(a_subject(), words, "en", "ru", "uk")
    assert rendering.step_of["sms/first/ru"] is Step.GENERIC and rendering.step_of["sms/first/uk"] is Step.OWN
    assert len(words.faults) == 1


def test_free_text_is_read_only_by_people_whose_language_it_was_typed_in(russian: Words) -> None:
    typed = a_subject(stage=Stage.UPDATE, slots={"news": {"en": "The cause is found.", "es": "La causa es conocida."}})
    rendering = live(typed, russian, "en", "es", "ru")
    assert "The cause is found." in rendering.contents["sms/update/en"].body
    assert "La causa es conocida." in rendering.contents["sms/update/es"].body
    in_russian = rendering.contents["sms/update/ru"].body
    assert "cause" not in in_russian and MARK in in_russian
    assert rendering.step_of["sms/update/ru"] is Step.GENERIC
    assert rendering.step_of["sms/first/ru"] is Step.OWN  # those newly told read nothing of the news
    assert "Nobody typed news in ru, uk, ar: their texts do without it." in rendering.problems
    no_news = live(a_subject(stage=Stage.UPDATE), russian, "en", "es", "ru")
    assert no_news.step_of["sms/update/ru"] is Step.OWN


def test_an_instruction_typed_in_english_is_never_inside_another_languages_text(russian: Words) -> None:
    subject = a_subject("flood", slots={"instruction": "Move to higher ground now."})
    rendering = live(subject, russian, "en", "ru")
    assert "Move to higher ground now." in rendering.contents["sms/first/en"].body
    for key in ("sms/first/ru", "email/first/ru"):
        assert "higher ground" not in rendering.contents[key].body and rendering.step_of[key] is Step.GENERIC


def test_an_update_speaks_to_those_still_in_newly_in_and_no_longer_in(english: Words) -> None:
    contents = live(a_subject(stage=Stage.UPDATE), english, "en").contents
    assert "UPDATE" in contents["sms/update/en"].body and "Fri 4:40 PM" in contents["sms/update/en"].body
    assert "BOIL TAP WATER" in contents["sms/first/en"].body
    assert "no longer in the boil-water area" in contents["sms/outside/en"].body


@pytest.mark.parametrize("hazard", ["do_not_drink", "boil_water", "wildfire_leave_now", "flood"])
def test_an_update_to_another_danger_says_so_and_tells_everybody_what_to_do_now(english: Words, hazard: str) -> None:
    """Whoever was told to boil, or to stay inside, must not read that this still holds, nor be told to stop something else."""
    changed = live(a_subject(hazard, Stage.UPDATE, changed=True), english, "en")
    first, update = changed.contents["sms/first/en"].body, changed.contents["sms/update/en"].body
    assert update.startswith(f"CHANGED: now do this instead.\n{first[:80]}") and "still" not in update
    assert "CHANGED" not in first
    assert "You can stop what we asked." in changed.contents["sms/outside/en"].body
    assert changed.pages[0].lead.startswith("CHANGED: now do this instead. ")
    assert "CHANGED: now do this instead." in changed.contents["email/update/en"].body
    assert changed.infos[0].description.startswith("CHANGED: now do this instead.\n")
    assert "CHANGED" not in live(a_subject(hazard, Stage.UPDATE), english, "en").contents["sms/update/en"].body


def test_sentences_that_do_not_fit_are_left_out_whole_and_the_first_never(english: Words) -> None:
    subjects = [a_subject("power_outage", place={"en": "x" * 60}, slots={"sites": ["y" * long]}) for long in (30, 120)]
    short, long = (live(subject, english, "en").contents["sms/first/en"].body for subject in subjects)
    assert measure(short).parts == measure(long).parts == 2
    assert "Help is here: yyy" in short and "Help is here" not in long
    assert all("STAY AWAY from fallen wires. The power is out." in body for body in (short, long))


def test_a_sentence_that_a_language_lacks_is_left_out_but_never_the_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    templates = untranslated(tmp_path_factory.mktemp("controlled"))
    path = templates / "words.toml"
    promised = "[folders.protect]\nsms = []\npage = []"
    path.write_text(path.read_text("utf-8").replace(promised, promised.replace("[]", '["ru"]')), "utf-8")
    catalogs.extract(templates)
    for domain in ("generic", "hazards", "lines", "protect"):
        translate(templates, "ru", domain, marked)
    words = load(templates)
    whole = live(a_subject("flood"), words, "en", "ru")
    assert f"{MARK} GO TO HIGHER GROUND now. {MARK} Water is rising fast." in whole.contents["sms/first/ru"].body
    assert whole.measures["sms/first/ru"].parts == 2 and whole.step_of["email/first/ru"] is Step.OWN
    fewer = live(a_subject("flood"), without(words, "ru", "protect.danger.flood"), "en", "ru")
    assert fewer.step_of["sms/first/ru"] is Step.OWN and "Water is rising" not in fewer.contents["sms/first/ru"].body
    none = live(a_subject("flood"), without(words, "ru", "protect.do.higher_ground"), "en", "ru")
    assert none.step_of["sms/first/ru"] is Step.GENERIC


def test_a_correction_of_the_area_names_both_areas_and_the_time(english: Words) -> None:
    body = live(a_subject(stage=Stage.CORRECTION, slots={"mistake": "area"}), english, "en").contents["sms/correction/en"].body
    for word in ("CORRECTION", "only in: Outer East Portland", "Our Fri 8:40 AM message wrongly said: all of Portland"):
        assert word in body


def test_a_correction_of_a_fact_that_nobody_translated_says_so_in_the_language(russian: Words) -> None:
    typed = {"mistake": "fact", "wrong": "Pets can drink it.", "right": "Pets need boiled water."}
    contents = live(a_subject(stage=Stage.CORRECTION, slots=typed), russian, "en", "ru").contents
    assert "That was wrong. Pets need boiled water." in contents["sms/correction/en"].body
    assert "A part of our пт 08:40 message was wrong. Call 311" in contents["sms/correction/ru"].body


def test_the_one_part_form_is_there_in_every_language_or_in_none(russian: Words) -> None:
    rendering = live(a_subject(), russian, "en", "es", "ru")
    assert rendering.measures["sms/short/en"].parts == 1
    assert rendering.contents["sms/short/es"].body.startswith(f"{MARK} Portland Water: BOIL TAP WATER 1 minute")
    assert rendering.contents["sms/short/ru"].body == rendering.contents["sms/first/ru"].body
    assert not any("/short/" in key for key in live(a_subject("flood"), russian, "en").contents)


def test_the_word_that_gets_more_help_is_offered_where_it_costs_no_part(english: Words) -> None:
    contents = live(a_subject(reply_word="WATER"), english, "en").contents
    assert contents["sms/first/en"].body.endswith("a/K7Q2\nReply WATER for help")
    assert "Reply" not in contents["sms/short/en"].body  # it would make two parts of one
    assert "Reply" not in live(a_subject(), english, "en").contents["sms/first/en"].body


def test_the_first_text_to_somebody_on_a_list_says_why(english: Words) -> None:
    rendering = live(a_subject(), english, "en")
    assert "on a city or utility list. To end texts: STOP" in rendering.contents["sms/first/why/en"].body
    assert rendering.measures["sms/first/why/en"].parts == 2
    assert "utility account" in rendering.contents["email/first/why/en"].html
    assert "list" not in rendering.contents["sms/first/en"].body


@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR])
def test_an_exercise_says_first_that_it_is_one(english: Words, stage: Stage) -> None:
    rendering = live(a_subject(stage=stage, mode=Mode.TRAINING), english, "en")
    for key, content in rendering.contents.items():
        assert "TEST ONLY. No emergency. No action needed." in content.body[:140]
        assert content.subject.startswith("TEST ONLY: ") or key.startswith(("sms/", "topic/"))
        assert content.body.startswith("TEST ONLY") or key.startswith("email/")
    assert rendering.pages[0].title.startswith("TEST ONLY: ") and rendering.infos[0].headline.startswith("TEST ONLY: ")


def test_a_demo_speaks_as_the_real_thing(english: Words) -> None:
    assert live(a_subject(mode=Mode.DEMO), english, "en").contents == live(a_subject(), english, "en").contents


def test_a_test_says_once_that_it_is_one(english: Words) -> None:
    for mode in Mode:
        body = live(a_subject("test", Stage.TEST, mode=mode), english, "en").contents["sms/test/en"].body
        assert body.startswith("TEST ONLY. No emergency. No action needed.") and body.count("TEST ONLY") == 1


def test_cap_has_three_different_texts_in_each_language_english_first(russian: Words) -> None:
    infos = live(a_subject("flood"), russian, "en", "ru", "es").infos
    assert [info.language for info in infos] == ["en-US", "es-US", "ru"]
    for info in infos:
        assert len({info.headline, info.description, info.instruction}) == 3 and info.area_desc == "Outer East Portland"
    assert infos[0].event == "Flood" and "Go to higher ground now." in infos[0].instruction


def test_a_headline_is_never_too_long_for_cap(english: Words) -> None:
    place = {"en": "a" * 60}
    typed = {"hazard_words": "h" * 40, "impact": "It falls.", "guidance": "Go away."}
    for subject in (a_subject(place=place), a_subject("other", place=place, slots=typed, mode=Mode.TRAINING)):
        assert all(len(info.headline) < 140 for info in live(subject, english, "en").infos)


def test_markup_in_a_name_is_text(english: Words) -> None:
    subject = a_subject(place={"en": 'Lents <b> & "Co"'}, slots={"address": "<script>1</script>"})
    mail = live(subject, english, "en").contents["email/first/en"]
    assert "<script>1" not in mail.html and "Lents &lt;b&gt; &amp;" in mail.html
    assert "<script>1</script>" in mail.body


def test_signs_that_double_the_price_become_plain_ones(english: Words) -> None:
    rendering = live(a_subject(place={"en": "St. John\u2019s \u2013 north\u00a0end"}), english, "en")
    assert "St. John's - north end" in rendering.contents["sms/first/en"].body
    assert rendering.measures["sms/first/en"].encoding is Encoding.GSM_7


def test_a_place_has_its_name_in_each_language(russian: Words) -> None:
    contents = live(a_subject(place={"en": "North Portland", "ru": "Северный Портленд"}), russian, "en", "ru", "es").contents
    assert "Северный Портленд" in contents["sms/first/ru"].body and "North Portland" in contents["sms/first/es"].body


def test_a_mails_subject_says_what_where_and_until_when_only_where_the_words_say_so(english: Words) -> None:
    end = SENT + timedelta(hours=4)
    mails = live(a_subject("flood", until_cleared=False, expires=end), english, "en").contents
    assert mails["email/first/en"].subject == "Flood – Outer East Portland – until Fri, May 23, 2:40 PM"
    assert live(a_subject("flood"), english, "en").contents["email/first/en"].subject == "Flood – Outer East Portland"
    boil = live(a_subject(until_cleared=False, expires=end), english, "en").contents
    assert boil["email/first/en"].subject == "Boil your tap water – Outer East Portland"


def test_a_mail_links_to_the_page_in_every_language_and_stacks_in_its_thread(russian: Words) -> None:
    mail = live(a_subject(thread="<K7Q2@example.gov>"), russian, "en", "ru").contents["email/first/ru"]
    assert mail.thread == "<K7Q2@example.gov>" and 'href="https://alerts.example.gov/ar/a/K7Q2" lang="ar"' in mail.html
    assert "Українська: https://alerts.example.gov/uk/a/K7Q2" in mail.body


def test_arabic_mail_runs_from_right_to_left(tmp_path_factory: pytest.TempPathFactory) -> None:
    templates = untranslated(tmp_path_factory.mktemp("arabic"))
    for domain in ("boil_water", "lines"):
        translate(templates, "ar", domain, marked)
    words = load(templates)
    assert '<html lang="ar" dir="rtl">' in live(a_subject(), words, "en", "ar").contents["email/first/ar"].html
    fallen = live(a_subject("flood"), words, "en", "ar").contents["email/first/ar"].html
    assert '<html lang="en" dir="ltr">' in fallen and f'<p lang="ar" dir="auto"><strong>{MARK} Free interpreter: 311' in fallen


def test_a_language_that_cldr_does_not_know_is_served_like_any_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    templates = untranslated(tmp_path_factory.mktemp("hmong"))
    path = templates / "words.toml"
    path.write_text(path.read_text("utf-8").replace('"vi"', '"vi", "hmn"'), "utf-8")
    catalogs.extract(templates)
    for domain in ("generic", "hazards", "lines"):
        translate(templates, "hmn", domain, marked)
    words = load(templates)
    tags = {"en": "en-US", "hmn": "hmn", "prs": "prs"}
    contents = live(a_subject("flood"), words, "en", "hmn", tags=tags).contents
    assert words.faults == () and contents["sms/first/hmn"].body.startswith(f"{MARK} Portland Water")
    assert '<html lang="hmn" dir="ltr">' in contents["email/first/hmn"].html
    assert contents["sms/first/prs"].language == "en"


def test_every_problem_of_a_subject_is_named_at_once(english: Words) -> None:
    subject = a_subject(
        stage=Stage.UPDATE,
        slots={"cause": "flood", "source": "me", "colour": "red", "doing": None},
        place={"es": "Lents"},
        phones=(),
        next_update_by=None,
    )
    found = problems(subject, english)
    starts = [
        "The slot source is filled in",
        "There is no slot colour for boil_water; there are: address",
        "The area has no name",
        "There is no telephone",
        "The slot cause must be one of",
        "The slot doing is empty",
        "The slot next_update is empty",
    ]
    for start in starts:
        assert any(sentence.startswith(start) for sentence in found), start
    with pytest.raises(BadSubject) as caught:
        live(subject, english, "en")
    assert caught.value.problems == found


def test_a_hazard_nobody_has_words_for_is_refused(english: Words) -> None:
    assert problems(replace(a_subject(), hazard="meteor"), english) == ("There are no words for the hazard 'meteor'.",)


def test_slots_of_the_alert_may_stay_in_its_all_clear(english: Words) -> None:
    carried: Mapping[str, Any] = a_subject().slots
    assert problems(a_subject(stage=Stage.ALL_CLEAR, slots=dict(carried)), english) == ()


@settings(max_examples=30, deadline=None)
@given(data=st.data(), hazard=st.sampled_from(HAZARDS), stage=st.sampled_from(Stage), allow_drafts=st.booleans())
def test_however_little_is_translated_or_reviewed_nobody_reads_two_languages_in_one_text(
    russian: Words, data: st.DataObject, hazard: str, stage: Stage, allow_drafts: bool
) -> None:
    contexts = sorted(russian.translations["ru"])
    gone = data.draw(st.sets(st.sampled_from(contexts)), label="not translated")
    unread = data.draw(st.sets(st.sampled_from(contexts)), label="not reviewed")
    reviews = [
        one for one in reviews_of(russian, "en", "ru") if one.language == "en" or one.key.rpartition(":")[2] not in unread
    ]
    words = without(russian, "ru", *gone) if gone else russian
    rendering = render(a_subject(hazard, stage), words, reviews, {"en": "en-US", "ru": "ru"}, allow_drafts=allow_drafts)
    for wording in WORDINGS[stage]:
        if wording is Wording.SHORT and hazard != "boil_water":
            continue
        body = rendering.contents[f"sms/{wording}/ru"].body
        text = body.partition("\n")[0]
        assert text and (MARK in text) == (rendering.contents[f"sms/{wording}/ru"].language == "ru")
        assert MARK not in rendering.contents[f"sms/{wording}/en"].body


@given(st.text(st.sampled_from(sorted(GSM_7 - {"\r", "\f"}))))
def test_a_text_of_plain_gsm_letters_is_already_sanitised(text: str) -> None:
    assert sanitise(text).text == text


@pytest.mark.parametrize("stage", Stage)
def test_what_residents_ask_for_is_approved_with_a_boil_water_alert(english: Words, stage: Stage) -> None:
    rendering = render(a_subject("boil_water", stage), english, (), FEW, allow_drafts=True)
    pages = [
        rendering.contents[key].body for key in rendering.contents if key.startswith("topic/WATER/") and key.endswith("/en")
    ]
    assert len(pages) == (4 if stage in (Stage.FIRST, Stage.RENEWAL, Stage.UPDATE) else 0)
    assert all(measure(page).parts == 1 for page in pages)
    assert all(f"{number}/4" in page for number, page in enumerate(pages, 1))
