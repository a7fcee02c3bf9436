"""A person who would be read as "stop" is stopped, however they put it; a sentence that merely holds such a word is not."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.dialog.intent import Kind
from subscribers.dialog.lexicon import Family
from subscribers.dialog.reading import read
from subscribers.dialog.stopping import all_words
from subscribers.dialog.turn import Stop
from tests.subscribers.dialog.subjects import ACTIVE, LEXICON, VOCABULARY, answer, keys

STOPS = """
stop
 STOP!
Stop.
“Stop”
'stop'
STOP ALL
stopall
stop please
please stop
Please, stop.
pls stop
plz stop texting
stop texting me
stop texting
please stop these
stop it
stop now
stop this
stop everything
STOP sending me messages
stop sending
stop all alerts
stop all these flood texts
stop the damn texts
stop fucking texting me
I want to stop receiving these messages
I would like to stop getting texts
can you stop
can you please stop the alerts
could you stop messaging me please
how do I stop these texts
How do I unsubscribe?
unsubscribe
UNSUBSCRIBE ME
please unsubscribe me
unsubscribe me from your alerts
I want to unsubscribe
help me unsubscribe
unsub
unsubscibe
unsuscribe
opt out
Opt-out
optout please
opt me out
I want to opt out
revoke
I revoke my consent
END
end please
End, thanks
cancel
Cancel, thanks
cancel my subscription
cancel alerts please
quit
quit texting me
I quit
remove me
REMOVE ALL
remove me from this list
please remove my number
take me off this list
take me off
take my number off your list
no more texts
no more messages please
leave me alone
Leave. Me. Alone! stop
do not text me again
don't text me
Don’t text me anymore
don't contact me
i dont want any more of these
I no longer want these alerts
not interested
go away
fuck off
ok thanks please stop texting me
stop stop stop
STOP STOP STOP!!!
who is this? stop
who is this stop
wrong number, stop
wrong number stop
I moved away. Stop
I moved away STOP
STOP you have the wrong number
STOP who is this
Stop! I don't live there any more
Stop - I moved to Seattle
dont. text me. stop
no. stop
hey stop
stop thank you
STOP 🛑
STOP ✋️
🛑
s t o p
S.T.O.P.
stopp
STOOOOP
stpo
st​op
ＳＴＯＰ
𝗦𝗧𝗢𝗣
CTOП
СТОП
CTOP
SТОР
stop work
STOP HOME please
stop alerts for work
STOP “Portland Alerts: you will get emergency texts for ZIP 97214.”
no mas
No más, por favor
PARAR POR FAVOR
ALTO
alto por favor
BASTA!
ya no me manden mensajes
no quiero más mensajes
déjenme en paz
стоп пожалуйста
не пишите мне больше
відпишіть мене
dừng lại
đừng gửi nữa
停止
請停止
不要再發短信
やめて
送らないで
그만
문자 그만 보내세요
توقف
توقف من فضلك
jooji
fadlan jooji
opriți vă rog
ຢຸດ
ກະລຸນາຢຸດ
أوقف العمل
please ya para
stop 97214
97214 stop
stop alerts for 97214 please
stop sending to 97206
stop 1
ບໍ່ຢາກໄດ້ແລ້ວກະລຸນາ
빼 주세요
""".strip("\n").split("\n")

NO_STOPS = """
the bus stop at 82nd is flooded
is the bus stop on Foster open
bus stop
the stop
my stop
next stop
non stop
a stop
the stop sign is down
Stop sign down at 5th
STOP sign is down on Foster
the bus STOP
stop at 82nd is closed
stop by the shelter
please stop by my house
end of my street
at the end of SE 82nd
the road ends at the river
what is the end date
weekend
cancel my appointment with the clinic
is school cancelled
did they cancel the alert
dont stop sending me alerts
Don't stop!
please do not stop the alerts
please don't stop texting me
never stop
never stop sending these
why did you stop sending me alerts
did you stop texting
have you stopped the alerts
I did not unsubscribe
did I unsubscribe?
please dont remove me
I got no more texts since Monday, are they on?
when will it stop raining
when does the rain stop
can it stop raining
will the water stop
cant stop coughing
quit smoking class
quit your job
stopwatch
stopped
unstop
one stop shop
REMOVE WORK
remove 2
my stop is at 97214 and 5th
stop the water leak
how do i stop the water
how to stop a leak
does smoke go away
leave
no
no thanks
ok
thanks
help me
get me off this roof
take me off the roof
Liked “You are unsubscribed and will get no more texts. Text START to rejoin”
Portland Alerts: you will get emergency texts for 97214. Reply HELP for help, STOP to end.
Thanks for your message. Reply STOP to unsubscribe.
do not text and drive
step
shop
spot
top
alt
para
la parada del autobus
no dejen de mandar alertas
не останавливайте
đúng
đừng ngừng gửi
不要停止
止めないで
중단하지 마
توقف العمل
توقف المطر
what happens if I text STOP
I didn't text STOP
if i text stop do i still get alerts
stop at 97214
bus stop 97214
stop 82
can we stop boiling water
STOP THE FLOOD
no more water
ya no hay luz
не пейте воду хватит ли
коли це припиниться
ajunge apa pentru toti
dung uong nuoc
停水了嗎
水を止めてください
물 그만 끓여도 되나요
هل توقف المطر
roobku ma istaagay
ຢຸດດື່ມນ້ຳບໍ
""".strip("\n").split("\n")


def test_the_tables_are_long_enough() -> None:
    assert len(STOPS) >= 60 and len(NO_STOPS) >= 60


@pytest.mark.parametrize("text", STOPS)
def test_a_person_would_read_this_as_stop(text: str) -> None:
    turn = answer(ACTIVE, text)
    assert Stop() in turn.acts
    assert keys(turn) in (["M19"], ["M29"])


@pytest.mark.parametrize("text", NO_STOPS)
def test_this_only_holds_a_stop_word(text: str) -> None:
    assert Stop() not in answer(ACTIVE, text).acts


@pytest.mark.parametrize(
    ("text", "label"), [("STOP WORK", "WORK"), ("stop cabin", "CABIN"), ("alto casa", "HOME"), ("stop", "")]
)
def test_a_stop_that_names_a_place_is_a_stop_and_knows_the_place(text: str, label: str) -> None:
    reading = read(text, LEXICON, frozenset({"CABIN"}))
    assert (reading.kind, reading.label) == (Kind.STOP, label)


def test_a_label_of_nobody_is_no_place() -> None:
    assert read("stop cabin", LEXICON).kind is not Kind.STOP


COURTESIES = {
    path.stem: tomllib.loads(path.read_text("utf-8"))[Family.COURTESY.value] for path in sorted(VOCABULARY.glob("*.toml"))
}


@st.composite
def courteous_stops(draw: st.DrawFn) -> str:
    """A stop of a language with please or thanks of the same one before or behind it."""
    language = draw(st.sampled_from(LEXICON.languages))
    listed = {**LEXICON.families[Family.STOP].languages, **LEXICON.families[Family.STOP_ALONE].languages}
    word = draw(st.sampled_from([word for word, languages in listed.items() if language in languages]))
    courtesy = draw(st.sampled_from(COURTESIES[language]))
    is_glued = language in ("ja", "zh-Hant", "lo") and not any(part.isascii() for part in (word, courtesy))
    shape = draw(st.sampled_from(["{0} {1}", "{0}, {1}!", "{0}. {1}", *(["{0}{1}"] if is_glued else [])]))
    text = shape.format(*draw(st.permutations([word, courtesy])))
    return draw(st.sampled_from([text, text.upper(), text.title()]))


@settings(max_examples=400)
@given(text=courteous_stops())
def test_a_stop_of_any_language_with_please_or_thanks_of_the_same_stops(text: str) -> None:
    assert read(text, LEXICON).kind is Kind.STOP


def shapes(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [word, word.upper(), f"  {word}!! ", f"“{word}”", f"please {word}", f"{word}, thanks", f"{word} 🙏🏽"]
    )


@given(text=st.sampled_from(all_words(LEXICON)).flatmap(shapes))
def test_every_stop_word_of_every_language_stops_in_any_shape(text: str) -> None:
    assert read(text, LEXICON).kind is Kind.STOP


@given(
    text=st.sampled_from(
        sorted(
            {
                spelling
                for family in (Family.STOP, Family.STOP_ALONE)
                for some in LEXICON.families[family].spellings.values()
                for spelling in some
            }
        )
    ).flatmap(shapes)
)
def test_every_stop_word_stops_written_with_its_accents(text: str) -> None:
    assert read(text, LEXICON).kind is Kind.STOP


@pytest.mark.parametrize("language", LEXICON.languages)
def test_every_phrase_that_asks_to_stop_does(language: str) -> None:
    phrases = LEXICON.families[Family.STOP_PHRASES].languages
    mine = [phrase for phrase, languages in phrases.items() if language in languages]
    assert mine and [phrase for phrase in mine if read(phrase, LEXICON).kind is not Kind.STOP] == []


@pytest.mark.parametrize("language", LEXICON.languages)
def test_every_phrase_that_asks_to_go_on_does_not_stop(language: str) -> None:
    phrases = LEXICON.families[Family.KEEP_PHRASES].languages
    mine = [phrase for phrase, languages in phrases.items() if language in languages]
    assert [phrase for phrase in mine if read(phrase, LEXICON).kind is Kind.STOP] == []
