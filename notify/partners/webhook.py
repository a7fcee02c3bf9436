"""A webhook as its administrator decides it: where alerts go, in which shape, which of them, and how it may stand. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from notify.alerts.alert import Event, Mode, Severity, Stage

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
RANK: Final = {Severity.MINOR: 0, Severity.MODERATE: 1, Severity.SEVERE: 2, Severity.EXTREME: 3}


class Shape(StrEnum):
    """What a body looks like."""

    JSON = "json"  # our own document, which points at the CAP message
    SLACK = "slack"  # an incoming webhook of Slack: blocks
    TEAMS = "teams"  # a Workflows webhook of Microsoft Teams: an Adaptive Card


class State(StrEnum):
    ASKED = "asked"  # one administrator wants it; nothing is sent
    REFUSED = "refused"  # another one said no; final
    UNCONFIRMED = "unconfirmed"  # agreed; the address has not shown yet that it is the partner's
    ACTIVE = "active"
    SUSPENDED = "suspended"  # it failed for too long; what it misses is kept for it
    ENDED = "ended"  # by an administrator, or the address itself said that it is gone; final


class Kind(StrEnum):
    """What one posting is."""

    CHALLENGE = "challenge"  # the first: is this address the partner's?
    TEST = "test"  # a press of a button
    ALERT = "alert"  # one message of an incident
    ENDED = "ended"  # an alert has expired, and no message says so


class Standing(StrEnum):
    """Where one posting is. waiting -> taken | dropped; a replay leads back to waiting."""

    WAITING = "waiting"
    TAKEN = "taken"  # answered with 2xx
    DROPPED = "dropped"  # given up: the receiver refuses it, or it cannot be made


class Reality(StrEnum):
    ACTUAL = "actual"  # a real emergency
    TEST = "test"  # a test, or an exercise of a training instance


SENDING: Final = frozenset({State.UNCONFIRMED, State.ACTIVE})
KEPT_FOR: Final = frozenset({State.ACTIVE, State.SUSPENDED})  # alerts are planned for these


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an administrator asks for. hazards: keys of the catalogue, () for all."""

    webhook_id: str
    url: str
    shape: Shape
    hazards: tuple[str, ...] = ()
    least: Severity = Severity.MINOR
    realities: frozenset[Reality] = frozenset(Reality)


def problems(wanted: Wanted, hazards: Collection[str], taken: Collection[str]) -> list[str]:
    """Everything wrong with it but its address, as sentences. hazards: of the catalogue; taken: names that there were."""
    found = []
    if not NAME.fullmatch(wanted.webhook_id):
        found.append("The name must be 1 to 40 letters a to z, digits and hyphens, such as county-health.")
    elif wanted.webhook_id in taken:
        found.append(f"There is, or was, a webhook '{wanted.webhook_id}': choose another name.")
    found += [f"There is no hazard '{key}'." for key in wanted.hazards if key not in hazards]
    if not wanted.realities:
        found.append("Neither real alerts nor tests are chosen: nothing would ever be sent.")
    return found


def reality(event: Event) -> Reality:
    """As its CAP document says it: Actual, or Test and Exercise."""
    test = event.mode is Mode.TRAINING or event.stage is Stage.TEST or event.hazard == "test"
    return Reality.TEST if test else Reality.ACTUAL


def wants(event: Event, hazards: Sequence[str], least: Severity, realities: Collection[str]) -> bool:
    """Whether a webhook is for this event. Whoever got one message of an incident gets all that follow, whatever this says:
    an update that lowers the severity, or the all clear, is for whoever was told of the danger."""
    return (not hazards or event.hazard in hazards) and RANK[event.severity] >= RANK[least] and reality(event) in realities
