"""What a line of the carrier's log looks like on a phone and on the wire view beside it."""

from collections.abc import Mapping
from typing import Any, Final

from channels.simulator.messages import FAILURES
from channels.simulator.phones import Handset
from channels.simulator.refusals import REASONS
from channels.text import GSM_7, measure, split

BOX: Final = "\u25a1"
# Twilio's codes in the words of somebody watching.
MEANINGS: Final = {
    21610: "this phone has said STOP",
    30003: "switched off or out of coverage",
    30005: "no such handset any more",
    30006: "a landline takes no texts",
    30007: "taken for spam on the way",
    30036: "too old by the time its turn came",
}


def phone_number(entry: Mapping[str, Any]) -> str:
    """The resident's number in a line of the log."""
    return str(entry["from"] if entry["event"] == "inbound" else entry["to"])


def seen(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A line of sms.jsonl for the page. Of a report only the new status; else also the size of the text, and `views`: by kind
    of handset the bubbles it shows, in the order it shows them."""
    code = entry["code"]
    told = {
        "seq": entry["seq"],
        "at": entry["at"],
        "event": entry["event"],
        "phone": phone_number(entry),
        "sid": entry["sid"],
        "status": entry["status"],
        "code": code,
        "meaning": "" if code is None else meaning(code),
        "cause": entry["cause"],
    }
    if entry["event"] == "report":
        return told
    size = measure(entry["body"])
    return told | {
        "body": entry["body"],
        "encoding": size.encoding.value,
        "units": size.units,
        "parts": size.parts,
        "views": views(entry["body"]),
    }


def views(body: str) -> dict[str, list[str]]:
    """What each kind of handset shows of a text that arrived."""
    return {
        Handset.SMART.value: [body],
        Handset.GSM.value: ["".join(letter if letter in GSM_7 else BOX for letter in body)],
        Handset.SHUFFLED.value: list(reversed(split(body))) or [body],
    }


def meaning(code: int) -> str:
    """A provider's code in words."""
    if code in MEANINGS:
        return MEANINGS[code]
    return FAILURES.get(code) or (REASONS[code][1].format("of this text") if code in REASONS else "refused")
