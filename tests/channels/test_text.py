"""The size of a text and the sanitiser, against two independent libraries and a brute-force packer."""

import string
import unicodedata

import gsm0338  # type: ignore[import-untyped]
import pytest
import smsutil  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from channels.text import (
    DEFAULT_ALPHABET,
    EACH_PART,
    EXTENSION,
    GSM_7,
    ONE_PART,
    Encoding,
    Sanitised,
    _replaced,
    bidi_controls,
    encoding,
    measure,
    sanitise,
    split,
)

GSM_TEXT = st.text(alphabet=sorted(GSM_7), max_size=700)
ESCAPED = st.text(alphabet=["a", "é", *sorted(EXTENSION)], min_size=140, max_size=340)
PAIRED = st.text(alphabet=["a", "ă", "水", "\U0001f4a7"], min_size=60, max_size=220)
SENDABLE = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)
TYPOGRAPHY = "‘’“”«»–—…\u00a0\u200b\u200d\u200e\ufeff\t\r\n½ﬁ`´́̆aeoóếșя水лّكົກ\U0001f469\U0001f692ｶ가각"
MIXED = st.text(alphabet=TYPOGRAPHY, max_size=40)
ANY = st.text(alphabet=st.characters(), max_size=200)

NATIVE = {
    "vi": "Hãy đun sôi nước trước khi uống, nấu ăn và đánh răng cho đến khi có thông báo mới.",
    "zh-Hant": "請將自來水煮沸一分鐘後再飲用，直到另行通知。",
    "ru": "Кипятите воду из-под крана одну минуту. Не ешьте лёд!",
    "uk": "Кип'ятіть воду з-під крана одну хвилину, їжте лише свіже.",
    "ro": "Fierbeți apa de la robinet timp de un minut înainte de a o bea.",
    "ar": "اغلِ ماء الصنبور لمدة دقيقة كاملة قبل الشرب.",
    "ja": "水道水は1分間沸騰させてから飲んでください。",
    "lo": "ຕົ້ມນ້ຳປະປາໜຶ່ງນາທີກ່ອນດື່ມ.",
    "ko": "수돗물은 마시기 전에 1분간 끓이십시오.",
    "fa": "آب را پیش از نوشیدن بجوشانید؛ می\u200cتوانید تماس بگیرید.",
}


def fewest_parts(text: str, kind: Encoding) -> list[str]:
    """A packer that shares nothing with ours: encodes to units and cuts back from the limit until no pair is broken."""
    if kind is Encoding.UCS_2:
        units = [text.encode("utf-16-be", "surrogatepass")[at : at + 2] for at in range(0, 2 * _utf16(text), 2)]

        def broken(at: int) -> bool:
            return 0xDC <= units[at][0] <= 0xDF and 0xD8 <= units[at - 1][0] <= 0xDB

        def back(chosen: list[bytes]) -> str:
            return b"".join(chosen).decode("utf-16-be", "surrogatepass")
    else:
        units = [bytes([octet]) for octet in gsm0338.Codec().encode(text)[0]]

        def broken(at: int) -> bool:
            return units[at - 1] == b"\x1b"

        def back(chosen: list[bytes]) -> str:
            return str(gsm0338.Codec().decode(b"".join(chosen))[0])

    if len(units) <= ONE_PART[kind]:
        return [back(units)] if units else []
    parts, start = [], 0
    while start < len(units):
        end = min(start + EACH_PART[kind], len(units))
        while end < len(units) and broken(end):
            end -= 1
        parts.append(back(units[start:end]))
        start = end
    return parts


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_the_default_alphabet_has_each_code_once_and_the_extension_ten_more() -> None:
    assert len(DEFAULT_ALPHABET) == len(set(DEFAULT_ALPHABET)) == 128
    assert len(EXTENSION) == 10
    assert len(GSM_7) == 137


def test_the_alphabet_agrees_with_two_independent_libraries_on_every_character_of_the_basic_plane() -> None:
    codec = gsm0338.Codec()
    for code in range(0x10000):
        character = chr(code)
        if character == "\x1b" or 0xD800 <= code < 0xE000:
            continue
        assert (character in GSM_7) == smsutil.is_valid_gsm(character), hex(code)
        if character in GSM_7:
            octets = codec.encode(character)[0]
            assert octets[-1] == DEFAULT_ALPHABET.find(character) or character in EXTENSION
            assert len(octets) == (2 if character in EXTENSION else 1)


@pytest.mark.parametrize(
    ("text", "kind", "units", "parts", "left"),
    [
        ("", "GSM-7", 0, 0, 160),
        ("a", "GSM-7", 1, 1, 159),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("€" * 81, "GSM-7", 162, 2, 143),
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2, 0),  # ceil(305 / 153) says 2 with one unit left; there is none
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, 152),  # ceil(306 / 153) says 2
        ("é à ñ ü ¿ ¡ Ç", "GSM-7", 13, 1, 147),
        ("ó", "UCS-2", 1, 1, 69),
        ("ă" * 70, "UCS-2", 70, 1, 0),
        ("ă" * 71, "UCS-2", 71, 2, 63),
        ("ă" * 134, "UCS-2", 134, 2, 0),
        ("\U0001f4a7" * 35, "UCS-2", 70, 1, 0),
        ("\U0001f4a7" * 66, "UCS-2", 132, 2, 1),  # 33 pairs a part: the 67th unit stays empty in each
        ("\U0001f4a7" * 67, "UCS-2", 134, 3, 65),
    ],
)
def test_a_text_is_measured_exactly_at_every_limit(text: str, kind: str, units: int, parts: int, left: int) -> None:
    found = measure(text)
    assert (found.encoding, found.units, found.parts, found.left) == (kind, units, parts, left)


@given(GSM_TEXT | ESCAPED | PAIRED | SENDABLE)
def test_parts_rejoin_to_the_text_and_none_is_too_long(text: str) -> None:
    parts, kind = split(text), encoding(text)
    assert "".join(parts) == text
    assert len(parts) == measure(text).parts
    limit = ONE_PART[kind] if len(parts) == 1 else EACH_PART[kind]
    units = [len(gsm0338.Codec().encode(part)[0]) if kind is Encoding.GSM_7 else _utf16(part) for part in parts]
    assert all(0 < size <= limit for size in units)
    assert sum(units) == measure(text).units
    assert measure(text).left == (limit - units[-1] if units else 160)


@given(GSM_TEXT | ESCAPED | PAIRED | SENDABLE)
def test_parts_are_those_of_a_brute_force_packer(text: str) -> None:
    assert list(split(text)) == fewest_parts(text, encoding(text))


@given((GSM_TEXT | ESCAPED | PAIRED | SENDABLE).filter(bool))
def test_parts_are_those_of_an_independent_library(text: str) -> None:
    if "\x1b" in text:  # that library takes the escape itself for a character
        return
    theirs = smsutil.split(text)
    assert split(text) == tuple(part.content for part in theirs.parts)
    assert (measure(text).encoding is Encoding.GSM_7) == (theirs.encoding == "gsm0338")


def test_each_letter_that_forces_the_dear_encoding_is_named_with_its_place() -> None:
    found = measure("Recibirá “agua”")
    assert [(c.index, c.character, c.name, c.suggestion) for c in found.culprits] == [
        (7, "á", "LATIN SMALL LETTER A WITH ACUTE", "rephrase with words that need no á"),
        (9, "“", "LEFT DOUBLE QUOTATION MARK", 'write " instead'),
        (14, "”", "RIGHT DOUBLE QUOTATION MARK", 'write " instead'),
    ]


def test_a_letter_typed_as_letter_and_mark_is_explained() -> None:
    (found,) = measure("man\u0303ana").culprits
    assert (found.index, found.suggestion) == (3, "write ñ as one letter")


def test_languages_that_need_their_letters_are_not_told_to_rephrase() -> None:
    assert {c.suggestion for c in measure(NATIVE["vi"]).culprits} == {""}
    assert {c.suggestion for c in measure("Apă… à").culprits} == {""}


def test_a_cheap_text_has_no_culprits() -> None:
    assert measure("Boil 1 full minute [€]").culprits == ()


def test_the_sanitiser_shows_every_change_with_place_and_name() -> None:
    found = sanitise("“Boil” – it’s safe…\u00a0OK\u200b\r\n\tEnd")
    assert found.text == '"Boil" - it\'s safe... OK\n End'
    assert [(c.index, c.was, c.now, c.name) for c in found.changes] == [
        (0, "“", '"', "LEFT DOUBLE QUOTATION MARK"),
        (5, "”", '"', "RIGHT DOUBLE QUOTATION MARK"),
        (7, "–", "-", "EN DASH"),
        (11, "’", "'", "RIGHT SINGLE QUOTATION MARK"),
        (18, "…", "...", "HORIZONTAL ELLIPSIS"),
        (19, "\u00a0", " ", "NO-BREAK SPACE"),
        (22, "\u200b", "", "ZERO WIDTH SPACE"),
        (23, "\r\n", "\n", "CARRIAGE RETURN + LINE FEED"),
        (25, "\t", " ", "TABULATION"),
    ]
    assert measure(found.text).encoding is Encoding.GSM_7


@pytest.mark.parametrize("language", NATIVE)
def test_native_texts_pass_the_sanitiser_untouched(language: str) -> None:
    assert sanitise(NATIVE[language]) == Sanitised(text=NATIVE[language], changes=())


def test_a_decomposed_vietnamese_text_keeps_every_mark() -> None:
    apart = unicodedata.normalize("NFD", NATIVE["vi"])
    assert sanitise(apart).text == NATIVE["vi"]


def test_a_longer_replacement_is_made_only_where_it_saves_a_part() -> None:
    assert sanitise("Safe…").text == "Safe..."
    assert sanitise("安全…").text == "安全…"


def test_an_emoji_of_several_people_stays_whole_and_a_stray_joiner_goes() -> None:
    assert sanitise("\U0001f469\u200d\U0001f692").changes == ()
    assert sanitise("a\u200db").text == "ab"


def test_direction_marks_stay_beside_arabic_and_go_elsewhere() -> None:
    assert sanitise("اتصل 311\u200f.").changes == ()
    assert sanitise("Call 311\u200f.").text == "Call 311."


def test_word_breaks_stay_in_lao_and_go_elsewhere() -> None:
    assert sanitise("ນ້ຳ\u200bປະປາ").changes == ()
    assert sanitise("水\u200b道").text == "水道"


def test_a_control_that_reorders_the_text_is_reported_and_left_in_sight() -> None:
    text = "Leave \u202enow\u2066!"
    harm = "which can change the order in which the text is read: remove it."
    assert bidi_controls(text) == (
        f"Character 7 is RIGHT-TO-LEFT OVERRIDE (U+202E), {harm}",
        f"Character 11 is LEFT-TO-RIGHT ISOLATE (U+2066), {harm}",
    )
    assert sanitise(text).changes == ()
    assert bidi_controls("اتصل 311\u200f.") == ()


@given(ANY | MIXED)
def test_the_changes_are_the_whole_difference(text: str) -> None:
    found = sanitise(text)
    rebuilt, at = "", 0
    for change in found.changes:
        assert change.was != change.now
        assert text[change.index : change.index + len(change.was)] == change.was
        rebuilt += text[at : change.index] + change.now
        at = change.index + len(change.was)
    assert rebuilt + text[at:] == found.text


@given(ANY | MIXED | st.text(alphabet=string.ascii_letters + "éñ中Ж\u0301\u1161\u11a8가ກຳ"))
def test_a_text_in_which_nothing_changes_is_told_at_a_glance_and_rightly(text: str) -> None:
    assert sanitise(text) in [_replaced(text, lengthen=lengthen) for lengthen in (True, False)]


@given(ANY | MIXED)
def test_sanitising_twice_changes_nothing_more_and_the_text_is_composed(text: str) -> None:
    once = sanitise(text).text
    assert sanitise(once) == Sanitised(text=once, changes=())
    assert unicodedata.is_normalized("NFC", once)


@given(ANY | MIXED)
def test_sanitising_never_makes_a_text_dearer_and_never_adds_a_question_mark(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    found = sanitise(text).text
    assert measure(found).parts <= measure(composed).parts
    assert found.count("?") == composed.count("?")


def test_no_letter_or_mark_of_any_language_is_replaced_but_ligatures_and_the_apostrophe_letter() -> None:
    replaced = {
        character
        for character in map(chr, range(0x30000))
        if unicodedata.category(character)[0] in "LM"
        and sanitise(f"a{character}").text != unicodedata.normalize("NFC", f"a{character}")
    }
    assert replaced == set("ﬀﬁﬂʼ")


def test_every_printable_ascii_sign_but_the_grave_accent_is_left_alone() -> None:
    plain = string.printable.strip() + " "
    assert sanitise(plain).text == plain.replace("`", "'")
