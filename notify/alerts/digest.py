"""What an approval is bound to: a SHA-256 over all an Event says, where, in which mode and over which channels."""

import hashlib
import json
from dataclasses import replace

from notify.alerts.alert import Event, to_json

_IDENTITY = ("identifier", "sent", "references", "digest")  # fixed at the moment of approval, so not part of what is approved
# What came later than the first approvals: left out while it says nothing, so that what was approved before it still is.
_LATER = {"slows": False, "asl_video": ""}


def digest(event: Event) -> str:
    """64 hex digits; equal for equal content, whenever and wherever it is computed."""
    content = json.loads(to_json(replace(event, digest="")))
    for name in _IDENTITY:
        del content[name]
    content = {name: value for name, value in content.items() if name not in _LATER or value != _LATER[name]}
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def short(digest: str) -> str:
    """How a digest is read aloud or shown: its first 12 digits in threes."""
    return "-".join(digest[place : place + 3] for place in range(0, 12, 3))
