"""Which version of an alert a request is about: ETag and If-Match (RFC 9110, 13.1.1), and what has changed where it is not the
one of now. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from notify.alerts.draft import Draft
from notify.tables import AlertRow
from notify.web.answers import Problem

_TAGS: Final = re.compile(r'\s*(W/)?"([!#-~\x80-\xff]*)"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Seen:
    """The versions that a request may be about; None: whichever there is."""

    versions: frozenset[str] | None


def tag(version: int) -> str:
    """The entity tag: of what an alert says and where it stands. Counts and clocks beside it move on under the same tag."""
    return f'"{version}"'


def asked(header: str | None) -> Seen | None:
    """What If-Match names, None when it was not sent. Raises Problem. Weak tags match nothing, as the standard has it."""
    if header is None:
        return None
    if header.strip() == "*":
        return Seen(None)
    found, end = set(), 0
    while end < len(header) and (one := _TAGS.match(header, end)):
        found |= set() if one[1] else {one[2]}
        end = one.end()
    if end < len(header) or not header.strip():
        raise Problem(400, "If-Match cannot be read.", ['It is the ETag of the alert as you read it, like "3", or *.'])
    return Seen(frozenset(found))


def check(seen: Seen | None, row: AlertRow, given: Draft | None = None) -> None:
    """Raises Problem 412 unless the alert is as it was seen, naming who changed it and, against what is given now, where it
    differs."""
    if seen is None or seen.versions is None or str(row.version) in seen.versions:
        return
    found = list(differences(Draft.model_validate_json(row.content), given)) if given is not None else []
    sentence = (
        f"{row.alert_id} is {row.status} now, version {row.version}, changed at {row.changed_at:%H:%M:%S} UTC; "
        f"its words are {row.last_editor}'s."
    )
    fields = [f"It differs from what you sent in {', '.join(one['field'] for one in found)}."] if found else []
    current = {
        "version": row.version,
        "status": row.status,
        "last_editor": row.last_editor,
        "changed_at": row.changed_at.isoformat(),
    }
    problem = Problem(412, "It was changed since you read it.", [sentence, *fields], current=current, differences=found)
    problem.headers["ETag"] = tag(row.version)
    raise problem


def demand(seen: Seen | None) -> Seen:
    """Raises Problem 428 (RFC 6585): nobody writes over what they may not have read."""
    if seen is None:
        sentence = "Send If-Match with the ETag of the alert as you read it, or * to write over whatever is there."
        raise Problem(428, "Which version do you change?", [sentence])
    return seen


def differences(theirs: Draft, yours: Draft) -> Iterator[dict[str, Any]]:
    """Every field that two drafts do not agree on; slots one by one."""
    ours, others = yours.model_dump(mode="json"), theirs.model_dump(mode="json")
    pairs = [(name, others[name], ours[name]) for name in ours if name != "slots"]
    slots: Mapping[str, Any] = others["slots"]
    pairs += [(f"slots.{name}", slots.get(name), ours["slots"].get(name)) for name in sorted({*slots, *ours["slots"]})]
    for name, their, your in pairs:
        if their != your:
            yield {"field": name, "theirs": their, "yours": your}
