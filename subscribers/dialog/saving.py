"""Places by text: found, asked about where that is needed, saved under a label, moved and removed.

Whoever writes something useful is signed up at once; what is asked afterwards only makes it more exact. A place already saved
is never lost to a guess: it is replaced after an OK, or stays beside the new one. A place given instead of an answer to a
question is meant for the same label.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from subscribers.dialog.hearing import fold, listen
from subscribers.dialog.lexicon import Family
from subscribers.dialog.locating import located
from subscribers.dialog.scene import Scene
from subscribers.dialog.stopping import peeled
from subscribers.dialog.turn import Act, Asked, Count, Drop, Join, Keep, Note, Option, Question, Reply, Sight, Turn
from subscribers.place import HOME, LABEL_MAX, PLACES_MAX, BadPlace, NamedPlace, Point, Spot, ZipArea, in_words, normal_label

SURE: Final = 0.8  # a find of at least this likeness is taken and announced; below, people are asked
APART: Final = 0.1  # by which the best find must be better than the next, or people are asked
CHOICES: Final = 3
MORE_AFTER_S: Final = 2.0  # M03 follows M02 so late that phones show them in order


def zip_code(scene: Scene) -> Turn:
    """ZIPs alone: the first places of a new phone, more for a phone that has some."""
    codes = _inside(scene, scene.reading.zips)
    if not codes:
        is_house = scene.reading.argument != scene.reading.zips[0] and _addresses(scene, scene.reading.argument)
        return offered(scene, is_house, "M04") if is_house else outside(scene, scene.reading.zips[0])
    fresh = [code for code in codes if all(place.spot != ZipArea(code) for place in scene.known.places)]
    if not fresh:
        return scene.turn(scene.say("M02", place=_one_or_all(codes)))
    if _is_moving(scene):
        return _moved(scene, (_zip(fresh[0]),))
    acts: list[Act] = []
    for code in fresh:
        label = free_label(scene, acts)
        if not acts and (question := scene.about()) is not None and _is_ours(scene, question.label):
            label = question.label
        acts += [Keep(label=label, spot=ZipArea(code))] if label else []
    return _saved_zips(scene, fresh, acts)


def _saved_zips(scene: Scene, codes: Sequence[str], acts: Sequence[Act]) -> Turn:
    if not scene.known.places and len(acts) == len(codes):
        more = replace(scene.say("M03"), after_s=MORE_AFTER_S)
        return scene.turn(scene.say("M02", place=_one_or_all(codes)), more, acts=acts)
    last = next((act for act in reversed(acts) if isinstance(act, Keep)), None)
    if last is None or len(acts) < len(codes):
        return scene.turn(scene.say("M11", count=PLACES_MAX), acts=acts)
    return scene.turn(scene.say("M10", label=last.label, place=in_words(last.spot), places=scene.listed(acts)), acts=acts)


def _one_or_all(codes: Sequence[str]) -> str | tuple[str, ...]:
    return codes[0] if len(codes) == 1 else tuple(codes)  # several are shortened to what one text holds


def _inside(scene: Scene, codes: Sequence[str]) -> Sequence[str]:
    return [code for code in codes if scene.world.zip_inside(code)]


def outside(scene: Scene, code: str) -> Turn:
    return scene.turn(scene.say("M07", zip=code), acts=[Count(Note.OUTSIDE)])


def _zip(code: str) -> Sight:
    return Sight(spot=ZipArea(code), words=code, exact=code, score=1.0, zip=code)


def _addresses(scene: Scene, text: str) -> Sequence[Sight]:
    return scene.world.addresses(text, [place.spot for place in scene.known.places])[:CHOICES]


def found(scene: Scene, text: str) -> tuple[Sequence[Sight], str]:
    """What a text may mean as a place, best first; and the ZIP when it is one outside the city."""
    place = located(listen(text), scene.lexicon)
    if place is None:
        return scene.world.named(text)[:CHOICES], ""
    if place.is_address:
        sights = _addresses(scene, place.text) or scene.world.named(place.text)[:CHOICES]
        return sights or tuple(map(_zip, _inside(scene, place.zips)[:1])), ""
    code = place.zips[0]
    if scene.world.zip_inside(code):
        return (_zip(code),), ""
    sights = _addresses(scene, place.text) if place.text != code else ()
    return sights, "" if sights else code


def clear(sights: Sequence[Sight]) -> bool:
    """Whether the first find can be taken without asking which one."""
    return bool(sights) and sights[0].score >= SURE and (len(sights) == 1 or sights[0].score - sights[1].score >= APART)


def address(scene: Scene) -> Turn:
    """A street address without a command. One that nobody knows still has its ZIP."""
    if sights := _addresses(scene, scene.reading.argument):
        return offered(scene, sights, "M04")
    if sights := scene.world.named(scene.reading.argument)[:CHOICES]:  # "82nd Ave" is an area by its alias
        return offered(scene, sights, "M08")
    if _inside(scene, scene.reading.zips):
        return zip_code(scene)
    if scene.reading.long:  # a report with a number in it, perhaps of something bad
        return scene.aside(scene.say("M28"), acts=[Count(Note.DISTRESS)])
    return scene.turn(scene.say("M06"), acts=citywide(scene))


def offered(scene: Scene, sights: Sequence[Sight], key: str) -> Turn:
    """An address (M04) or a neighbourhood (M08): live at once where nothing is lost by it, and asked about. A place already
    there is kept until they say OK."""
    if _is_moving(scene):
        return _moved(scene, sights)
    label = _label_for(scene, sights[0])
    if not label:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    if not clear(sights):
        return pick(scene, sights, label)
    sight = sights[0]
    acts = [Keep(label=label, spot=sight.spot)] if _is_ours(scene, label) else []
    question = scene.ask(Asked.CONFIRM, label=label, options=(_option(sight),))
    words = scene.say("M04", place=sight.exact, label=label) if key == "M04" else scene.say(key, place=sight.words)
    return scene.turn(words, acts=acts, question=question)


def _is_ours(scene: Scene, label: str) -> bool:
    """Whether a label is free, or holds only what the open question is about: then correcting it loses nothing."""
    kept, question = scene.kept(label), scene.about()
    if kept is None:
        return bool(label) and len(scene.known.places) < PLACES_MAX
    confirms = question is not None and question.asked is Asked.CONFIRM and question.label == label
    return confirms and question is not None and question.options[0].spot == kept.spot


def pick(scene: Scene, sights: Sequence[Sight], label: str) -> Turn:
    """Asks which one; whoever is new gets citywide alerts meanwhile, and for good if they never answer."""
    question = scene.ask(Asked.PICK, label=label, options=tuple(map(_option, sights[:CHOICES])))
    said = [sight.exact if isinstance(sight.spot, Point) else sight.words for sight in sights[:CHOICES]]
    return scene.turn(choices(scene, question, said), acts=citywide(scene), question=question)


def choices(scene: Scene, question: Question, said: Sequence[str] = ()) -> Reply:
    """A question about numbered places, in words. said: as the person has just written them, house number and all."""
    numbered = tuple(f"{number}) {words}" for number, words in enumerate(said or [one.words for one in question.options], 1))
    key = "M09" if all(isinstance(option.spot, NamedPlace) for option in question.options) else "M05"
    return scene.say(key, count=len(numbered), choices=numbered)


def add(scene: Scene) -> Turn:
    """ADD with a label and a place behind it; without a label it is saved first and asked about after."""
    text, label = scene.reading.argument, _usable(scene.reading.label)
    if not text:
        return where(scene)
    sights, elsewhere = found(scene, text)
    if elsewhere:
        return outside(scene, elsewhere)
    first, _, rest = text.partition(" ")
    if not sights and not label and rest and (sights := scene.world.named(rest)[:CHOICES]):
        label = _usable(first)
    if not sights:
        return scene.turn(scene.say("M06"), acts=citywide(scene))
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
    """Saves and says so, with all places as they are now. Whoever said so with a word that is also a stop is told of STOP."""
    acts: list[Act] = [Drop(label=instead_of)] if instead_of else []
    acts.append(Keep(label=label, spot=spot))
    if len(scene.places(acts)) > PLACES_MAX:
        return scene.turn(scene.say("M11", count=PLACES_MAX))
    if scene.reading.double:
        return scene.turn(scene.say("M02", place=in_words(spot)), acts=acts)
    return scene.turn(scene.say("M10", label=label, place=in_words(spot), places=scene.listed(acts)), acts=acts)


def move(scene: Scene) -> Turn:
    """HOME somewhere else: the old one is kept until OK."""
    text = scene.reading.argument
    if not text:
        return scene.turn(scene.say("M01") if scene.is_new else scene.say("M06"))
    sights, elsewhere = found(scene, text)
    if elsewhere:
        return outside(scene, elsewhere)
    if not sights:
        return scene.turn(scene.say("M06"), acts=citywide(scene))
    return _moved(scene, sights)


def _is_moving(scene: Scene) -> bool:
    question = scene.about()
    return question is not None and question.asked is Asked.MOVE


def _moved(scene: Scene, sights: Sequence[Sight]) -> Turn:
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
    label = meant(scene, text)
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


def meant(scene: Scene, text: str) -> str | None:
    """The label of a saved place meant by its number, its label, a word for its label, or where it is."""
    said = peeled(listen(text), scene.lexicon, (Family.MY, Family.COURTESY), (Family.COURTESY,))
    flat = said.flat
    places = scene.known.places
    if flat.isascii() and flat.isdigit() and len(flat) < 5:
        return places[int(flat) - 1].label if 1 <= int(flat) <= len(places) else None
    wanted = scene.lexicon.label_of(said) or flat.upper()
    return next(
        (place.label for place in places if place.label == wanted or flat in (fold(place.label), fold(place.words))), None
    )


def _option(sight: Sight) -> Option:
    """What people choose from. The house number they wrote is not kept, not even until they have chosen."""
    words = f"{sight.words} {sight.zip}" if isinstance(sight.spot, Point) and sight.zip else sight.words
    return Option(words=words, spot=sight.spot)


def _label_for(scene: Scene, sight: Sight) -> str:
    """The label of the open question; HOME where an address makes an area more exact; else the next free one; "" when all are
    taken."""
    question = scene.about()
    if question is not None and question.asked in (Asked.CONFIRM, Asked.PICK):
        return question.label
    home = scene.kept(HOME)
    if home is not None and isinstance(sight.spot, Point) and not isinstance(home.spot, Point):
        return HOME
    return free_label(scene)


def free_label(scene: Scene, acts: Sequence[Act] = ()) -> str:
    """HOME, else PLACE2 to PLACE9; "" when somebody has as many places as we keep."""
    taken = {place.label for place in scene.places(acts)}
    if len(taken) >= PLACES_MAX:
        return ""
    return next(label for label in (HOME, *(f"PLACE{number}" for number in range(2, 10))) if label not in taken)


def _usable(label: str) -> str:
    try:
        return normal_label(label[:LABEL_MAX]) if label else ""
    except BadPlace:
        return ""


def citywide(scene: Scene) -> list[Act]:
    """So that a place nobody could find still leaves its person protected."""
    return [Join()] if scene.is_new else []
