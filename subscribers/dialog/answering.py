"""Answers to the one open question, and to what needs no place: languages, alerts, topics, data, settings."""

from dataclasses import replace
from typing import Final

from subscribers.dialog import saving
from subscribers.dialog.hearing import fold
from subscribers.dialog.reading import Kind
from subscribers.dialog.scene import ENGLISH, MOST_ASKED, Scene
from subscribers.dialog.turn import (
    Act,
    Asked,
    Count,
    Drop,
    Erase,
    Memory,
    Note,
    Option,
    Question,
    Reconfirm,
    Reply,
    Sent,
    Speak,
    Turn,
)
from subscribers.place import HOME, BadPlace, normal_label

MENU_BREAK: Final = 6  # languages in the first text of the menu
ABOUT_PLACES: Final = frozenset({Asked.CONFIRM, Asked.PICK, Asked.LABEL, Asked.MOVE})
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
            return scene.turn(scene.say("confirmed"), acts=[Reconfirm()])
        case (Asked.REMOVE_LAST, Kind.REMOVE) if _same(reading.argument, question.label, scene):
            return scene.turn(scene.say("M13_none", label=question.label), acts=[Drop(label=question.label)])
        case (Asked.DELETE, Kind.DELETE):
            return Turn(memory=Memory(), acts=(Erase(),), replies=(scene.say("M37"),))
        case _:
            return None


def _about_places(scene: Scene, question: Question) -> Turn | None:
    reading, first = scene.reading, question.options[0]
    match question.asked, reading.kind:
        case (Asked.PICK, Kind.NUMBER):
            option = _option(question, reading.argument)
            return None if option is None else _kept(scene, question, option)
        case ((Asked.CONFIRM | Asked.MOVE), Kind.YES):
            return _kept(scene, question, first)
        case ((Asked.CONFIRM | Asked.MOVE), Kind.NUMBER) if reading.argument == "1":
            return _kept(scene, question, first)
        case (Asked.LABEL, (Kind.WORDS | Kind.ADD)):
            return _labelled(scene, question)
        case _:
            return None


def _option(question: Question, number: str) -> Option | None:
    place = int(number) - 1
    return question.options[place] if 0 <= place < len(question.options) else None


def _kept(scene: Scene, question: Question, option: Option) -> Turn | None:
    return saving.added(scene, option.spot, question.label or HOME) if option.spot is not None else None


def _same(text: str, label: str, scene: Scene) -> bool:
    return fold(text) in ("1", fold(label)) or scene.lexicon.labels.get(fold(text)) == label


def _labelled(scene: Scene, question: Question) -> Turn | None:
    """The name for a place just saved. Words that are a place themselves are no name."""
    text = scene.reading.argument or scene.reading.text
    try:
        label = scene.lexicon.labels.get(fold(text)) or normal_label(text)
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
    """All texts in this language from now on; an open question is asked again in it."""
    if language not in scene.world.city.languages:
        return scene.turn(scene.say("M17"), acts=[Count(Note.UNSPOKEN, language)])
    there = replace(scene, language=language, speak=())
    again = _in_words(there, question) if question is not None else None
    replies = [there.say("M16"), *([again] if again else [])]
    return there.turn(*replies, acts=[Speak(language)], question=question if again else None, plain=False)


def menu(scene: Scene) -> Turn:
    """The languages by their own names, in two texts: more would not fit one part."""
    tags = list(scene.world.city.languages)
    numbered = [f"{number} {scene.world.city.languages[tag]}" for number, tag in enumerate(tags, 1)]
    options = tuple(Option(words=tag, language=tag) for tag in tags)
    halves = [one for one in (numbered[:MENU_BREAK], numbered[MENU_BREAK:]) if one]
    replies = [scene.say(key, menu=" ".join(half)) for key, half in zip(("M15", "M46"), halves, strict=False)]
    return scene.turn(*replies, question=scene.ask(Asked.LANGUAGE, options=options))


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
    reading = scene.reading
    pages = scene.world.topic(reading.label, reading.page, scene.language, reading.argument)
    if pages == ():
        pages = scene.world.topic(reading.label, 1, scene.language, reading.argument)
    if not pages:
        return scene.turn(scene.say("M45", topic=reading.label))
    return scene.turn(Sent(body=pages[0], language=scene.language))


def settings(scene: Scene) -> Turn:
    match scene.reading.kind:
        case Kind.NIGHT_ON:
            return scene.turn(scene.say("night_on"), night=True)
        case Kind.NIGHT_OFF:
            return scene.turn(scene.say("night_off"), night=False)
        case _ if scene.language in scene.world.city.plain:
            return scene.turn(scene.say("plain_on"), plain=True)
        case _:
            return scene.turn(scene.say("plain_none"))


def joined(scene: Scene) -> Turn:
    """JOIN, START or a greeting: somebody new is asked where they are, at most twice; others hear how things stand."""
    if not scene.is_new:
        listed = scene.listed()
        return scene.turn(scene.say("M32", places=listed) if listed else scene.say("M12_none"))
    if scene.memory.greeted >= MOST_ASKED:
        return scene.turn()
    return scene.turn(scene.say("M01"), greeted=scene.memory.greeted + 1)


def came_back(scene: Scene, start: Act) -> Turn:
    """START after STOP: places and language are as they were."""
    listed = scene.listed()
    return scene.turn(scene.say("M20", places=listed) if listed else scene.say("M21"), acts=[start])
