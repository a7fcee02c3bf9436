"""The lines of the two logs, the outside truth that a send is checked against.

sms.jsonl    accepted: a create was accepted. refused: it was not, and was told so. dropped: it was not, and nobody was told.
             report: the message's status changed (told or not). inbound: a resident wrote. reply: a text in answer to that.
smtp.jsonl   one line for each recipient. accepted: the mail was taken. refused: it was not, under `code`. dropped: it was
             not, and the connection broke.
`cause` names the fault that acted, as it is called in faults.py; of a reply it is "carrier" when the gateway itself
answered a STOP, START or HELP. "" otherwise.
"""

from datetime import UTC, datetime
from typing import Any

from channels.simulator.messages import Change


def sms_line(event: str, at: float, cause: str, **known: Any) -> dict[str, Any]:
    """A line with every key; what is not known is empty. `at` is in seconds since 1970."""
    return {
        "at": iso(at),
        "event": event,
        "sid": "",
        "to": "",
        "from": "",
        "body": "",
        "num_segments": 0,
        "status": "",
        "code": None,
        "cause": cause,
    } | known


def message_line(event: str, change: Change, cause: str = "") -> dict[str, Any]:
    message = change.message
    return {
        "at": iso(change.at),
        "event": event,
        "sid": message.sid,
        "to": message.to,
        "from": message.sender,
        "body": "" if event == "report" else message.body,  # said once, when it was accepted
        "num_segments": message.segments,
        "status": change.status,
        "code": change.code,
        "cause": cause,
    }


def mail_line(event: str, at: float, rcpt: str, code: int | None, cause: str = "") -> dict[str, Any]:
    """A line for one recipient; of an accepted mail `message_id`, `subject` and `bytes` are filled in by the caller."""
    return {
        "at": iso(at),
        "event": event,
        "message_id": "",
        "rcpt": rcpt,
        "subject": "",
        "bytes": 0,
        "code": code,
        "cause": cause,
    }


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
