"""What a gateway is like, from its TOML file (docs/gateway.md), and everything wrong with such a file. Pure but for `load`."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

PLACEHOLDERS: Final = ("to", "from", "text", "ref", "report_url", "valid_for_s")
NEEDED: Final = ("to", "text", "ref")  # without them nobody gets the text, or no report finds its row
SECRET: Final = "secret"
BRACED: Final = re.compile(r"\{([^{}]*)\}")
NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
TAKEN: Final = ("twilio", "twilio2", "relay", "relay2")  # names of other routes
HEADER: Final = re.compile(r"[A-Za-z0-9-]+")
NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 ]{3,11}")
ANY_CODE: Final = "*"
# Every table of the file: its keys, with the kind of value each has.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "accepted": {"status": "statuses", "id": "path"},
    "refused": {"status": "statuses", "code": "path", "codes": "words", "opted_out": "words"},
    "throttled": {"status": "statuses"},
    "denied": {"status": "statuses"},
    "report": {
        "ref": "path",
        "id": "path",
        "status": "path",
        "code": "path",
        "delivered": "words",
        "failed": "words",
        "opted_out": "words",
        "signature_header": "header",
    },
}
INBOUND: Final = {"from": "path", "to": "path", "text": "path", "id": "path", "signature_header": "header"}
OPTIONAL: Final = {("refused", "opted_out"), ("report", "opted_out"), ("report", "code"), ("report", "id")}
TOP: Final = ("name", "url", "numbers", "timeout_s", "connections", "headers", "body", *TABLES, "inbound")
KINDS: Final = {
    "statuses": "a list of HTTP statuses",
    "path": 'where it stands in the answer, such as "data.0.id"',
    "words": "a list of words",
    "header": "the name of a header",
}


class BadDescription(Exception):
    """`problems`: everything wrong with the file, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Who a text is from. rate: segments a second; urgent: kept for Extreme alerts."""

    number: str
    rate: float
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """tables: of answers and reports, as in TABLES. inbound: of residents' texts, as in INBOUND; None where none are handed on.
    body: JSON with placeholders. timeout_s: for a whole call."""

    name: str
    url: str
    numbers: tuple[Number, ...]
    body: Any
    tables: Mapping[str, Mapping[str, Any]]
    inbound: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 10.0
    connections: int = 50


def load(file: Path) -> Description:
    """Raises BadDescription."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadDescription([f"{file} cannot be read: {error.strerror}."]) from None
    except ValueError as error:  # no UTF-8, or no TOML
        raise BadDescription([f"{file} is no TOML: {error}."]) from None
    return read(raw)


def read(raw: Mapping[str, Any]) -> Description:
    """Raises BadDescription with every problem at once."""
    if found := list(problems(raw)):
        raise BadDescription(found)
    return Description(
        name=raw["name"],
        url=raw["url"],
        numbers=tuple(Number(**one) for one in raw["numbers"]),
        body=raw["body"],
        tables={name: raw[name] for name in TABLES},
        inbound=raw.get("inbound"),
        headers=raw.get("headers", {}),
        timeout_s=float(raw.get("timeout_s", 10.0)),
        connections=raw.get("connections", 50),
    )


def misfits(described: Description, *, live: bool) -> list[str]:
    """Why a gateway may not be used by a live instance, or by one that is for practice, as sentences."""
    url = urlsplit(described.url)
    try:
        here = url.hostname == "localhost" or ip_address(url.hostname or "").is_loopback
    except ValueError:
        here = False
    if not live:
        return [] if here else ["url must be a simulator on this machine unless the mode is live."]
    found = ["url is on this machine: mode live refuses a simulator."] if here else []
    if url.scheme != "https":
        found.append("url must begin with https:// in mode live: texts and numbers would cross the network in clear.")
    numbers = [one.number for one in described.numbers if one.number[-7:-4] == "555"]
    return found + [f"numbers: {number} lies in exchange 555, which mode live refuses." for number in numbers]


def problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """Everything wrong with a description, as sentences that name the place."""
    yield from (f"{name} is not a part of a gateway; known: {', '.join(TOP)}." for name in sorted(set(raw) - set(TOP)))
    name = raw.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN:
        yield f"name must be a short word in small letters, and none of {', '.join(TAKEN)}: it stands in the ledger."
    url = raw.get("url")
    if not isinstance(url, str) or not re.fullmatch(r"https?://[!-~]+", url) or not urlsplit(url).hostname:
        yield "url must begin with https:// or http:// and hold no spaces."
    yield from _number_problems(raw.get("numbers"))
    for key, most in (("timeout_s", 60), ("connections", 1000)):
        value = raw.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            yield f"{key} must be a number above 0 and at most {most}."
    if not isinstance(raw.get("connections", 1), int):
        yield "connections must be a whole number."
    yield from _header_problems(raw.get("headers", {}))
    yield from _body_problems(raw.get("body"))
    for table, keys in TABLES.items():
        yield from _table_problems(table, keys, raw.get(table))
    if "inbound" in raw:
        yield from _table_problems("inbound", INBOUND, raw["inbound"])
    yield from _overlaps(raw)


def _number_problems(numbers: Any) -> Iterator[str]:
    if not isinstance(numbers, list) or not numbers:
        yield 'numbers must list at least one sender: [[numbers]] with number = "+1..." and rate = 10.'
        return
    for place, one in enumerate(numbers, 1):
        if not isinstance(one, dict) or set(one) - {"number", "rate", "urgent"}:
            yield f"numbers, entry {place}: it has number, rate and urgent only."
            continue
        if not isinstance(one.get("number"), str) or not NUMBER.fullmatch(one["number"]):
            yield f"numbers, entry {place}: number must be E.164, a short code or a name of at most 11 letters."
        rate = one.get("rate")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
            yield f"numbers, entry {place}: rate must be above 0 segments a second."
        if not isinstance(one.get("urgent", False), bool):
            yield f"numbers, entry {place}: urgent must be true or false."


def _header_problems(headers: Any) -> Iterator[str]:
    if not isinstance(headers, dict):
        yield "headers must be a table of names and values."
        return
    for name, value in headers.items():
        if not HEADER.fullmatch(name) or name.lower() in ("content-type", "content-length", "host"):
            yield f"headers: {name} cannot be set."
        if not isinstance(value, str) or not re.fullmatch(r"[ -~]*", value):
            yield f"headers, {name}: the value must be one line of plain letters."
        elif unknown := set(BRACED.findall(value)) - {SECRET}:
            yield f"headers, {name}: only {{secret}} may stand there, not {{{sorted(unknown)[0]}}}."


def leaves(body: Any) -> Iterator[Any]:
    """Every value of a JSON document that holds no others."""
    if isinstance(body, dict | list):
        for one in body.values() if isinstance(body, dict) else body:
            yield from leaves(one)
    else:
        yield body


def _body_problems(body: Any) -> Iterator[str]:
    if not isinstance(body, dict) or not body:
        yield "body must be a table: the JSON that is posted, with placeholders in its texts."
        return
    if any(not isinstance(one, str | int | float | bool) for one in leaves(body)):
        yield "body holds dates or times; write them as texts."
    found = {name for one in leaves(body) if isinstance(one, str) for name in BRACED.findall(one)}
    yield from (
        f"body: {{{name}}} is no placeholder; known: {', '.join(PLACEHOLDERS)}." for name in sorted(found - set(PLACEHOLDERS))
    )
    yield from (f"body: {{{name}}} is missing." for name in NEEDED if name not in found)


def _table_problems(table: str, keys: Mapping[str, str], given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"[{table}] is missing."
        return
    yield from (f"[{table}]: {name} is not known; known: {', '.join(keys)}." for name in sorted(set(given) - set(keys)))
    for key, kind in keys.items():
        if key not in given:
            if (table, key) not in OPTIONAL:
                yield f"[{table}]: {key} is missing; it is {KINDS[kind]}."
        elif not _fits(given[key], kind):
            yield f"[{table}]: {key} must be {KINDS[kind]}."


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "statuses":
            codes = isinstance(value, list) and value
            return bool(codes) and all(type(one) is int and 200 <= one <= 599 for one in value)
        case "words":
            return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
        case "header":
            return isinstance(value, str) and HEADER.fullmatch(value) is not None
        case _:
            return isinstance(value, str) and bool(value) and all(value.split("."))


def _overlaps(raw: Mapping[str, Any]) -> Iterator[str]:
    """An answer must mean one thing, and an error of the server's own never proves that a text was not taken."""
    seen: dict[int, str] = {}
    for table in ("accepted", "refused", "throttled", "denied"):
        given = raw.get(table)
        statuses = given.get("status") if isinstance(given, dict) else None
        for status in statuses if isinstance(statuses, list) and _fits(statuses, "statuses") else ():
            if status in seen:
                yield f"HTTP {status} stands in [{seen[status]}] and in [{table}]: it can mean one thing only."
            seen[status] = table
            if table == "accepted" and not 200 <= status < 300:
                yield f"[accepted]: HTTP {status} accepts nothing."
            elif table != "accepted" and not 400 <= status < 500 and (table, status) != ("throttled", 503):
                yield f"[{table}]: HTTP {status} does not prove that a text was not taken."
