"""What may be said on the telephone: which languages, by what voice, how long, and never anything but words."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify import data
from notify.alerts.alert import Mode
from notify.wording import reviews, words
from notify.wording.reviews import arrange
from surge import pack
from surge.dialing import dial_problem
from surge.recorded import takes
from surge.recorded.takes import Released
from surge.voice import prompts, voice_fallback
from surge.voice.prompts import Prompt, aloud
from surge.voice.twiml import write
from surge.voice.verbs import Hangup, Play, Say
from surge.voice.voice import Heard, heard, rang
from surge.voice.voice_announcement import announcement
from surge.voice.voices import LISTED, Voice
from tests.notify.newsroom_factory import PACK
from tests.surge.twiml_rules import broken
from tests.surge.voice_factory import a_call, a_scene, dialled, names, portland, pressed, said, speech, utterances

INJECTIONS = [
    "</Say><Dial>911</Dial><Say>",
    "]]></Say><Redirect>https://evil.example/x</Redirect>",
    '"><Hangup/>',
    "&lt;Dial&gt; &amp; <!-- -->",
    "%(city)s %s {fact:boil_minutes} {0} {{ city }}",
    '<speak><audio src="https://evil.example/x.mp3"/></speak>',
]


@cache
def the_words() -> words.Words:
    return words.load(data.folder("templates"))


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_people_typed_comes_out_literal(text: str) -> None:
    scene = a_scene(messages={"en": Prompt(language="en", words=text)})
    menu = pressed(scene, "").twiml
    assert aloud(text) in said(menu)
    assert names(menu) == ["Gather", "Redirect"] and broken(menu) == []
    partner = replace(portland().partners[0], name=text)
    offer = pressed(a_scene(staffed=False, partner=partner), "", "0").twiml
    assert aloud(text) in said(offer) and broken(offer) == []
    named = replace(scene, speech=replace(scene.speech, city=text))
    assert aloud(text) in said(rang(a_call(), named).twiml)


@given(st.text(max_size=200))
def test_any_text_makes_a_document_that_can_be_read(text: str) -> None:
    written = write((Say(text=f"x {text}", voice="Polly.Joanna", tag="en-US"), Hangup()))
    assert [verb.tag for verb in ElementTree.fromstring(written)] == ["Say", "Hangup"]


@given(st.text(alphabet="0123456789*#ABCDabc<>&'\"% ", max_size=8))
def test_any_key_gets_an_answer_in_every_step(digits: str) -> None:
    scene = a_scene()
    for keys in ((), ("",), ("", "2"), ("", "0")):
        assert broken(heard(pressed(scene, *keys).call, Heard(digits=digits), scene).twiml) == []


def test_codes_and_numbers_are_read_digit_by_digit() -> None:
    assert aloud("Call 911 or 311 or 503-823-4000.") == "Call 9 1 1 or 3 1 1 or 5 0 3, 8 2 3, 4 0 0 0."
    assert aloud("in 1911,  9110 lines\nand +15035550100") == "in 1911, 9110 lines and 5 0 3, 5 5 5, 0 1 0 0"


def test_the_sample_city_speaks_every_language_that_has_a_key() -> None:
    whole = pack.load(PACK)
    found = prompts.speech(the_words(), arrange(()), whole, allow_drafts=True)
    assert found.fluent == {"en", *whole.digits.values()} - {"und"}
    greeting = [text for _, text in utterances(rang(a_call(), a_scene(pack=whole, speech=found)).twiml)]
    assert greeting[2:] == [
        "Para español, oprima 2.",
        "Tiếng Việt, bấm số 3.",
        "中文請按 4。",
        "Для русского языка нажмите 5.",
        "Для української мови натисніть 6.",
        "للغة العربية اضغط 7.",
        "For any other language press 8.",
    ]


def test_a_language_with_neither_voice_nor_recording_goes_to_the_interpreter() -> None:
    assert speech().fluent == {"en", "es"}
    assert prompts.to_interpreter(speech(), portland()) == ("so", "und")


@pytest.mark.parametrize("digit", ["2", "3", "4", "5", "6", "7"])
def test_every_key_of_the_sample_city_leads_to_documents_in_that_language(digit: str) -> None:
    whole = pack.load(PACK)
    found = prompts.speech(the_words(), arrange(()), whole, allow_drafts=True)
    language = whole.digits[digit]
    words = {language: Prompt(language=language, words="911"), "en": Prompt(language="en", words="Boil water.")}
    scene = a_scene(pack=whole, speech=found, messages=words)
    for keys in ([digit], [digit, "2"], [digit, "1"], [digit, "0"], [digit, "9"]):
        twiml = pressed(scene, *keys).twiml
        assert broken(twiml) == []
        assert {tag for tag, _ in utterances(twiml)} == {LISTED[language][whole.voices[language].voice]}
    reply = pressed(replace(scene, staffed=False), digit, "0")
    assert broken(reply.twiml) == [] and len({tag for tag, _ in utterances(reply.twiml)}) == 1


def test_a_live_instance_says_only_what_somebody_has_reviewed() -> None:
    known = the_words()
    live = prompts.speech(known, arrange(()), portland(), allow_drafts=False)
    assert live.fluent == {"en"} and "es" not in live.texts
    at = datetime(2026, 11, 20, tzinfo=UTC)
    given_ = [
        reviews.approve(known, context, "es", reviewer="native reader", at=at)
        for context, message in known.messages.items()
        if message.domain == prompts.DOMAIN
    ]
    assert prompts.speech(known, arrange(given_), portland(), allow_drafts=False).fluent == {"en", "es"}
    assert prompts.speech(known, arrange(given_[1:]), portland(), allow_drafts=False).fluent == {"en"}


def test_a_language_is_fluent_by_recordings_alone() -> None:
    slotless = [
        context
        for context, message in the_words().messages.items()
        if message.domain == prompts.DOMAIN and "%(" not in message.text
    ]
    recorded = {context: f"https://example.gov/lo/{context}.mp3" for context in slotless}
    with_lao = replace(portland(), recordings={"lo": recorded}, digits={"3": "lo"})
    found = prompts.speech(the_words(), arrange(()), with_lao, allow_drafts=True)
    assert "lo" in found.fluent
    reply = pressed(a_scene(speech=found, pack=with_lao), "3")
    assert "https://example.gov/lo/voice.way_out.mp3" in said(reply.twiml) and broken(reply.twiml) == []
    less = replace(with_lao, recordings={"lo": {context: recorded[context] for context in slotless[1:]}})
    assert "lo" not in prompts.speech(the_words(), arrange(()), less, allow_drafts=True).fluent


def test_a_phrase_with_a_number_in_it_is_never_taken_from_a_recording() -> None:
    odd = replace(speech(), recordings={"es": {"voice.wait": "https://example.gov/wait.mp3"}})
    spoken = odd.phrase("voice.wait", "es", ahead=4, low=10, high=15)
    assert isinstance(spoken, Say) and "de 10 a 15" in spoken.text


def test_the_message_and_the_way_to_911_take_at_most_twenty_seconds() -> None:
    usual = a_scene().messages
    assert prompts.problems(usual, speech(), portland()) == []
    long = {"en": Prompt(language="en", words="word " * 60)}
    assert "takes 29 s" in prompts.problems(long, speech(), portland())[0]


def test_a_message_nobody_could_hear_cannot_be_published() -> None:
    english = a_scene().messages["en"]
    found = prompts.problems({"en": english, "so": Prompt(language="so", words="Karkari biyaha.")}, speech(), portland())
    assert len(found) == 1 and "Somali has no recording" in found[0]
    assert "no message in English" in prompts.problems({}, speech(), portland())[0]
    unknown = {"en": english, "so": Prompt(language="so", recording="https://example.gov/so.mp3")}
    assert "nobody said how many seconds" in prompts.problems(unknown, speech(), portland())[0]
    plain = {"en": english, "so": Prompt(language="so", recording="http://example.gov/so.mp3", seconds=10)}
    assert "no https address" in prompts.problems(plain, speech(), portland())[0]
    wrong = {"en": english, "es": Prompt(language="so", recording="https://example.gov/so.mp3", seconds=10)}
    assert "filed under es" in prompts.problems(wrong, speech(), portland())[0]


def test_every_listed_voice_has_a_tag_and_english_is_among_them() -> None:
    assert "en" in LISTED and all(tags and all(tags.values()) for tags in LISTED.values())
    assert "lo" not in LISTED and "so" not in LISTED


def test_what_lies_with_the_provider_needs_nothing_of_ours() -> None:
    written = voice_fallback.document(portland(), speech())
    assert broken(written) == []
    assert b"/voice/" not in written and b"action" not in written and b"http" not in written
    first, second, *_ = [text for _, text in utterances(written)]
    assert (first, second) == ("In an emergency hang up and dial 9 1 1.", "En una emergencia, cuelgue y marque 9 1 1.")
    assert dialled(written) == ["+15035550400", "+15035550401"]
    assert names(written)[-1] == "Hangup" and names(written).count("Dial") == 1
    assert not any(dial_problem(target) for target in dialled(written))
    assert said(written).rstrip(".").endswith("9 1 1")


def test_the_fallback_plays_no_recording_and_works_without_a_call_centre() -> None:
    recorded = replace(speech(), recordings={"es": {"voice.fallback": "https://example.gov/f.mp3"}})
    assert b"Play" not in voice_fallback.document(portland(), recorded)
    alone = replace(portland(), forward="", second="")
    assert names(voice_fallback.document(alone, speech()))[-1] == "Hangup"
    assert broken(voice_fallback.document(alone, speech())) == []
    assert voice_fallback.problems(alone) and voice_fallback.problems(replace(portland(), second=""))
    assert voice_fallback.problems(portland()) == []


def test_a_recorded_address_that_is_odd_is_written_as_text() -> None:
    written = write((Play(url="https://example.gov/a.mp3?x=1&y=<2>"), Hangup()))
    assert ElementTree.fromstring(written)[0].text == "https://example.gov/a.mp3?x=1&y=<2>"


def test_a_reviewed_voice_lets_the_sample_city_speak_live() -> None:
    heard_by = {
        tag: replace(voice, reviewed=date(2026, 11, 20), by="language office") for tag, voice in portland().voices.items()
    }
    unsure = {**heard_by, "es": Voice(voice="Polly.Lupe", reviewed=date(2026, 11, 20))}
    assert [one[:16] for one in pack.unheard(replace(portland(), voices=unsure), Mode.LIVE)] == ["the voice for es"]
    assert pack.unheard(replace(portland(), voices=heard_by), Mode.LIVE) == []
    assert pack.unheard(portland(), Mode.TRAINING) == []


def test_the_time_of_day_is_written_out_for_each_language() -> None:
    at = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
    assert speech().moment(at, "en") == "Monday, November 23, 8:05 AM"
    assert speech().moment(at, "es") == "lunes, 23 de noviembre, 8:05 a.m."


def test_the_call_centre_gets_a_text_to_read_in_for_each_language_that_has_one() -> None:
    messages = {**a_scene().messages, "so": Prompt(language="so", words="Karkari biyaha.")}
    read_in = announcement(messages, speech())
    assert list(read_in) == ["en", "es"]
    assert read_in["en"].startswith("In an emergency hang up and dial 911. Boil tap water")
    assert read_in["es"].startswith("En una emergencia, cuelgue y marque 911. Hierva el agua")
    drill = announcement(messages, speech(), drill=True)["en"]
    assert drill.index("exercise") < drill.index("Boil")


def test_a_language_is_refused_by_a_sentence_for_each_prompt_that_nobody_could_hear() -> None:
    found = prompts.refusals(speech(), portland())
    assert list(found) == ["so"], "English and Spanish have a voice; und is nobody's language"
    assert found["so"][0] == (
        "voice.way_out in Somali has no recording that was released, and there is no reviewed voice for it. "
        "Callers in Somali go to the interpreter."
    )
    assert len(found["so"]) == len(speech().gaps["so"])


def test_a_released_recording_counts_for_its_own_words_alone() -> None:
    known = the_words()
    lines = {line.key: line for line in takes.lines(known, portland(), "es")}
    way_out, choose = lines["voice.way_out"], lines[takes.CHOOSE]
    released = [
        Released(language="es", key=line.key, digest=line.digest, url=f"https://example.gov/{line.key}.wav", seconds=2.0)
        for line in (way_out, choose)
    ]
    found = prompts.speech(known, arrange(()), portland(), allow_drafts=True, released=released)
    assert found.phrase("voice.way_out", "es") == Play(url="https://example.gov/voice.way_out.wav")
    assert "https://example.gov/voice.choose.wav" in said(rang(a_call(), a_scene(speech=found)).twiml)
    other = replace(known, translations={**known.translations, "es": {**known.translations["es"], way_out.key: "Otra cosa."}})
    found = prompts.speech(other, arrange(()), portland(), allow_drafts=True, released=released)
    assert isinstance(found.phrase("voice.way_out", "es"), Say), "the voice again, with the words of now"
    moved = replace(portland(), digits={"3": "es", "2": "so", "8": "und"})
    found = prompts.speech(known, arrange(()), moved, allow_drafts=True, released=released)
    assert takes.CHOOSE not in found.recordings["es"], "it names another key"


def test_a_recorded_message_is_played_for_exactly_those_words() -> None:
    one = takes.message_line("so", "Karkari biyaha.")
    told = Released(language="so", key=one.key, digest=one.digest, url="https://example.gov/m.wav", seconds=8.0)
    found = prompts.speech(the_words(), arrange(()), portland(), allow_drafts=True, released=[told])
    assert found.told == {("so", one.digest): told} and "so" not in found.fluent
    assert found.told.get(("so", takes.message_line("so", "Karkari biyaha!").digest)) is None
