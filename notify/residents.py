"""The residents' side of a service: texts in, answers out, and whoever comes late told at once. Built here, wired in app.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from channels.base import Channel
from notify import city, data
from notify.alert import Event, Mode
from notify.city import City
from notify.clock import Clock
from notify.crowd import Crowd
from notify.db import Database
from notify.dispatch import Dispatcher
from notify.hazards import Hazard
from notify.inbox import Inbox
from notify.late import Latecomers
from notify.live import LiveAlerts
from notify.replies import PLAIN, Replies
from notify.reviews import Review
from notify.settings import Settings
from notify.site import Site
from notify.web.inbound import InboundTexts
from notify.words import Words
from notify.world import CityWorld, facts
from subscribers.address import Samples
from subscribers.dialog import lexicon
from subscribers.gazetteer.search import Gazetteer
from subscribers.sealing import Keyring

SAMPLES: Final = {Mode.LIVE: Samples.REFUSED, Mode.TRAINING: Samples.ALLOWED, Mode.DEMO: Samples.ONLY}


@dataclass(frozen=True, slots=True)
class Side:
    """What the residents' side is built from."""

    settings: Settings
    pack: City
    site: Site
    words: Words
    db: Database
    clock: Clock
    keys: Keyring
    crowd: Crowd
    hazards: Mapping[str, Hazard]
    event: Callable[[str], Event]
    channels: Mapping[str, Channel]


@dataclass(frozen=True, slots=True)
class Residents:
    """Its parts that others drive."""

    live: LiveAlerts
    latecomers: Latecomers
    inbox: Inbox
    inbound: InboundTexts


def build(side: Side, dispatchers: Sequence[Dispatcher], reviews: Sequence[Review]) -> Residents:
    settings = side.settings
    live = LiveAlerts(db=side.db, clock=side.clock, hazards=side.hazards, event=side.event)
    gazetteer = Gazetteer(city.aliases(city.find(settings.city, data.folder("city"))))
    plain = frozenset(PLAIN) if settings.sends_drafts else frozenset()  # no native reader has signed it yet
    known = facts(side.pack, side.site, plain)

    def world(conn: Connection) -> CityWorld:
        return CityWorld(known, side.site, live, gazetteer, conn)

    inbox = Inbox(
        db=side.db,
        clock=side.clock,
        keys=side.keys,
        lexicon=lexicon.load(data.folder("templates") / "dialog" / "vocabulary"),
        replies=Replies(side.words, reviews, allow_drafts=settings.sends_drafts),
        world=world,
        spend=partial(_spend, dispatchers),
    )
    wake = partial(_wake, dispatchers)
    return Residents(
        live=live,
        latecomers=Latecomers(side.db, side.clock, side.crowd, side.event, wake),
        inbox=inbox,
        inbound=InboundTexts(side.channels, inbox, settings.public_url, SAMPLES[settings.mode]),
    )


def _wake(dispatchers: Sequence[Dispatcher]) -> None:
    for one in dispatchers:
        one.wake()


def _spend(dispatchers: Sequence[Dispatcher], number: str, parts: int) -> None:
    """An answer leaves from the number that was texted, so it counts in that number's pace."""
    for one in dispatchers:
        if parts and one.sender.name == number:
            one.reserve(parts)
