"""Rebuilds the gateway's memory from its log, so that a restart forgets no text it accepted and no STOP."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from channels.simulator.carrier import Carrier
from channels.simulator.drafts import LONGEST_VALIDITY_S, weighed
from channels.simulator.inbound import Keyword, keyword
from channels.simulator.messages import INBOUND, OUTBOUND, REPLY, Message

_DIRECTIONS = {"accepted": OUTBOUND, "reply": REPLY, "inbound": INBOUND}


def restore(carrier: Carrier, entries: Iterable[Mapping[str, Any]], now: float) -> None:
    """Reads a log, oldest entry first, into a carrier still empty.

    Texts that were under way go on from where they stood, as of now. The log holds no callback URLs, so nobody is told
    of them: whoever waits for such a report has to ask.
    """
    for entry in entries:
        at = datetime.fromisoformat(entry["at"]).timestamp()
        if entry["event"] in _DIRECTIONS:
            carrier.archive.add(_message(entry, at))
        elif entry["event"] == "report":
            _advance(carrier, entry, at)
        if entry["event"] == "inbound":
            obey(carrier, entry["to"], entry["from"], entry["body"])
    for message in carrier.archive.unsettled():
        carrier.resume(message, now)


def obey(carrier: Carrier, sender: str, phone: str, body: str) -> Keyword | None:
    """Does at once what STOP and START ask for; returns the keyword the text was."""
    word = keyword(body)
    if word is Keyword.STOP:
        carrier.opted_out.add((sender, phone))
    elif word is Keyword.START:
        carrier.opted_out.discard((sender, phone))
    return word


def _message(entry: Mapping[str, Any], at: float) -> Message:
    return Message(
        sid=entry["sid"],
        sender=entry["from"],
        to=entry["to"],
        body=weighed(entry["body"])[0],
        segments=entry["num_segments"],
        direction=_DIRECTIONS[entry["event"]],
        status=entry["status"],
        created_at=at,
        updated_at=at,
        expires_at=at + LONGEST_VALIDITY_S,
    )


def _advance(carrier: Carrier, entry: Mapping[str, Any], at: float) -> None:
    message = carrier.archive.get(entry["sid"])
    if message is None:
        return
    message.status, message.code, message.updated_at = entry["status"], entry["code"], at
    if message.status == "sent":
        message.sent_at = at
