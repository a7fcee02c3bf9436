"""Dial's Conference: https://www.twilio.com/docs/voice/twiml/conference."""

from typing import Final

from channels.simulator.telephone.documents import Useless, followed, there
from channels.simulator.telephone.halls import Room, Seat
from channels.simulator.telephone.legs import Board, Interrupt, Leg, Passed, Pressed, Script, Sound, Source, Wait
from channels.simulator.telephone.twiml import Verb
from channels.simulator.telephone.verbs import SPOKEN, note, rested

HOLD_S: Final = 10.0
LEAST_ROUND_S: Final = 1.0
MOST_PARTICIPANTS: Final = 250
EVENTS: Final = {"start": "conference-start", "end": "conference-end", "join": "participant-join", "leave": "participant-leave"}


class Begun(Interrupt):
    """The conference has begun: the music stops."""


class Closed(Interrupt):
    """Somebody's leaving has ended the conference."""


def conference(leg: Leg, noun: Verb, here: Source, until: float | None, *, star: bool) -> Script[str]:
    """This call's part in a conference, from entering to leaving. Returns DialCallStatus."""
    note(leg, noun)
    room = leg.board.room(noun.text)
    if len(room.seats) >= min(noun.whole("maxParticipants", MOST_PARTICIPANTS), MOST_PARTICIPANTS):
        return "failed"
    seat = Seat(
        who=leg,
        starts=noun.yes("startConferenceOnEnter", default=True),
        ends=noun.yes("endConferenceOnExit"),
        muted=noun.yes("muted"),
    )
    _enter(room, seat, noun, here)
    try:
        if not room.begun:
            yield from _waits(leg, noun, here)
        yield from _speaks(until, star=star)
    except Closed:
        pass
    except Begun:
        try:
            yield from _speaks(until, star=star)
        except Closed:
            pass
    finally:
        _leave(room, seat)
    return "answered"


def _speaks(until: float | None, *, star: bool) -> Script[None]:
    while True:
        word = yield Wait(until, hears=star)
        if isinstance(word, Passed) or (isinstance(word, Pressed) and word.digit == "*"):
            return


def _waits(leg: Leg, noun: Verb, here: Source) -> Script[None]:
    """Until the conference begins: the wait document again and again, or music."""
    address = noun.get("waitUrl")
    source: Source | None = None
    while True:
        began = leg.now
        if not address:
            leg.sounds(Sound(kind="music", text="", seconds=HOLD_S))
            yield from rested(leg, HOLD_S)
            continue
        source = source or there(here, address, noun.get("waitMethod", "POST"), "wait", ConferenceName=noun.text)
        try:
            source = yield from followed(leg, source, SPOKEN)
        except Useless:
            source = None
            yield from rested(leg, HOLD_S)
        if leg.now == began:
            yield from rested(leg, LEAST_ROUND_S)


def _enter(room: Room[Leg], seat: Seat[Leg], noun: Verb, here: Source) -> None:
    leg = seat.who
    if not room.seats and noun.get("statusCallback"):  # the first one's wishes hold for all
        room.status_url = there(here, noun.get("statusCallback"), "POST").url
        room.status_method = noun.get("statusCallbackMethod", "POST")
        room.status_events = frozenset(noun.get("statusCallbackEvent").split())
    begins = room.enter(seat)
    leg.board.note("conference", leg.call, what=room.name, cause="join", other=room.sid)
    _tell(room, "join", leg.board, seat)
    if begins:
        leg.board.note("conference", leg.call, what=room.name, cause="start", other=room.sid)
        _tell(room, "start", leg.board)
    for other in room.others(seat) if room.begun else ():
        if begins:
            other.who.interrupt(Begun(), lambda other=other: other in room.seats)  # type: ignore[misc]
        _meet(seat, other)


def _meet(one: Seat[Leg], other: Seat[Leg]) -> None:
    for this, that in ((one.who, other.who), (other.who, one.who)):
        this.board.note("bridge", this.call, other=that.call.sid)
        this.tells(lambda party, this=this, that=that: party.meets(this, that))  # type: ignore[misc]


def _leave(room: Room[Leg], seat: Seat[Leg]) -> None:
    leg, others = seat.who, room.others(seat)
    ends = room.leave(seat)
    leg.board.note("conference", leg.call, what=room.name, cause="leave", other=room.sid)
    _tell(room, "leave", leg.board, seat)
    if room.begun:
        for other in others:
            for this, that in ((leg, other.who), (other.who, leg)):
                this.board.note("part", this.call, other=that.call.sid)
        leg.tells(lambda party: party.parts(leg))
        if len(others) == 1:
            alone = others[0].who
            alone.tells(lambda party: party.parts(alone))
    if ends:
        leg.board.note("conference", leg.call, what=room.name, cause="end", other=room.sid)
        _tell(room, "end", leg.board)
        for other in others:
            other.who.interrupt(Closed(), lambda other=other: other in room.seats)  # type: ignore[misc]


def _tell(room: Room[Leg], event: str, board: Board, seat: Seat[Leg] | None = None) -> None:
    """https://www.twilio.com/docs/voice/twiml/conference#attributes-statuscallback-parameters"""
    if not room.status_url or event not in room.status_events:
        return
    room.told += 1
    form = {
        "ConferenceSid": room.sid,
        "FriendlyName": room.name,
        "SequenceNumber": str(room.told),
        "StatusCallbackEvent": EVENTS[event],
    }
    if seat is not None:
        form |= {
            "CallSid": seat.who.call.sid,
            "Coaching": "false",
            "EndConferenceOnExit": str(seat.ends).lower(),
            "Hold": "false",
            "Muted": str(seat.muted).lower(),
            "StartConferenceOnEnter": str(seat.starts).lower(),
        }
    board.event(Source(url=room.status_url, method=room.status_method, form=form, what=EVENTS[event]))
