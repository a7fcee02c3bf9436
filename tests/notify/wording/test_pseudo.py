"""Every page, mail and text in a language nobody speaks: nothing cut off, nothing unescaped, nothing that nobody translates."""

from functools import cache
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from notify.alerts.alert import Stage
from notify.alerts.hazards import catalogue
from notify.cli.main import app
from notify.wording import pseudo, samples
from notify.wording.render import Rendering, render
from notify.wording.words import Words, placeholders
from tests.notify.subjects import the_words

STAGES = [stage for stage in Stage if stage not in (Stage.TEST, Stage.RENEWAL)]
VALUES = ("Portland Water Bureau", "Outer East Portland")


@cache
def words() -> Words:
    return pseudo.added(the_words())


def made(hazard: str, stage: Stage) -> Rendering:
    stage = Stage.TEST if hazard == "test" else stage
    subject = samples.subject(words(), hazard, stage, ["en", pseudo.TAG])
    return render(subject, words(), (), {pseudo.TAG: pseudo.TAG}, allow_drafts=True)


@pytest.mark.parametrize("hazard", catalogue())
def test_nothing_on_a_page_was_left_for_nobody_to_translate(hazard: str) -> None:
    for stage in STAGES:
        (page,) = [one for one in made(hazard, stage).pages if one.language == pseudo.TAG]
        for text in (page.title, page.lead, *page.paragraphs, *page.steps, *(part for fact in page.facts for part in fact)):
            assert [one for one in pseudo.problems(text, VALUES) if not is_time(one)] == [], text


def is_time(sentence: str) -> bool:
    """Times are CLDR's to write, not a translator's."""
    return any(f"'{word}'" in sentence for word in ("Fri", "Thu", "Sat", "May", "AM", "PM"))


@pytest.mark.parametrize("hazard", ["boil_water", "gas_leak", "toxic_release", "flood", "power_outage", "test", "other"])
def test_a_mail_escapes_what_html_must_and_its_plain_text_shows_it(hazard: str) -> None:
    rendering = made(hazard, Stage.FIRST)
    wording = "test" if hazard == "test" else "first"
    mail = rendering.contents[f"email/{wording}/{pseudo.TAG}"]
    assert pseudo.ESCAPED not in mail.html and "&lt;&amp;&gt;" in mail.html
    assert mail.body.count(pseudo.OPEN) == mail.body.count(pseudo.SHUT) > 3
    assert unescape(mail.html).count(pseudo.OPEN) == unescape(mail.html).count(pseudo.SHUT)
    (page,) = [one for one in rendering.pages if one.language == pseudo.TAG]
    for said in (page.title, page.lead, *page.steps, *(answer for _, answer in page.facts)):
        assert said in mail.body and said in unescape(mail.html)


@given(st.sampled_from(sorted(the_words().messages)))
def test_a_message_keeps_its_slots_and_its_lines(context: str) -> None:
    text = the_words().messages[context].text
    said = pseudo.said(text)
    assert placeholders(said) == placeholders(text) and said.count("\n") == text.count("\n") and len(said) > len(text)


def test_what_was_cut_off_or_never_asked_for_is_named() -> None:
    assert pseudo.problems(f"{pseudo.said('Leave now.')[:-1]}", ())[0].startswith("Something was cut off")
    assert pseudo.problems(f"{pseudo.said('Leave now.')} Hurry Linnton", ["Linnton"]) == [
        "Nobody was asked to translate 'Hurry'."
    ]


def test_the_command_writes_a_mail_for_each_hazard(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["words", "pseudo", str(tmp_path / "mails")])
    assert done.exit_code == 0
    assert {path.stem for path in (tmp_path / "mails").iterdir()} == set(catalogue())
