"""The dialog: one text in, what is done and answered out. Pure; the same text, memory, moment and data give the same turn.

The order is the promise: a stop is heard before everything else and obeyed in every state; a stopped number is never answered
again; somebody in danger is sent to 911 before anything else is looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from subscribers.dialog import answering, grading, saving
from subscribers.dialog.hearing import fold
from subscribers.dialog.intent import Awaited, Kind, Reading
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.locating import labelled
from subscribers.dialog.looping import SILENCE, counted, quiet, too_many
from subscribers.dialog.reading import read
from subscribers.dialog.scene import QUESTION_LIFE, Scene, alive
from subscribers.dialog.tongues import ENGLISH, shown_in, tongue
from subscribers.dialog.turn import (
    Asked,
    Count,
    Erase,
    Heard,
    Known,
    Memory,
    Note,
    Obeyed,
    Question,
    Reply,
    Sent,
    Standing,
    Start,
    Stop,
    Turn,
    World,
)

PUZZLED_AGAIN: Final = timedelta(minutes=10)  # "we did not understand" at most so often
GATEWAY_YES: Final = "yes"
# What an open question makes of words that mean two things.
AWAITED: Final = {
    Asked.CONFIRM: Awaited.YES | Awaited.NO,
    Asked.MOVE: Awaited.YES | Awaited.NO,
    Asked.PICK: Awaited.NO,
    Asked.YEARLY: Awaited.YES,
    Asked.LABEL: Awaited.NOTHING,
    Asked.LANGUAGE: Awaited.NOTHING,
    Asked.REMOVE_LAST: Awaited.NOTHING,
    Asked.DELETE: Awaited.NOTHING,
}
NAMES_PLACES: Final = frozenset({"M02", "M10", "M12", "M13", "M14", "M20", "M22", "M30", "M32", "ask_move", "M13_unknown"})


def turn(known: Known, heard: Heard, world: World, lexicon: Lexicon) -> Turn:
    """One text from a phone of which we know this much. Never raises, whatever the text is."""
    scene = _scene(known, heard, world, lexicon)
    return _discreet(scene, _turn(scene, heard))


def yearly_check(known: Known, now: datetime, world: World, lexicon: Lexicon) -> Turn:
    """Asks whether everything still holds; a number that may have a new owner is told no places. Without a reply for whoever is
    not to be asked, or not now."""
    scene = Scene(
        known=known,
        now=now,
        world=world,
        lexicon=lexicon,
        reading=Reading(kind=Kind.NOTHING),
        language=shown_in(known.language or ENGLISH, known.memory, world.city),
        memory=known.memory,
    )
    waiting = scene.alive()  # an answer is on its way: this can wait for another day
    is_busy = waiting is not None and waiting.asked is not Asked.YEARLY
    if is_busy or known.standing not in (Standing.ACTIVE, Standing.SUSPECT):
        return Turn(memory=known.memory)
    suspect = known.standing is Standing.SUSPECT or not known.places
    words = scene.say("M30_noplaces") if suspect else scene.say("M30", places=scene.listed())
    return scene.turn(words, question=scene.ask(Asked.YEARLY))


def _scene(known: Known, heard: Heard, world: World, lexicon: Lexicon) -> Scene:
    question = alive(known.memory.question, heard.at)
    labels = frozenset(name for place in known.places for name in (place.label, fold(place.words).upper()))
    reading = read(heard.text, lexicon, labels, awaited=AWAITED[question.asked] if question is not None else Awaited.NOTHING)
    language, saved = tongue(known, reading, frozenset(world.city.languages))
    memory = counted(known.memory, heard, reading)
    scene = Scene(
        known=known,
        now=heard.at,
        world=world,
        lexicon=lexicon,
        reading=reading,
        language=shown_in(language, memory, world.city),
        memory=memory,
    )
    return scene.speaking(language, guessed=not reading.asked) if saved else scene


def _turn(scene: Scene, heard: Heard) -> Turn:
    kind = scene.reading.kind
    if heard.obeyed is not Obeyed.NOTHING:
        return _obeyed(scene, heard.obeyed)
    if kind is Kind.STOP:
        return _stop(scene)
    if scene.known.standing is Standing.STOPPED:
        return _while_stopped(scene)
    match kind:
        case Kind.HELP:
            return scene.aside(scene.say("M18"))
        case Kind.WRONG:
            return Turn(memory=Memory(), acts=(Erase(wrong=True),), replies=(scene.say("M31"),))
        case Kind.AUTOREPLY:
            return scene.aside()
    return _loop(scene) or (_danger(scene) if kind is Kind.DISTRESS else _ordinary(scene))


def _danger(scene: Scene) -> Turn:
    return _warned(scene.aside(scene.say("M28"), acts=[Count(Note.DISTRESS)]), scene.now)


def _warned(turn: Turn, now: datetime) -> Turn:
    return replace(turn, memory=replace(turn.memory, warned_at=now))


def _ordinary(scene: Scene) -> Turn:
    question = scene.alive()
    if question is not None and (answer := answering.answered(scene, question)) is not None:
        return answer
    if question is None and (thanks := grading.graded(scene)) is not None:
        return thanks
    if scene.reading.kind is Kind.YES and scene.known.standing is Standing.SUSPECT:
        return answering.reconfirmed(scene)
    if scene.reading.kind in (Kind.NUMBER, Kind.YES, Kind.NO):
        return _answer_to_nothing(scene, question)
    done = _command(scene, question)
    if question is not None and scene.leaves(question, done):
        return replace(done, memory=replace(done.memory, left_at=scene.now))
    return done


def _obeyed(scene: Scene, word: Obeyed) -> Turn:
    """The provider has answered for us; a second acknowledgement would be one too many."""
    match word:
        case Obeyed.STOP | Obeyed.MISSED:
            return scene.turn(acts=[Stop()])
        case Obeyed.START:
            question = scene.alive() if scene.known.standing is not Standing.STOPPED else None  # the way back comes first
            answer = answering.answered(scene, question) if question is not None else None
            return replace(answer or scene.turn(acts=[Start()]), replies=())
        case _:
            return scene.aside()


def _stop(scene: Scene) -> Turn:
    """Obeyed at once, in every state and wording, and acknowledged once."""
    if scene.known.standing is Standing.STOPPED:
        return Turn(memory=replace(scene.memory, question=None))
    label = scene.reading.label
    return scene.turn(scene.say("M29", label=label) if label else scene.say("M19"), acts=[Stop()])


def _while_stopped(scene: Scene) -> Turn:
    """Silence, but for the way back and for help. OK, after the acknowledgement of a stop, is no way back; YES is, to
    gateways."""
    match scene.reading.kind:
        case Kind.START | Kind.JOIN:
            return answering.came_back(scene, Start())
        case Kind.YES if fold(scene.reading.text) == GATEWAY_YES:
            return answering.came_back(scene, Start())
        case Kind.HELP:
            return Turn(memory=scene.memory, replies=(scene.say("M18"),))
        case Kind.WRONG:
            return Turn(memory=Memory(), acts=(Erase(wrong=True),))
        case _:
            return Turn(memory=replace(scene.memory, question=None))


def _loop(scene: Scene) -> Turn | None:
    """What is done and said while a machine may be talking to us; None for an ordinary turn. Whatever is asked for is done
    without a word, and somebody who is or may be in danger is sent to 911 once in the silence as well."""
    memory, is_danger = scene.memory, scene.reading.kind is Kind.DISTRESS
    if memory.muted_until is not None and scene.now < memory.muted_until:
        warned = memory.warned_at is not None and memory.warned_at >= memory.muted_until - SILENCE
        done = _danger(scene) if is_danger else _ordinary(scene)
        if not any(isinstance(reply, Reply) and reply.key == "M28" for reply in done.replies):
            return quiet(done, memory)
        return Turn(memory=memory) if warned else _warned(done, scene.now)
    if not too_many(memory):
        return None
    muted = replace(memory, muted_until=scene.now + SILENCE, recent=(), question=None)
    if is_danger:
        return _warned(Turn(memory=muted, acts=(Count(Note.MUTED),), replies=(scene.say("M28"),)), scene.now)
    asked_for = _ordinary(scene)
    if Erase() in asked_for.acts:  # M34 says that alerts go on
        return asked_for
    done = quiet(asked_for, muted)
    return replace(done, acts=(*done.acts, Count(Note.MUTED)), replies=(scene.say("M34"),))


def _answer_to_nothing(scene: Scene, question: Question | None) -> Turn:
    """A number, a yes or a no that no open question waits for."""
    is_no = scene.reading.kind is Kind.NO
    left_at = scene.memory.left_at
    is_left = scene.reading.kind is Kind.YES and left_at is not None and scene.now - left_at <= QUESTION_LIFE
    if question is None and (is_left or scene.memory.question is not None):
        return scene.turn(left_at=None) if is_no else scene.turn(scene.say("M47"), left_at=None)
    if question is not None:
        return answering.asked_again(scene, question) or _puzzled(scene)
    if scene.reading.kind is Kind.NUMBER:
        return _puzzled(scene)
    return answering.joined(scene) if scene.is_new and not is_no else scene.turn()


COMMANDS: Final[Mapping[Kind, Callable[[Scene], Turn]]] = {
    Kind.DELETE: lambda scene: scene.turn(scene.say("M36"), question=scene.ask(Asked.DELETE)),
    Kind.START: answering.joined,
    Kind.JOIN: answering.joined,
    Kind.GREETING: answering.joined,
    Kind.THANKS: lambda scene: answering.joined(scene) if scene.is_new else scene.aside(),
    Kind.WHERE: saving.where,
    Kind.STATUS: answering.status,
    Kind.LANG: answering.menu,
    Kind.UNSPOKEN: lambda scene: scene.turn(scene.say("M17"), acts=[Count(Note.UNSPOKEN, scene.reading.argument)]),
    Kind.PRIVACY: lambda scene: scene.turn(scene.say("M35")),
    Kind.TEST: lambda scene: scene.turn(scene.say("M38")),
    Kind.PLAIN: answering.settings,
    Kind.NIGHT_ON: answering.settings,
    Kind.NIGHT_OFF: answering.settings,
    Kind.ADD: saving.add,
    Kind.REMOVE: saving.remove,
    Kind.MOVE: saving.move,
    Kind.ADDRESS: saving.address,
    Kind.ZIP: saving.zip_code,
    Kind.TOPIC: answering.topic,
}


def _command(scene: Scene, question: Question | None) -> Turn:
    if scene.reading.kind is Kind.LANGUAGE:
        return answering.speak(scene, scene.reading.argument, question)
    if scene.reading.kind in COMMANDS:
        return COMMANDS[scene.reading.kind](scene)
    return _words(scene, question)


def _words(scene: Scene, question: Question | None) -> Turn:
    """Free text: a neighbourhood, with its label in front or not, a mistyped language, or nothing we understand."""
    reading = scene.reading
    text = reading.argument or reading.text
    if not reading.long and text:
        if sights := scene.world.named(text):
            there = scene.speaking(reading.asked) if reading.asked in scene.world.city.languages else scene
            return saving.offered(there, sights[: saving.CHOICES], "M08")
        label, rest = labelled(text, scene.lexicon)
        if label and rest and (sights := scene.world.named(rest)):
            there = replace(scene, reading=replace(reading, kind=Kind.ADD, argument=rest, label=label))
            return saving.add(there)
    if reading.nearly in scene.world.city.languages:
        code = reading.nearly.partition("-")[0].upper()
        return scene.turn(scene.say("M44", code=code, endonym=scene.world.city.languages[reading.nearly]))
    if reading.long:
        return _danger(scene)
    if question is not None and (again := answering.asked_again(scene, question)):
        return again
    if scene.is_new and reading.kind is Kind.WORDS:
        return answering.joined(scene)
    return _puzzled(scene)


def _puzzled(scene: Scene) -> Turn:
    """Not understood: said at most once in ten minutes. Who wrote in another language than we took to be theirs hears that they
    get their texts in it from now on."""
    if scene.speak and not scene.is_new:
        return scene.turn(scene.say("M16"), acts=[Count(Note.PUZZLED)])
    said = scene.memory.puzzled_at
    if said is not None and scene.now - said < PUZZLED_AGAIN:
        return scene.turn(acts=[Count(Note.PUZZLED)])
    return scene.turn(scene.say("M27"), acts=[Count(Note.PUZZLED)], puzzled_at=scene.now)


def _discreet(scene: Scene, done: Turn) -> Turn:
    """A number that may have a new owner never hears where the old one lives. What M03 says goes with M02 alone."""
    if scene.known.standing is not Standing.SUSPECT:
        return done
    said: list[Reply | Sent] = []
    for reply in done.replies:
        if not isinstance(reply, Reply) or reply.key not in NAMES_PLACES | {"M03"}:
            said.append(reply)
        elif reply.key in NAMES_PLACES:
            said.append(replace(scene, language=reply.language).say("M30_noplaces"))
    return replace(done, replies=tuple(said))
