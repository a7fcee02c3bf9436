"""Tells the application how its calls come along: https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent."""

from collections.abc import Callable
from typing import Final

from channels.simulator.faults import Dice
from channels.simulator.telephone.calls import INBOUND, Call, Listener
from channels.simulator.telephone.legs import Source

EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})
Tell = Callable[[Call, Source], None]


class Progress:
    """`shuffled` is the share of callbacks that the one after them overtakes."""

    def __init__(self, tell: Tell, dice: Dice, shuffled: float) -> None:
        self._tell, self._dice, self._shuffled = tell, dice, shuffled
        self._held: dict[tuple[str, str], Source] = {}

    def report(self, call: Call, event: str) -> None:
        """event: one of EVENTS. A callback held back goes at the latest with the call's end."""
        for listener in call.listeners:
            key = (call.sid, listener.url)
            held = self._held.pop(key, None)
            if event in listener.events:
                source = self._source(call, listener, event)
                if held is None and event != "completed" and self._dice.hit(self._shuffled):
                    self._held[key] = source
                    continue
                self._tell(call, source)
            if held is not None:
                self._tell(call, held)

    def _source(self, call: Call, listener: Listener, event: str) -> Source:
        form = {
            "CallStatus": {"initiated": "initiated", "answered": "in-progress"}.get(event, call.status),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.told),
        }
        if event == "completed":
            form |= {"CallDuration": str(call.duration_s), "Duration": str(-(-call.duration_s // 60))}
        if event == "completed" and call.direction == INBOUND:
            del form["CallbackSource"], form["SequenceNumber"]
        call.told += 1
        return Source(url=listener.url, method=listener.method, form=form, what=event)
