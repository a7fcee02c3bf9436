"""The telephone of 311, as a pure state machine: from where a call stands and what was heard, what it hears next.

    ring -> GREETING -> MENU -> WAITING -> BRIDGE          an agent
                |         |        |  `-> TO_OFFER ------> OFFER -> PARTNER, VOICEMAIL, BOOKED
                |         |        `----> TO_CALLBACK ---> BOOKED
                |         |-> ZIP -> MENU
                |         `-> FORWARD, OFFER               front door; nobody there; the line is full
                `-> anywhere, by the key 9: EMERGENCY      from WAITING through TO_EMERGENCY, because a queue has to be left

Nobody waits for nobody, no step comes back more than three times, and every way ends with a sentence.
"""

from dataclasses import replace
from typing import Final

from surge.contact import Standing
from surge.pack import Shape
from surge.voice import voice_documents as documents
from surge.voice.twiml import write
from surge.voice.verbs import Gather, Redirect
from surge.voice.voice_agent import AgentReply, agent_gone, agent_rung, agent_said, centre_rung
from surge.voice.voice_call import (
    Act,
    BookCallback,
    Call,
    CallbackDeclined,
    CallbackTaken,
    Heard,
    InZip,
    Move,
    Reply,
    Scene,
    Sent,
    Step,
    TextGuide,
    ToEmergency,
    ToPartner,
    Voicemail,
    Zips,
)
from surge.voice.voice_documents import phrase
from surge.voice.voice_endings import emergency_pressed, hung_up, reply
from surge.voice.voice_instead import forwarded
from surge.voice.voice_steps import LEAVING, SENT, STEPS, bridged, emergency, left, must_leave

__all__ = [
    "Act",
    "AgentReply",
    "BookCallback",
    "Call",
    "CallbackDeclined",
    "CallbackTaken",
    "Heard",
    "InZip",
    "Move",
    "Reply",
    "Scene",
    "Sent",
    "Step",
    "TextGuide",
    "ToEmergency",
    "ToPartner",
    "Voicemail",
    "Zips",
    "agent_gone",
    "agent_rung",
    "agent_said",
    "bridged",
    "callback_answered",
    "callback_said",
    "centre_rung",
    "heard",
    "rang",
    "sent",
    "waiting",
]

BACK_KEYS_S: Final = 6
MOST_ASKED: Final = 2  # how often we ask for a key when we call back
TAKE, DECLINE = "1", "2"


def rang(call: Call, scene: Scene) -> Reply:
    """A call comes in."""
    call = replace(call, step=Step.GREETING)
    greeted = Move(stands=Standing.GREETED, why="heard the way to 911")
    if scene.pack.shape is Shape.DESK:  # calls belong into the city's call centre; one that strays here is handed on
        lead = (*documents.opening(call, scene, "way_out_dial"), phrase(call, scene, "greeting"))
        handed_on = forwarded(call, scene, lead)
        return replace(handed_on, moves=(greeted, *handed_on.moves))
    return reply(call, documents.greeting(call, scene), greeted)


def heard(call: Call, what: Heard, scene: Scene) -> Reply:
    """A key, nothing for a while, the end of a dial or of the queue, a recording, or the end of the call."""
    if what.ended or what.queue_result == "hangup":
        return hung_up(call, what, scene)
    if emergency_pressed(call, what.digits):
        return emergency(call, scene)
    if what.queue_result:
        return left(call, what, scene)
    return STEPS[call.step](call, what, scene)


def waiting(call: Call, scene: Scene) -> bytes:
    """What is heard in the queue. Whoever would wait for nobody, or waits too long, is led out of it."""
    if call.step in LEAVING:
        return write(documents.leaving())
    if must_leave(call, scene):
        return write((Redirect(url=documents.said_path(Step.WAITING)),))
    return write(documents.round_of_waiting(call, scene))


def sent(call: Call, where: Sent, scene: Scene) -> Reply:
    """A live call that we redirected comes to where it was sent. Its place, its language and what was tried stay."""
    return SENT[where](call, scene)


def callback_answered(callback_id: str, call: Call, scene: Scene) -> Reply:
    """Somebody, or a machine, has answered our call: only a key tells a person. The contact stands as called back, and moves no
    more by this call."""
    call = replace(call, step=Step.BACK, settled=True)
    path = f"/voice/callback/{callback_id}/said"
    keys = (phrase(call, scene, "back_hello"), phrase(call, scene, "back_keys"))
    listen = Gather(said=(*documents.opening(call, scene), *keys), action=path, timeout_s=BACK_KEYS_S)
    return reply(call, (listen, Redirect(url=path)))


def callback_said(callback_id: str, call: Call, what: Heard, scene: Scene, *, agent_ready: bool = False) -> Reply:
    """agent_ready: an agent is in the conference of this contact already; else the caller joins the line at their old place."""
    if what.ended:
        return hung_up(call, what, scene)
    if emergency_pressed(call, what.digits):
        return emergency(call, scene)
    if what.digits == TAKE:
        taken = (CallbackTaken(),)
        if agent_ready:
            return replace(bridged(call, scene), acts=taken)
        # A new wait, however long they had waited before.
        joined = replace(call, step=Step.WAITING, tries=0, since=scene.now)
        return reply(joined, documents.joining(joined, scene), acts=taken)
    if what.digits == DECLINE:
        return reply(call, documents.ended(call, scene, phrase(call, scene, "back_declined")), acts=(CallbackDeclined(),))
    if call.tries + 1 >= MOST_ASKED:
        return reply(call, documents.ended(call, scene, phrase(call, scene, "back_missed")))
    return callback_answered(callback_id, replace(call, tries=call.tries + 1), scene)
