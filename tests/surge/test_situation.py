"""Callers hear what is in force, in the words that were approved, in time, and nothing of what was stopped or has not left."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.affected import Touched, Verdict
from notify.alerts.alert import Event, Stage, from_json
from notify.clock import ManualClock
from notify.db import Database
from surge.recorded import takes
from surge.recorded.takes import Released
from surge.switch.activation import Activation, Status
from surge.voice import prompts, spoken
from surge.voice.prompts import Prompt
from surge.voice.situation import Situation, Situations
from surge.voice.verbs import Play
from surge.voice.voice import Heard, heard
from tests.notify.newsroom_factory import APPROVER, Room, a_draft, follow_up
from tests.surge.voice_factory import NOON, a_scene, pressed, said, speech

LEAD = "Boil tap water for 1 full minute before you drink it, cook with it, brush your teeth or make ice."


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock)


def asked(room: Room, alert_id: str, situations: Situations | None = None) -> Situation:
    activation = Activation(
        activation_id="A1",
        runbook="boil-water",
        title="Boil water",
        status=Status.OPEN,
        made_by="lead",
        made_at=NOON,
        incident_id=alert_id.partition("-")[0] or None,
    )
    found = situations or Situations(speech())
    return room.db.read_now(lambda conn: found(conn, activation))


def an_event(room: Room, **fields: object) -> Event:
    return from_json(room.event(room.approved(a_draft(**fields))).content)


def test_callers_hear_the_alert_that_leaves_in_its_own_words(room: Room) -> None:
    alert_id = room.pressed()
    found = asked(room, alert_id)
    assert found.event_id == alert_id
    assert found.messages["en"].words.startswith(LEAD)
    assert found.messages["es"].words.startswith("Hierva el agua del grifo")
    assert "alerts.example.gov" not in " ".join(one.words for one in found.messages.values())


def test_what_was_approved_and_has_not_left_is_told_to_nobody(room: Room) -> None:
    assert asked(room, room.approved()) == Situation()
    assert asked(room, "") == Situation()


def test_what_was_stopped_is_not_told_any_more(room: Room) -> None:
    alert_id = room.left()
    situations = Situations(speech())
    assert asked(room, alert_id, situations).messages
    room.do("stop", APPROVER, alert_id, "Wrong area.")
    assert asked(room, alert_id, situations) == Situation()


def test_an_update_replaces_it_once_it_leaves_and_the_all_clear_is_told_too(room: Room) -> None:
    alert_id = room.left()
    situations = Situations(speech())
    room.approved(follow_up(alert_id, Stage.UPDATE))
    assert asked(room, alert_id, situations).event_id == alert_id
    clear = room.left(follow_up(alert_id, Stage.ALL_CLEAR))
    found = asked(room, alert_id, situations)
    assert found.event_id == clear and found.zips is None
    assert "safe" in found.messages["en"].words


def test_the_last_answer_is_kept_until_something_changes(room: Room) -> None:
    alert_id = room.left()
    situations = Situations(speech())
    assert asked(room, alert_id, situations) is asked(room, alert_id, situations)


def test_every_message_fits_with_the_way_to_911_before_it(room: Room) -> None:
    event = replace(an_event(room), next_update_by=datetime(2026, 11, 23, 23, tzinfo=UTC))
    found = spoken.messages(event, speech())
    assert {"en", "es"} <= found.keys() and len(found) > 2
    assert prompts.problems({tag: found[tag] for tag in ("en", "es")}, speech(), a_scene().pack) == []
    assert spoken.audible(found, speech()) == ("en", "es")


def test_a_message_that_was_recorded_is_played_for_exactly_its_words(room: Room) -> None:
    event = an_event(room)
    told = spoken.messages(event, speech())["es"]
    line = takes.message_line("es", told.words)
    one = Released(language="es", key=line.key, digest=line.digest, url="https://example.gov/m.wav", seconds=9.0)
    known = replace(speech(), told={("es", line.digest): one})
    found = spoken.messages(event, known)
    assert (found["es"].recording, found["es"].seconds, found["es"].words) == (one.url, 9.0, told.words)
    assert found["en"].recording == ""
    assert known.prompt(found["es"]) == (Play(url=one.url),)
    assert 0 < spoken.room("es", known) < prompts.MOST_S - spoken.NEXT_S


def test_a_language_without_a_page_has_its_text_without_link_and_key_word(room: Room) -> None:
    event = an_event(room)
    bare = replace(event, pages=tuple(page for page in event.pages if page.language == "en"))
    words = spoken.messages(bare, speech())["es"].words
    assert words.startswith("Portland Water: HIERVA EL AGUA") and "WATER" not in words and "alerts." not in words


def test_nothing_is_put_together_and_what_never_fits_is_left_out(room: Room) -> None:
    event = an_event(room)
    endless = replace(
        event, contents={}, pages=tuple(replace(page, lead="word " * 99, title="word " * 99) for page in event.pages)
    )
    assert spoken.messages(endless, speech()) == {}


SENTENCES = ("Boil it.", "Stay inside!", "Why?", "煮沸。", "It is 4.5 m high.", "x " * 29 + "x.")


@given(st.lists(st.sampled_from(SENTENCES), max_size=40))
def test_words_are_cut_between_sentences_only_and_leave_time_for_the_way_to_911(sentences: list[str]) -> None:
    whole = " ".join(sentences)
    kept = spoken.fitted(whole, "en", speech())
    assert whole.startswith(kept)
    assert not kept or kept.endswith((".", "!", "?", "。"))
    way_out = speech().texts["en"]["voice.way_out"]
    taken = sum(prompts.seconds(Prompt(language="en", words=words)) or 0 for words in (way_out, kept))
    assert taken + spoken.NEXT_S <= prompts.MOST_S
    assert kept == whole or taken + spoken.NEXT_S > prompts.MOST_S - 30 / prompts.WORDS_PER_S


def test_zip_codes_follow_the_area_and_end_with_the_alert(room: Room) -> None:
    event = an_event(room)
    touched = Touched(zips=(("97214", Verdict.INSIDE), ("97206", Verdict.PART), ("97204", Verdict.OUTSIDE)))
    zips = spoken.zips(event, touched)
    assert zips is not None
    assert (zips.inside, zips.edge, zips.outside) == (frozenset({"97214"}), frozenset({"97206"}), frozenset({"97204"}))
    assert spoken.zips(replace(event, stage=Stage.ALL_CLEAR), touched) is None
    assert spoken.zips(event, Touched()) is None


def test_the_next_news_are_announced_until_they_are_due() -> None:
    message = Prompt(language="en", words="Boil tap water.", next_at=datetime(2026, 11, 24, 0, tzinfo=UTC))
    scene = a_scene(messages={"en": message})
    assert "Boil tap water. | Next news: Monday, November 23, 4:00 PM." in said(pressed(scene, "").twiml)
    late = replace(scene, now=datetime(2026, 11, 24, 0, tzinfo=UTC))
    assert "Next news" not in said(heard(pressed(scene, "").call, Heard(digits="*"), late).twiml)
