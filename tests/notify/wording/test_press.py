"""Texts made in a process apart are the texts made here, and are made here when that process is gone, still or at a loss."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from notify.wording import press, render, reviews
from notify.wording.press import Press
from notify.wording.rendered import Rendered
from notify.wording.reviews import Review
from tests.notify.subjects import a_subject, the_words

TAGS = {"en": "en-US", "es": "es-US", "ar": "ar-US", "ro": "ro-RO"}


@pytest.fixture(scope="module")
def running() -> Iterator[Press]:
    started = Press(the_words(), patience_s=60)
    started.start()
    yield started
    started.close()


def _spanish() -> list[Review]:
    words, at = the_words(), datetime(2026, 5, 4, tzinfo=UTC)
    contexts = [message.context for message in reviews.promised(words, "es") if words.text(message.context, "es")]
    return [reviews.approve(words, context, "es", reviewer="translator", at=at) for context in contexts]


@pytest.mark.parametrize("hazard", ["boil_water", "do_not_drink", "test"])
def test_texts_made_apart_are_the_texts_made_here(running: Press, hazard: str) -> None:
    subject = a_subject(hazard)
    made = running.rendered(subject, (), TAGS, allow_drafts=True)
    assert made == render.render(subject, the_words(), (), TAGS, allow_drafts=True)


def test_what_was_reviewed_meanwhile_counts_at_once(running: Press) -> None:
    subject, read = a_subject("boil_water"), _spanish()
    before = running.rendered(subject, (), TAGS, allow_drafts=False)
    after = running.rendered(subject, read, TAGS, allow_drafts=False)
    again = running.rendered(subject, (), TAGS, allow_drafts=False)
    assert before is not None and before.languages_used["es"] == "en"
    assert after is not None and after.languages_used["es"] == "es"
    assert again == before


def test_a_subject_that_cannot_be_worded_does_not_end_it(running: Press) -> None:
    assert running.rendered(replace(a_subject("test"), hazard="none"), (), TAGS, allow_drafts=True) is None
    assert running.rendered(a_subject("test"), (), TAGS, allow_drafts=True) is not None


def test_what_keeps_a_subject_from_being_worded_is_said_as_ever(running: Press) -> None:
    rendered = Rendered()
    rendered.press = running
    with pytest.raises(render.BadSubject, match="no telephone number"):
        rendered.of(replace(a_subject("boil_water"), phones=()), the_words(), (), TAGS, allow_drafts=True)


def test_a_process_that_was_killed_costs_no_texts_and_is_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rendered, subject = Rendered(), a_subject("boil_water")
    rendered.press = Press(the_words(), patience_s=60)
    rendered.press.start()
    assert rendered.press.pid is not None
    os.kill(rendered.press.pid, signal.SIGKILL)
    expected = render.render(subject, the_words(), (), TAGS, allow_drafts=True)
    try:
        assert rendered.of(subject, the_words(), (), TAGS, allow_drafts=True) == expected
        assert "does not answer" in caplog.text
        assert rendered.press.rendered(subject, (), TAGS, allow_drafts=True) is None
        monkeypatch.setattr(press, "AGAIN_S", 0.0)
        assert rendered.press.rendered(subject, (), TAGS, allow_drafts=True) == expected
    finally:
        rendered.press.close()


def test_a_process_that_stands_still_is_given_up() -> None:
    rendered, subject = Rendered(), a_subject("test")
    rendered.press = Press(the_words(), patience_s=0.2)
    rendered.press.start()
    assert rendered.press.pid is not None
    os.kill(rendered.press.pid, signal.SIGSTOP)
    expected = render.render(subject, the_words(), (), TAGS, allow_drafts=True)
    assert rendered.of(subject, the_words(), (), TAGS, allow_drafts=True) == expected
    assert rendered.press.pid is None
