"""Texts are made once for the same draft at the same moment, and anew whenever anything they depend on has changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notify.alerts.alert import Mode
from notify.wording import render
from notify.wording.rendered import KEPT, Rendered
from notify.wording.reviews import Reader, Review
from tests.notify.subjects import a_subject, the_words

TAGS = {"en": "en-US", "es": "es-US"}
REVIEW = Review(
    language="es",
    key="k",
    source_hash="a",
    target_hash="b",
    reviewer="translator",
    at=datetime(2026, 5, 4, tzinfo=UTC),
    kind=Reader.NATIVE,
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every subject that texts were made of."""
    subjects: list[object] = []
    real = render.render

    def counted(subject: object, *args: object, **given: object) -> object:
        subjects.append(subject)
        return real(subject, *args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "render", counted)
    return subjects


def test_the_same_draft_at_the_same_moment_is_made_once(made: list[object]) -> None:
    rendered, subject = Rendered(), a_subject("boil_water")
    first = rendered.of(subject, the_words(), (), TAGS, allow_drafts=True)
    assert rendered.of(replace(subject), the_words(), (), dict(TAGS), allow_drafts=True) is first
    assert len(made) == 1 and first == render.render(subject, the_words(), (), TAGS, allow_drafts=True)


def test_whatever_the_words_depend_on_makes_them_anew(made: list[object]) -> None:
    rendered, subject = Rendered(), a_subject("boil_water")
    rendered.of(subject, the_words(), (), TAGS, allow_drafts=True)
    rendered.of(replace(subject, sent=subject.sent + timedelta(minutes=1)), the_words(), (), TAGS, allow_drafts=True)
    rendered.of(replace(subject, mode=Mode.TRAINING), the_words(), (), TAGS, allow_drafts=True)
    rendered.of(replace(subject, slots=dict(subject.slots) | {"samples": 9}), the_words(), (), TAGS, allow_drafts=True)
    rendered.of(subject, the_words(), (), {"en": "en-US"}, allow_drafts=True)
    rendered.of(subject, the_words(), (REVIEW,), TAGS, allow_drafts=True)
    rendered.of(subject, replace(the_words()), (), TAGS, allow_drafts=True)
    assert len(made) == 7


def test_looks_within_one_minute_share_their_texts(made: list[object]) -> None:
    rendered, subject = Rendered(), a_subject("boil_water")
    begun = subject.sent.replace(second=0, microsecond=0)
    first = rendered.of(replace(subject, sent=begun), the_words(), (), TAGS, allow_drafts=True)
    later = replace(subject, sent=begun + timedelta(seconds=59, microseconds=999))
    assert rendered.of(later, the_words(), (), TAGS, allow_drafts=True) is first
    assert render.render(later, the_words(), (), TAGS, allow_drafts=True) == first
    rendered.of(replace(subject, sent=begun + timedelta(minutes=1)), the_words(), (), TAGS, allow_drafts=True)
    assert len(made) == 3


def test_few_are_kept(made: list[object]) -> None:
    rendered, subject = Rendered(), a_subject("boil_water")
    for minute in range(KEPT + 1):
        rendered.of(replace(subject, sent=subject.sent + timedelta(minutes=minute)), the_words(), (), TAGS, allow_drafts=True)
    rendered.of(subject, the_words(), (), TAGS, allow_drafts=True)
    assert len(made) == KEPT + 2


def test_what_is_looked_at_again_and_again_stays_while_somebody_types(made: list[object]) -> None:
    rendered, subject = Rendered(), a_subject("boil_water")
    first = rendered.of(subject, the_words(), (), TAGS, allow_drafts=True)
    for samples in range(1, 2 * KEPT):
        typed = replace(subject, slots=dict(subject.slots) | {"samples": samples + 10})
        rendered.of(typed, the_words(), (), TAGS, allow_drafts=True)
        assert rendered.of(subject, the_words(), (), TAGS, allow_drafts=True) is first
    assert len(made) == 2 * KEPT
