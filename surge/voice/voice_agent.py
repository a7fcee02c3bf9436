"""What an agent hears on their own telephone: whose call it is, and a key that says a person has answered and wants it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from notify.wording.slots import ENGLISH
from surge.floor.queue import Head
from surge.voice.tongues import name
from surge.voice.twiml import write
from surge.voice.verbs import Gather, Hangup, Join, Spoken
from surge.voice.voice_call import Call, Scene

KEY_S: Final = 6
TAKE: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReply:
    """accepted: the agent has pressed 1 and is in the conference named after the contact."""

    twiml: bytes
    accepted: bool


def agent_path(reservation_id: str, what: str = "") -> str:
    return f"/voice/agent/{reservation_id}{what}"


def agent_rung(reservation_id: str, call: Call, scene: Scene, waited: timedelta, *, interpreter: bool = False) -> bytes:
    """The whisper, twice; without a key the call goes to somebody else. A voicemail that picks up presses no key."""
    said = [_phrase(scene, "exercise")] if scene.drill else []
    said.append(_phrase(scene, "call", language=name(call.language), minutes=max(0, round(waited.total_seconds() / 60))))
    said += [_phrase(scene, "from_911")] if call.head is Head.FROM_911 else []
    said += [_phrase(scene, "interpreter")] if interpreter else []
    said.append(_phrase(scene, "take"))
    listen = Gather(said=tuple(said), action=agent_path(reservation_id, "/said"), timeout_s=KEY_S)
    return write((listen, listen, _phrase(scene, "passed"), Hangup()))


def agent_said(reservation_id: str, digits: str, call: Call, scene: Scene, *, is_there: bool = True) -> AgentReply:
    """is_there: the caller is still waiting for this agent. Two agents who press 1 cannot both have the call: it is for whoever
    holds the reservation to say."""
    if digits != TAKE:
        return AgentReply(twiml=write((_phrase(scene, "passed"), Hangup())), accepted=False)
    if not is_there:
        return AgentReply(twiml=agent_gone(scene), accepted=False)
    join = Join(conference=call.contact_id, action=agent_path(reservation_id, "/left"))
    return AgentReply(twiml=write((join,)), accepted=True)


def centre_rung(call: Call, scene: Scene) -> bytes:
    """What the emergency centre hears when an agent hands a caller over: then it is in the conference with both."""
    said = [_phrase(scene, "exercise")] if scene.drill else []
    return write((*said, _phrase(scene, "centre"), Join(conference=call.contact_id, stays=True), Hangup()))


def agent_gone(scene: Scene) -> bytes:
    """After the conference, or where there is no caller any more."""
    return write((_phrase(scene, "gone"), Hangup()))


def _phrase(scene: Scene, key: str, **slots: object) -> Spoken:
    return scene.speech.phrase(f"whisper.{key}", ENGLISH, **slots)
