"""What an approver reads beside the button: people, parts, cost and time that are those of the real texts."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.text import measure
from notify.alerts.preview import Means, dear_letters, rows, shorter_saves, slowest, summary
from notify.wording.render import Rendering, render
from tests.notify.subjects import TAGS, a_subject, the_words

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
PEOPLE = {("sms", "first", "en"): 1_000, ("sms", "first", "es"): 200, ("sms", "first", "hmn"): 3, ("email", "first", "en"): 50}


def a_rendering(**changes: object) -> Rendering:
    return render(a_subject(**changes), the_words(), (), {"en": "en-US", "es": TAGS["es"]}, allow_drafts=True)  # type: ignore[arg-type]


def test_a_row_is_measured_as_the_text_that_leaves() -> None:
    rendering = a_rendering()
    table = rows(rendering, PEOPLE, 0.01)
    assert sum(row.people for row in table) == sum(PEOPLE.values())
    for row in table:
        if row.channel == "sms":
            size = measure(rendering.contents[f"sms/first/{row.written_in}"].body)
            assert (row.parts, row.units, row.encoding) == (size.parts, size.units, size.encoding)
            assert row.segments == size.parts * row.people
            assert row.cost == pytest.approx(row.segments * 0.01)
        else:
            assert (row.segments, row.cost) == (0, 0)


def test_people_of_a_language_without_words_are_counted_as_readers_of_english() -> None:
    (row,) = [row for row in rows(a_rendering(), PEOPLE, 0.01) if row.language == "hmn"]
    assert (row.written_in, row.step) == ("en", "english")


def test_the_lines_say_how_many_how_long_and_who_falls_back() -> None:
    table = rows(a_rendering(), PEOPLE, 0.01)
    segments = sum(row.segments for row in table)
    lines = summary(table, Means(rates={"sms": [10.0]}, cost_per_segment=0.01), NOW, lambda at: at.strftime("%H:%M"))
    told = "\n".join(lines)
    assert "sms: 1,203 people, done " in told
    assert "email: 50 people, NO SENDER: nothing would leave" in told
    assert f"SMS segments: {segments:,}, cost about ${segments * 0.01:,.2f}" in told
    assert "Falls back: 3 people read hmn in English." in told
    assert "Senders of 10 segments/s needed: 1 for 30 minutes, 1 for 60 minutes" in told


def test_a_sender_without_a_limit_gives_no_time() -> None:
    lines = summary(rows(a_rendering(), PEOPLE, 0), Means(rates={"sms": [float("inf")]}, cost_per_segment=0), NOW, str)
    assert "sms: 1,203 people, as fast as the relay takes them" in lines


def test_no_end_is_promised_for_texts_that_wait() -> None:
    waits = Means(rates={"sms": [10.0], "email": [10.0]}, cost_per_segment=0, texts_wait=True)
    lines = summary(rows(a_rendering(), PEOPLE, 0), waits, NOW, str)
    assert "sms: 1,203 people, not all of them now" in lines
    assert any(line.startswith("email: 50 people, done ") for line in lines)


def test_slowing_with_311_says_what_it_costs_at_most() -> None:
    table = rows(a_rendering(), PEOPLE, 0.01)
    segments = sum(row.segments for row in table)
    said = slowest(table, [4.0, 6.0], NOW, lambda at: f"{at:%H:%M:%S}")
    usual, latest = NOW + timedelta(seconds=segments / 10), NOW + timedelta(seconds=segments / 2.5)
    assert said == (
        "Slows with 311: at least 2.5 segments/s while callers wait 5 min or more; "
        f"done {latest:%H:%M:%S} at latest, not {usual:%H:%M:%S}."
    )
    assert slowest(table, [], NOW, str) == "" and slowest(table, [math.inf], NOW, str) == ""
    assert slowest([row for row in table if row.channel == "email"], [10.0], NOW, str) == ""


def test_the_one_part_form_says_what_it_saves() -> None:
    rendering = a_rendering()
    table = rows(rendering, {("sms", "first", "en"): 600}, 0.01)
    saved = (rendering.measures["sms/first/en"].parts - rendering.measures["sms/short/en"].parts) * 600
    assert shorter_saves(table, rendering, [10.0]) == (
        f"The one-part form (short: true) saves {saved:,} segments, {saved / 600:,.0f} minutes."
    )
    assert shorter_saves(table, rendering, []) == "" == shorter_saves(table, rendering, [float("inf")])


def test_a_letter_that_doubles_the_price_is_named_with_the_languages_it_costs() -> None:
    assert dear_letters(a_rendering()) == []
    (sentence,) = dear_letters(a_rendering(place={"en": "Lents and Los Ríos"}))
    assert "'í' (LATIN SMALL LETTER I WITH ACUTE)" in sentence
    assert "en, es" in sentence


def test_letters_a_language_cannot_do_without_are_no_fault() -> None:
    rendering = a_rendering()
    russian = replace(next(iter(rendering.contents.values())), key="sms/first/ru", language="ru", body="Кипятите воду.")
    changed = replace(
        rendering,
        contents={**rendering.contents, russian.key: russian},
        measures={**rendering.measures, russian.key: measure(russian.body)},
    )
    assert dear_letters(changed) == []
