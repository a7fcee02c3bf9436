"""The telephone exchange: every call, who is plugged in where, and all that is logged before anybody is told.

Knows no sockets and no clock of its own: the application is reached through `Web`, time passes on the timeline.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from channels.simulator.carrier import new_sid
from channels.simulator.faults import Dice
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
    form_of,
)
from channels.simulator.telephone.config import TelephoneConfig, VoiceNumber
from channels.simulator.telephone.halls import Queue, Room
from channels.simulator.telephone.legs import Answer, Ended, Leg, Party, Redirected, Script, Source
from channels.simulator.telephone.lines import call_line, voice_line
from channels.simulator.telephone.orders import Order, Update, emergency, reachable
from channels.simulator.telephone.programme import VERBS, incoming, whole_life
from channels.simulator.telephone.progress import Progress
from channels.simulator.telephone.register import Register
from channels.simulator.telephone.ringing import outgoing
from channels.simulator.telephone.speech import recorded_s, said_s
from channels.simulator.telephone.timeline import Timeline

logger = logging.getLogger(__name__)

DOCUMENT_KINDS: Final = frozenset({"text/xml", "application/xml", "text/html"})
WRONG_KIND: Final = 12300  # https://www.twilio.com/docs/api/errors/12300
PATH_MARK: Final = "://"


class Web(Protocol):
    """The way to the application. `done` is called with what it said, on the timeline's turn; never before post returns.
    Posts of one `key` go one after the other; those of "" at once."""

    def post(self, key: str, source: Source, form: Mapping[str, str], done: Callable[[Answer], None]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the exchange needs of the world: where its log goes, the way to the application, the time (real seconds since
    1970), the far end of a number nobody else speaks for, and where recordings are found."""

    log: Callable[[Mapping[str, Any]], object]
    web: Web
    clock: Callable[[], float]
    far_end: Callable[[str], Party]
    account_sid: str
    base_url: Callable[[], str] = lambda: ""


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
        self.recordings: dict[str, float] = {}
        self.tally: Counter[str] = Counter()
        self.pending = 0  # webhooks under way
        self.on_quiet: Callable[[], None] = lambda: None
        self._numbers = {number.number: number for number in config.numbers}
        self._plays = dict(config.plays_s)
        self._lane: deque[Callable[[], None]] = deque()
        self._free_at = 0.0
        self._progress = Progress(self._report, Dice(f"{config.seed} voice"), config.shuffled)

    @property
    def quiet(self) -> bool:
        """No call is live and nothing is still to be told."""
        return not self.legs and not self.pending

    def call_in(self, caller: str, number: str, party: Party) -> Leg | None:
        """Somebody calls one of our numbers; None when there is no such number, or it is an emergency service's."""
        ours = self._numbers.get(number)
        if ours is None:
            self._refused(number, caller, Refusal(21214 if emergency(number) else 21217, number))
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
        self.note("created", call, what=_path(order.source.url))
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
            self.note("update", call, what="redirected", path=_path(update.source.url))
            leg.interrupt(Redirected(update.source), lambda: call.status == IN_PROGRESS)
        elif leg is not None and (update.status == COMPLETED or call.status != IN_PROGRESS):
            self.note("update", call, what=update.status)
            if call.status == IN_PROGRESS:
                leg.interrupt(Ended("ended over REST"))
            else:
                self._cancel(leg)
        call.updated_date = self.outside.clock()
        return None

    def refused(self, to: str, caller: str, refusal: Refusal) -> Refusal:
        """Logs an order that is not taken."""
        return self._refused(to, caller, refusal)

    # What a leg needs of its board.

    def start(self, leg: Leg, script: Script[None]) -> None:
        leg.run(whole_life(leg, script))

    def ask(self, leg: Leg, source: Source, done: Callable[[Answer], None]) -> None:
        def heard(answer: Answer) -> None:
            if source.what == "play":
                self._plays[source.url] = self._length(answer)
            judged = answer if answer.code or source.what == "play" else _judged(answer)
            if judged.code:
                self.note("error", leg.call, code=judged.code, text=judged.reason, path=_path(source.url))
            done(judged)

        self._post("", leg.call, source, form_of(leg.call, self.outside.account_sid) | dict(source.form), heard)

    def tell(self, leg: Leg, source: Source) -> None:
        form = form_of(leg.call, self.outside.account_sid) | dict(source.form)
        self._post("", leg.call, source, form, lambda answer: None)

    def event(self, source: Source) -> None:
        form = {"AccountSid": self.outside.account_sid} | dict(source.form)
        self._post(form.get("ConferenceSid", ""), None, source, form, lambda answer: None)

    def note(self, event: str, call: Call, **known: Any) -> None:
        self.tally[event] += 1
        self.outside.log(call_line(event, self.outside.clock(), self.timeline.now, call, **known))

    def take(self, leg: Leg) -> None:
        """The call is answered, unless it was before."""
        call = leg.call
        if call.answered_at is not None:
            return
        call.answered_at, call.status = self.timeline.now, IN_PROGRESS
        call.updated_date = self.outside.clock()
        self.note("answer", call)
        self.progress(leg, "answered")
        leg.tells(lambda party: party.answered(leg))

    def over(self, leg: Leg, cause: str) -> None:
        call = leg.call
        call.status, call.cause = leg.final or _last(call, cause), cause
        call.ended_at, call.ended_date = self.timeline.now, self.outside.clock()
        call.updated_date = call.ended_date
        del self.legs[call.sid]
        self.note("end", call, seconds=round(self.timeline.now - call.created_at, 3), cause=cause)
        self.progress(leg, "completed")
        leg.tells(lambda party: party.ended(leg))
        if self.quiet:
            self.on_quiet()

    def say_s(self, words: str) -> float:
        return said_s(words, self.config.words_per_minute)

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
            self._refused(to, caller, Refusal(21214 if emergency(to) else 21215, to))
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
        now = self.outside.clock()
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
        leg.call.started_date = self.outside.clock()
        self.progress(leg, "initiated")

    def _cancel(self, leg: Leg) -> None:
        leg.final = CANCELED
        if leg.call.status == QUEUED:
            self.over(leg, "canceled over REST")
        else:
            leg.interrupt(Ended("canceled over REST"))

    def _report(self, call: Call, source: Source) -> None:
        form = form_of(call, self.outside.account_sid) | dict(source.form)
        self._post(call.sid, call, source, form, lambda answer: None)

    def _post(
        self, key: str, call: Call | None, source: Source, form: Mapping[str, str], done: Callable[[Answer], None]
    ) -> None:
        def heard(answer: Answer) -> None:
            self.pending -= 1
            event = "callback" if key else "webhook"
            known = {
                "what": source.what,
                "path": _path(source.url),
                "code": answer.status,
                "ms": answer.ms,
                "cause": answer.reason,
            }
            self.tally[event] += 1
            at = self.outside.clock()
            if call is None:
                self.outside.log(voice_line(event, at, self.timeline.now, other=form.get("ConferenceSid", ""), **known))
            else:
                self.outside.log(call_line(event, at, self.timeline.now, call, **known))
            done(answer)
            if self.quiet:
                self.on_quiet()

        self.pending += 1
        self.outside.web.post(key, source, form, heard)

    def _refused(self, to: str, caller: str, refusal: Refusal) -> Refusal:
        event = "forbidden" if emergency(to) else "refused"
        if event == "forbidden":
            logger.error("SOMEBODY TRIED TO DIAL AN EMERGENCY NUMBER (%s). No system may: set its ten-digit line instead.", to)
        self.tally[event] += 1
        known = {"to": to, "from": caller, "code": refusal.code, "text": str(refusal.document()["message"])}
        self.outside.log(voice_line(event, self.outside.clock(), self.timeline.now, **known))
        return refusal

    def _length(self, answer: Answer) -> float:
        if not 200 <= answer.status < 300:
            return 0.0
        length = recorded_s(answer.body)
        return self.config.play_s if length is None else length


def _judged(answer: Answer) -> Answer:
    kind = answer.kind.partition(";")[0].strip().lower()
    if kind in DOCUMENT_KINDS:
        return answer
    return replace(answer, code=WRONG_KIND, reason=f"The answer is {kind or 'of no type'}, not XML.")


def _last(call: Call, cause: str) -> str:
    """How a call ends that nothing else was said of."""
    if call.answered_at is not None:
        return COMPLETED
    if cause == "Reject busy":
        return "busy"
    if call.direction == INBOUND:
        return FAILED if cause.startswith("application error") else NO_ANSWER if cause != "end of document" else COMPLETED
    return CANCELED


def _path(url: str) -> str:
    """The path of a URL with its query, for the log."""
    rest = url.partition(PATH_MARK)[2]
    return "/" + rest.partition("/")[2] if rest else ""
