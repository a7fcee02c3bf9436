"""Surge mode of one service, put together: what its city has, where words and facts come from, what follows from a switch."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from notify.alerts.alert import Mode
from notify.clock import Clock
from notify.db import Database
from notify.wording import sayings
from notify.wording.reviews import Review
from notify.wording.words import Words
from surge.pack import ANY_OTHER, Pack, Shape
from surge.scripts import sources
from surge.scripts.sources import AlertRecord, Spoken
from surge.switch.activate import Means, Switch
from surge.switch.control import Control, Outside
from surge.switch.publish import Publishing


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """What surge mode needs to know of a service. languages: of the city. allow_drafts: may read aloud what nobody has
    reviewed. heard: the languages in which the message of an activation can be heard; None: those that have a voice or a
    recording. lines: further lines that scripts may hand callers to, by name."""

    pack: Pack
    words: Words
    runbooks: Path
    languages: Sequence[str]
    mode: Mode
    reviews: Callable[[Connection], Collection[Review]]
    allow_drafts: bool
    needed: int = 1
    heard: Callable[[Connection, str], Collection[str]] | None = None
    lines: Mapping[str, str] = field(default_factory=dict)


def build(city: City, db: Database, clock: Clock, outside: Outside | None = None) -> Control:
    """outside: the floor, the pages to staff, the callbacks; None while there are none."""
    pack = city.pack

    def voiced(_conn: Connection, _activation_id: str) -> Collection[str]:
        return {*pack.voices, *pack.recordings}

    spoken_to = sorted(tag for tag in pack.digits.values() if tag != ANY_OTHER)
    means = Means(
        zone=pack.zone,
        required=("en", *spoken_to),
        interpreter=frozenset(spoken_to) - {*pack.voices, *pack.recordings},
        telephone=pack.shape is not Shape.DESK,
        partners=tuple(one.name for one in pack.partners),
        lines=("911", *city.lines),
        needed=city.needed,
        drills_only=city.mode is Mode.TRAINING,
    )
    switch = Switch(clock=clock, means=means, books=sources.books(city.runbooks), messages=city.heard or voiced)
    spoken = sayings.load(city.words.templates, city.runbooks)
    publishing = Publishing(
        switch=switch,
        words=Spoken(words=spoken, reviews=city.reviews, allow_drafts=city.allow_drafts),
        from_alert=AlertRecord(words=city.words, languages=tuple(city.languages)),
        languages=tuple(city.languages),
    )
    return Control(db=db, publishing=publishing, outside=outside or Outside())
