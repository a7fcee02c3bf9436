"""What a text means: one table of texts as people write them, and what each is read as."""

import time

import pytest

from subscribers.dialog.intent import Awaited, Kind
from subscribers.dialog.lexicon import Family
from subscribers.dialog.reading import WHOLE, read
from tests.subscribers.dialog.subjects import LEXICON

READINGS: list[tuple[str, Kind, dict[str, object]]] = [
    ("97214", Kind.ZIP, {"zips": ("97214",)}),
    ("zip 97214", Kind.ZIP, {"zips": ("97214",)}),
    ("ZIP:97214", Kind.ZIP, {"zips": ("97214",)}),
    ("97214-1234", Kind.ZIP, {"zips": ("97214",)}),
    ("OR97214", Kind.ZIP, {"zips": ("97214",)}),
    ("my zip code is 97214.", Kind.ZIP, {"zips": ("97214",)}),
    ("97214, 97206", Kind.ZIP, {"zips": ("97214", "97206")}),
    ("hola 97206", Kind.ZIP, {"zips": ("97206",), "language": "es"}),
    ("vivo en 97206", Kind.ZIP, {"zips": ("97206",), "language": "es"}),
    ("我住在97214", Kind.ZIP, {"zips": ("97214",), "language": "zh-Hant"}),
    ("12205 SE Foster Rd", Kind.ADDRESS, {"argument": "12205 SE Foster Rd"}),
    ("12205 foster", Kind.ZIP, {"zips": ("12205",), "argument": "12205 foster"}),
    ("1120 SW 5th Ave", Kind.ADDRESS, {}),
    ("1120 sw 5th", Kind.ADDRESS, {}),
    ("1120 5th", Kind.ADDRESS, {}),
    ("1120 SW 5th Ave 97204", Kind.ADDRESS, {}),
    ("97204 1120 SW 5th Ave", Kind.ADDRESS, {}),
    ("1120 SW 5th Ave, Portland, OR 97204", Kind.ADDRESS, {}),
    ("#12 1120 SW 5th Ave", Kind.ADDRESS, {}),
    ("911 SE Foster Rd", Kind.ADDRESS, {}),
    ("0123 S Curry St", Kind.ADDRESS, {}),
    ("I live at 1120 SW 5th Ave", Kind.ADDRESS, {"argument": "1120 SW 5th Ave"}),
    ("hi, I live at 1120 SW 5th Ave", Kind.ADDRESS, {"argument": "1120 SW 5th Ave"}),
    ("asdf street 9", Kind.ADDRESS, {}),
    ("hello 1120 SW 5th Ave", Kind.ADDRESS, {"argument": "1120 SW 5th Ave"}),
    ("Lents neighborhood", Kind.WORDS, {"argument": "Lents"}),
    ("12205 SE Foster", Kind.ADDRESS, {}),
    ("9 Nowhere St, Portland 97206", Kind.ADDRESS, {"zips": ("97206",)}),
    ("NE Portland 97211", Kind.ZIP, {"zips": ("97211",)}),
    ("SE Foster 97206", Kind.ZIP, {"zips": ("97206",)}),
    ("ce se intampla in 97206", Kind.ZIP, {"zips": ("97206",)}),
    ("97206 ne puteti ajuta", Kind.ADDRESS, {"zips": ("97206",)}),
    ("I don't live in Lents", Kind.WHERE, {"language": "en"}),
    ("ya no vivo en 97206", Kind.WHERE, {"language": "es"}),
    ("Lents ayaan ku noolahay", Kind.WORDS, {"argument": "Lents", "language": "so"}),
    ("97206に住んでいます", Kind.ZIP, {"zips": ("97206",), "language": "ja"}),
    ("忍不住了", Kind.WORDS, {}),
    ("I live in Lents", Kind.WORDS, {"argument": "Lents"}),
    ("Lents", Kind.WORDS, {"text": "Lents"}),
    ("ADD WORK 97204", Kind.ADD, {"label": "WORK", "argument": "97204"}),
    ("add my moms house Lents", Kind.ADD, {"label": "MOM", "argument": "Lents"}),
    ("ADD KIDS 97266", Kind.ADD, {"label": "KIDS", "argument": "97266"}),
    ("work: 97204", Kind.ADD, {"label": "WORK", "argument": "97204"}),
    ("work 97204", Kind.ADD, {"label": "WORK", "argument": "97204"}),
    ("my school is at 97232", Kind.ADD, {"label": "SCHOOL"}),
    ("cabin: 1120 SW 5th Ave", Kind.ADD, {"label": "CABIN", "argument": "1120 SW 5th Ave"}),
    ("新增公司97204", Kind.ADD, {"label": "WORK", "argument": "97204"}),
    ("agregar trabajo 97204", Kind.ADD, {"label": "WORK", "argument": "97204", "language": "es"}),
    ("add 97204", Kind.ADD, {"label": "", "argument": "97204"}),
    ("REMOVE", Kind.REMOVE, {"argument": ""}),
    ("remove work", Kind.REMOVE, {"argument": "work"}),
    ("delete work", Kind.REMOVE, {"argument": "work"}),
    ("職場を削除", Kind.REMOVE, {"argument": "職場", "language": "ja"}),
    ("직장을 삭제해 주세요", Kind.REMOVE, {"argument": "직장", "language": "ko"}),
    ("shaqada ka saar", Kind.REMOVE, {"argument": "shaqada", "language": "so"}),
    ("tree remove", Kind.WORDS, {}),
    ("please remove work", Kind.REMOVE, {"argument": "work"}),
    ("hello, please add my work 97204", Kind.ADD, {"label": "WORK", "argument": "97204"}),
    ("thêm mẹ 97206", Kind.ADD, {"label": "MOM", "argument": "97206"}),
    ("mẹ: 97206", Kind.ADD, {"label": "MOM", "argument": "97206"}),
    ("me 97206", Kind.ZIP, {"zips": ("97206",)}),
    ("MOVE 97202", Kind.MOVE, {"argument": "97202"}),
    ("new address 97202", Kind.MOVE, {"argument": "97202"}),
    ("Note: the bridge is closed", Kind.WORDS, {}),
    ("WATER", Kind.TOPIC, {"label": "WATER", "page": 1}),
    ("water 2", Kind.TOPIC, {"label": "WATER", "page": 2}),
    ("agua 3", Kind.TOPIC, {"label": "WATER", "page": 3, "language": "es"}),
    ("水", Kind.TOPIC, {"label": "WATER", "language": "zh-Hant"}),
    ("水2", Kind.TOPIC, {"label": "WATER", "page": 2}),
    ("SHELTER 97214", Kind.TOPIC, {"label": "SHELTER", "argument": "97214"}),
    ("shelters near me in 97214", Kind.TOPIC, {"label": "SHELTER", "argument": "97214"}),
    ("is the water safe?", Kind.TOPIC, {"label": "WATER"}),
    ("smoke in 97214", Kind.ZIP, {}),
    ("refugio 97214", Kind.TOPIC, {"label": "SHELTER", "argument": "97214", "language": "es"}),
    ("1", Kind.NUMBER, {"argument": "1"}),
    ("2.", Kind.NUMBER, {"argument": "2"}),
    ("#3", Kind.NUMBER, {"argument": "3"}),
    ("1 please", Kind.NUMBER, {"argument": "1"}),
    ("1️⃣", Kind.NUMBER, {"argument": "1"}),
    ("٢", Kind.NUMBER, {"argument": "2"}),
    ("ok", Kind.YES, {}),
    ("OK!", Kind.YES, {}),
    ("yes please", Kind.YES, {}),
    ("👍🏽", Kind.YES, {}),
    ("да", Kind.YES, {"language": "ru"}),
    ("nope", Kind.NO, {}),
    ("👎🏽", Kind.NO, {}),
    ("thank you so much", Kind.THANKS, {}),
    ("ok great, thanks!", Kind.THANKS, {}),
    ("hi", Kind.GREETING, {"language": "en"}),
    ("добрий день", Kind.GREETING, {"language": "uk"}),
    ("добрый день", Kind.GREETING, {"language": "ru"}),
    ("дякую", Kind.THANKS, {"language": "uk"}),
    ("спасибо", Kind.THANKS, {"language": "ru"}),
    ("Xin chào", Kind.GREETING, {"language": "vi"}),
    ("HELP", Kind.HELP, {}),
    ("info?", Kind.HELP, {}),
    ("ayuda", Kind.HELP, {"language": "es"}),
    ("помощь", Kind.HELP, {"language": "ru"}),
    ("help me", Kind.DISTRESS, {}),
    ("my basement is flooding help", Kind.DISTRESS, {}),
    ("fire at 97214", Kind.DISTRESS, {}),
    ("i cant breathe", Kind.DISTRESS, {}),
    ("SOS", Kind.DISTRESS, {}),
    ("🆘", Kind.DISTRESS, {}),
    ("911", Kind.DISTRESS, {}),
    ("please call 911", Kind.DISTRESS, {}),
    ("hay un incendio", Kind.DISTRESS, {"language": "es"}),
    ("119", Kind.DISTRESS, {}),
    ("my grandma fell and can't get up", Kind.DISTRESS, {}),
    ("the house is filling with smoke", Kind.DISTRESS, {}),
    ("he is going to kill me", Kind.DISTRESS, {}),
    ("I'm having chest pains", Kind.DISTRESS, {}),
    ("火災です", Kind.DISTRESS, {"language": "ja"}),
    ("救命", Kind.DISTRESS, {"language": "zh-Hant"}),
    ("助けて", Kind.DISTRESS, {"language": "ja"}),
    ("get me off this roof, we are trapped", Kind.DISTRESS, {}),
    ("flu shot clinic", Kind.WORDS, {}),
    ("wrong", Kind.WRONG, {}),
    ("Sorry, wrong number", Kind.WRONG, {}),
    ("you have the wrong number", Kind.WRONG, {}),
    ("delete", Kind.DELETE, {}),
    ("delete my data please", Kind.DELETE, {}),
    ("status?", Kind.STATUS, {}),
    ("NEWS", Kind.STATUS, {}),
    ("where", Kind.WHERE, {}),
    ("night off", Kind.NIGHT_OFF, {}),
    ("LANG", Kind.LANG, {}),
    ("idioma", Kind.LANG, {"language": "es"}),
    ("no english", Kind.LANG, {}),
    ("ES", Kind.LANGUAGE, {"argument": "es"}),
    ("español", Kind.LANGUAGE, {"argument": "es"}),
    ("espanol por favor", Kind.LANGUAGE, {"argument": "es"}),
    ("en español", Kind.LANGUAGE, {"argument": "es"}),
    ("in Spanish please", Kind.LANGUAGE, {"argument": "es"}),
    ("Can I get this in Vietnamese?", Kind.LANGUAGE, {"argument": "vi"}),
    ("LANG ES", Kind.LANGUAGE, {"argument": "es"}),
    ("no hablo inglés", Kind.LANGUAGE, {"argument": "es"}),
    ("tôi không nói tiếng Anh", Kind.LANGUAGE, {"argument": "vi"}),
    ("ma aqaan Ingiriisi", Kind.LANGUAGE, {"argument": "so"}),
    ("nu vorbesc engleză", Kind.LANGUAGE, {"argument": "ro"}),
    ("英語がわかりません", Kind.WORDS, {"language": "ja"}),
    ("英語", Kind.LANGUAGE, {"argument": "en"}),
    ("英語でお願いします", Kind.LANGUAGE, {"argument": "en"}),
    ("中文でお願いします", Kind.LANGUAGE, {"argument": "zh-Hant"}),
    ("ພາສາອັງກິດ", Kind.LANGUAGE, {"argument": "en"}),
    ("中文", Kind.LANGUAGE, {"argument": "zh-Hant"}),
    ("Tagalog", Kind.UNSPOKEN, {"argument": "tagalog"}),
    ("in French please", Kind.UNSPOKEN, {"argument": "french"}),
    ("ሰላም", Kind.UNSPOKEN, {"argument": "ethiopic script"}),
    ("EES", Kind.WORDS, {"nearly": "es"}),
    ("espnol", Kind.WORDS, {"nearly": "es"}),
    ("are", Kind.WORDS, {"nearly": ""}),
    ("car", Kind.WORDS, {"nearly": ""}),
    ("I'm driving right now", Kind.AUTOREPLY, {}),
    ("Liked “Portland Alerts: you will get emergency texts for ZIP 97214.”", Kind.AUTOREPLY, {}),
    ("", Kind.NOTHING, {}),
    ("🙂", Kind.NOTHING, {}),
    ("lorem ipsum", Kind.WORDS, {}),
    ("is the tap water safe to drink at the school?", Kind.WORDS, {"long": True}),
]


@pytest.mark.parametrize(("text", "kind", "rest"), READINGS, ids=[text for text, *_ in READINGS])
def test_a_text_is_read_as_people_mean_it(text: str, kind: Kind, rest: dict[str, object]) -> None:
    reading = read(text, LEXICON)
    assert (reading.kind, {key: getattr(reading, key) for key in rest}) == (kind, rest)


@pytest.mark.parametrize("language", LEXICON.languages)
def test_every_command_of_every_language_is_one(language: str) -> None:
    for family, kind in WHOLE.items():
        for word, languages in LEXICON.families[family].languages.items():
            if language in languages:
                assert read(word, LEXICON).kind is kind, word


@pytest.mark.parametrize("language", LEXICON.languages)
def test_every_cry_for_help_is_one(language: str) -> None:
    phrases = LEXICON.families[Family.DISTRESS].languages
    mine = [phrase for phrase, languages in phrases.items() if language in languages]
    assert len(mine) >= 10
    assert [phrase for phrase in mine if read(phrase, LEXICON).kind is not Kind.DISTRESS] == []


@pytest.mark.parametrize("language", [language for language in LEXICON.languages if language != "en"])
def test_every_language_is_asked_for_by_its_names(language: str) -> None:
    for word, languages in LEXICON.families[Family.NAMES].languages.items():
        if language in languages:
            reading = read(word, LEXICON)
            assert (reading.kind, reading.argument) == (Kind.LANGUAGE, language), word


def test_a_long_text_takes_hardly_longer_than_a_short_one() -> None:
    began = time.process_time()
    for _ in range(3):
        read("a b " * 2_500, LEXICON)
    assert time.process_time() - began < 1.5  # 0.03 when the machine is idle; it was seconds, once


@pytest.mark.parametrize(
    "language", [one for one in LEXICON.languages if one not in ("so", "lo")]
)  # phones there write English
def test_what_phones_write_around_an_alert_of_fire_is_no_cry_for_help(language: str) -> None:
    words = LEXICON.families[Family.REACTION].languages
    mine = [word for word, languages in words.items() if language in languages]
    alert = "“PORTLAND FIRE: LEAVE NOW. Fire is close to Linnton. We are trapped”"
    assert mine and [word for word in mine if read(f"{word} {alert}", LEXICON).kind is not Kind.AUTOREPLY] == []


def test_danger_quoted_behind_other_words_is_danger() -> None:
    assert read("Mom writes “we are trapped in the basement”", LEXICON).kind is Kind.DISTRESS


AMBIGUOUS = [
    ("dung", Awaited.YES, Kind.YES),
    ("dung", Awaited.NO, Kind.STOP),
    ("dừng", Awaited.YES | Awaited.NO, Kind.STOP),
    ("wrong", Awaited.NO, Kind.NO),
    ("wrong", Awaited.YES, Kind.WRONG),
    ("wrong number", Awaited.YES | Awaited.NO, Kind.WRONG),
    ("ok thanks", Awaited.YES, Kind.YES),
    ("ok thanks", Awaited.NO, Kind.THANKS),
    ("right now", Awaited.YES | Awaited.NO, Kind.THANKS),
    ("no, stop", Awaited.YES | Awaited.NO, Kind.STOP),
    ("yes stop", Awaited.YES | Awaited.NO, Kind.STOP),
    ("ok stop thanks", Awaited.YES | Awaited.NO, Kind.STOP),
]


@pytest.mark.parametrize(("text", "awaited", "kind"), AMBIGUOUS, ids=[f"{text}, {awaited}" for text, awaited, _ in AMBIGUOUS])
def test_the_open_question_decides_what_a_word_of_two_meanings_is(text: str, awaited: Awaited, kind: Kind) -> None:
    assert read(text, LEXICON, awaited=awaited).kind is kind


DANGERS = """
mi abuela se cayó y no se puede levantar
mi casa está en llamas
bà tôi ngã không dậy được
nó sẽ giết tôi
媽媽跌倒起不來
屋裡都是煙
бабушка упала и не может встать
он меня убьёт
бабуся впала і не може встати
дерево впало на дім
bunica a cazut si nu se poate ridica
casa e plina de fum
ayeeyo way dhacday mana kici karto
guriga qiiq baa ka buuxa
جدتي سقطت ولا تستطيع النهوض
البيت مليء بالدخان
祖母が起き上がれません
家が煙でいっぱい
할머니가 넘어져서 못 일어나세요
집에 연기가 가득해요
ແມ່ລົ້ມລຸກບໍ່ໄດ້
ເຮືອນເຕັມໄປດ້ວຍຄວັນ
""".strip().split("\n")
HARMLESS = """
¿el humo es malo?
hay mucho humo hoy
không tính tiền hả
想不起來
外面有煙
дым сегодня есть
сколько дыма
дим сьогодні є
e mult fum afara
qiiqa ma badan yahay
هل الدخان كثير
今日は煙がひどいですか
연기 많아요
ມື້ນີ້ຄວັນຫຼາຍບໍ
ບໍ່ຕື່ນເຕັ້ນ
""".strip().split("\n")


@pytest.mark.parametrize("text", DANGERS)
def test_somebody_in_danger_is_heard_in_every_language(text: str) -> None:
    assert read(text, LEXICON).kind is Kind.DISTRESS


@pytest.mark.parametrize("text", HARMLESS)
def test_a_question_about_smoke_is_no_cry_for_help(text: str) -> None:
    assert read(text, LEXICON).kind is not Kind.DISTRESS
