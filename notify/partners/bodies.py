"""What a webhook gets to read: our own document, which points at the CAP message, or a message for Slack or Teams. Pure.

docs/webhooks.md describes every field. Words of alerts stand where nothing reads mark-up in them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from notify.alerts.alert import Event, Info, Mode, Stage
from notify.partners.webhook import Kind, Reality, Shape, reality
from notify.publishing.site import Site

SCHEMA: Final = "tocsin-webhook-1"
SLACK_TITLE: Final = 150  # Slack's limits, in characters
SLACK_TEXT: Final = 3000
CARD: Final = "application/vnd.microsoft.card.adaptive"
SAYS: Final = {
    Stage.FIRST: "Alert",
    Stage.UPDATE: "Update",
    Stage.CORRECTION: "Correction",
    Stage.ALL_CLEAR: "All clear",
    Stage.FALSE_ALARM: "False alarm",
    Stage.TEST: "Test",
    Stage.RENEWAL: "Still in force",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """Which posting this is."""

    webhook_id: str
    seq: int
    message_id: str
    planned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A posting in plain words, for people: title, lines, and a link (its text and address), where there is one."""

    title: str
    lines: tuple[str, ...]
    link: tuple[str, str] | None = None


def made(kind: Kind, shape: Shape, numbered: Numbered, site: Site, event: Event | None = None, code: str = "") -> bytes:
    """The body of one posting. event: of an alert, or the one that ended; code: of a challenge."""
    if shape is Shape.JSON:
        document = _head(kind, numbered, site) | (_of_event(kind, event, site) if event else _plain(kind, code))
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    said = _said(kind, numbered, site, event, code)
    message = _slack(said) if shape is Shape.SLACK else _teams(said)
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _head(kind: Kind, numbered: Numbered, site: Site) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "type": kind.value,
        "id": numbered.message_id,
        "webhook": numbered.webhook_id,
        "sequence": numbered.seq,
        "planned": numbered.planned_at.isoformat(),
        "publisher": site.publisher,
        "mode": site.mode.value,
    }


def _plain(kind: Kind, code: str) -> dict[str, Any]:
    return {"challenge": code} if kind is Kind.CHALLENGE else {"test": True}


def _of_event(kind: Kind, event: Event, site: Site) -> dict[str, Any]:
    info = english(event)
    known = {
        "test": reality(event) is Reality.TEST,
        "incident": event.incident_id,
        "alert": event.event_id,
        "stage": event.stage.value,
        "hazard": event.hazard,
        "cap": {
            "url": site.url(site.cap(event.identifier)),
            "identifier": event.identifier,
            "sender": event.sender,
            "sent": site.local(event.sent).replace(microsecond=0).isoformat(),
            "msgType": event.msg_type.value,
            "status": "Exercise" if event.mode is Mode.TRAINING else "Test" if reality(event) is Reality.TEST else "Actual",
            "references": [reference.identifier for reference in event.references],
            "responseType": event.response_type,
            "urgency": event.urgency.value,
            "severity": event.severity.value,
            "certainty": event.certainty.value,
            "expires": site.local(event.expires).replace(microsecond=0).isoformat(),
        },
        "page": event.web,
        "areas": [area.name for area in event.areas],
        "languages": sorted({one.language for one in event.infos}),
        "headline": info.headline,
        "instruction": info.instruction,
    }
    return known | ({"ended": "expired"} if kind is Kind.ENDED else {})


def english(event: Event) -> Info:
    """The English words of an event, which every event has."""
    return next((info for info in event.infos if info.language.lower().startswith("en")), event.infos[0])


def _said(kind: Kind, numbered: Numbered, site: Site, event: Event | None, code: str) -> Said:
    number = f"Message {numbered.seq} from {site.publisher}, as {numbered.webhook_id}."
    if kind is Kind.CHALLENGE:
        asks = f"Code {code}: whoever set this up types it in at {site.publisher}. Until then no alert comes here."
        return Said(title=f"{site.publisher} wants to send alerts here", lines=(asks,))
    if event is None:
        return Said(title=f"TEST: this is how alerts of {site.publisher} come", lines=("Nobody has to do anything.", number))
    info, where = english(event), ", ".join(area.name for area in event.areas)
    says = "Expired, nothing was said since" if kind is Kind.ENDED else SAYS[event.stage]
    until = f"Until {site.local(event.expires):%Y-%m-%d %H:%M %Z}" if not event.until_cleared else "Until it is said to be over"
    facts = f"{event.severity.value}. {where}. {until}."
    lines = (f"{says}.", facts, info.description, info.instruction, number)
    return Said(
        title=f"{_mark(event)}{info.headline}",
        lines=tuple(line for line in lines if line),
        link=("Everything about it, and what has become of it", event.web),
    )


def _mark(event: Event) -> str:
    """What nobody may overlook."""
    if event.mode is Mode.DEMO:
        return "DEMO: "
    if event.mode is Mode.TRAINING:
        return "EXERCISE: "
    return "TEST: " if reality(event) is Reality.TEST else ""


def _slack(said: Said) -> Mapping[str, Any]:
    """Blocks of plain text alone: in mark-up, words could call a whole channel."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _words(said.title, SLACK_TITLE)}]
    blocks += [{"type": "section", "text": _words(line, SLACK_TEXT)} for line in said.lines]
    if said.link is not None:
        button = {"type": "button", "text": _words(said.link[0], 75), "url": said.link[1]}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": _escaped(said.title), "blocks": blocks}


def _words(text: str, most: int) -> dict[str, Any]:
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return {"type": "plain_text", "text": cut, "emoji": False}


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text: the three letters that begin mark-up."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(said: Said) -> Mapping[str, Any]:
    """An Adaptive Card of text runs, in which nothing is mark-up."""
    body = [_run(said.title, weight="Bolder", size="Large"), *(_run(line) for line in said.lines)]
    card: dict[str, Any] = {"type": "AdaptiveCard", "version": "1.4", "body": body}
    if said.link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": said.link[0], "url": said.link[1]}]
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
