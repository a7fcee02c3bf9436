"""One end of a conversation: a call, the person at its far end, and the script the gateway follows with it.

A script is a generator. It yields a wish (to wait, or to ask the application) and is given a word (time has passed, a key, an
answer). What happens to a call from outside, a hang-up or a redirect, is thrown into its script, so that each verb can say on
its way out what it has to say.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from channels.simulator.telephone.calls import Call, Listener
from channels.simulator.telephone.halls import Queue, Room
from channels.simulator.telephone.timeline import Timeline, Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a document comes from: a URL, asked with `form` beside what every webhook says, or TwiML at hand. `what` names it
    in the log: document, action, wait, whisper, fallback."""

    url: str = ""
    method: str = "POST"
    form: Mapping[str, str] = field(default_factory=dict)
    twiml: str = ""
    what: str = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the application said: an HTTP status, 0 for none, its body and content type, where it was found in the end, after
    how many real milliseconds. `code` is Twilio's error when it is of no use, `reason` why."""

    status: int
    body: bytes = b""
    kind: str = ""
    url: str = ""
    ms: int = 0
    code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wish: to hear a digit or a signal, or of the moment `until`, in seconds since the start; None waits for ever."""

    until: float | None = None
    hears: bool = False  # whether digits are taken in


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish: the answer to a webhook."""

    source: Source


@dataclass(frozen=True, slots=True)
class Passed:
    """A word: the moment has come."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A word: a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A word from another leg."""

    what: str
    leg: "Leg | None" = None


Wish = Wait | Ask
Word = Passed | Pressed | Signal | Answer
T = TypeVar("T")
Script = Generator[Wish, Word, T]


class Interrupt(Exception):
    """Something that ends what a call is doing."""


class HungUp(Interrupt):
    """The person at the far end has hung up."""


class Ended(Interrupt):
    """The call ends from our side; the argument is the cause."""


class Redirected(Interrupt):
    """Over REST the call got another document."""

    def __init__(self, source: Source) -> None:
        super().__init__("redirected")
        self.source = source


@dataclass(frozen=True, slots=True)
class Ring:
    """What a telephone that rings will do: `becomes` is human, machine_start, busy, no-answer or failed, after so many
    seconds. A machine of MachineDetection's DetectMessageEnd is told as machine_end_beep."""

    becomes: str = "human"
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What is heard on a line for so many seconds: words in a language, a recording, a beep, music or silence. prompt: which
    Gather of the call takes keys meanwhile, from 1 on; 0 for none."""

    kind: str
    text: str
    language: str = ""
    seconds: float = 0.0
    prompt: int = 0


class Party(Protocol):
    """Somebody at a far end. Told of everything in its order, never while a script runs; acts through the leg."""

    def rings(self, leg: "Leg") -> Ring: ...
    def answered(self, leg: "Leg") -> None: ...
    def hears(self, leg: "Leg", sound: Sound) -> None: ...
    def meets(self, leg: "Leg", other: "Leg") -> None: ...
    def parts(self, leg: "Leg") -> None: ...
    def ended(self, leg: "Leg") -> None: ...


class Board(Protocol):
    """What a leg needs of the exchange it is plugged into."""

    timeline: Timeline

    def ask(self, leg: "Leg", source: Source, done: Callable[[Answer], None]) -> None: ...
    def tell(self, leg: "Leg", source: Source) -> None: ...
    def note(self, event: str, call: Call, **known: Any) -> None: ...
    def fault(self, leg: "Leg", code: int, text: str, source: Source) -> None: ...
    def take(self, leg: "Leg") -> None: ...
    def over(self, leg: "Leg", cause: str) -> None: ...
    def say_s(self, words: str) -> float: ...
    def keep(self, sid: str, seconds: float, spoken: bytes) -> str: ...
    def play_s(self, url: str) -> float | None: ...
    def queue(self, name: str, *, make: bool) -> "Queue[Leg] | None": ...
    def room(self, name: str) -> "Room[Leg]": ...
    def dial(self, parent: "Leg", to: str, caller: str, listeners: tuple[Listener, ...]) -> "Leg | None": ...
    def start(self, leg: "Leg", script: "Script[None]") -> None: ...
    def progress(self, leg: "Leg", event: str) -> None: ...
    def event(self, source: Source) -> None: ...


class Leg:
    """Runs one script. `place` is the queue's or room's own note of where the leg is, None in neither."""

    def __init__(self, board: Board, call: Call, party: Party) -> None:
        self.board, self.call, self.party = board, call, party
        self.final = ""  # the status it will end with, when that is not for the answer to say
        self.speaks_until = 0.0  # what a recording hears
        self.spoken = b""  # the sound of it; none where nobody gave one
        self.prompts = 0  # Gathers so far
        self._script: Script[None] | None = None
        self._turn = 0  # grows with every wish: an answer to an earlier one comes too late
        self._wish: Wish | None = None
        self._timer: Timer | None = None

    @property
    def now(self) -> float:
        return self.board.timeline.now

    def run(self, script: Script[None]) -> None:
        """Begins; the script ends by returning or with an Interrupt that nothing in it takes."""
        self._script = script
        self._go(lambda: next(script))

    def press(self, digits: str) -> None:
        """The person presses keys, one after the other in one instant."""
        for digit in digits:
            heard = isinstance(self._wish, Wait) and self._wish.hears
            self.board.note("digit", self.call, what=digit, cause="" if heard else "unheard")
            if heard:
                self._word(Pressed(digit))

    def speak(self, seconds: float, spoken: bytes = b"") -> None:
        """The person speaks so long from now on. spoken: as a WAV file."""
        self.speaks_until, self.spoken = self.now + seconds, spoken
        self.signal(Signal("speaks", self))

    def hang_up(self) -> None:
        """The person hangs up; a telephone that only rings stops ringing."""
        self.interrupt(HungUp())

    def signal(self, signal: Signal) -> None:
        """Tells a waiting script something, in its turn. One that does not wait by then never hears of it."""
        self.after(0.0, lambda: self._signal(signal))

    def interrupt(self, interrupt: Interrupt, still: Callable[[], bool] = lambda: True) -> None:
        """Throws something into the script, in its turn, if it holds still then."""
        self.after(0.0, lambda: self._throw(interrupt) if still() else None)

    def after(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Does something later unless the call is over by then."""
        return self.board.timeline.after(seconds, lambda: act() if self._script is not None else None)

    def tells(self, act: Callable[[Party], None]) -> None:
        """Lets the person at the far end know, in its turn."""
        self.board.timeline.after(0.0, lambda: act(self.party))

    def sounds(self, sound: Sound) -> None:
        self.tells(lambda party: party.hears(self, sound))

    def _signal(self, signal: Signal) -> None:
        if isinstance(self._wish, Wait):
            self._word(signal)

    def _word(self, word: Word) -> None:
        script = self._script
        if script is not None:
            self._go(lambda: script.send(word))

    def _throw(self, interrupt: Interrupt) -> None:
        script = self._script
        if script is not None:
            self._go(lambda: script.throw(interrupt))

    def _go(self, step: Callable[[], Wish]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wish, self._timer = None, None
        self._turn += 1
        try:
            wish = step()
        except StopIteration:
            self._finish("end of document")
            return
        except HungUp:
            self._finish("hung up")
            return
        except Ended as ended:
            self._finish(str(ended))
            return
        self._wish = wish
        turn = self._turn
        if isinstance(wish, Ask):
            self.board.ask(self, wish.source, lambda answer: self._late(turn, answer))
        elif wish.until is not None:
            self._timer = self.board.timeline.after(wish.until - self.now, lambda: self._late(turn, Passed()))

    def _late(self, turn: int, word: Word) -> None:
        if turn == self._turn:
            self._word(word)

    def _finish(self, cause: str) -> None:
        self._script = None
        self.board.over(self, cause)
