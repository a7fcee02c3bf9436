"""Hearing: the same words however they are typed, and the letters of every language left whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.dialog import hearing
from subscribers.dialog.hearing import clauses, fold, listen, marked, normal, reaction, script_language, unspoken_script


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("  STOP!! ", "stop"),
        ("“Stop”", "stop"),
        ("No más", "no mas"),
        ("DỪNG", "dung"),
        ("đúng", "dung"),
        ("Ayúdame", "ayudame"),
        ("ştergeţi", "stergeti"),
        ("don’t", "dont"),
        ("don't", "dont"),
        ("don`t", "dont"),
        ("opt-out", "opt out"),
        ("zip:97214", "zip 97214"),
        ("ＳＴＯＰ", "stop"),
        ("𝗦𝗧𝗢𝗣", "stop"),
        ("st\u200bop", "stop"),
        ("stop\ufe0f", "stop"),
        ("STOP ✋🏽", "stop"),
        ("1️⃣", "1"),
        ("٩٧٢١٤", "97214"),
        ("໙໗໒໑໔", "97214"),
        ("ёлка й", "елка и"),
        ("مُسَاعَدَة", "مساعده"),
        ("إيقاف", "ايقاف"),
        ("ກະລຸນາ ຢຸດ", "ກະລຸນາ ຢຸດ"),
        ("ບໍ່", "ບໍ່"),
        ("ບ່ໍ", "ບໍ່"),
        ("ນ້ຳ", "ນໍ້າ"),
        ("がんばって", "がんばって"),
        ("ガンバッテ", "ガンバッテ"),
        ("ﾃｽﾄ", "テスト"),
        ("停止！", "停止"),
        ("중지", "중지"),
        ("", ""),
        ("\u0301", ""),
        ("\ud800", ""),
    ],
)
def test_words_are_compared_without_case_accents_marks_and_punctuation(text: str, flat: str) -> None:
    assert fold(text) == flat


@pytest.mark.parametrize(
    ("text", "flat"),
    [("CTOП", "стоп"), ("СТОП", "стоп"), ("CTOP", "ctop"), ("SТОР", "stop"), ("НELP", "help")],
)
def test_a_word_of_two_alphabets_is_read_in_the_one_it_can_be_of(text: str, flat: str) -> None:
    assert fold(text) == flat


def test_accents_are_kept_where_they_are_asked_for() -> None:
    assert (marked("ĐÚNG!"), marked("Dừng")) == ("đúng", "dừng")
    said = listen("Đừng gửi nữa")
    assert said.tokens == ("dung", "gui", "nua") and said.marked == ("đừng", "gửi", "nữa")


@given(text=st.text(max_size=80))
def test_hearing_settles_at_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert normal(normal(text)) == normal(text)
    said = listen(text)
    assert len(said.tokens) == len(said.marked)
    assert all(token and not token.isspace() for token in said.tokens)


@given(text=st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=40))
def test_case_is_no_difference(text: str) -> None:
    if text.upper().lower() == text.lower():
        assert fold(text.upper()) == fold(text)


def test_what_is_written_stays_as_it_was_but_for_its_wrapping() -> None:
    assert normal("  “1120  SW 5th Ave.” 🙂 ") == "1120 SW 5th Ave"
    assert normal("¿Dónde?") == "Dónde"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Stop. who is this", ["stop", "who is this"]),
        ("wrong number, stop", ["wrong number", "stop"]),
        ("stop\nI moved", ["stop", "i moved"]),
        ("请停止！谢谢", ["请停止", "谢谢"]),
        ("توقف، شكرا", ["توقف", "شكرا"]),
        ("stop - I moved", ["stop", "i moved"]),
        ("opt-out", ["opt out"]),
        ("...", []),
    ],
)
def test_a_text_has_clauses(text: str, parts: list[str]) -> None:
    assert [said.flat for said in clauses(text)] == parts


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ("Liked “Portland Alerts: you will get emergency texts.”", "liked"),
        ('Laughed at "Found: 1120 SW 5th Ave (97204). Reply OK"', "laughed at"),
        ("Le gustó “Portland Alerts: desde ahora recibe los mensajes”", "le gusto"),
        ("👍 to “Portland Alerts: you will get emergency texts”", "to"),
        ("“Portland Alerts: you will get emergency texts.”", None),
        ("“STOP”", None),
        ("My neighbor says that “the water in all of Portland is bad” and I want to know if it is", None),
        ("no quotes here", None),
    ],
)
def test_a_reaction_says_what_stands_around_the_quotation(text: str, around: str | None) -> None:
    assert reaction(text) == around


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hello 97214", ""),
        ("я живу", "ru"),
        ("я живу її", "uk"),
        ("你好", "zh-Hant"),
        ("水をください", "ja"),
        ("カタカナ", "ja"),
        ("안녕", "ko"),
        ("ສະບາຍດີ", "lo"),
        ("مرحبا", "ar"),
        ("xin chào bạn", "vi"),
        ("bună", "ro"),
        ("ștergeți", "ro"),
        ("español", ""),
        ("97214 你好", "zh-Hant"),
        ("", ""),
        ("١٢٣", ""),
    ],
)
def test_letters_tell_the_language(text: str, language: str) -> None:
    assert script_language(text) == language


def test_letters_of_languages_we_do_not_have_are_told_apart_too() -> None:
    assert [unspoken_script(text) for text in ("ሰላም", "नमस्ते", "สวัสดี", "hello", "नमस्ते ok", "12")] == [
        "ethiopic", "devanagari", "thai", "", "", "",
    ]  # fmt: skip


def test_no_more_is_listened_to_than_a_phone_can_send() -> None:
    assert len(fold("a" * 10_000)) == hearing.MOST
