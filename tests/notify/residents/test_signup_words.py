"""The words of sign-up: all there, in every language, and none that breaks."""

import re
from string import Formatter

import pytest

from channels.text import Encoding, measure
from notify import data
from notify.residents import signup_letters, signup_words
from notify.residents.signup_letters import Letters
from notify.residents.signup_words import catalogue, words
from notify.web import callbacks
from notify.wording import labels
from tests.notify.signup_factory import LANGUAGES, a_site

TRANSLATED = tuple(language for language in LANGUAGES if language != "en")
SAID = re.compile(r'say\(\s*(?:language,\s*)?"((?:[^"\\]|\\.)*)"')


def sources() -> set[str]:
    """Every English text that templates and modules of sign-up say, and no public page."""
    root = data.folder("templates")
    code = [root.parent / "notify" / "web" / f"{name}.py" for name in ("signup", "manage", "visit", "counter")]
    code.append(root.parent / "notify" / "residents" / "signup_letters.py")
    said = {text for file in [*code, *(root / "signup").glob("*.html")] for text in SAID.findall(file.read_text("utf-8"))}
    for module in (signup_words, signup_letters, callbacks):
        for name, value in vars(module).items():
            is_text = name.isupper() and name not in ("DOMAIN", "PLAIN", "BUTTON", "ENGLISH") and not isinstance(value, int)
            if is_text:
                said |= set(value.values() if isinstance(value, dict) else (value,) if isinstance(value, str) else value)
    return said - set(labels.catalogue("es"))


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
def test_nothing_is_left_in_english(language: str) -> None:
    same = {source for source, text in catalogue(language).items() if source == text}
    assert same == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_for_ones_own_page_is_one_part(language: str) -> None:
    letters = Letters(data.folder("templates"), a_site(), "Portland Alerts", lambda code, _: code)
    text = letters.entry("123456", language)
    assert measure(text).parts == 1 and "123456" in text
    assert (measure(text).encoding is Encoding.GSM_7) == (language in ("en", "es", "so"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_has_one_link_and_says_whom_to_call(language: str) -> None:
    letters = Letters(data.folder("templates"), a_site(), "Portland Alerts", lambda code, _: code)
    for content in (letters.confirm(language, "t" * 22), letters.manage(language, "t" * 22), letters.unknown(language)):
        assert len(re.findall("https?://", content.body)) == 1 and "311" in content.body
        assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in content.html
        assert content.subject and "\n" not in content.subject


def test_a_language_without_a_catalogue_is_spoken_to_in_english(caplog: pytest.LogCaptureFixture) -> None:
    assert words("de").say("Sign up") == "Sign up"
    assert "no signup.po in de" in caplog.text
