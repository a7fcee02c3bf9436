"""The fixed words of pages and feeds: all there, in every language, and none that breaks."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from notify import data
from notify.alerts import affected
from notify.publishing import feeds, pages
from notify.wording import labels
from notify.wording.labels import Labels, catalogue, direction
from tests.notify.feed_factory import LANGUAGES, NOON, a_site

TRANSLATED = tuple(language for language in LANGUAGES if language != "en")
SAID = re.compile(r'(?:say|_once)\(\s*(?:words,\s*)?"((?:[^"\\]|\\.)*)"')


def sources() -> set[str]:
    """Every English text that templates and modules say."""
    code = [Path(module.__file__ or "") for module in (pages, feeds)]
    code.append(code[0].with_name("feed_entries.py"))
    files = [*code, *sorted((data.folder("templates") / "pages").glob("*.html"))]
    said = {text for file in files for text in SAID.findall(file.read_text("utf-8"))}
    return said | {*pages.STAGES.values(), *pages.IN_FORCE.values(), *pages.OVER.values(), *affected.WORDS.values()}


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language_has_every_word_and_no_other(language: str) -> None:
    assert set(catalogue(language)) == sources()


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_slots_of_their_source(language: str) -> None:
    for source, text in catalogue(language).items():
        assert slots(text) == slots(source), source


@pytest.mark.parametrize("language", TRANSLATED)
def test_words_that_warn_are_not_left_in_english(language: str) -> None:
    words = catalogue(language)
    same = {source for source, text in words.items() if source == text}
    assert same <= {", ", "Test", "E-mail"}


@pytest.mark.parametrize("language", TRANSLATED)
def test_states_cannot_be_taken_for_each_other(language: str) -> None:
    words = catalogue(language)
    states = [words[text] for text in {*pages.IN_FORCE.values(), *pages.OVER.values(), *affected.WORDS.values()}]
    assert len(set(states)) == len(states)
    assert words["ENDED: {headline}"] != words["ENDED: no all clear was given. {headline}"]
    start = words["ENDED: {headline}"].removesuffix("{headline}").rstrip()
    assert words["ENDED: no all clear was given. {headline}"].startswith(start)


def test_a_broken_translation_says_it_in_english(caplog: pytest.LogCaptureFixture) -> None:
    broken = Labels(language="es", direction="ltr", endonym="Español", messages={"As of {time}.": "A las {hora}."})
    assert broken.say("As of {time}.", time="noon") == "As of noon."
    assert "placeholders" in caplog.text


def test_a_language_without_a_catalogue_speaks_english_under_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    french = labels.labels("fr")
    assert (french.say("What to do"), french.endonym) == ("What to do", "Français")
    assert "no pages.po in fr" in caplog.text


def test_values_are_never_read_as_placeholders() -> None:
    assert labels.labels("en").say("As of {time}.", time="{0.__class__}") == "As of {0.__class__}."


def test_only_arabic_runs_from_right_to_left() -> None:
    assert [language for language in LANGUAGES if direction(language) == "rtl"] == ["ar"]
    assert direction("ar-US") == "rtl" and direction("zh-Hant-US") == "ltr"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Fri, May 23, 2014, 3:40\u00a0PM (Pacific Time)"),
        ("vi", "15:40 Th 6, 23 thg 5, 2014 (Giờ Thái Bình Dương)"),
        ("zh-Hant", "2014年5月23日 週五 下午3:40 (太平洋時間)"),
        ("so", "Jmc, May 23, 2014 15:40 (Waqtiga Basifika ee Waqooyiga Ameerika)"),
        ("ar", "الجمعة، 23 مايو 2014، 3:40 م (توقيت المحيط الهادي)"),
    ],
)
def test_a_time_names_its_weekday_and_its_zone(language: str, text: str) -> None:
    assert labels.labels(language).moment(datetime(2014, 5, 23, 22, 40, tzinfo=UTC), a_site()) == text


def test_the_same_moment_is_another_time_elsewhere_and_to_the_minute() -> None:
    """Times are kept once they are written: what one city reads is not what another one does."""
    english, at, eastern = labels.labels("en"), datetime(2014, 5, 23, 22, 40, 59, tzinfo=UTC), ZoneInfo("America/New_York")
    assert english.moment(at, a_site()) == "Fri, May 23, 2014, 3:40\u00a0PM (Pacific Time)"
    assert english.moment(at, a_site(time_zone=eastern)) == "Fri, May 23, 2014, 6:40\u00a0PM (Eastern Time)"
    assert english.moment(at + timedelta(seconds=1), a_site()) == "Fri, May 23, 2014, 3:41\u00a0PM (Pacific Time)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_have_digits_that_match_the_keypad(language: str) -> None:
    text = labels.labels(language).moment(NOON, a_site())
    assert "12:00" in text and "23" in text and "2014" in text


def test_languages_are_called_by_their_own_names() -> None:
    assert [labels.labels(language).endonym for language in LANGUAGES] == [
        *("English", "Español", "Tiếng Việt", "中文 (繁體)", "Русский", "Українська"),
        *("Română", "Soomaali", "العربية", "日本語", "ລາວ", "한국어"),
    ]
