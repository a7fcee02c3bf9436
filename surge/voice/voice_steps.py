"""From one step of a call to the next: what each key, silence and report leads to."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from surge.contact import Standing
from surge.floor.queue import Head
from surge.pack import Shape
from surge.voice import voice_documents as documents
from surge.voice.verbs import Spoken
from surge.voice.voice_call import (
    Call,
    Heard,
    InZip,
    Move,
    Reply,
    Scene,
    Sent,
    Step,
    TextGuide,
    ToEmergency,
)
from surge.voice.voice_documents import is_reachable, phrase
from surge.voice.voice_endings import ANSWERED, reply, settled
from surge.voice.voice_instead import (
    GUIDE,
    MOST_TRIES,
    after_dial,
    at_booked,
    at_offer,
    at_voicemail,
    book,
    forwarded,
    offer,
    to_partner,
)

CALLBACK, PERSON = "3", "0"
REDIRECTED: Final = frozenset({"redirected", "bridged", "bridging-in-process", "redirected-from-bridged"})
LEAVING: Final = frozenset({Step.TO_EMERGENCY, Step.TO_CALLBACK, Step.TO_OFFER})


def must_leave(call: Call, scene: Scene) -> bool:
    """Whoever would wait for nobody, or has waited as long as anybody may."""
    return not scene.staffed or documents.is_overdue(call, scene)


def emergency(call: Call, scene: Scene) -> Reply:
    move = Move(stands=Standing.EMERGENCY_OUT, why="pressed 9")
    acts = () if call.step in (Step.EMERGENCY, Step.TO_EMERGENCY) else (ToEmergency(),)
    if call.step is Step.WAITING or call.step in LEAVING:
        said = phrase(call, scene, "emergency")
        return settled(replace(call, step=Step.TO_EMERGENCY), documents.leaving(said), move, acts=acts)
    return settled(replace(call, step=Step.EMERGENCY), documents.to_emergency(call, scene), move, acts=acts)


def _greeting(call: Call, heard: Heard, scene: Scene) -> Reply:
    language = scene.pack.digits.get(heard.digits)
    if language is not None:
        call = replace(call, language=language)
    if language is not None and language not in scene.speech.fluent:
        return person(call, scene, (phrase(call, scene, "interpreter"),))
    if heard.digits == PERSON or call.head is Head.FROM_911:
        return person(call, scene)
    if heard.digits == GUIDE:
        return _guide(call, scene)
    lead = () if heard.digits == "" or language is not None else (phrase(call, scene, "not_understood"),)
    return _menu(replace(call, tries=0), scene, lead)


def _menu(call: Call, scene: Scene, lead: tuple[Spoken, ...] = (), *, again: bool = False) -> Reply:
    """again: the message is told once more."""
    if again or call.step is Step.GREETING:
        lead = (*lead, *documents.message(call, scene))
    return reply(replace(call, step=Step.MENU), documents.menu(call, scene, lead))


def _back_to_menu(call: Call, scene: Scene, *lead: Spoken) -> Reply:
    """Once more from the menu; after three times to a person."""
    if call.laps >= documents.MOST_LAPS:
        return person(call, scene, lead)
    return _menu(replace(call, laps=call.laps + 1, tries=0), scene, lead)


def _at_menu(call: Call, heard: Heard, scene: Scene) -> Reply:
    match heard.digits:
        case "" | "0":
            return person(call, scene)
        case "1" if scene.activation_id is not None:
            return _guide(call, scene)
        case "2" if scene.zips is not None and scene.activation_id is not None:
            return reply(replace(call, step=Step.ZIP, tries=0), documents.zip_code(call, scene))
        case "3" if documents.promised_first(call, scene) is not None:
            return book(call, scene)
        case "*" if call.laps < documents.MOST_LAPS:
            return _menu(replace(call, laps=call.laps + 1, tries=0), scene, again=True)
    if call.tries + 1 >= MOST_TRIES:
        return person(call, scene)
    return _menu(replace(call, tries=call.tries + 1), scene, (phrase(call, scene, "not_understood"),))


def _guide(call: Call, scene: Scene) -> Reply:
    """The guide by text, once; they may stay on the line."""
    if not is_reachable(call) or scene.activation_id is None:
        return _back_to_menu(call, scene, phrase(call, scene, "no_number" if scene.activation_id else "not_understood"))
    acts = () if call.guided else (TextGuide(language=call.language),)
    sent = phrase(call, scene, "guide_sent")
    return replace(_back_to_menu(replace(call, guided=True), scene, sent), acts=acts)


def _at_zip(call: Call, heard: Heard, scene: Scene) -> Reply:
    typed = heard.digits.rstrip("#*")
    if scene.zips is None or not (len(typed) == 5 and typed.isascii() and typed.isdigit()):
        again = (phrase(call, scene, "zip_again"),)
        if scene.zips is None or call.tries + 1 >= MOST_TRIES:
            return _back_to_menu(call, scene, *again)
        return reply(replace(call, tries=call.tries + 1), documents.zip_code(call, scene, again))
    verdicts = {"zip_inside": scene.zips.inside, "zip_edge": scene.zips.edge, "zip_outside": scene.zips.outside}
    verdict = next((key for key, zips in verdicts.items() if typed in zips), "zip_unknown")
    answer = _back_to_menu(call, scene, phrase(call, scene, verdict, zip=" ".join(typed)))
    known = verdict != "zip_unknown"
    return replace(answer, acts=(*answer.acts, InZip(zip=typed))) if known else answer


def person(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Reply:
    """In line for an agent where there is one and room; else on to the call centre, or to what else can be offered."""
    if documents.turns_away(call, scene):
        return offer(call, scene, lead)
    if scene.pack.shape is not Shape.FULL_QUEUE:
        return forwarded(call, scene, lead) if documents.answering(scene) else offer(call, scene, lead)
    is_full = scene.waiting >= scene.pack.most_waiting and call.since is None and call.head is not Head.FROM_911
    if is_full or must_leave(call, scene):
        return offer(call, scene, lead)
    why = "handed over by the emergency centre" if call.head is Head.FROM_911 else "waits for a person"
    moves = (Move(stands=Standing.QUEUEING, why=why),) if call.since is None else ()
    if call.step is Step.GREETING and call.head is not Head.FROM_911 and not scene.drill:
        lead = (*lead, *documents.message(call, scene))
    joined = replace(call, step=Step.WAITING, tries=0, since=call.since or scene.now)
    return reply(joined, documents.joining(call, scene, lead), *moves)


def _after_emergency(call: Call, heard: Heard, scene: Scene) -> Reply:
    if heard.dial_status in ANSWERED:
        return settled(call, documents.ended(call, scene))
    return settled(call, documents.emergency_failed(call, scene))


def bridged(call: Call, scene: Scene) -> Reply:
    """An agent is there: the caller is joined to them."""
    return reply(replace(call, step=Step.BRIDGE, tries=0), documents.bridge(call, scene))


def _after_bridge(call: Call, heard: Heard, scene: Scene) -> Reply:
    if heard.dial_status:
        return reply(call, documents.ended(call, scene))
    return bridged(call, scene)


def _in_line(call: Call, heard: Heard, scene: Scene) -> Reply:
    """A key in the queue, or sent here by `waiting`. Only verbs that a queue knows may be answered."""
    if must_leave(call, scene):
        return reply(replace(call, step=Step.TO_OFFER), documents.leaving(documents.why_not(call, scene)))
    if heard.digits == GUIDE and scene.activation_id is not None and is_reachable(call):
        acts = () if call.guided else (TextGuide(language=call.language),)
        call = replace(call, guided=True)
        return reply(call, documents.round_of_waiting(call, scene, (phrase(call, scene, "guide_sent"),)), acts=acts)
    wanted = heard.digits == CALLBACK and call.offers < documents.MOST_LAPS
    if wanted and scene.promise is not None and is_reachable(call):
        return reply(replace(call, step=Step.TO_CALLBACK), documents.leaving())
    return reply(call, documents.round_of_waiting(call, scene))


def _leaves(call: Call, heard: Heard, scene: Scene) -> Reply:
    """It was told to leave already: the same report came twice, or late."""
    return reply(call, documents.leaving())


def left(call: Call, heard: Heard, scene: Scene) -> Reply:
    """Out of the queue, for the reason it was left for; or the provider would not have the call."""
    match call.step:
        case Step.TO_EMERGENCY | Step.EMERGENCY:
            return settled(replace(call, step=Step.EMERGENCY), documents.to_emergency(call, scene))
        case Step.TO_CALLBACK if scene.promise is not None:
            return book(call, scene)
        case Step.TO_CALLBACK:  # the promise has gone meanwhile; the place has not
            return person(replace(call, offers=call.offers + 1), scene, (phrase(call, scene, "promise_gone"),))
    if heard.queue_result in REDIRECTED:  # another document has the call already; nobody hears this one
        return replace(bridged(call, scene), call=call)
    return offer(call, scene)


def _no_centre(call: Call, scene: Scene) -> Reply:
    move = Move(stands=Standing.EMERGENCY_OUT, why="the emergency centre did not answer the agent")
    return settled(call, documents.emergency_failed(call, scene), move)


SENT: Final[Mapping[Sent, Callable[[Call, Scene], Reply]]] = {
    Sent.BRIDGE: bridged,
    Sent.AGAIN: person,
    Sent.ELSE: offer,
    Sent.PARTNER: to_partner,
    Sent.NO_CENTRE: _no_centre,
}
STEPS: Final[Mapping[Step, Callable[[Call, Heard, Scene], Reply]]] = {
    Step.GREETING: _greeting,
    Step.MENU: _at_menu,
    Step.ZIP: _at_zip,
    Step.WAITING: _in_line,
    Step.OFFER: at_offer,
    Step.BOOKED: at_booked,
    Step.VOICEMAIL: at_voicemail,
    Step.TO_EMERGENCY: _leaves,
    Step.TO_CALLBACK: _leaves,
    Step.TO_OFFER: _leaves,
    Step.EMERGENCY: _after_emergency,
    Step.PARTNER: after_dial,
    Step.FORWARD: after_dial,
    Step.BRIDGE: _after_bridge,
    Step.BACK: _after_bridge,
}
