"""Single answers by value: the menu of languages, the language of an answer, and what places are asked for and kept under."""

from dataclasses import replace
from datetime import timedelta

import pytest
from babel.messages.pofile import read_po

from channels.text import GSM_7
from subscribers.dialog import player, talk
from subscribers.dialog.answering import MENU_UNITS, menu_halves
from subscribers.dialog.intent import Kind, Reading
from subscribers.dialog.sample import SampleWorld
from subscribers.dialog.tongues import PLAIN_AS_IT_IS, tongue
from subscribers.dialog.turn import (
    Count,
    Heard,
    Keep,
    Kept,
    Known,
    Memory,
    Note,
    Reply,
    Sent,
    Speak,
    Standing,
    Tongue,
)
from subscribers.place import NamedPlace, ZipArea
from tests.subscribers.dialog.subjects import ACTIVE, HOME, LEXICON, NOW, ROOT, WORLD, answer, heard, keys

TWELVE = ["English", "Español", "Tiếng Việt", "中文(繁體)", "Русский", "Українська", "Română"]
TWELVE += ["Soomaali", "العربية", "日本語", "ລາວ", "한국어"]
SPOKEN = frozenset(player.SAMPLE_LANGUAGES)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def city(languages: dict[str, str]) -> SampleWorld:
    return SampleWorld(city=replace(SampleWorld().city, languages=languages, plain=frozenset()))


class TestTheMenuOfLanguages:
    @pytest.mark.parametrize("names", [TWELVE, list(player.SAMPLE_LANGUAGES.values())])
    def test_twelve_languages_are_two_texts_of_one_part_each(self, names: list[str]) -> None:
        numbered = [*(f"{number} {name}" for number, name in enumerate(names, 1)), "0 English"]
        halves = menu_halves(numbered)
        assert len(halves) == 2 and all(units(half) <= MENU_UNITS for half in halves)
        assert " ".join(halves) == " ".join(numbered)

    def test_few_languages_are_one_text(self) -> None:
        assert menu_halves(["1 English", "2 Español", "0 English"]) == ("1 English 2 Español 0 English",)

    def test_it_says_numbers_and_own_names_and_ends_with_english(self) -> None:
        first, second = answer(Known(), "LANG").replies
        assert isinstance(first, Reply) and isinstance(second, Reply)
        assert (first.key, second.key) == ("M15", "M46")
        assert str(first.slots["menu"]).startswith("1 English 2 Español 3 Tiếng Việt")
        assert str(second.slots["menu"]).endswith("12 한국어 0 English")

    @pytest.mark.parametrize(("number", "tag"), [("0", "en"), ("1", "en"), ("2", "es"), ("12", "ko"), ("٩", "ar")])
    def test_a_number_chooses(self, number: str, tag: str) -> None:
        asked = player.after(ACTIVE, answer(ACTIVE, "LANG"))
        turn = answer(asked, number)
        assert Speak(tag) in turn.acts and turn.memory.tongue is Tongue.CHOSEN

    def test_another_number_chooses_nothing(self) -> None:
        asked = player.after(ACTIVE, answer(ACTIVE, "LANG"))
        assert not any(isinstance(act, Speak) for act in answer(asked, "13").acts)

    def test_a_city_has_the_languages_it_has(self) -> None:
        small = city({"en": "English", "es": "Español"})
        turn = talk.turn(ACTIVE, heard("VI"), small, LEXICON)
        assert keys(turn) == ["M17"] and Count(Note.UNSPOKEN, "vi") in turn.acts
        assert keys(talk.turn(ACTIVE, heard("LANG"), small, LEXICON)) == ["M15"]
        assert keys(talk.turn(ACTIVE, heard("vietnamse"), small, LEXICON)) == ["M27"], "no mending to what is not there"


class TestTheLanguageOfAnAnswer:
    @pytest.mark.parametrize(
        ("language", "how", "reading", "answered", "kept"),
        [
            ("", Tongue.GIVEN, Reading(kind=Kind.ZIP), "en", False),
            ("", Tongue.GIVEN, Reading(kind=Kind.GREETING, language="es"), "es", True),
            ("", Tongue.GIVEN, Reading(kind=Kind.GREETING, language="tl"), "en", False),
            ("en", Tongue.GIVEN, Reading(kind=Kind.STATUS, language="es"), "es", True),
            ("en", Tongue.CHOSEN, Reading(kind=Kind.STATUS, language="es"), "en", False),
            ("en", Tongue.GIVEN, Reading(kind=Kind.YES, language="es"), "en", False),
            ("en", Tongue.GIVEN, Reading(kind=Kind.YES, language="vi", script="vi"), "vi", True),
            ("en", Tongue.GIVEN, Reading(kind=Kind.STOP, language="ko", script="ko"), "ko", True),
            ("en", Tongue.GIVEN, Reading(kind=Kind.STOP, language="zh-Hant", script="zh-Hant", sure=False), "en", False),
            ("en", Tongue.GIVEN, Reading(kind=Kind.DISTRESS, language="es"), "es", False),
            ("es", Tongue.GIVEN, Reading(kind=Kind.STATUS, language="ru", script="ru"), "es", False),
            ("ru", Tongue.GUESSED, Reading(kind=Kind.WORDS, language="uk", script="uk"), "uk", True),
            ("uk", Tongue.GUESSED, Reading(kind=Kind.WORDS, language="ru", script="ru"), "uk", False),
            ("uk", Tongue.GUESSED, Reading(kind=Kind.WORDS, text="мы", language="ru", script="ru"), "ru", True),
            ("ru", Tongue.GUESSED, Reading(kind=Kind.THANKS, language="uk", script="ru"), "uk", True),
            ("ru", Tongue.GUESSED, Reading(kind=Kind.THANKS, language="uk", script="ru", sure=False), "ru", False),
            ("ru", Tongue.CHOSEN, Reading(kind=Kind.THANKS, language="uk", script="ru"), "ru", False),
            ("en", Tongue.GIVEN, Reading(kind=Kind.THANKS, language="es"), "en", False),
            ("zh-Hant", Tongue.GUESSED, Reading(kind=Kind.WORDS, language="ja", script="ja"), "ja", True),
            ("ja", Tongue.GUESSED, Reading(kind=Kind.WORDS, language="zh-Hant", script="zh-Hant"), "ja", False),
            ("ru", Tongue.CHOSEN, Reading(kind=Kind.WORDS, language="uk", script="uk"), "ru", False),
            ("es", Tongue.GUESSED, Reading(kind=Kind.LANGUAGE, language="en"), "es", False),
        ],
    )
    def test_chosen_stays_guessed_gives_way_to_letters_english_by_default_to_either(
        self, language: str, how: Tongue, reading: Reading, answered: str, kept: bool
    ) -> None:
        known = Known(standing=Standing.ACTIVE, language=language, memory=Memory(tongue=how))
        assert tongue(known, reading, SPOKEN) == (answered, kept)

    def test_whoever_is_answered_in_a_guess_hears_of_it(self) -> None:
        assert keys(answer(ACTIVE, "не понимаю вас")) == ["M16"]

    def test_a_choice_ends_the_plain_form_of_the_language_before(self) -> None:
        plain = replace(ACTIVE, language="ro", memory=Memory(plain=True, tongue=Tongue.CHOSEN))
        assert answer(plain, "EN").memory.plain is False


class TestThePlainForm:
    @pytest.mark.parametrize("language", ["en", "es", "so"])
    def test_texts_that_every_handset_can_show_stay_as_they_are(self, language: str) -> None:
        turn = answer(replace(ACTIVE, language=language, memory=Memory(tongue=Tongue.CHOSEN)), "PLAIN")
        assert keys(turn) == ["plain_on"] and turn.memory.plain is False

    @pytest.mark.parametrize("language", sorted(PLAIN_AS_IT_IS - {"en"}))
    def test_every_answer_in_such_a_language_is_of_letters_that_every_handset_has(self, language: str) -> None:
        with (ROOT / "templates" / "locale" / language / "LC_MESSAGES" / "dialog.po").open("rb") as file:
            answers = [str(message.string) for message in read_po(file) if message.id]
        assert answers and [one for one in answers if not GSM_7.issuperset(one)] == []

    @pytest.mark.parametrize("language", sorted(SPOKEN - PLAIN_AS_IT_IS))
    def test_answers_come_in_the_approved_form_or_else_in_english(self, language: str) -> None:
        known = replace(ACTIVE, language=language, memory=Memory(tongue=Tongue.CHOSEN))
        turn = answer(known, "PLAIN")
        is_approved = language in WORLD.city.plain
        assert (keys(turn), turn.memory.plain) == (["plain_on" if is_approved else "plain_none"], True)
        plain = player.after(known, turn)
        for text in ("WHERE", "STATUS", "HELP", "97206", "WATER", "STOP"):
            (first, *_) = answer(plain, text).replies
            assert first.language == (language if is_approved else "en"), text
        assert plain.language == language, "what is theirs is not forgotten"

    @pytest.mark.parametrize("language", sorted(SPOKEN - PLAIN_AS_IT_IS))
    def test_what_it_means_is_said_once_in_the_language_itself(self, language: str) -> None:
        plain = replace(ACTIVE, language=language, memory=Memory(tongue=Tongue.CHOSEN, plain=True))
        assert [reply.language for reply in answer(plain, "PLAIN").replies] == [language]

    @pytest.mark.parametrize("language", sorted(SPOKEN - PLAIN_AS_IT_IS))
    def test_their_language_comes_back_when_it_is_asked_for(self, language: str) -> None:
        plain = replace(ACTIVE, language=language, memory=Memory(tongue=Tongue.CHOSEN, plain=True))
        turn = answer(plain, language.partition("-")[0].upper())
        assert (turn.memory.plain, [reply.language for reply in turn.replies]) == (False, [language])

    def test_it_ends_when_another_language_is_heard(self) -> None:
        plain = replace(ACTIVE, language="ro", memory=Memory(plain=True, tongue=Tongue.GUESSED))
        assert answer(plain, "где вода").memory.plain is False
        assert answer(plain, "unde").memory.plain is True


class TestPlaces:
    def test_the_most_places_are_five_however_they_come(self) -> None:
        full = replace(ACTIVE, places=tuple(Kept(label=f"P{number}", spot=ZipArea(f"9720{number}")) for number in range(1, 6)))
        for text in ("97206", "Lents", "1120 SW 5th Ave", "ADD KIDS 97206", "add 97206", "kids: 97206", "ADD KIDS Lents"):
            turn = answer(full, text)
            assert keys(turn) == ["M11"] and not any(isinstance(act, Keep) for act in turn.acts), text

    def test_a_full_phone_may_still_replace_what_it_has(self) -> None:
        full = replace(ACTIVE, places=tuple(Kept(label=f"P{number}", spot=ZipArea(f"9720{number}")) for number in range(1, 6)))
        assert Keep(label="P1", spot=ZipArea("97206")) in answer(full, "P1: 97206").acts

    def test_what_is_asked_about_an_address_shows_it_as_written_once_and_as_a_block_after(self) -> None:
        asked = answer(Known(), "1120 5th")
        known = player.after(Known(), asked)
        again = answer(known, "9")
        (first,), (second,) = asked.replies, again.replies
        assert isinstance(first, Reply) and isinstance(second, Reply)
        assert "1) 1120 SW 5th Ave (97204)" in list(first.slots["choices"])  # type: ignore[arg-type]
        assert "1) 1100 block SW 5th Ave 97204" in list(second.slots["choices"])  # type: ignore[arg-type]

    @pytest.mark.parametrize("text", ["REMOVE 1", "remove home", "remove my house", "remove 97214", "quitar casa", "移除家"])
    def test_a_place_is_removed_by_any_name_it_has(self, text: str) -> None:
        assert keys(answer(ACTIVE, text)) == ["M14"]

    def test_a_neighborhood_among_free_words_needs_its_label_known(self) -> None:
        assert Keep(label="MOM", spot=NamedPlace("Lents")) in answer(ACTIVE, "my mom Lents").acts
        assert not any(isinstance(act, Keep) for act in answer(ACTIVE, "purple Lents").acts)

    def test_a_report_with_a_number_in_it_signs_nobody_up(self) -> None:
        turn = answer(Known(), "3 big trees fell on the road behind my school, cars are blocked")
        assert keys(turn) == ["M28"] and not any(isinstance(act, Keep) for act in turn.acts)


class TestSigningUp:
    def test_whoever_joins_twice_without_saying_where_gets_citywide_alerts(self) -> None:
        known = player.after(Known(), answer(Known(), "JOIN"))
        assert known.standing is Standing.NEW
        again = answer(known, "yes")
        assert keys(again) == ["M02_city"] and player.after(known, again).standing is Standing.ACTIVE

    def test_a_day_later_a_greeting_is_answered_again(self) -> None:
        known = Known()
        said = []
        for wait in (timedelta(0), timedelta(0), timedelta(0), timedelta(days=1)):
            turn = talk.turn(known, Heard(text="hello there", at=NOW + wait), WORLD, LEXICON)
            said.append(keys(turn))
            known = replace(player.after(known, turn), memory=replace(turn.memory, recent=()))
        assert said == [["M01"], ["M01"], [], ["M01"]]

    def test_pages_of_an_alert_sign_nobody_up(self) -> None:
        turn = answer(Known(), "WATER 2")
        assert turn.replies == (Sent(body="WATER/2.en", language="en"),) and turn.acts == ()

    def test_join_from_somebody_on_a_list_makes_it_their_own_wish(self) -> None:
        assert [type(act).__name__ for act in answer(ACTIVE, "JOIN").acts] == ["Join"]
        assert answer(ACTIVE, "hello").acts == ()


@pytest.mark.parametrize(
    "text", ["97206", "where", "lang", "help", "stop", "fire", "add work 97204", "status", "es", "97005", "wrong"]
)
def test_a_reply_brings_the_citys_facts_with_it(text: str) -> None:
    replies = answer(replace(ACTIVE, places=(HOME,)), text).replies
    assert replies
    for reply in replies:
        assert isinstance(reply, Reply)
        assert {"programme", "city", "phones", "link", "county_link", "language"} <= set(reply.slots)
