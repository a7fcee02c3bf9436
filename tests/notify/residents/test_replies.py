"""The dialog's answers: there in every language, within one part, and literal about what residents called things."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.text import measure
from notify.residents.replies import Replies
from notify.wording import proofs
from subscribers.dialog import lexicon, player, talk
from subscribers.dialog.turn import Reply, Sent, Turn
from tests.notify.subjects import reviews_of, the_words

KEYS = sorted(context.removeprefix("dialog.") for context in the_words().messages if context.startswith("dialog."))
LANGUAGES = tuple(player.SAMPLE_LANGUAGES)
REPLIES = Replies(the_words(), (), allow_drafts=True)
TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
LEXICON = lexicon.load(the_words().templates / "dialog" / "vocabulary")
SLOTS: dict[str, str | int | Sequence[str]] = {
    "programme": "Portland Alerts",
    "city": "Portland",
    "phones": "311 or 503-823-4000",
    "phone": "311",
    "link": "alerts.example.gov",
    "county_link": "publicalerts.org",
    "language": "English",
    "url": "alerts.example.gov/a/K7Q2",
    "code": "4821",
    "endonym": "Español",
    "topic": "WATER",
    "time": "Fri 3:05 PM",
    "zip": "97005",
    "count": 3,
}


@cache
def measured() -> Sequence[proofs.Row]:
    return [row for row in proofs.table(the_words()) if row.context.startswith("dialog.")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_is_there_and_is_one_part(language: str) -> None:
    rows = {row.context.removeprefix("dialog."): row for row in measured() if row.language == language}
    assert set(rows) == set(KEYS)
    assert [(key, row.units) for key, row in rows.items() if row.parts > 1] == []


@pytest.mark.parametrize("language", ["es", "so"])
def test_languages_that_can_be_written_in_gsm_7_are(language: str) -> None:
    assert [row.context for row in measured() if row.language == language and row.encoding != "GSM-7"] == []


names = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40)
lists = st.lists(names, min_size=1, max_size=5).map(tuple)


@settings(max_examples=300)
@given(key=st.sampled_from(KEYS), language=st.sampled_from(LANGUAGES), some=st.lists(names, min_size=4, max_size=4), many=lists)
def test_no_name_makes_an_answer_fail_or_run_on(key: str, language: str, some: list[str], many: tuple[str, ...]) -> None:
    label, place, old, _ = some
    slots = SLOTS | {"label": label[:12], "place": place, "old": old, "places": many, "choices": many, "alerts": many}
    assert REPLIES.text(Reply(key=key, language=language, slots=slots)).parts <= 2


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_answer_of_the_transcripts_finds_its_slots_filled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Reply | Sent] = []
    turn = talk.turn

    def recorded(*given: Any) -> Turn:
        done = turn(*given)
        said.extend(done.replies)
        return done

    monkeypatch.setattr(talk, "turn", recorded)
    for transcript in player.read(path):
        player.play(transcript, LEXICON)
    assert said and [one for one in map(REPLIES.text, said) if not 1 <= one.parts <= 2 or "%(" in one.body] == []


def test_a_name_too_long_even_for_two_parts_is_cut_between_words() -> None:
    place = "Ünlü Straße " * 15
    said = REPLIES.text(Reply(key="M08", language="ja", slots=SLOTS | {"place": place.strip()}))
    assert said.parts == 2 and "Ünlü Straße Ünlü Straße ..." in said.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_is_asked_to_choose_sees_every_choice(language: str) -> None:
    choices = tuple(f"{number}) 1100 block {side} 5th Ave 9720{number}" for number, side in enumerate(("SW", "NE", "SE"), 1))
    said = REPLIES.text(Reply(key="M05", language=language, slots=SLOTS | {"choices": choices}))
    assert said.parts <= 2 and all(choice in said.body for choice in choices)


def test_long_lists_are_cut_between_names_and_the_rest_is_counted() -> None:
    places = tuple(f"PLACE{number} 1100 block SW {number}th Ave" for number in range(1, 6))
    said = REPLIES.text(Reply(key="M12", language="en", slots=SLOTS | {"places": places}))
    assert said.parts == 1 and "PLACE1 1100 block SW 1th Ave" in said.body and "+" in said.body


@pytest.mark.parametrize("hostile", ["%(phones)s", "{{7*7}}", "{0.__class__}", "%s", "${x}", "</Message><Say>", "%"])
def test_what_a_resident_calls_a_place_comes_out_literal(hostile: str) -> None:
    said = REPLIES.text(Reply(key="M13", language="en", slots=SLOTS | {"label": hostile, "places": (hostile,)}))
    assert said.body.count(hostile) == 2


def test_without_a_review_everybody_is_answered_in_english_whole() -> None:
    live = Replies(the_words(), (), allow_drafts=False)
    said = live.text(Reply(key="M18", language="es", slots=SLOTS))
    assert said.language == "en" and said.body.startswith("Portland Alerts (City of Portland)")


def test_the_plain_form_leaves_marks_out_where_the_language_has_one() -> None:
    reply = Reply(key="plain_on", language="ro", slots=SLOTS)
    assert measure(REPLIES.text(reply, plain=True).body).encoding == "GSM-7"
    assert REPLIES.text(Sent(body="đừng", language="vi"), plain=True).body == "đừng"


def test_the_menu_of_languages_is_two_texts_of_one_part() -> None:
    for half in (
        "1 English 2 Español 3 Tiếng Việt 4 繁體中文 5 Русский 6 Українська",
        "7 Română 8 Soomaali 9 العربية 10 日本語 11 ລາວ 12 한국어",
    ):
        assert REPLIES.text(Reply(key="M15", language="en", slots={"menu": half})).parts == 1


def test_the_form_without_marks_is_used_once_all_of_it_is_approved() -> None:
    approved = reviews_of(the_words(), "ro-x-plain")
    assert Replies(the_words(), (), allow_drafts=True).plain == {"ro"}
    assert Replies(the_words(), reviews_of(the_words(), "ro"), allow_drafts=False).plain == frozenset()
    assert Replies(the_words(), approved[1:], allow_drafts=False).plain == frozenset()
    assert Replies(the_words(), approved, allow_drafts=False).plain == {"ro"}


def test_marks_are_not_dropped_where_nobody_has_approved_that() -> None:
    reply, reviews = Reply(key="M18", language="ro", slots=SLOTS), reviews_of(the_words(), "ro")
    live = Replies(the_words(), reviews, allow_drafts=False)
    assert live.text(reply, plain=True) == live.text(reply)


@pytest.mark.parametrize("number", ["311", "211", "503-823-4000"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["M19", "M29", "M45"])
def test_the_number_for_questions_is_the_city_s_own(key: str, language: str, number: str) -> None:
    source = the_words().text(f"dialog.{key}", language)
    said = REPLIES.text(Reply(key=key, language=language, slots=SLOTS | {"phone": number, "label": "WORK"}))
    assert source is not None and "311" not in source
    assert (number in said.body) is ("%(phone)s" in source)
    assert said.parts == 1 or (said.parts == 2 and len(number) > len("311")), "a long number may cost a part"


@pytest.mark.parametrize("key", ["M10", "M12", "M47", "night_off"])
def test_whoever_reads_another_language_sees_the_interpreter_s_number_under_english(key: str) -> None:
    reply = Reply(key=key, language="en", slots=SLOTS | {"label": "WORK", "place": "97204", "places": ("HOME 97214",)})
    assert REPLIES.text(reply, plain=True).body == f"{REPLIES.text(reply).body}\nFree interpreter: 311"
    assert REPLIES.text(reply, plain=True).parts == 1


@pytest.mark.parametrize("key", KEYS)
def test_an_interpreter_s_number_costs_no_part(key: str) -> None:
    slots = SLOTS | {"label": "WORK", "place": "97204", "old": "97214", "places": ("HOME 97214",), "choices": ("1) Lents",)}
    reply = Reply(key=key, language="en", slots=slots | {"alerts": ("Boil tap water",)})
    assert REPLIES.text(reply, plain=True).parts == REPLIES.text(reply).parts == 1
