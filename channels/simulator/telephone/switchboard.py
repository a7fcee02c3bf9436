"""The telephone exchange: every call, who is plugged in where, and all that is logged before anybody is told.

Knows no sockets and no clock of its own: the application is reached through the mailroom, time passes on the timeline.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from channels.simulator.carrier import new_sid
from channels.simulator.faults import Dice
from channels.simulator.messages import API_VERSION
from channels.simulator.refusals import Refusal
from channels.simulator.telephone.calls import (
    CANCELED,
    COMPLETED,
    DIALED,
    FAILED,
    IN_PROGRESS,
    INBOUND,
    NO_ANSWER,
    OUTBOUND,
    QUEUED,
    RINGING,
    Call,
    Listener,
)
from channels.simulator.telephone.config import TelephoneConfig, VoiceNumber
from channels.simulator.telephone.halls import Queue, Room
from channels.simulator.telephone.legs import Answer, Ended, Leg, Party, Redirected, Script, Source
from channels.simulator.telephone.mailroom import Mailroom, Outside, path_of
from channels.simulator.telephone.orders import Order, Update, emergency, reachable
from channels.simulator.telephone.programme import VERBS, incoming, whole_life
from channels.simulator.telephone.progress import Progress
from channels.simulator.telephone.register import Register
from channels.simulator.telephone.ringing import outgoing
from channels.simulator.telephone.speech import first, recorded_s, said_s, silence
from channels.simulator.telephone.timeline import Timeline

logger = logging.getLogger(__name__)


class Switchboard:
    """All is done on the timeline's turn. `parties` are the people behind numbers, asked before `far_end`."""

    def __init__(self, config: TelephoneConfig, outside: Outside) -> None:
        self.config, self.outside = config, outside
        self.timeline = Timeline()
        self.register = Register()
        self.parties: dict[str, Party] = {}
        self.legs: dict[str, Leg] = {}
        self.queues: dict[str, Queue[Leg]] = {}
        self.rooms: dict[str, Room[Leg]] = {}
        self.recordings: dict[str, bytes] = {}
        self.mail = Mailroom(outside, self.timeline, self._settled, self.date)
        self.on_quiet: Callable[[], None] = lambda: None
        self.on_answer: Callable[[], None] = lambda: None
        self._numbers = {number.number: number for number in config.numbers}
        self._plays = dict(config.plays_s)
        self._lane: deque[Callable[[], None]] = deque()
        self._free_at = 0.0
        self._progress = Progress(self._told, Dice(f"{config.seed} voice"), config.shuffled)

    @property
    def quiet(self) -> bool:
        """No call is live and nothing is still to be told."""
        return not self.legs and not self.mail.pending

    def date(self) -> float:
        """What the clock of the calls' dates says, seconds since 1970."""
        begins_at = self.config.begins_at
        return self.outside.clock() if begins_at is None else begins_at + self.timeline.now

    def call_in(self, caller: str, number: str, party: Party) -> Leg | None:
        """Somebody calls one of our numbers; None when there is no such number, or it is an emergency service's."""
        ours = self._numbers.get(number)
        if ours is None:
            self.refused(number, caller, Refusal(21214 if emergency(number) else 21217, number))
            return None
        call = self._call(caller, number, INBOUND, RINGING, ours)
        leg = self._plug(call, party)
        self.note("ring", call)
        self.start(leg, incoming(leg, Source(url=ours.url)))
        return leg

    def create(self, order: Order) -> Call | Refusal:
        """A call ordered over REST: it leaves at its turn."""
        if len(self._lane) >= self.config.most_queued:
            return self.refused(order.to, order.caller, Refusal(20429))
        call = self._call(order.caller, order.to, OUTBOUND, QUEUED)
        call.listeners, call.fallback_url = order.listeners, order.fallback_url
        leg = self._plug(call, self._party(order.to))
        self.note("created", call, what=path_of(order.source.url))
        self._lane.append(lambda: self._leave(leg, order))
        self._free_at = max(self._free_at, self.timeline.now)
        self.timeline.after(self._free_at - self.timeline.now, self._next)
        self._free_at += 1.0 / self.config.calls_per_s
        return call

    def update(self, call: Call, update: Update) -> Refusal | None:
        """Ends a live call or leads it to another document; a Refusal when it cannot be redirected."""
        leg = self.legs.get(call.sid)
        if update.source is not None:
            if leg is None or call.status != IN_PROGRESS:
                return Refusal(21220)
            self.note("update", call, what="redirected", path=path_of(update.source.url))
            leg.interrupt(Redirected(update.source), lambda: call.status == IN_PROGRESS)
        elif leg is not None and (update.status == COMPLETED or call.status != IN_PROGRESS):
            self.note("update", call, what=update.status)
            if call.status == IN_PROGRESS:
                leg.interrupt(Ended("ended over REST"))
            else:
                self._cancel(leg)
        call.updated_date = self.date()
        return None

    def refused(self, to: str, caller: str, refusal: Refusal) -> Refusal:
        """Logs a call that is not made, loudly when an emergency service was dialled."""
        forbidden = emergency(to)
        if forbidden:
            logger.error("SOMEBODY TRIED TO DIAL AN EMERGENCY NUMBER (%s). No system may: set its ten-digit line instead.", to)
        self.mail.refused("forbidden" if forbidden else "refused", to, caller, refusal)
        return refusal

    # What a leg needs of its board.

    def start(self, leg: Leg, script: Script[None]) -> None:
        leg.run(whole_life(leg, script))

    def ask(self, leg: Leg, source: Source, done: Callable[[Answer], None]) -> None:
        def heard(answer: Answer) -> None:
            if source.what == "play":
                self._plays[source.url] = self._length(answer)
            done(answer)

        self.mail.ask(leg.call, source, heard)

    def tell(self, leg: Leg, source: Source) -> None:
        self.mail.tell(leg.call, source)

    def event(self, source: Source) -> None:
        self.mail.event(source, source.form["ConferenceSid"])

    def note(self, event: str, call: Call, **known: Any) -> None:
        self.mail.note(event, call, **known)

    def fault(self, leg: Leg, code: int, text: str, source: Source) -> None:
        self.mail.fault(leg.call, code, text, source)

    def take(self, leg: Leg) -> None:
        """The call is answered, unless it was before."""
        call = leg.call
        if call.answered_at is not None:
            return
        call.answered_at, call.status = self.timeline.now, IN_PROGRESS
        call.updated_date = self.date()
        self.note("answer", call)
        self.progress(leg, "answered")
        leg.tells(lambda party: party.answered(leg))

    def over(self, leg: Leg, cause: str) -> None:
        call = leg.call
        call.status, call.cause = leg.final or _last(call, cause), cause
        call.ended_at, call.ended_date = self.timeline.now, self.date()
        call.updated_date = call.ended_date
        del self.legs[call.sid]
        self.note("end", call, seconds=round(self.timeline.now - call.created_at, 3), cause=cause)
        self.progress(leg, "completed")
        leg.tells(lambda party: party.ended(leg))
        self._settled()

    def say_s(self, words: str) -> float:
        return said_s(words, self.config.words_per_minute)

    def keep(self, sid: str, seconds: float, spoken: bytes) -> str:
        """Keeps a recording: the first seconds of what was spoken, silence where nobody gave a sound. Returns its address."""
        self.recordings[sid] = first(spoken, seconds) if spoken else silence(seconds)
        return f"{self.outside.base_url()}/{API_VERSION}/Accounts/{self.outside.account_sid}/Recordings/{sid}"

    def play_s(self, url: str) -> float | None:
        return self._plays.get(url)

    def queue(self, name: str, *, make: bool) -> Queue[Leg] | None:
        if name not in self.queues and make:
            self.queues[name] = Queue(sid=new_sid("QU"), name=name, maximum=self.config.queue_maximum)
        return self.queues.get(name)

    def room(self, name: str) -> Room[Leg]:
        if name not in self.rooms or self.rooms[name].closed:
            self.rooms[name] = Room(sid=new_sid("CF"), name=name)
        return self.rooms[name]

    def dial(self, parent: Leg, to: str, caller: str, listeners: tuple[Listener, ...]) -> Leg | None:
        """A telephone that a Dial rings; None when the number is refused."""
        if emergency(to) or not reachable(to):
            self.refused(to, caller, Refusal(21214 if emergency(to) else 21215, to))
            return None
        call = self._call(caller, to, DIALED, QUEUED)
        call.parent_sid, call.listeners = parent.call.sid, listeners
        leg = self._plug(call, self._party(to))
        self._begun(leg)
        return leg

    def progress(self, leg: Leg, event: str) -> None:
        self._progress.report(leg.call, event)

    # Inside.

    def _party(self, number: str) -> Party:
        return self.parties.get(number) or self.outside.far_end(number)

    def _call(self, caller: str, to: str, direction: str, status: str, ours: VoiceNumber | None = None) -> Call:
        now = self.date()
        call = Call(
            sid=new_sid("CA"),
            caller=caller,
            to=to,
            direction=direction,
            status=status,
            created_at=self.timeline.now,
            created_date=now,
            updated_date=now,
            started_date=now if direction == INBOUND else None,
        )
        if ours is not None:
            call.fallback_url, call.fallback_document = ours.fallback_url, ours.fallback_document
            call.listeners = (Listener(url=ours.status_url),) if ours.status_url else ()
        self.register.add(call)
        return call

    def _plug(self, call: Call, party: Party) -> Leg:
        self.legs[call.sid] = leg = Leg(self, call, party)
        return leg

    def _next(self) -> None:
        if self._lane:
            self._lane.popleft()()

    def _leave(self, leg: Leg, order: Order) -> None:
        if leg.call.status == QUEUED:
            self._begun(leg)
            self.start(leg, outgoing(leg, order.source, VERBS, order.timeout_s, order.detection))

    def _begun(self, leg: Leg) -> None:
        leg.call.started_date = self.date()
        self.progress(leg, "initiated")

    def _cancel(self, leg: Leg) -> None:
        leg.final = CANCELED
        if leg.call.status == QUEUED:
            self.over(leg, "canceled over REST")
        else:
            leg.interrupt(Ended("canceled over REST"))

    def _settled(self) -> None:
        self.on_answer()
        if self.quiet:
            self.on_quiet()

    def _told(self, call: Call, source: Source) -> None:
        self.mail.tell(call, source, call.sid)

    def _length(self, answer: Answer) -> float:
        if not 200 <= answer.status < 300:
            return 0.0
        length = recorded_s(answer.body)
        return self.config.play_s if length is None else length


def _last(call: Call, cause: str) -> str:
    """How a call ends that nothing else was said of."""
    if call.answered_at is not None:
        return COMPLETED
    if cause == "Reject busy":
        return "busy"
    if call.direction == INBOUND:
        return FAILED if cause.startswith("application error") else NO_ANSWER if cause != "end of document" else COMPLETED
    return CANCELED
