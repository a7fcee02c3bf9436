"""The lines of voice.jsonl, the outside truth that calls are checked against.

created     a call was ordered over REST; `what` is its URL's path. refused: an order was not taken, under `code`.
ring        a telephone rings. answer: somebody or, as `what` says, something took the call.
webhook     the application was asked at `path` for `what` (document, action, wait, whisper, fallback) and answered with HTTP
            status `code` after `ms` real milliseconds; `cause` says why the answer was of no use.
callback    the application was told at `path` of `what`; as webhook.
verb        `what` was begun; `text` is what is said, played, or the attributes.
digit       a key was pressed; `cause` is "unheard" when nothing was listening.
queue       `what` is the queue; `cause` is "entered" or how it was left, then after `seconds`.
conference  `what` is its name; `cause` is join, leave, start or end.
bridge      the call speaks with call `other`. part: it no longer does.
recording   `seconds` were recorded; `text` is the address.
update      over REST the call was redirected, completed or canceled.
error       Twilio's error `code`, with `text`. forbidden: somebody tried to dial an emergency service's own short number.
end         the call's `status`, `seconds` since it rang or was ordered, and the `cause`: who or what ended it.
"""

from typing import Any

from channels.simulator.lines import iso
from channels.simulator.telephone.calls import Call


def voice_line(event: str, at: float, since_start_s: float, **known: Any) -> dict[str, Any]:
    """A line with every key; what is not known is empty. at: real time, seconds since 1970; since_start_s: simulated."""
    return {
        "at": iso(at),
        "t_s": round(since_start_s, 3),
        "event": event,
        "sid": "",
        "parent_sid": "",
        "from": "",
        "to": "",
        "direction": "",
        "status": "",
        "what": "",
        "path": "",
        "code": None,
        "ms": None,
        "seconds": None,
        "other": "",
        "text": "",
        "cause": "",
    } | known


def call_line(event: str, at: float, since_start_s: float, call: Call, **known: Any) -> dict[str, Any]:
    about = {
        "sid": call.sid,
        "parent_sid": call.parent_sid,
        "from": call.caller,
        "to": call.to,
        "direction": call.direction,
        "status": call.status,
    }
    return voice_line(event, at, since_start_s, **about, **known)
