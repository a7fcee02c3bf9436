"""Between the telephone's webhooks and the board: each one is heard by the voice flow, moves its contact, and is answered
from memory. Nothing here waits: an answer is ready when the function returns, and what it did is in the journal.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from channels.calls import IN_PROGRESS
from surge.contact import Standing, Way
from surge.desk.desk_line import Letter
from surge.dialing import dial_problem
from surge.floor.callback import Promise
from surge.floor.floor_desk import DeskFloor
from surge.floor.orders import Text, Turn, Word
from surge.floor.queue import Head
from surge.floor.recalling import Answer
from surge.floor.records import Record
from surge.floor.seats import AgentState
from surge.floor.summons import State as Summoned
from surge.pack import Partner, Shape
from surge.voice import voice
from surge.voice.twiml import write
from surge.voice.verbs import Hangup
from surge.voice.voice_call import Call, Heard, Reply, Scene, Sent, Step
from surge.voice.voice_documents import EMERGENCY_KEY
from surge.voice.voice_endings import ANSWERED

Form = Mapping[str, str]
SENT: Final = frozenset(Sent)
MACHINES: Final = ("machine", "fax")
HANG_UP: Final = "hangup"  # https://www.twilio.com/docs/voice/twiml/record


class Conversation:
    """Every function takes a webhook's fields and returns TwiML."""

    def __init__(self, floor: DeskFloor) -> None:
        self.floor = floor
        self._promise: tuple[int, Promise | None] = (0, None)

    # -- callers --

    def ring(self, form: Form) -> bytes:
        """A call to our number. One that was heard of before gets the same words, and is not counted again."""
        known = self.floor.calls.get(form["CallSid"])
        if known is not None:
            return voice.rang(known, self.scene(known)).twiml
        floor, pack = self.floor, self.floor.parts.pack
        number = form.get("From", "")
        number = "" if dial_problem(number, sip=False) else number  # withheld, or another country's: nobody to call back
        head = Head.FROM_911 if pack.from_911 and form.get("To") == pack.from_911 else Head.NONE
        returned = any(number and one.number == number for one in pack.partners)
        arrival = floor.arrival(Way.VOICE, form["CallSid"], number, head=head, returned=returned)
        floor.say(floor.board.arrive(arrival, floor.now()))
        call = Call(call_sid=form["CallSid"], contact_id=arrival.contact_id, caller=number, head=head, script=floor.air.script)
        return self._follow(voice.rang(call, self.scene(call)))

    def said(self, step: str, form: Form) -> bytes:
        """A key or silence at a step; or the call was sent here by us."""
        call = self.floor.calls.get(form["CallSid"])
        if call is None:
            return self.ring(form)
        if step not in SENT:
            return self._follow(voice.heard(call, Heard(digits=form.get("Digits", "")), self.scene(call)))
        if step == Sent.BRIDGE:
            self.floor.say(self.floor.board.bridged(call.contact_id, self.floor.now()))
        return self._follow(voice.sent(call, Sent(step), self.scene(call)))

    def wait(self, form: Form) -> bytes:
        call = self.floor.calls.get(form["CallSid"])
        return self.ring(form) if call is None else voice.waiting(call, self.scene(call))

    def left(self, form: Form) -> bytes:
        """Out of the provider's queue: by hanging up, by us, or because it would not have the call."""
        return self._heard(form, Heard(queue_result=form.get("QueueResult", "")))

    def dialed(self, what: str, form: Form) -> bytes:
        """A dial within a call has ended: to a partner, the call centre, the emergency centre, or the agent's conference."""
        status, call = form.get("DialCallStatus", ""), self.floor.calls.get(form["CallSid"])
        floor = self.floor
        if call is not None and what == Step.PARTNER:
            seconds = int(form.get("DialCallDuration") or 0)
            talked = timedelta(seconds=seconds) if status in ANSWERED else None
            floor.say(floor.board.partner_ended(call.contact_id, talked, floor.now()))
        record = floor.record(call.contact_id) if call is not None else None
        if call is not None and what == Step.BRIDGE and record is not None and record.contact.standing is Standing.TALKING:
            floor.say(floor.board.ended(call.contact_id, floor.now(), "the talk is over"))
        summons = floor.board.books.summons.get(call.contact_id) if call is not None and what == Step.BRIDGE else None
        if summons is not None and summons.state in {Summoned.RINGING, Summoned.THERE}:
            # The agent's telephone has gone, and with it the conference: the caller goes on to the centre alone.
            return self._heard(form, Heard(digits=EMERGENCY_KEY))
        return self._heard(form, Heard(dial_status=status))

    def recorded(self, form: Form) -> bytes:
        """A recording has ended: by a key, by silence, or by hanging up, which the provider calls a key, too."""
        key = form.get("Digits", "")
        return self._heard(form, Heard(recording=form.get("RecordingUrl", ""), digits="" if key == HANG_UP else key))

    # -- agents --

    def agent(self, reservation_id: str, form: Form) -> bytes:
        """An agent's telephone was answered: whose call it is. Nobody may be there any more."""
        floor = self.floor
        held = floor.board.books.reservations.get(reservation_id)
        record = floor.record(held.contact_id) if held is not None else None
        if held is None or record is None:
            return voice.agent_gone(self.scene(None))
        call = self._call_of(record)
        waited = floor.now() - (record.contact.enqueued_at or record.contact.offered_at)
        speaks = call.language in floor.board.books.seats[held.agent_id].profile.languages
        return voice.agent_rung(reservation_id, call, self.scene(call), waited, interpreter=not speaks)

    def agent_said(self, reservation_id: str, form: Form) -> bytes:
        """The key that takes the call. Said twice, it is taken once; what is no key is a miss."""
        floor = self.floor
        contact_id = floor.board.holds(reservation_id)
        record = floor.record(contact_id) if contact_id is not None else None
        if record is None:
            return voice.agent_gone(self.scene(None))
        call = self._call_of(record)
        reply = voice.agent_said(reservation_id, form.get("Digits", ""), call, self.scene(call))
        now = floor.now()
        floor.say(floor.board.accept(reservation_id, now) if reply.accepted else floor.board.agent_left(reservation_id, now))
        return reply.twiml

    def agent_left(self, reservation_id: str, form: Form) -> bytes:
        self.floor.say(self.floor.board.agent_left(reservation_id, self.floor.now()))
        return voice.agent_gone(self.scene(None))

    # -- the emergency centre --

    def centre(self, contact_id: str, form: Form) -> bytes:
        """The emergency centre has answered the call that an agent made for their caller, who may have gone meanwhile."""
        floor = self.floor
        floor.say(floor.board.centre_there(contact_id, floor.now()))
        record, summons = floor.record(contact_id), floor.board.books.summons.get(contact_id)
        if record is None or summons is None or summons.state is not Summoned.THERE:
            return voice.agent_gone(self.scene(None))
        call = self._call_of(record)
        return voice.centre_rung(call, self.scene(call))

    # -- callbacks --

    def callback(self, callback_id: str, form: Form) -> bytes:
        """Our call to a resident was answered, by them or by a machine."""
        floor = self.floor
        callback = floor.board.books.callbacks.get(callback_id)
        record = floor.record(callback.contact_id) if callback is not None else None
        machine = form.get("AnsweredBy", "").startswith(MACHINES)
        if callback is None or record is None or machine:
            floor.say(floor.board.callback_answered(callback_id, Answer.MACHINE, floor.now()))
            return write((Hangup(),))
        floor.say(floor.board.dialled(callback_id, form["CallSid"], floor.now()))
        floor.say(floor.board.callback_answered(callback_id, Answer.PERSON, floor.now()))
        call = replace(self._call_of(record), call_sid=form["CallSid"], since=record.contact.enqueued_at)
        return self._follow(voice.callback_answered(callback_id, call, self.scene(call)))

    def callback_said(self, callback_id: str, form: Form) -> bytes:
        call = self.floor.calls.get(form["CallSid"])
        if call is None:
            return write((Hangup(),))
        held = self.floor.board.books.held_for(call.contact_id)
        ready = held is not None and held.is_accepted
        heard = Heard(digits=form.get("Digits", ""))
        return self._follow(voice.callback_said(callback_id, call, heard, self.scene(call), agent_ready=ready), callback_id)

    # -- ends --

    def status(self, form: Form, which: Form) -> bytes:
        """A call is over. which: the reservation, callback or hand-over it was made for; none for one to our number.
        Of one that was here before a restart the provider is asked first: it may have gone to the number's fallback."""
        status, floor = form.get("CallStatus", ""), self.floor
        if status in IN_PROGRESS:
            return b""
        call = floor.calls.get(form["CallSid"])
        if "centre" in which:
            floor.say(floor.board.centre_gone(which["centre"], floor.now()))
        elif "reservation" in which:
            floor.say(floor.board.agent_left(which["reservation"], floor.now()))
        elif "callback" in which:
            floor.say(floor.board.callback_ended(which["callback"], status, floor.now()))
        elif call is not None and call.call_sid not in floor.unsure:
            if not call.settled:
                self._follow(voice.heard(call, Heard(ended=True), self.scene(call)))
            floor.say(floor.board.ended(call.contact_id, floor.now()))
        return b""

    def scene(self, call: Call | None) -> Scene:
        """What this call meets now."""
        floor, air, now = self.floor, self.floor.air, self.floor.now()
        pack, board = floor.parts.pack, floor.board
        before = board.before(call.contact_id) if call is not None else 0
        return Scene(
            pack=pack,
            activation_id=air.activation_id,
            level=air.level,
            drill=air.drill,
            messages=air.messages,
            waiting=board.books.callers_waiting(),
            before=before,
            wait=floor.wait_of(before),
            promise=self._promised(int(now.timestamp())),
            staffed=self._is_staffed(),
            partner=self._partner(call) if call is not None else None,
            now=now,
            speech=air.speech,
            advice=air.advice,
            zips=air.zips,
        )

    def _promised(self, second: int) -> Promise | None:
        """What can be promised; looked at once a second, however many ask."""
        if self._promise[0] != second:
            self._promise = second, self.floor.board.promise(self.floor.now())
        return self._promise[1]

    def _is_staffed(self) -> bool:
        """An agent on a break comes back; one who has gone does not."""
        pack = self.floor.parts.pack
        if pack.shape is not Shape.FULL_QUEUE:
            return pack.hours.is_open(self.floor.now())
        seats = self.floor.board.books.seats.values()
        return any(seat.profile.has_line and seat.state is not AgentState.OFFLINE for seat in seats)

    def _partner(self, call: Call) -> Partner | None:
        record = self.floor.record(call.contact_id)
        if record is not None and record.partner:
            return self.floor.parts.pack.partner(record.partner)
        return self.floor.board.partner_for(call.contact_id, self.floor.now())

    def _call_of(self, record: Record) -> Call:
        """The contact's call as it stands, or as a callback's begins."""
        known = self.floor.calls.get(record.call_sid or "") or self.floor.calls.get(record.provider_id or "")
        return known or Call(
            call_sid=record.call_sid or "",
            contact_id=record.contact_id,
            caller=self.floor.number_of(record),
            language=record.contact.language,
            head=record.head,
            script=record.script,
        )

    def _heard(self, form: Form, heard: Heard) -> bytes:
        call = self.floor.calls.get(form["CallSid"])
        return self.ring(form) if call is None else self._follow(voice.heard(call, heard, self.scene(call)))

    def _follow(self, reply: Reply, callback_id: str = "") -> bytes:
        """Moves and acts of an answer, in their order; then the answer."""
        floor, call, now = self.floor, reply.call, self.floor.now()
        floor.say(floor.board.speaks(call.contact_id, call.language, None, now), call)
        for move in reply.moves:
            floor.say(floor.board.move(call.contact_id, move.stands, now, move.why))
        for act in reply.acts:
            self._do(act, call, callback_id)
        return reply.twiml

    def _do(self, act: voice.Act, call: Call, callback_id: str) -> None:
        floor, board, now = self.floor, self.floor.board, self.floor.now()
        match act:
            case voice.TextGuide():
                floor.say(Turn(orders=(Text(contact_id=call.contact_id, what=Word.GUIDE),)))
            case voice.BookCallback(promise=promise):
                floor.say(board.book(call.contact_id, promise, now))
                if board.books.callback_of(call.contact_id) is None:  # it had ended; what was spoken is kept all the same
                    floor.recall(call.contact_id, "was promised a call", promise)
            case voice.ToPartner(name=name):
                floor.say(board.forward(call.contact_id, name, now))
            case voice.InZip(zip=area):
                floor.say(board.speaks(call.contact_id, call.language, area, now))
            case voice.CallbackTaken():
                floor.say(board.callback_answered(callback_id, Answer.AGREED, now))
            case voice.CallbackDeclined():
                floor.say(board.callback_answered(callback_id, Answer.DECLINED, now))
            case voice.Voicemail(recording=recording):
                words = f"A message left by telephone: {recording}"
                letter = Letter(contact_id="", way=Way.SMS, language=call.language, words=words, at=now, reply_to=call.caller)
                floor.put_in(letter, f"recording {call.call_sid}")
            case voice.ToEmergency():
                pass  # the document dials; the contact has moved
