"""Reads what REST asks of calls: the checks Twilio makes of a form, in its order."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from channels.simulator.numbers import FICTIONAL
from channels.simulator.refusals import Refusal
from channels.simulator.telephone.calls import CANCELED, COMPLETED, Listener
from channels.simulator.telephone.config import SIP
from channels.simulator.telephone.legs import Source
from channels.simulator.telephone.progress import EVENTS

EMERGENCY: Final = re.compile(r"(?:sips?:)?\+?1?(?:[2-9]11|988|112)(?:@.*)?")  # nobody but a person may dial these
E164: Final = re.compile(r"\+[1-9]\d{6,14}")
DETECTION: Final = ("", "Enable", "DetectMessageEnd")
LONGEST_RING_S: Final = 600
Form = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call that may be made."""

    to: str
    caller: str
    source: Source
    timeout_s: int = 60
    detection: str = ""
    fallback_url: str = ""
    listeners: tuple[Listener, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What becomes of a call: another document, or the end."""

    source: Source | None = None
    status: str = ""


def emergency(number: str) -> bool:
    """Whether this is a short number of an emergency service or its like, in any spelling."""
    return EMERGENCY.fullmatch(re.sub(r"[ ().-]", "", number)) is not None


def reachable(number: str) -> bool:
    """Whether the simulator has somebody there: exchange 555, or a SIP address."""
    return FICTIONAL.fullmatch(number) is not None or SIP.fullmatch(number) is not None


def read_order(form: Form, owned: Collection[str], may_call: Callable[[str], bool]) -> Order | Refusal:
    """The call a form orders, or Twilio's first objection. may_call: whether the simulator may ask a URL."""
    said = dict(form)
    to, caller = said.get("To", ""), said.get("From", "")
    objection = _about_numbers(to, caller, owned) or _about_source(said, may_call) or _about_urls(said, may_call)
    if objection is not None:
        return objection
    timeout, detection = said.get("Timeout", "60"), said.get("MachineDetection", "")
    if not (timeout.isascii() and timeout.isdigit() and int(timeout) <= LONGEST_RING_S):
        return Refusal(21218, f"Timeout={timeout}")
    if detection not in DETECTION:
        return Refusal(21218, f"MachineDetection={detection}")
    events = frozenset(" ".join(value for name, value in form if name == "StatusCallbackEvent").split())
    callback = said.get("StatusCallback", "")
    method = said.get("StatusCallbackMethod", "POST")
    listener = Listener(url=callback, method=method, events=(events & EVENTS) or frozenset({"completed"}))
    return Order(
        to=to,
        caller=caller,
        source=_source(said),
        timeout_s=int(timeout),
        detection=detection,
        fallback_url=said.get("FallbackUrl", ""),
        listeners=(listener,) if callback else (),
    )


def read_update(form: Form, may_call: Callable[[str], bool]) -> Update | Refusal:
    """What a form does to a call, or Twilio's objection."""
    said = dict(form)
    status = said.get("Status", "")
    if status and status not in (COMPLETED, CANCELED):
        return Refusal(21218, f"Status={status}")
    if status:
        return Update(status=status)
    objection = _about_source(said, may_call)
    return objection if objection is not None else Update(source=_source(said))


def _about_numbers(to: str, caller: str, owned: Collection[str]) -> Refusal | None:
    if not to:
        return Refusal(21201)
    if emergency(to):
        return Refusal(21214, to)
    if not caller:
        return Refusal(21213)
    if not E164.fullmatch(to) and not SIP.fullmatch(to):
        return Refusal(21217, to)
    if not reachable(to):
        return Refusal(21215, to)
    if caller == to:
        return Refusal(21266, to)
    return None if caller in owned else Refusal(21210, caller)


def _about_source(said: dict[str, str], may_call: Callable[[str], bool]) -> Refusal | None:
    if not said.get("Url") and not said.get("Twiml"):
        return Refusal(21205, "")
    if said.get("Url") and not may_call(said["Url"]):
        return Refusal(21205, said["Url"])
    if said.get("Method", "POST") not in ("GET", "POST"):
        return Refusal(21206, said["Method"])
    return None


def _about_urls(said: dict[str, str], may_call: Callable[[str], bool]) -> Refusal | None:
    for name in ("StatusCallback", "FallbackUrl"):
        if said.get(name) and not may_call(said[name]):
            return Refusal(21609 if name == "StatusCallback" else 21205, said[name])
    if said.get("StatusCallbackMethod", "POST") not in ("GET", "POST"):
        return Refusal(21206, said["StatusCallbackMethod"])
    return None


def _source(said: dict[str, str]) -> Source:
    if said.get("Url"):
        return Source(url=said["Url"], method=said.get("Method", "POST"))
    return Source(twiml=said["Twiml"])
