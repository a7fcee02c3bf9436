"""The same alert for other mouths: what a county pastes into a Wireless Emergency Alert, what a road sign shows, what is
posted, read out and handed to the press. From the frozen event alone, so that no two of them can disagree. Pure, English.

Wireless Emergency Alerts: 90 and 360 characters of the GSM 7-bit alphabet (47 CFR 10.430, 10.441; CAP parameters CMAMtext and
CMAMlongtext). A city does not send them; the county, or the state, does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from channels.text import Encoding, measure, sanitise
from notify.alerts.alert import Event, Info, Page
from notify.wording.translations import info_for, page_for

SIGN_LINES: Final = 3
SIGN_LETTERS: Final = 16  # a common portable sign
POST: Final = 280
MARGIN: Final = 23  # what a link counts as in a post
ADDRESS: Final = re.compile(r"\S*\.(?:gov|org|com|net)\S*", re.ASCII)
NUMBER: Final = re.compile(r"[0-9][0-9-]{2,10}", re.ASCII)
REPLY: Final = re.compile(r"^(Reply|Text) .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One form. limit: most characters, 0 for any. problem: why it cannot be used as it is, "" when it can."""

    name: str
    text: str
    limit: int = 0
    problem: str = ""


def pack(event: Event) -> list[Copy]:
    info, page = info_for(event, "en"), page_for(event, "en")
    message = _message(event, info)
    return [
        _wireless("WEA, 90 characters", 90, _short(event, info)),
        _wireless("WEA, 360 characters", 360, [message, _spoken(message), f"{info.headline}. {info.instruction}"]),
        Copy(name="Social post", text=_post(event, message), limit=POST),
        Copy(name="Road sign", text="\n".join(_sign(event, info)), limit=SIGN_LINES * (SIGN_LETTERS + 1) - 1),
        Copy(name="To be read out", text=_spoken(message)),
        Copy(name="For the press", text="\n\n".join(_press(event, page))),
    ]


def _message(event: Event, info: Info) -> str:
    """The text message as it left, without what only a phone that got it can do."""
    found = [content.body for key, content in event.contents.items() if key.startswith("sms/") and key.endswith("/en")]
    body = found[0] if found else f"{event.sender_name}: {info.headline}. {info.instruction}"
    return REPLY.sub("", body).strip()


def _short(event: Event, info: Info) -> Sequence[str]:
    """Ever shorter ways to say it."""
    address = event.web.removeprefix("https://").removeprefix("http://")
    places = ", ".join(area.name for area in event.areas)
    headline = info.headline.rstrip(".")
    return [
        f"{headline}. {places}. {address}",
        f"{headline}. {address}",
        f"{info.event}. {places}. {address}",
        f"{info.event}. {address}",
        f"{info.event}. {places}",
        info.event,
    ]


def _wireless(name: str, limit: int, ways: Sequence[str]) -> Copy:
    """The first way that fits; the last one with its problem when none does."""
    plain = [" ".join(sanitise(way).text.split()) for way in ways]
    for text in plain:
        if len(text) <= limit and measure(text).encoding is Encoding.GSM_7:
            return Copy(name=name, text=text, limit=limit)
    return Copy(name=name, text=plain[-1], limit=limit, problem="Shorten it, and use plain letters only, before you paste it.")


def _post(event: Event, message: str) -> str:
    """The message and the page's address; cut at a sentence where it is too long."""
    body = " ".join(ADDRESS.sub("", message).split())
    room = POST - MARGIN - 1
    while len(body) > room and ". " in body:
        body = body.rpartition(". ")[0] + "."
    return f"{body[:room].rstrip()} {event.web}"


def _sign(event: Event, info: Info) -> Iterator[str]:
    """Up to three lines of sixteen capitals: what, where, whom to ask. A word that does not fit is left out, never cut."""
    places = event.areas[0].name if len(event.areas) == 1 else "SEE PAGE"
    lines = _wrapped(info.event.upper(), SIGN_LINES - 1) + _wrapped(places.upper(), 1)
    yield from lines[: SIGN_LINES - 1]
    number = NUMBER.search(event.contact)
    if number:
        yield f"CALL {number[0]}"


def _wrapped(text: str, most: int) -> list[str]:
    lines: list[str] = []
    for word in re.findall(r"[A-Z0-9'-]+", text):
        if lines and len(lines[-1]) + 1 + len(word) <= SIGN_LETTERS:
            lines[-1] += f" {word}"
        elif len(word) <= SIGN_LETTERS:
            lines.append(word)
    return lines[:most]


def _spoken(message: str) -> str:
    return " ".join(ADDRESS.sub("", message).split())


def _press(event: Event, page: Page) -> Iterator[str]:
    yield f"{event.sender_name}\n{page.title}"
    yield page.lead
    yield from page.paragraphs
    if page.steps:
        yield "\n".join(f"{number}. {step}" for number, step in enumerate(page.steps, 1))
    yield from (f"{question} {answer}" for question, answer in page.facts)
    yield f"{event.web}\n{event.contact}"
