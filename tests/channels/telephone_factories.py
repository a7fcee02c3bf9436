"""A telephone exchange without sockets, on a clock that tests move, and an application that answers from a table."""

from collections.abc import Callable, Mapping
from typing import Any

from channels.simulator.telephone.config import TelephoneConfig, VoiceNumber
from channels.simulator.telephone.legs import Answer, Leg, Party, Ring, Sound, Source
from channels.simulator.telephone.mailroom import Outside
from channels.simulator.telephone.people import Quiet
from channels.simulator.telephone.switchboard import Switchboard

CITY = "+15035550311"
CALLER = "+15035551001"
AGENT = "+15035552001"
URL = "http://app.example.gov"
ACCOUNT = "AC" + "5" * 32

Page = str | Callable[[Mapping[str, str]], str | int]


def twiml(*inside: str) -> str:
    return f"<Response>{''.join(inside)}</Response>"


class App:
    """The application: by path a document, or what a function of the form returns, a number being an HTTP status. Every answer
    takes `takes_s` simulated seconds; what is asked is kept as (what, path, form)."""

    def __init__(self, pages: Mapping[str, Page], takes_s: float = 0.0) -> None:
        self.pages, self.takes_s = dict(pages), takes_s
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.board: Switchboard | None = None

    def post(self, key: str, source: Source, form: Mapping[str, str], done: Callable[[Answer], None]) -> None:
        assert self.board is not None
        path = source.url.removeprefix(URL)
        self.asked.append((source.what, path, dict(form)))
        self.board.timeline.after(self.takes_s, lambda: done(self._answer(path, source.url, form)))

    def forms(self, path: str) -> list[dict[str, str]]:
        return [form for _, asked, form in self.asked if asked == path]

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    def _answer(self, path: str, url: str, form: Mapping[str, str]) -> Answer:
        page = self.pages.get(path, 404)
        said = page(form) if callable(page) else page
        if isinstance(said, int):
            return Answer(status=said, code=11200 if said != 200 else 0, reason=f"The answer is {said}.", url=url)
        return Answer(status=200, body=said.encode(), kind="text/xml; charset=utf-8", url=url)


class Ear(Quiet):
    """Somebody who keeps what they hear, (second, kind, text), and does what a table says. `presses`: keys by words heard,
    after a second; `ring` is what their telephone does."""

    def __init__(self, ring: Ring | None = None, presses: Mapping[str, str] | None = None) -> None:
        self.ring, self.presses = ring or Ring(), dict(presses or {})
        self.heard: list[tuple[float, str, str]] = []
        self.met: list[str] = []
        self.over: list[str] = []

    def rings(self, leg: Leg) -> Ring:
        return self.ring

    def hears(self, leg: Leg, sound: Sound) -> None:
        self.heard.append((round(leg.now, 3), sound.kind, sound.text))
        keys = self.presses.get(sound.text)
        if keys is not None:
            leg.after(1.0, lambda: leg.press(keys))

    def meets(self, leg: Leg, other: Leg) -> None:
        self.met.append(other.call.sid)

    def parts(self, leg: Leg) -> None:
        self.met.append("alone")

    def ended(self, leg: Leg) -> None:
        self.over.append(leg.call.cause)

    @property
    def words(self) -> list[str]:
        return [text for _, kind, text in self.heard if kind == "say"]


class House:
    """An exchange with the city's number and an application. Times are simulated seconds; `lines` is the log."""

    def __init__(self, pages: Mapping[str, Page], **changes: Any) -> None:
        number = VoiceNumber(number=CITY, url=f"{URL}/ring", **changes.pop("number", {}))
        self.app = App(pages, changes.pop("takes_s", 0.0))
        config = TelephoneConfig(numbers=(number,), **({"calls_per_s": 1.0} | changes))
        self.lines: list[Mapping[str, Any]] = []
        outside = Outside(
            log=self.lines.append, web=self.app, clock=lambda: 1_700_000_000.0, far_end=self._nobody, account_sid=ACCOUNT
        )
        self.board = self.app.board = Switchboard(config, outside)

    def person(self, number: str, ring: Ring | None = None, presses: Mapping[str, str] | None = None) -> Ear:
        ear = self.board.parties[number] = Ear(ring, presses)
        return ear

    def call(self, party: Party, caller: str = CALLER) -> Leg:
        leg = self.board.call_in(caller, CITY, party)
        assert leg is not None
        return leg

    def until(self, second: float) -> None:
        self.board.timeline.advance(second)

    def to_the_end(self) -> None:
        """Until nothing is planned any more, at most ten hours."""
        self.board.timeline.advance(36_000.0)

    def events(self, *wanted: str) -> list[tuple[str, str]]:
        """(event, what or cause) of the wanted events, in order."""
        return [(line["event"], line["what"] or line["cause"]) for line in self.lines if line["event"] in wanted]

    def verbs(self) -> list[str]:
        return [line["what"] for line in self.lines if line["event"] == "verb"]

    def end(self, leg: Leg) -> tuple[str, str]:
        """(status, cause) of a call that is over."""
        return next((line["status"], line["cause"]) for line in self.lines if _ends(line, leg))

    def _nobody(self, number: str) -> Party:
        return Ear(Ring("no-answer"))


def _ends(line: Mapping[str, Any], leg: Leg) -> bool:
    return (line["event"], line["sid"]) == ("end", leg.call.sid)
