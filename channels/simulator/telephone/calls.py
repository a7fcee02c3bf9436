"""A call, from ringing to its end, and the JSON Twilio describes it with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from channels.simulator.messages import API_VERSION, rfc2822

INBOUND: Final = "inbound"
OUTBOUND: Final = "outbound-api"
DIALED: Final = "outbound-dial"
QUEUED, RINGING, IN_PROGRESS = "queued", "ringing", "in-progress"
COMPLETED, BUSY, NO_ANSWER, FAILED, CANCELED = "completed", "busy", "no-answer", "failed", "canceled"
LIVE: Final = frozenset({QUEUED, RINGING, IN_PROGRESS})
STATUSES: Final = LIVE | {COMPLETED, BUSY, NO_ANSWER, FAILED, CANCELED}
SUBRESOURCES: Final = (
    "events",
    "notifications",
    "payments",
    "recordings",
    "siprec",
    "streams",
    "transcriptions",
    "user_defined_message_subscriptions",
    "user_defined_messages",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told of a call's progress: a URL, and of which of initiated, ringing, answered, completed."""

    url: str
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})


@dataclass(slots=True, kw_only=True)
class Call:
    """Times are simulated seconds since the start; `created_date` and its like are real seconds since 1970. Not frozen: a call
    moves on in place. `index` is its rank in order of creation, `cause` what ended it."""

    sid: str
    caller: str
    to: str
    direction: str
    status: str
    created_at: float
    created_date: float
    updated_date: float
    parent_sid: str = ""
    answered_at: float | None = None
    ended_at: float | None = None
    started_date: float | None = None
    ended_date: float | None = None
    queue_s: float = 0.0
    answered_by: str = ""
    listeners: tuple[Listener, ...] = ()
    fallback_url: str = ""
    fallback_document: str = ""
    cause: str = ""
    index: int = 0
    told: int = 0
    known: dict[str, str] = field(default_factory=dict)  # what every later webhook of this call says as well

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def duration_s(self) -> int:
        """Whole seconds from the answer to the end, as Twilio bills them; 0 while it lasts or without an answer."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return round(self.ended_at - self.answered_at)


def form_of(call: Call, account_sid: str) -> dict[str, str]:
    """What every webhook about a call says: https://www.twilio.com/docs/voice/twiml#request-parameters"""
    parent = {"ParentCallSid": call.parent_sid} if call.parent_sid else {}
    machine = {"AnsweredBy": call.answered_by} if call.answered_by else {}
    return (
        {
            "AccountSid": account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Called": call.to,
            "Caller": call.caller,
            "Direction": call.direction,
            "From": call.caller,
            "To": call.to,
        }
        | parent
        | machine
        | call.known
    )


def resource(call: Call, account_sid: str, number_sid: str | None = None) -> dict[str, object]:
    """The Call resource: https://www.twilio.com/docs/voice/api/call-resource"""
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Calls/{call.sid}"
    return {
        "account_sid": account_sid,
        "answered_by": call.answered_by or None,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": _date(call.created_date),
        "date_updated": _date(call.updated_date),
        "direction": call.direction,
        "duration": None if call.live else str(call.duration_s),
        "end_time": _date(call.ended_date),
        "forwarded_from": None,
        "from": call.caller,
        "from_formatted": formatted(call.caller),
        "group_sid": None,
        "parent_call_sid": call.parent_sid or None,
        "phone_number_sid": number_sid,
        "price": None,
        "price_unit": "USD",
        "queue_time": str(round(call.queue_s * 1000)),
        "sid": call.sid,
        "start_time": _date(call.started_date),
        "status": call.status,
        "subresource_uris": {name: _sub(uri, name) for name in SUBRESOURCES},
        "to": call.to,
        "to_formatted": formatted(call.to),
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def formatted(number: str) -> str:
    """A number as people write it; anything else as it is."""
    national = number.removeprefix("+1")
    if number.startswith("+1") and len(national) == 10 and national.isdigit():
        return f"({national[:3]}) {national[3:6]}-{national[6:]}"
    return number


def _sub(uri: str, name: str) -> str:
    words = name.split("_")
    return f"{uri}/{''.join(word.capitalize() for word in words)}.json"


def _date(second: float | None) -> str | None:
    return None if second is None else rfc2822(int(second))


Form = Mapping[str, str]
