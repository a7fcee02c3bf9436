"""Answers to the one open question, and to what needs no place: languages, alerts, topics, data, settings."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from subscribers.dialog import saving
from subscribers.dialog.hearing import fold, listen
from subscribers.dialog.intent import Kind
from subscribers.dialog.lexicon import Family
from subscribers.dialog.locating import behind
from subscribers.dialog.scene import ABOUT_PLACES, MOST_ASKED, Scene
from subscribers.dialog.tongues import ENGLISH, PLAIN_AS_IT_IS
from subscribers.dialog.turn import (
    Act,
    Asked,
    Count,
    Drop,
    Erase,
    Join,
    Memory,
    Note,
    Option,
    Question,
    Reconfirm,
    Reply,
    Sent,
    Speak,
    Tongue,
    Turn,
)
from subscribers.place import HOME, BadPlace, normal_label

MENU_UNITS: Final = 70  # one text of endonyms: they need UCS-2
GREETED_AGAIN: Final = timedelta(days=1)
LISTED: Final = 3  # alerts named in one answer; the rest are counted


def answered(scene: Scene, question: Question) -> Turn | None:
    """What follows when the text answers the question; None when it is something else."""
    if question.asked in ABOUT_PLACES:
        return _about_places(scene, question) if question.options else None
    reading = scene.reading
    match question.asked, reading.kind:
        case (Asked.LANGUAGE, Kind.NUMBER):
            wanted = ENGLISH if reading.argument == "0" else (_option(question, reading.argument) or Option(words="")).language
            return speak(scene, wanted, None) if wanted else None
        case (Asked.YEARLY, Kind.YES):
            return reconfirmed(scene)
        case (Asked.YEARLY, Kind.NO):
            return saving.where(scene)
        case (Asked.REMOVE_LAST, Kind.REMOVE) if saving.meant(scene, reading.argument) == question.label:
            return scene.turn(scene.say("M13_none", label=question.label), acts=[Drop(label=question.label)])
        case (Asked.DELETE, Kind.DELETE):
            return Turn(memory=Memory(), acts=(Erase(),), replies=(scene.say("M37"),))
        case ((Asked.DELETE | Asked.REMOVE_LAST), Kind.NO):
            return scene.turn()  # "otherwise do nothing"
        case _:
            return None


def reconfirmed(scene: Scene) -> Turn:
    return scene.turn(scene.say("confirmed"), acts=[Reconfirm()])


def _about_places(scene: Scene, question: Question) -> Turn | None:
    reading, first = scene.reading, question.options[0]
    match question.asked, reading.kind:
        case (Asked.PICK, Kind.NUMBER):
            option = _option(question, reading.argument)
            return None if option is None else _kept(scene, question, option)
        case (Asked.PICK, (Kind.WORDS | Kind.ADDRESS)) if (option := _named(question, reading.text)) is not None:
            return _kept(scene, question, option)
        case ((Asked.CONFIRM | Asked.MOVE), Kind.YES):
            return _kept(scene, question, first)
        case ((Asked.CONFIRM | Asked.MOVE), Kind.NUMBER) if reading.argument == "1":
            return _kept(scene, question, first)
        case (_, Kind.NO):
            return _refused(scene, question)
        case (Asked.LABEL, (Kind.WORDS | Kind.ADD)):
            return _labelled(scene, question)
        case _:
            return None


def _refused(scene: Scene, question: Question) -> Turn:
    """Not this place: what the question itself has saved goes, what was there before stays."""
    kept, spot = scene.kept(question.label), question.options[0].spot
    match question.asked:
        case Asked.CONFIRM if kept is not None and kept.spot == spot:
            return scene.turn(scene.say("M06"), acts=[Drop(label=question.label)])
        case Asked.PICK:
            return scene.turn(scene.say("M06"))
        case _:
            return saving.where(scene)


def _named(question: Question, text: str) -> Option | None:
    """The one option that an answer in words fits ("SW", "sunnyside"); None when several do, or none."""
    said = set(fold(text).split())
    fitting = [option for option in question.options if said and said <= set(fold(option.words).split())]
    return fitting[0] if len(fitting) == 1 else None


def _option(question: Question, number: str) -> Option | None:
    place = int(number) - 1
    return question.options[place] if 0 <= place < len(question.options) else None


def _kept(scene: Scene, question: Question, option: Option) -> Turn | None:
    return saving.added(scene, option.spot, question.label or HOME) if option.spot is not None else None


def _labelled(scene: Scene, question: Question) -> Turn | None:
    """The name for a place just saved. Words that are a place themselves are no name."""
    text = scene.reading.argument or scene.reading.text
    while length := scene.lexicon.families[Family.MY].leading(listen(text).tokens):
        text = behind(text, length)
    try:
        label = scene.lexicon.label_of(listen(text)) or normal_label(text)
    except BadPlace:
        return None
    spot = question.options[0].spot
    if spot is None or (scene.kept(label) is not None and label != question.label) or scene.world.named(text):
        return None
    return saving.added(scene, spot, label, instead_of=question.label)


def asked_again(scene: Scene, question: Question) -> Turn | None:
    """The same question once more, after an answer nobody understood; None when it has been asked often enough."""
    words = _in_words(scene, question)
    if question.times >= MOST_ASKED or words is None:
        return None
    return scene.turn(words, question=replace(question, times=question.times + 1))


def _in_words(scene: Scene, question: Question) -> Reply | None:
    if question.asked in ABOUT_PLACES and not question.options:
        return None
    match question.asked:
        case Asked.PICK:
            return saving.choices(scene, question)
        case Asked.CONFIRM:
            return scene.say("M04", place=question.options[0].words, label=question.label)
        case Asked.LABEL:
            return scene.say("ask_label", place=question.options[0].words)
        case Asked.MOVE:
            home = scene.kept(HOME)
            return scene.say("ask_move", place=question.options[0].words, old=home.words if home else "-")
        case _:
            return None


def speak(scene: Scene, language: str, question: Question | None) -> Turn:
    """All texts in this language from now on. An open question is asked again in it; whoever has not signed up is asked
    where they are, for a language alone brings nobody an alert."""
    if language not in scene.world.city.languages:
        return scene.turn(scene.say("M17"), acts=[Count(Note.UNSPOKEN, language)])
    there = replace(scene, language=language, speak=())
    again = _in_words(there, question) if question is not None else None
    greeting = there.say("M01") if there.is_new and again is None and _greeted(there) < MOST_ASKED else None
    replies = [reply for reply in (there.say("M16"), again, greeting) if reply is not None]
    done = there.turn(*replies, acts=[Speak(language)], question=question if again else None, plain=False, tongue=Tongue.CHOSEN)
    return replace(done, memory=_greets(there, done.memory)) if greeting else done


def menu(scene: Scene) -> Turn:
    """The languages by their own names, in as few texts of one part as hold them, and not more than two."""
    tags = list(scene.world.city.languages)
    numbered = [f"{number} {scene.world.city.languages[tag]}" for number, tag in enumerate(tags, 1)]
    options = tuple(Option(words=tag, language=tag) for tag in tags)
    halves = menu_halves([*numbered, f"0 {scene.world.city.languages.get(ENGLISH, 'English')}"])
    replies = [scene.say(key, menu=half) for key, half in zip(("M15", "M46"), halves, strict=False)]
    return scene.turn(*replies, question=scene.ask(Asked.LANGUAGE, options=options))


def menu_halves(numbered: Sequence[str]) -> tuple[str, ...]:
    """The menu in one text if it fits, else in two: the first as full as it can be."""
    whole = " ".join(numbered)
    if _units(whole) <= MENU_UNITS:
        return (whole,)
    fitting = [at for at in range(1, len(numbered)) if _units(" ".join(numbered[:at])) <= MENU_UNITS]
    at = max(fitting, default=1)
    return " ".join(numbered[:at]), " ".join(numbered[at:])


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def status(scene: Scene) -> Turn:
    """Alerts in force for the saved places, worst first; without a place the citywide ones."""
    live = scene.world.alerts([place.spot for place in scene.known.places], scene.language)
    if not live:
        at = scene.world.clock(scene.now, scene.language)
        listed = scene.listed()
        return scene.turn(scene.say("M22", places=listed, time=at) if listed else scene.say("M22_city", time=at))
    alerts = tuple(f"{alert.title} ({alert.since})" for alert in live[:LISTED])
    more = (f"+{len(live) - LISTED}",) if len(live) > LISTED else ()
    worst = live[0]
    key = "M23" if worst.topic else "M23_page"
    return scene.turn(scene.say(key, alerts=(*alerts, *more), topic=worst.topic, url=worst.url))


def topic(scene: Scene) -> Turn:
    """A page of what an alert's record says. It answers anybody, and signs nobody up."""
    reading, places = scene.reading, [place.spot for place in scene.known.places]
    pages = scene.world.topic(reading.label, reading.page, scene.language, reading.argument, places)
    if pages == ():
        pages = scene.world.topic(reading.label, 1, scene.language, reading.argument, places)
    if not pages:
        return scene.turn(scene.say("M45", topic=reading.label))
    return scene.turn(Sent(body=pages[0], language=scene.language))


def settings(scene: Scene) -> Turn:
    """What is wished of texts from now on."""
    match scene.reading.kind:
        case Kind.NIGHT_ON:
            return scene.turn(scene.say("night_on"), night=True)
        case Kind.NIGHT_OFF:
            return scene.turn(scene.say("night_off"), night=False)
        case _:
            return _plain(scene)


def _plain(scene: Scene) -> Turn:
    """Texts for an old handset. Where the language has no form without marks they come in English from now on; this one alone
    still says so in the language."""
    was_plain = scene.memory.plain and not scene.speak
    there = replace(scene, language=scene.known.language or scene.language) if was_plain else scene
    if there.language in PLAIN_AS_IT_IS:
        return there.turn(there.say("plain_on"))
    has_form = there.language in scene.world.city.plain
    return there.turn(there.say("plain_on" if has_form else "plain_none"), plain=True)


def joined(scene: Scene) -> Turn:
    """JOIN, START or a greeting. Somebody new is asked where they are, at most twice a day; who asks to join a second time
    without saying so is signed up for the whole city. Others hear how things stand."""
    wishes = scene.reading.kind in (Kind.JOIN, Kind.START, Kind.YES)
    if not scene.is_new:
        listed = scene.listed()
        return scene.turn(scene.say("M32", places=listed) if listed else scene.say("M12_none"), acts=[Join()] if wishes else [])
    if wishes and _greeted(scene):
        return scene.turn(scene.say("M02_city"), acts=[Join()])
    if _greeted(scene) >= MOST_ASKED:
        return scene.turn()
    done = scene.turn(scene.say("M01"))
    return replace(done, memory=_greets(scene, done.memory))


def _greeted(scene: Scene) -> int:
    """How often M01 was said in the last day."""
    since = scene.memory.greeted_at
    return scene.memory.greeted if since is not None and scene.now - since < GREETED_AGAIN else 0


def _greets(scene: Scene, memory: Memory) -> Memory:
    before = _greeted(scene)
    return replace(memory, greeted=before + 1, greeted_at=scene.memory.greeted_at if before else scene.now)


def came_back(scene: Scene, start: Act) -> Turn:
    """START after STOP: places and language are as they were."""
    listed = scene.listed()
    return scene.turn(scene.say("M20", places=listed) if listed else scene.say("M21"), acts=[start])
