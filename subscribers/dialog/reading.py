"""What a text means: the order in which it is read, so that a stop is never taken for anything else, nor anything else for one.

    stop > help > danger > wrong number, delete > answer to the open question > command > command with words behind it
    > address > ZIP > neighbourhood > topic of an alert > language by its name or letters > not understood

The open question and what the gazetteer knows are the business of talk.py; here a text is sorted by its words alone.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from subscribers.dialog.ear import LONG, Ear, hear
from subscribers.dialog.hearing import Said, listen, reaction, unspoken_script
from subscribers.dialog.intent import Awaited, Kind, Reading
from subscribers.dialog.lexicon import Family, Lexicon
from subscribers.dialog.locating import called, closing, labelled, located, opening, told, uncourteous
from subscribers.dialog.stopping import one_apart, peeled, wish_to_stop

SMALL_WORDS: Final = 3  # of "shelters near me in 97214"
WISH_MOST: Final = 8  # words of "can I get this in Spanish please"
NAME_LEAST: Final = 4  # letters of a language's name that is heard inside a sentence: codes are ordinary words there
PLACE_MOST: Final = 3  # words of a neighbourhood with a language beside it
POLITE: Final = (Family.GREETING, Family.COURTESY)
_ZIP: Final = re.compile(r"\d{5}", re.ASCII)
_PAGE: Final = re.compile(r"^(.*?)\s*(\d{1,2})$", re.ASCII)


WHOLE: Final = {
    Family.START: Kind.START,
    Family.JOIN: Kind.JOIN,
    Family.WHERE: Kind.WHERE,
    Family.STATUS: Kind.STATUS,
    Family.LANG: Kind.LANG,
    Family.PRIVACY: Kind.PRIVACY,
    Family.TEST: Kind.TEST,
    Family.PLAIN: Kind.PLAIN,
    Family.NIGHT_ON: Kind.NIGHT_ON,
    Family.NIGHT_OFF: Kind.NIGHT_OFF,
}
LEADING: Final = {Family.ADD: Kind.ADD, Family.REMOVE: Kind.REMOVE, Family.MOVE: Kind.MOVE}
# Pictures that are a whole message to whoever sends them: thumbs, OK hand, check marks; the stop sign; SOS.
PICTURES: Final = {
    **dict.fromkeys("👍👌✅✔", Kind.YES),
    **dict.fromkeys("👎❌", Kind.NO),
    "🛑": Kind.STOP,
    "🆘": Kind.DISTRESS,
}
# Topics that are somewhere to go: with a ZIP behind them they ask for the nearest, whatever small words stand between.
SOMEWHERE: Final = frozenset({"SHELTER", "COOL", "WARM", "CHARGE", "CLINIC"})


def read(text: str, lexicon: Lexicon, labels: frozenset[str] = frozenset(), *, awaited: Awaited = Awaited.NOTHING) -> Reading:
    """Sorts a text. labels: names of the person's own places, upper case ("STOP CABIN" is a stop). awaited: by the question."""
    around = reaction(text)
    ear = hear(text if around is None else around, lexicon, labels)
    if not ear.said.tokens:
        pictured = next((kind for picture, kind in PICTURES.items() if picture in text), Kind.NOTHING)
        return ear.found(Kind.AUTOREPLY if around is not None else pictured)
    if (answer := _awaited(ear, awaited)) is not None:
        return answer
    wish = wish_to_stop(text if around is None else around, ear.said, lexicon, labels)
    if wish is not None:
        return replace(ear.found(Kind.STOP, wish.languages), label=wish.label)
    if around is not None:
        by_phone = lexicon.languages_of(Family.REACTION, ear.said)
        return (None if by_phone else _danger(hear(text, lexicon, labels))) or ear.found(Kind.AUTOREPLY)
    return next((reading for reader in READERS if (reading := reader(ear)) is not None), ear.base)


def _awaited(ear: Ear, awaited: Awaited) -> Reading | None:
    """A yes or no that is also another word, while a question waits for it."""
    if Awaited.YES in awaited and (yes := ear.word(Family.YES) or _agreed(ear)):
        return replace(ear.found(Kind.YES, yes), double=bool(ear.word(Family.STOP)))
    if Awaited.NO in awaited and (no := ear.word(Family.NO)):
        return ear.found(Kind.NO, no)
    return None


def _agreed(ear: Ear) -> tuple[str, ...]:
    """The languages of the yes in "ok thanks": courtesy through and through, and one piece of it a yes."""
    yes = ear.lexicon.families[Family.YES]
    return next((yes.of(piece) for piece in ear.courtesies() if piece in yes.languages), ())


def _help(ear: Ear) -> Reading | None:
    if ear.lexicon.families[Family.AUTOREPLY].opens(ear.said.tokens):
        return _danger(ear) or ear.found(Kind.AUTOREPLY)  # "can't talk right now, he has a gun"
    languages = ear.lexicon.languages_of(Family.HELP, ear.said)
    return ear.found(Kind.HELP, languages) if languages else None


def _danger(ear: Ear) -> Reading | None:
    if languages := ear.word(Family.DISTRESS_ALONE):
        return ear.found(Kind.DISTRESS, languages)
    phrase = ear.lexicon.within(Family.DISTRESS, ear.said)
    return ear.found(Kind.DISTRESS, ear.lexicon.families[Family.DISTRESS].of(phrase)) if phrase else None


def _ending(ear: Ear) -> Reading | None:
    for family, kind in ((Family.WRONG, Kind.WRONG), (Family.DELETE, Kind.DELETE)):
        if languages := ear.word(family):
            return ear.found(kind, languages)
    return None


def _answer(ear: Ear) -> Reading | None:
    flat = ear.bare.flat
    if flat.isascii() and flat.isdigit() and len(flat) <= 2:
        return replace(ear.found(Kind.NUMBER), argument=str(int(flat)))
    for family, kind in ((Family.YES, Kind.YES), (Family.NO, Kind.NO)):
        if languages := ear.word(family):
            return ear.found(kind, languages)
    return None


def _whole(ear: Ear) -> Reading | None:
    for family, kind in WHOLE.items():
        if languages := ear.word(family):
            return ear.found(kind, languages)
    names = ear.word(Family.NAMES) if len(ear.bare.flat) >= NAME_LEAST else ear.lexicon.languages_of(Family.NAMES, ear.said)
    if names:
        return replace(ear.found(Kind.LANGUAGE), argument=names[0], language=names[0])
    if ear.word(Family.UNSPOKEN):
        return replace(ear.found(Kind.UNSPOKEN), argument=ear.bare.flat)
    if languages := ear.word(Family.GREETING):
        return ear.found(Kind.GREETING, languages)
    return None


def _thanks(ear: Ear) -> Reading | None:
    pieces = ear.courtesies()
    return ear.found(Kind.THANKS, ear.lexicon.families[Family.COURTESY].of(pieces[0])) if pieces else None


def _wish(ear: Ear) -> Reading | None:
    """A language asked for in a few words: "in Spanish please", "LANG ES", "en español"."""
    lexicon, tokens = ear.lexicon, list(ear.said.tokens)
    if len(tokens) > WISH_MOST:
        return None
    word, rest = opening(ear.said, lexicon.families[Family.LANG])
    commanded = listen(rest)
    if word and (languages := lexicon.languages_of(Family.NAMES, commanded)):
        return replace(ear.found(Kind.LANGUAGE), argument=languages[0], language=languages[0])
    passed = (Family.LANG_WISH, Family.COURTESY, Family.GREETING, Family.LANG)
    core = peeled(ear.said, lexicon, passed, passed)
    languages = lexicon.languages_of(Family.NAMES, core)
    is_name = len(core.flat) >= NAME_LEAST or not core.flat.isascii()
    if languages and core.flat != ear.said.flat and is_name:
        return replace(ear.found(Kind.LANGUAGE), argument=languages[0], language=languages[0])
    if lexicon.languages_of(Family.UNSPOKEN, core):
        return replace(ear.found(Kind.UNSPOKEN), argument=core.flat)
    return None


def _with_language(ear: Ear) -> Reading | None:
    """A place with the name of a language in front of it or behind: "ES 97214", "Lents en español". Whether a name is a place,
    the gazetteer knows; a code is a language only in capitals beside digits, for "so" and "en" are ordinary words."""
    names, said = ear.lexicon.families[Family.NAMES], uncourteous(ear.said, ear.lexicon)
    said = said if said.tokens else ear.said
    around = (*POLITE, Family.LANG_WISH)
    for phrase, rest in (opening(said, names), closing(peeled(said, ear.lexicon, POLITE, POLITE), names)):
        core = peeled(listen(rest), ear.lexicon, around, around)
        place = located(core, ear.lexicon) if phrase else None
        is_name = len(phrase) >= NAME_LEAST or not phrase.isascii()
        if place is not None and (place.is_address or len(core.tokens) == 1) and (is_name or _is_code(phrase, ear.said)):
            found = ear.found(Kind.ADDRESS if place.is_address else Kind.ZIP)
            language = names.of(phrase)[0]
            return replace(found, argument=core.flat, zips=place.zips, language=language, asked=language)
        if phrase and place is None and is_name and 0 < len(core.tokens) <= PLACE_MOST:
            return replace(ear.base, argument=core.flat, asked=names.of(phrase)[0])
    return None


def _is_code(phrase: str, said: Said) -> bool:
    return phrase.upper() in re.findall(r"\w+", said.written)


def _argued(ear: Ear) -> Reading | None:
    said = uncourteous(ear.said, ear.lexicon)
    for family, kind in LEADING.items():
        word, rest = opening(said, ear.lexicon.families[family])
        if word:
            label, rest = labelled(rest, ear.lexicon) if kind is Kind.ADD else ("", rest)
            return replace(ear.found(kind, ear.lexicon.families[family].of(word)), argument=rest, label=label)
    place = called(said, ear.lexicon)
    if place:
        return replace(ear.found(Kind.ADD), argument=place.text, label=place.label)
    return _removed_last(ear)


def _removed_last(ear: Ear) -> Reading | None:
    """A place of ours with the verb behind it: "職場を削除", "shaqada ka saar". Anything else that is to go is no place."""
    remove, particles = ear.lexicon.families[Family.REMOVE], ear.lexicon.families[Family.PARTICLES].languages
    word, what = next((found for one in (ear.said, ear.bare) if (found := closing(one, remove))[0]), ("", ""))
    while what and not ear.lexicon.labels.get(what) and (end := next((one for one in particles if what.endswith(one)), "")):
        what = what.removesuffix(end).strip()
    core = peeled(listen(what), ear.lexicon, (Family.MY,), ())
    is_number = core.flat.isdigit() and len(core.flat) <= 2
    if word and (is_number or ear.lexicon.label_of(core) or core.flat.upper() in ear.labels):
        return replace(ear.found(Kind.REMOVE, remove.of(word)), argument=core.flat)
    return None


def _elsewhere(ear: Ear) -> Reading | None:
    """Where somebody does not live is kept nowhere; they are shown what is."""
    phrase = ear.lexicon.within(Family.NOT_LIVE, ear.said)
    return ear.found(Kind.WHERE, ear.lexicon.families[Family.NOT_LIVE].of(phrase)) if phrase else None


def _pulled(ear: Ear) -> Reading | None:
    """A topic with a ZIP behind it: "SHELTER 97214", "shelters near 97214" ask, and sign nobody up."""
    word, rest = opening(ear.said, ear.lexicon.topic_words)
    *between, last = rest.split() or [""]
    topic = ear.lexicon.topics.get(word, "")
    if topic and _ZIP.fullmatch(last) and len(between) <= (SMALL_WORDS if topic in SOMEWHERE else 0):
        return replace(ear.found(Kind.TOPIC, ear.lexicon.topic_words.of(word)), label=topic, argument=last)
    return None


def _placed(ear: Ear) -> Reading | None:
    """An address, or a ZIP if nothing of a street is beside it."""
    said = uncourteous(ear.said, ear.lexicon)
    if place := located(said, ear.lexicon):
        kind = Kind.ADDRESS if place.is_address else Kind.ZIP
        return replace(ear.found(kind, place.language), argument=place.text, zips=place.zips)
    text, languages = told(listen(_uncourteous_name(said.written, ear.lexicon)), ear.lexicon)
    return replace(ear.found(Kind.WORDS, languages), argument=text) if languages and text else None


def _topic(ear: Ear) -> Reading | None:
    said, page = ear.bare, 1
    if found := _PAGE.match(said.flat):
        said, page = listen(found[1]), int(found[2])
    topic = ear.lexicon.topic_of(said)
    if not topic:
        return None
    return replace(ear.found(Kind.TOPIC, ear.lexicon.topic_words.languages[said.flat]), label=topic, page=page)


def _unspoken(ear: Ear) -> Reading | None:
    script = unspoken_script(ear.said.written)
    return replace(ear.found(Kind.UNSPOKEN), argument=f"{script} script") if script else None


def _greeted_name(ear: Ear) -> Reading | None:
    """Free text with a hello or a thank you around it, which is no part of a name: "привіт Lents"."""
    name = _uncourteous_name(ear.said.written, ear.lexicon)
    return replace(ear.base, argument=name, long=len(name) > LONG) if name != ear.said.written else None


def _uncourteous_name(text: str, lexicon: Lexicon) -> str:
    said = listen(text)
    core = peeled(said, lexicon, POLITE, POLITE)
    return text if core.flat == said.flat else core.flat


def _nearly(ear: Ear) -> Reading | None:
    """A name of a language with one wrong letter, or a code with one of its two doubled: "espnol", "EES". Nearly every short
    word is one letter away from a code."""
    word = ear.said.flat
    if not 3 <= len(word) <= 14 or not word.isalpha():
        return None
    for name, languages in ear.lexicon.families[Family.NAMES].languages.items():
        doubled = len(name) == 2 and len(word) == 3 and word in (name[0] + name, name + name[1])
        if doubled or (len(name) > NAME_LEAST and " " not in name and one_apart(name, word)):
            return replace(ear.base, nearly=languages[0])
    return None


READERS: Final[tuple[Callable[[Ear], Reading | None], ...]] = (
    _help,
    _danger,
    _ending,
    _answer,
    _whole,
    _thanks,
    _wish,
    _with_language,
    _argued,
    _elsewhere,
    _pulled,
    _placed,
    _topic,
    _unspoken,
    _nearly,
    _greeted_name,
)
