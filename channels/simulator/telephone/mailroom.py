"""What the exchange writes down and what it tells the application, in that order."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from channels.simulator.refusals import Refusal
from channels.simulator.telephone.calls import Call, form_of
from channels.simulator.telephone.legs import Answer, Party, Source
from channels.simulator.telephone.lines import call_line, voice_line
from channels.simulator.telephone.notifications import Notifications
from channels.simulator.telephone.timeline import Timeline

DOCUMENT_KINDS: Final = frozenset({"text/xml", "application/xml", "text/html"})
WRONG_KIND: Final = 12300  # https://www.twilio.com/docs/api/errors/12300

Done = Callable[[Answer], None]


class Web(Protocol):
    """The way to the application. `done` is called with what it said, on the timeline's turn; never before post returns.
    Posts of one `key` go one after the other; those of "" at once."""

    def post(self, key: str, source: Source, form: Mapping[str, str], done: Done) -> None: ...


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


class Mailroom:
    """`pending` are webhooks under way; `settled` is called after each. `tally` counts the log's lines by event;
    `notifications` are those that the account can ask for. date: the clock of the calls' dates."""

    def __init__(
        self, outside: Outside, timeline: Timeline, settled: Callable[[], None], date: Callable[[], float] | None = None
    ) -> None:
        self.tally: Counter[str] = Counter()
        self.notifications = Notifications()
        self._date = date or outside.clock
        self.pending = 0
        self._outside, self._timeline, self._settled = outside, timeline, settled

    def note(self, event: str, call: Call | None, **known: Any) -> None:
        """A line of the log."""
        self.tally[event] += 1
        at, since_start_s = self._outside.clock(), self._timeline.now
        if call is None:
            self._outside.log(voice_line(event, at, since_start_s, **known))
        else:
            self._outside.log(call_line(event, at, since_start_s, call, **known))

    def fault(self, call: Call, code: int, text: str, source: Source) -> None:
        """Twilio's error about a request: into the log, and where the account can ask for it."""
        self.note("error", call, code=code, text=text, path=path_of(source.url))
        method = source.method if source.url else ""
        self.notifications.add(call.sid, self._date(), code, text, source.url, method)

    def ask(self, call: Call, source: Source, done: Done) -> None:
        """For a document or a recording; the answer says whether it is of use."""

        def heard(answer: Answer) -> None:
            judged = answer if answer.code or source.what == "play" else _judged(answer)
            if judged.code:
                self.fault(call, judged.code, judged.reason, source)
            done(judged)

        self._post("", call, source, self._form(call, source), heard)

    def tell(self, call: Call, source: Source, key: str = "") -> None:
        """For nothing: the answer is not followed. What is told under one key arrives in order."""
        self._post(key, call, source, self._form(call, source), lambda answer: None)

    def event(self, source: Source, key: str) -> None:
        """Tells of what concerns no single call."""
        form = {"AccountSid": self._outside.account_sid} | dict(source.form)
        self._post(key, None, source, form, lambda answer: None)

    def refused(self, event: str, to: str, caller: str, refusal: Refusal) -> None:
        known = {"to": to, "from": caller, "code": refusal.code, "text": str(refusal.document()["message"])}
        self.note(event, None, **known)

    def _form(self, call: Call, source: Source) -> dict[str, str]:
        return form_of(call, self._outside.account_sid) | dict(source.form)

    def _post(self, key: str, call: Call | None, source: Source, form: Mapping[str, str], done: Done) -> None:
        def heard(answer: Answer) -> None:
            self.pending -= 1
            known = {
                "what": source.what,
                "path": path_of(source.url),
                "code": answer.status,
                "ms": answer.ms,
                "cause": answer.reason,
            }
            self.note("callback" if key else "webhook", call, other=form.get("ConferenceSid", ""), **known)
            done(answer)
            self._settled()

        self.pending += 1
        self._outside.web.post(key, source, form, heard)


def path_of(url: str) -> str:
    """The path of a URL with its query, for the log."""
    rest = url.partition("://")[2]
    return "/" + rest.partition("/")[2] if rest else ""


def _judged(answer: Answer) -> Answer:
    kind = answer.kind.partition(";")[0].strip().lower()
    if kind in DOCUMENT_KINDS:
        return answer
    return replace(answer, code=WRONG_KIND, reason=f"The answer is {kind or 'of no type'}, not XML.")
