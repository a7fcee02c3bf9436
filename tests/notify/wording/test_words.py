"""Catalogues as translators leave them, the check that keeps a broken one from harm, and reviews that follow the texts."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notify.wording import catalogs, english, proofs
from notify.wording.reviews import Reader, Review, State, approve, arrange, promised, standings, state, to_review
from notify.wording.words import Words, fill, load, placeholders
from tests.notify.subjects import SENT, reviews_of, translate, untranslated

FALSE_ALARM = "sms.boil_water.false_alarm"
SPANISH = {FALSE_ALARM: "%(source)s: FALSA ALARMA. Su agua es segura, %(place)s. Fue un error, %(told_at)s.\n%(url)s"}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    return untranslated(tmp_path)


def test_a_translation_is_read_under_its_context(templates: Path) -> None:
    translate(templates, "es", "boil_water", SPANISH)
    loaded = load(templates)
    assert loaded.faults == ()
    assert loaded.text(FALSE_ALARM, "es") == SPANISH[FALSE_ALARM]
    assert loaded.text(FALSE_ALARM, "vi") is None
    assert loaded.text(FALSE_ALARM, "en") == loaded.messages[FALSE_ALARM].text


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("%(source)s: %(zona)s, %(place)s, %(told_at)s\n%(url)s", "unknown placeholders zona"),
        ("%(source)s: %(place)s\n%(url)s", "lost placeholders told_at"),
        ("%(source)s: 100% %(place)s, %(told_at)s\n%(url)s", "a percent sign stands alone"),
        ("%(source)s: %(place), %(told_at)s\n%(url)s", "a percent sign stands alone"),
        ("%(source)s: %(place)d, %(told_at)s\n%(url)s", "a percent sign stands alone"),
        ("\u202e%(source)s: %(place)s, %(told_at)s\n%(url)s", "U+202E"),
    ],
)
def test_a_broken_translation_counts_as_missing_and_is_named(
    templates: Path, broken: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    translate(templates, "es", "boil_water", {FALSE_ALARM: broken})
    loaded = load(templates)
    assert loaded.text(FALSE_ALARM, "es") is None
    (sentence,) = loaded.faults
    assert f"boil_water in es: {FALSE_ALARM} counts as missing" in sentence and fault in sentence
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.ERROR, sentence)]
    assert sentence in proofs.problems(loaded)


def test_a_fuzzy_translation_is_not_used(templates: Path) -> None:
    translate(templates, "es", "boil_water", SPANISH, fuzzy=[FALSE_ALARM])
    assert load(templates).text(FALSE_ALARM, "es") is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'msgid "a', b'msgid "a"\nmsgstr "b"\nmsgid', b"not a catalogue"])
def test_a_file_that_is_no_catalogue_costs_only_its_own_words(templates: Path, content: bytes) -> None:
    translate(templates, "es", "generic", str)
    catalogs.po_path(templates, "es", "boil_water").write_bytes(content)
    loaded = load(templates)
    assert loaded.text(FALSE_ALARM, "es") is None
    assert loaded.text("sms.generic.false_alarm", "es")


def test_a_catalogue_that_is_gone_is_a_fault_of_its_language(templates: Path) -> None:
    catalogs.po_path(templates, "ru", "generic").unlink()
    (sentence,) = load(templates).faults
    assert sentence.startswith("generic in ru: the catalogue cannot be read")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_in_a_catalogue_keep_the_words_from_loading(templates: Path, content: bytes) -> None:
    catalogs.po_path(templates, "es", "test").write_bytes(content)
    assert load(templates).text("sms.test.test", "en")


def test_a_longer_english_sentence_makes_its_translations_fuzzy_and_keeps_them(templates: Path) -> None:
    translate(templates, "es", "boil_water", SPANISH)
    source = templates / "boil_water" / "sms.txt"
    source.write_text(source.read_text("utf-8").replace("FALSE ALARM. Your", "FALSE ALARM. All is well. Your"), "utf-8")
    before = load(templates)
    assert before.text(FALSE_ALARM, "es") is None
    assert "the English is no longer this" in before.faults[0]
    assert {path.name for path in catalogs.stale(templates)} == {"boil_water.po", "boil_water.pot"}

    catalogs.extract(templates)
    assert catalogs.stale(templates) == ()
    entry = catalogs.read(catalogs.po_path(templates, "es", "boil_water"), "es").get(
        before.messages[FALSE_ALARM].text, context=FALSE_ALARM
    )
    assert entry is not None and entry.fuzzy and entry.string == SPANISH[FALSE_ALARM]


def test_extracting_twice_writes_nothing_the_second_time(templates: Path) -> None:
    translate(templates, "es", "boil_water", SPANISH)
    catalogs.extract(templates)
    assert catalogs.extract(templates) == ()


def test_what_a_translators_editor_adds_to_a_header_is_kept(templates: Path) -> None:
    path = catalogs.po_path(templates, "es", "generic")
    content = path.read_text("utf-8").replace('"MIME-Version', '"X-Generator: an editor\\n"\n"MIME-Version')
    path.write_text(content, "utf-8")
    assert catalogs.stale(templates) == ()
    path.write_text(content.replace("FALSE ALARM", "NO ALARM"), "utf-8")
    assert catalogs.extract(templates) == (path,)
    assert "X-Generator: an editor" in path.read_text("utf-8")


def test_a_context_that_stands_for_two_texts_is_refused(templates: Path) -> None:
    (templates / "test" / "more.txt").write_text('{% trans "sms.test.test" %}Something else{% endtrans %}', "utf-8")
    (templates / "test" / "none.txt").write_text("{% trans %}No context{% endtrans %}", "utf-8")
    with pytest.raises(english.BadTemplate) as caught:
        load(templates)
    assert len(str(caught.value).splitlines()) == 2


def test_a_map_of_words_that_leads_nowhere_is_refused_with_every_reason(templates: Path) -> None:
    path = templates / "words.toml"
    text = path.read_text("utf-8").replace('flood = "protect"', 'flood = "floods"').replace("[danger]", "[dangers]")
    path.write_text(text + "\n[folders.snow]\nsms = []\n", "utf-8")
    with pytest.raises(english.BadTemplate) as caught:
        load(templates)
    assert str(caught.value).splitlines() == [
        "words.toml has no table [danger].",
        "words.toml: there is no folder snow.",
        "words.toml: the words of flood are to be in floods, which [folders] does not have.",
    ]
    path.write_text("[hazards", "utf-8")
    with pytest.raises(english.BadTemplate, match="not TOML"):
        load(templates)


def test_a_text_that_says_more_than_fits_is_a_problem(templates: Path) -> None:
    long = "%(source)s: ПОМИЛКОВА ТРИВОГА. " + "Вода безпечна. " * 12 + "%(place)s, %(told_at)s.\n%(url)s"
    translate(templates, "uk", "boil_water", {FALSE_ALARM: long})
    assert f"{FALSE_ALARM} in uk has 5 parts, at most 2 fit." in proofs.problems(load(templates))


def test_a_link_that_shares_its_line_is_a_problem(templates: Path) -> None:
    translate(templates, "ar", "boil_water", {FALSE_ALARM: "%(source)s %(place)s %(told_at)s %(url)s"})
    assert f"{FALSE_ALARM} in ar: the link must stand alone on the last line." in proofs.problems(load(templates))


def test_the_table_has_a_row_for_every_text_of_every_language(templates: Path) -> None:
    translate(templates, "so", "boil_water", str)
    rows = proofs.table(load(templates))
    english = [row for row in rows if row.language == "en"]
    texts = [one for one in load(templates).messages.values() if one.file.endswith(("sms.txt", "/replies.txt"))]
    assert len(english) == len(texts)
    assert {row.context for row in rows if row.language == "so" and not row.context.startswith(("dialog.", "callers."))} == {
        row.context for row in english if row.context.startswith("sms.boil_water") and ".short." not in row.context
    }
    assert all("%" not in row.text for row in rows)
    assert next(proofs.lines(rows)).split()[:2] == ["en", "GSM-7"]


def test_a_full_stop_is_never_doubled() -> None:
    assert fill("%(sent)s. Now", {"sent": "10:40 a.m."}) == "10:40 a.m. Now"
    assert fill("%(sent)s, %(sent)s.", {"sent": "10:40"}) == "10:40, 10:40."
    assert fill("100%% %(it)s", {"it": "%(no)s"}) == "100% %(no)s"


names = st.text("abcdefgh_", min_size=1, max_size=6)


@given(st.text(max_size=80))
def test_any_text_has_placeholders_or_none(text: str) -> None:
    found = placeholders(text)
    if "" not in found:
        fill(text, dict.fromkeys(found, "x"))


@given(st.dictionaries(names, st.text(max_size=10), max_size=4), st.text(st.characters(exclude_characters="%"), max_size=20))
def test_every_value_stands_in_the_filled_text(values: dict[str, str], between: str) -> None:
    text = between.join(f"%({name})s" for name in values)
    assert placeholders(text) == set(values)
    filled = fill(text, values)
    assert all(value in filled for value in values.values())


@pytest.fixture(scope="module")
def spanish(tmp_path_factory: pytest.TempPathFactory) -> Words:
    templates = untranslated(tmp_path_factory.mktemp("spanish"))
    translate(templates, "es", "boil_water", SPANISH)
    return load(templates)


def reviewed_by(loaded: Words, context: str, language: str) -> Review:
    return approve(loaded, context, language, reviewer="translator-1", at=SENT)


def test_what_nobody_reviewed_is_a_draft_and_what_is_not_there_is_missing(spanish: Words) -> None:
    message = spanish.messages[FALSE_ALARM]
    assert state(spanish, message, "en", arrange([])) is State.DRAFT
    assert state(spanish, message, "es", arrange([])) is State.DRAFT
    assert state(spanish, message, "vi", arrange([])) is State.MISSING


def test_a_review_approves_one_message_in_one_language(spanish: Words) -> None:
    reviewed = arrange([reviewed_by(spanish, FALSE_ALARM, "es")])
    assert state(spanish, spanish.messages[FALSE_ALARM], "es", reviewed) is State.APPROVED
    assert state(spanish, spanish.messages[FALSE_ALARM], "en", reviewed) is State.DRAFT
    assert state(spanish, spanish.messages["sms.boil_water.test"], "es", reviewed) is State.MISSING


def test_a_change_on_either_side_takes_the_approval_back(spanish: Words) -> None:
    message, review = spanish.messages[FALSE_ALARM], reviewed_by(spanish, FALSE_ALARM, "es")
    for before in (replace(review, source_hash="0" * 64), replace(review, target_hash="0" * 64)):
        assert state(spanish, message, "es", arrange([before])) is State.STALE
        assert state(spanish, message, "es", arrange([before, review])) is State.APPROVED


def test_what_is_missing_cannot_be_approved(spanish: Words) -> None:
    with pytest.raises(ValueError, match="no words in vi"):
        approve(spanish, FALSE_ALARM, "vi", reviewer="translator-1", at=SENT, kind=Reader.PROFESSIONAL)


def test_a_reviewer_reads_what_there_is_before_what_is_missing(spanish: Words) -> None:
    entries = to_review(spanish, "es", arrange([]))
    assert (entries[0].message.context, entries[0].target) == (FALSE_ALARM, SPANISH[FALSE_ALARM])
    assert {entry.state for entry in entries[1:]} == {State.MISSING}
    assert len(to_review(spanish, "es", arrange([reviewed_by(spanish, FALSE_ALARM, "es")]))) == len(entries) - 1


def test_a_language_is_asked_only_for_what_it_was_promised(spanish: Words) -> None:
    contexts = {message.context for message in promised(spanish, "ru")}
    assert {"sms.boil_water.first.ecoli", "page.generic.lead.first", "hazard.flood", "line.interpreter"} <= contexts
    assert not any(context.startswith(("sms.boil_water.short", "voice.whisper")) for context in contexts)
    assert any(one.context.startswith("sms.boil_water.short") for one in promised(spanish, "es"))
    assert len(promised(spanish, "en")) == len(spanish.messages)


def test_the_standings_count_every_promise_once(spanish: Words) -> None:
    rows = {row.language: row for row in standings(spanish, arrange(reviews_of(spanish, "en", "es")))}
    assert list(rows) == [*spanish.languages(), *spanish.plain] and rows["en"].approved == len(spanish.messages)
    assert rows["es"].approved == 1
    for language, row in rows.items():
        assert row.approved + row.draft + row.stale + row.missing == len(promised(spanish, language))
