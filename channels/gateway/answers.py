"""What a gateway's answer and its reports mean, by its description. Pure.

accepted    with its id: Handed; without one: Unknown
refused     with a code that is listed: Refused; with another: Retry, for it may be our fault and not the person's
throttled   Retry after what Retry-After says; the sender pauses
denied      the gateway does not know us: the sender stops
all else    400 to 499 but 408: Retry, the sender pauses; any other: Unknown
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from channels.base import (
    Delivered,
    Forged,
    Handed,
    Heard,
    Inbound,
    Misconfigured,
    Outcome,
    Receipt,
    Refused,
    Retry,
    Undelivered,
    Unknown,
    Unreadable,
)
from channels.gateway.description import ANY_CODE, BRACED, SECRET, Description
from channels.twilio_codes import AGAIN, pause

ODD: Final = timedelta(seconds=30)  # a refusal that nobody has explained to us is tried again after this
LONGEST: Final = 200  # letters of a provider's code or id that are kept
LONGEST_TEXT: Final = 4_000  # of a resident's text: more than any telephone sends


def filled(template: Any, values: Mapping[str, str | int]) -> Any:
    """A JSON document with its placeholders filled in, each text once: nothing in a value is read as a placeholder. A text that
    is one placeholder and nothing else becomes its value, so that a number stays one."""
    match template:
        case dict():
            return {name: filled(one, values) for name, one in template.items()}
        case list():
            return [filled(one, values) for one in template]
        case str():
            whole = BRACED.fullmatch(template)
            if whole and whole[1] in values:
                return values[whole[1]]
            return BRACED.sub(lambda found: str(values.get(found[1], found[0])), template)
    return template


def headers(description: Description, secret: str) -> dict[str, str]:
    return {name: filled(value, {SECRET: secret}) for name, value in description.headers.items()}


def at(document: Any, path: str, most: int = LONGEST) -> str:
    """What stands at a path of a JSON document, as text; "" when nothing does. Not more than `most` letters of it."""
    for step in path.split("."):
        if isinstance(document, list) and step.isdecimal() and int(step[:6]) < len(document):
            document = document[int(step[:6])]
        elif isinstance(document, dict):
            document = document.get(step)
        else:
            return ""
    return str(document)[:most] if isinstance(document, str | int) and not isinstance(document, bool) else ""


def meant(description: Description, status: int, body: bytes, retry_after: str) -> Outcome | Misconfigured:
    """What an answer means for the message it is about."""
    tables, document = description.tables, _json(body)
    if status in tables["accepted"]["status"]:
        provider_id = at(document, tables["accepted"]["id"])
        return Handed(provider_id) if provider_id else Unknown("unreadable answer")
    if status in tables["denied"]["status"]:
        return Misconfigured(f"Gateway {description.name} does not let us in (HTTP {status}): check TOCSIN_GATEWAY_SECRET.")
    if status in tables["throttled"]["status"]:
        return Retry(pause(retry_after, AGAIN), f"HTTP {status}", pause_sender=True)
    if status in tables["refused"]["status"]:
        code = at(document, tables["refused"]["code"])
        if code in tables["refused"].get("opted_out", ()):
            return Refused(code, "The person has opted out with the gateway.", opted_out=True)
        if code and {code, ANY_CODE} & set(tables["refused"]["codes"]):
            return Refused(code, f"Gateway {description.name} refused it.")
        return Retry(ODD, f"refused with {code or 'no code'}")
    if 400 <= status < 500 and status != 408:
        return Retry(AGAIN, f"HTTP {status}", pause_sender=True)
    return Unknown(f"HTTP {status}")


def report(description: Description, key: str, request: Inbound) -> Sequence[Receipt]:
    """The Receipt of a status report: a JSON document, signed as HMAC-SHA256 of its bytes in hexadecimal. The delivery is read
    from what is signed, never from the address. Raises Forged."""
    table = description.tables["report"]
    document = _signed(table["signature_header"], key, request)
    ref, status = at(document, table["ref"]), at(document, table["status"])
    if not (ref.isascii() and ref.isdecimal() and len(ref) <= 18 and status):
        return ()
    provider_id = at(document, table.get("id", ""))
    return [Receipt(int(ref), _standing(table, document, status, provider_id), provider_id)]


def text(description: Description, table: Mapping[str, str], key: str, request: Inbound) -> Heard:
    """A resident's text: a JSON document, signed as reports are. table: as in INBOUND. Raises Forged, Unreadable."""
    document = _signed(table["signature_header"], key, request)
    said = {name: at(document, table[name], LONGEST_TEXT) for name in ("from", "to", "text", "id")}
    wrong = [f"{name}: nothing stands at {table[name]}." for name, value in said.items() if not value and name != "text"]
    ours = [one.number for one in description.numbers]
    if said["to"] and said["to"] not in ours:
        wrong.append(f"to: {said['to'][:LONGEST]!r} at {table['to']} is none of this gateway's numbers ({', '.join(ours)}).")
    if wrong:
        raise Unreadable(" ".join(wrong))
    provider_id = f"{description.name}:{said['id'][:LONGEST]}"  # no other provider's ids are like it
    return Heard(provider_id=provider_id, address=said["from"], ours=said["to"], text=said["text"], in_reply=False)


def _signed(header: str, key: str, request: Inbound) -> Any:
    """The JSON document of a request that is signed as HMAC-SHA256 of its bytes in hexadecimal. Raises Forged."""
    given = next((value for name, value in request.headers.items() if name.lower() == header.lower()), "")
    right = hmac.new(key.encode(), request.body, "sha256").hexdigest()
    if not key or not hmac.compare_digest(given.strip().lower().encode(), right.encode()):
        raise Forged(f"{header} is missing or wrong.")
    return _json(request.body)


def _standing(table: Mapping[str, Any], document: Any, status: str, provider_id: str) -> Outcome:
    """What a status says. One that is not listed still proves that the gateway has the text."""
    if status in table["delivered"]:
        return Delivered()
    if status not in table["failed"]:
        return Handed(provider_id)
    code = at(document, table.get("code", "")) or status
    return Undelivered(code, "The gateway could not deliver it.", opted_out=code in table.get("opted_out", ()))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
