"""Places by text: found, asked about where that is needed, saved under a label, moved and removed.

Whoever writes something useful is signed up at once; what is asked afterwards only makes it more exact. A place already saved
is never lost to a guess: it is replaced after an OK, or stays beside the new one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from subscribers.dialog.hearing import fold
from subscribers.dialog.reading import Kind, read
from subscribers.dialog.scene import Scene
from subscribers.dialog.turn import Act, Asked, Count, Drop, Join, Keep, Note, Option, Question, Reply, Sight, Turn
from subscribers.place import HOME, LABEL_MAX, PLACES_MAX, BadPlace, Point, Spot, ZipArea, in_words, normal_label

SURE: Final = 0.8  # a find of at least this likeness is taken and announced; below, people are asked
APART: Final = 0.1  # by which the best find must be better than the next, or people are asked
CHOICES: Final = 3


def zip_code(scene: Scene) -> Turn:
    """A bare ZIP: the first place of a new phone, one more for a phone that has some."""
    code = scene.reading.argument
    if not scene.world.zip_inside(code):
        return outside(scene, code)
    sight = Sight(spot=ZipArea(code), words=code, exact=code, score=1.0, zip=code)
    if any(place.spot == sight.spot for place in scene.known.places):
        return scene.turn(scene.say("M02", place=code))
    if not scene.known.places:
        keep = Keep(label=HOME, spot=sight.spot)
        more = replace(scene.say("M03"), after_s=2.0)
        return scene.turn(scene.say("M02", place=code), more, acts=[keep])
    return added(scene, sight.spot, free_label(scene))


def outside(scene: Scene, code: str) -> Turn:
    return scene.turn(scene.say("M07", zip=code), acts=[Count(Note.OUTSIDE)])


def found(scene: Scene, text: str) -> tuple[Sequence[Sight], str]:
    """What a text may mean as a place, best first; and the ZIP when it is one outside the city."""
    reading = read(text, scene.lexicon)
    if reading.kind is Kind.ZIP:
        code = reading.argument
        if not scene.world.zip_inside(code):
            return (), code
        return (Sight(spot=ZipArea(code), words=code, exact=code, score=1.0, zip=code),), ""
    near = [place.spot for place in scene.known.places]
    if reading.kind is Kind.ADDRESS:
        return scene.world.addresses(text, near)[:CHOICES], ""
    return scene.world.named(text)[:CHOICES], ""


def clear(sights: Sequence[Sight]) -> bool:
    """Whether the first find can be taken without asking which one."""
    return bool(sights) and sights[0].score >= SURE and (len(sights) == 1 or sights[0].score - sights[1].score >= APART)


def address(scene: Scene) -> Turn:
    """A street address without a command: live at once for somebody new; somebody signed up is asked before HOME changes."""
    sights = scene.world.addresses(scene.reading.argument, [place.spot for place in scene.known.places])[:CHOICES]
    if not sights:
        return scene.turn(scene.say("M06"), acts=_citywide(scene))
    label = _label_for(scene, sights[0])
    if not label:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    if not clear(sights):
        return pick(scene, sights, label)
    sight = sights[0]
    acts = [] if scene.kept(label) else [Keep(label=label, spot=sight.spot)]
    question = scene.ask(Asked.CONFIRM, label=label, options=(_option(sight),))
    return scene.turn(scene.say("M04", place=sight.exact, label=label), acts=acts, question=question)


def named(scene: Scene, sights: Sequence[Sight]) -> Turn:
    """A neighbourhood."""
    label = _label_for(scene, sights[0])
    if not label:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    if not clear(sights):
        return pick(scene, sights, label)
    sight = sights[0]
    acts = [] if scene.kept(label) else [Keep(label=label, spot=sight.spot)]
    question = scene.ask(Asked.CONFIRM, label=label, options=(_option(sight),))
    return scene.turn(scene.say("M08", place=sight.words), acts=acts, question=question)


def pick(scene: Scene, sights: Sequence[Sight], label: str) -> Turn:
    """Asks which one; whoever is new gets citywide alerts meanwhile, and for good if they never answer."""
    question = scene.ask(Asked.PICK, label=label, options=tuple(map(_option, sights[:CHOICES])))
    return scene.turn(choices(scene, question), acts=_citywide(scene), question=question)


def choices(scene: Scene, question: Question) -> Reply:
    """A question about numbered places, in words."""
    numbered = tuple(f"{number}) {option.words}" for number, option in enumerate(question.options, 1))
    spots = [option.spot for option in question.options]
    key = "M05" if any(isinstance(spot, Point) for spot in spots) else "M09"
    return scene.say(key, count=len(numbered), choices=numbered)


def add(scene: Scene) -> Turn:
    """ADD with a label and a place behind it; without a label it is saved first and asked about after."""
    reading = scene.reading
    if not reading.argument:
        return scene.turn(scene.say("M03"))
    sights, elsewhere = found(scene, reading.argument)
    if elsewhere:
        return outside(scene, elsewhere)
    if not sights:
        return scene.turn(scene.say("M06"), acts=_citywide(scene))
    label = _usable(reading.label)
    if not label:
        return _unlabelled(scene, sights)
    if scene.kept(label) is None and len(scene.known.places) >= PLACES_MAX:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    if not clear(sights):
        return pick(scene, sights, label)
    return added(scene, sights[0].spot, label)


def _unlabelled(scene: Scene, sights: Sequence[Sight]) -> Turn:
    label = free_label(scene)
    if not label:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    if not clear(sights):
        return pick(scene, sights, label)
    sight = sights[0]
    if label == HOME:
        return added(scene, sight.spot, label)
    keep = Keep(label=label, spot=sight.spot)
    question = scene.ask(Asked.LABEL, label=label, options=(_option(sight),))
    return scene.turn(scene.say("ask_label", place=sight.words), acts=[keep], question=question)


def added(scene: Scene, spot: Spot, label: str, *, instead_of: str = "") -> Turn:
    """Saves and says so, with all places as they are now."""
    if not label:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    acts: list[Act] = [Drop(label=instead_of)] if instead_of else []
    acts.append(Keep(label=label, spot=spot))
    return scene.turn(scene.say("M10", label=label, place=in_words(spot), places=scene.listed(acts)), acts=acts)


def move(scene: Scene) -> Turn:
    """HOME somewhere else: the old one is kept until OK."""
    text = scene.reading.argument
    if not text:
        return scene.turn(scene.say("M06"))
    sights, elsewhere = found(scene, text)
    if elsewhere:
        return outside(scene, elsewhere)
    if not sights:
        return scene.turn(scene.say("M06"), acts=_citywide(scene))
    old = scene.kept(HOME)
    if not clear(sights):
        return pick(scene, sights, HOME)
    if old is None:
        return added(scene, sights[0].spot, HOME)
    question = scene.ask(Asked.MOVE, label=HOME, options=(_option(sights[0]),))
    return scene.turn(scene.say("ask_move", place=sights[0].words, old=old.words), question=question)


def remove(scene: Scene) -> Turn:
    """REMOVE alone lists; the last place goes on the second wish only."""
    text = scene.reading.argument
    places = scene.known.places
    if not text:
        return where(scene)
    label = _meant(scene, text)
    if label is None:
        return scene.turn(scene.say("M13_unknown", places=scene.listed()) if places else _nowhere(scene))
    if len(places) == 1:
        question = scene.ask(Asked.REMOVE_LAST, label=label)
        return scene.turn(scene.say("M14", label=label), question=question)
    acts = [Drop(label=label)]
    return scene.turn(scene.say("M13", label=label, places=scene.listed(acts)), acts=acts)


def where(scene: Scene) -> Turn:
    numbered = tuple(f"{number} {words}" for number, words in enumerate(scene.listed(), 1))
    return scene.turn(scene.say("M12", places=numbered) if numbered else _nowhere(scene))


def _nowhere(scene: Scene) -> Reply:
    return scene.say("M01") if scene.is_new else scene.say("M12_none")


def _meant(scene: Scene, text: str) -> str | None:
    """The label of a place meant by its number, its label, or a word for its label."""
    flat = fold(text)
    labels = [place.label for place in scene.known.places]
    if flat.isdigit():
        return labels[int(flat) - 1] if 1 <= int(flat) <= len(labels) else None
    wanted = scene.lexicon.labels.get(flat, text.upper())
    folded = {fold(label): label for label in labels}
    return wanted if wanted in labels else folded.get(flat)


def _option(sight: Sight) -> Option:
    """What people choose from. The house number they wrote is not kept, not even until they have chosen."""
    words = f"{sight.words} {sight.zip}" if isinstance(sight.spot, Point) and sight.zip else sight.words
    return Option(words=words, spot=sight.spot)


def _label_for(scene: Scene, sight: Sight) -> str:
    """HOME while it is free, or an area that an address makes more exact; else the next free label; "" when all are taken."""
    home = scene.kept(HOME)
    if home is None or (isinstance(sight.spot, Point) and not isinstance(home.spot, Point)):
        return HOME
    return free_label(scene)


def free_label(scene: Scene) -> str:
    """HOME, else PLACE2 to PLACE9; "" when somebody has as many places as we keep."""
    taken = {place.label for place in scene.known.places}
    if len(taken) >= PLACES_MAX:
        return ""
    return next(label for label in (HOME, *(f"PLACE{number}" for number in range(2, 10))) if label not in taken)


def _usable(label: str) -> str:
    try:
        return normal_label(label[:LABEL_MAX]) if label else ""
    except BadPlace:
        return ""


def _citywide(scene: Scene) -> list[Act]:
    """So that a place nobody could find still leaves its person protected."""
    return [Join()] if scene.is_new else []
