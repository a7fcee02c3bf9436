"""Builds the parts of a service from its settings and puts them together. Nothing runs yet: app.py starts and ends them."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection
from sqlmodel import select

from channels import several
from channels.feed_folder import FeedFolder
from channels.gateway.description import BadDescription
from notify import city, data, duties, keys, outward, trusted
from notify.alerts import exercise, hazards, register
from notify.alerts.alert import Mode
from notify.alerts.assembly import Assembly
from notify.alerts.broadcast import Newsroom
from notify.alerts.conductor import Conductor
from notify.alerts.crowd import Crowd
from notify.clock import Clock
from notify.db import Database
from notify.figures import Gauges
from notify.mirror import targets
from notify.partners import webhook_rows
from notify.partners.webhook_verbs import Webhooks
from notify.processes.posts import Alone, Crew, Kind, Role
from notify.publishing import cap_certificates, planned
from notify.publishing.cap_signing import Signing
from notify.publishing.pages import Pages
from notify.publishing.printing import Printing
from notify.publishing.publish import Publisher
from notify.publishing.site import Site
from notify.reserve import reserves
from notify.residents import reception
from notify.sending import enough, night, senders
from notify.sending.brake import LAPSES_S, Brake
from notify.sending.desk import Desk, Halted
from notify.sending.dispatch import Dispatcher
from notify.sending.outbox import Envelopes, FrozenEvents
from notify.sending.planning import Planner
from notify.sending.reconcile import Reconciler
from notify.service import Service
from notify.settings import Settings
from notify.staff.pager import Pager
from notify.staff.paging import Links, Pace
from notify.staff.paging_delivery import Delivery
from notify.staff.paging_desk import Paging
from notify.staff.paging_lane import Lane
from notify.staff.training_log import Training
from notify.tables import WordReview
from notify.web.callbacks import Callbacks
from notify.wording import words
from notify.wording.reviews import Reader, Review, arrange, standings
from subscribers.sealing import Keyring
from surge import pack as surge_pack
from surge.switch import incident
from surge.switch.call_in import CallIn
from surge.switch.control import Outside
from surge.switch.offer import Offers
from surge.switch.reminder import Reminder
from surge.switch.watch import Watch

logger = logging.getLogger(__name__)

PUBLISHED_LOCK: Final = "published.lock"


class CannotStart(Exception):
    """The service must not run like this; `problems` says why, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Place:
    """What a process is among those of its instance."""

    role: Role = Role.ALL
    crew: Crew = field(default_factory=Alone)


async def build(settings: Settings, db: Database, clock: Clock, ring: Keyring, place: Place | None = None) -> duties.Built:
    """place: None for the only process there is."""
    place = place or Place(crew=Alone(process_name()))
    crew = place.crew
    pager = Pager(settings.page_command)
    pack = city.load(city.find(settings.city, data.folder("city")))
    vocabulary = await asyncio.to_thread(words.load, data.folder("templates"))
    catalogue = hazards.catalogue()
    crowd = Crowd(db, pack.policy, catalogue)
    await crowd.follow()
    site = _site(settings, pack)
    assembly = Assembly(
        city=pack,
        site=site,
        words=vocabulary,
        hazards=catalogue,
        mode=settings.mode,
        index=lambda: crowd.index,
        reviews=reviews,
        allow_drafts=settings.sends_drafts,
        countdown_s=settings.countdown_s,
        sign=Signing(keys.signers(settings.keys_file)),
    )
    await _refuse_unreviewed(settings, db, vocabulary)
    await _refuse_other_modes(settings, db)
    halted = Halted(crew)
    brake = Brake(db=db, clock=clock, hazards=catalogue, lapses_s=LAPSES_S * settings.replay_speed)
    events = FrozenEvents(lambda event_id: db.read_now(partial(trusted.untampered, event_id=event_id)))
    desk = Desk(
        db=db,
        clock=clock,
        outbox=Envelopes(events, ring, clock, settings.mode, pager, exercise.marks(vocabulary)),
        halted=halted,
        page=pager,
        lease_for=settings.lease,
        lead_s=settings.lead_s,
        crew=crew,
        shares=brake.shares,
        mails_instead=settings.mails_instead,
    )
    try:
        found = senders.build(settings, pack.pack, ring)
    except BadDescription as error:
        raise CannotStart([f"TOCSIN_GATEWAY_FILE: {problem}" for problem in error.problems]) from None
    ways = zip(found, senders.routed(found), strict=True)
    dispatchers = [Dispatcher(sender, desk, f"{crew.process}:{sender.name}", route) for sender, route in ways]
    gauges = Gauges(db, clock, [(one.sender.channel.name, one.light) for one in dispatchers])
    kept = reserves(settings)
    db.relief = kept[-1].relieve
    folder, plans = FeedFolder(settings.published, kept[0].relieve), planned.Plans(settings.data_dir / planned.FILE)
    publisher = Publisher(folder, site, Pages.load(), trusted.fitting(db, settings.mode, pager), gauges.read, plans)
    publisher.certificates = assembly.sign.certificates
    lock = settings.data_dir / PUBLISHED_LOCK if place.role.listens else None
    printing = Printing(db=db, clock=clock, publisher=publisher, crew=crew, lock=lock)
    conductor = Conductor(
        db=db,
        clock=clock,
        planner=Planner(
            db, clock, crowd, partial(night.waits, zone=pack.pack.zone), enough.waiting_for_room(pack.policy.texts_to_a_phone)
        ),
        publish=printing.everywhere,
        wake=partial(_wake, dispatchers, crew),
        halted=halted,
        page=pager,
        publish_wait_s=settings.publish_wait_s,
        partners=webhook_rows.plan,
        refer=assembly.refer,
    )
    routes = senders.by_route(found)
    channels = several.by_name([ones[0] for ones in routes.values()])
    asked = {name: [one.channel for one in found if one.channel.name == name] for name in channels}
    reconciler = Reconciler(db, clock, ring, asked, timedelta(seconds=settings.not_found_after_s), routes)
    staff_paging = _paging(settings, desk, ring, assembly, dispatchers)
    service = Service(
        db=db,
        clock=clock,
        newsroom=staff_paging.newsroom,
        assembly=assembly,
        crowd=crowd,
        conductor=conductor,
        dispatchers=dispatchers,
        pager=pager,
        paging=staff_paging,
        training=Training.of(settings),
        brake=brake,
        mirrors=targets.build(settings, clock, pager),
        crew=crew,
        reserves=kept,
        webhooks=Webhooks(clock=clock, ring=ring, rules=settings.egress, hazards=catalogue),
    )
    publisher.told += [mirror.wake for mirror in service.mirrors]
    try:
        service.received = outward.received(settings, service)
    except cap_certificates.BadCertificate as error:
        raise CannotStart([f"TOCSIN_CAP_SOURCES: {error}"]) from None
    service.identity = outward.identity(settings)
    service.surge = await asyncio.to_thread(_surge, assembly, db, clock, staff_paging, settings.surge_reminder_h)
    side = reception.Side(settings, pack, site, vocabulary, db, clock, ring, crowd, catalogue, events.event, channels)
    theirs = reception.build(side, dispatchers, await db.read(reviews))
    callbacks = Callbacks(
        db, clock, channels, settings.public_url, ring.blind_key, theirs.screens, mails_instead=settings.mails_instead
    )
    hub = outward.hub(settings, service, ring)
    publisher.told.append(hub.wake)
    poster = outward.poster(settings, service, ring, events.event)
    return duties.Built(service, reconciler, printing, callbacks, theirs, hub, poster)


def _paging(settings: Settings, desk: Desk, ring: Keyring, assembly: Assembly, dispatchers: Sequence[Dispatcher]) -> Paging:
    lane = Lane(dispatchers, settings.mode, exercise.marks(assembly.words))
    links = Links(ring.blind_key, settings.private_url)
    next_after, again_after = timedelta(seconds=settings.approval_next_s), timedelta(seconds=settings.approval_again_s)
    return Paging(
        delivery=Delivery(db=desk.db, clock=desk.clock, keys=ring, lane=lane, links=links),
        newsroom=Newsroom(desk.clock, assembly, Training.of(settings).refusal),
        hazards=assembly.hazards,
        call=desk.page,
        pace=Pace(next_after=next_after, again_after=again_after),
    )


def _surge(assembly: Assembly, db: Database, clock: Clock, staff_paging: Paging, remind_h: float) -> Offers | None:
    """Surge mode, where the city has said how 311 is reached. The floor adds itself to `outside`. remind_h: the hours between
    two reminders of one that is left on; 0 for none."""
    folder = assembly.city.folder
    if not (folder / surge_pack.FILE).is_file():
        return None
    known = incident.City(
        pack=surge_pack.load(folder),
        words=assembly.words,
        runbooks=data.folder("runbooks"),
        languages=assembly.city.pack.tags,
        mode=assembly.mode,
        reviews=reviews,
        allow_drafts=assembly.allow_drafts,
    )
    outside = Outside(call_in=CallIn(staff_paging.delivery))
    control = incident.build(known, db, clock, outside)
    control.remind_every = timedelta(hours=remind_h) if remind_h else None
    page = staff_paging.call
    return Offers(control, Watch(control=control, page=page), Reminder(control=control, page=page))


def reviews(conn: Connection) -> list[Review]:
    """Every review in the database. Read at each look at a draft, thousands of them: no row becomes an object on the way."""
    return [
        Review(
            language=row.language,
            key=row.key,
            source_hash=row.source_hash,
            target_hash=row.target_hash,
            reviewer=row.reviewer,
            at=row.at,
            kind=Reader(row.kind),
        )
        for row in conn.execute(select(WordReview))
    ]


def process_name() -> str:
    """Of this process, for leases and for other processes; never used twice."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _wake(dispatchers: list[Dispatcher], crew: Crew) -> None:
    for one in dispatchers:
        one.wake()
    crew.tell(Kind.WAKE)


def _site(settings: Settings, pack: city.City) -> Site:
    return Site(
        base=settings.public_url.rstrip("/"),
        city=pack.pack.name,
        publisher=pack.pack.publisher,
        email=pack.pack.sender,
        time_zone=pack.pack.zone,
        languages=pack.pack.tags,
        mode=settings.mode,
        phone=pack.pack.phones[0],
        numbers=tuple(sender.number for sender in (*settings.sms_senders, *settings.sms2_senders)),
    )


async def _refuse_other_modes(settings: Settings, db: Database) -> None:
    """What was approved in one mode never comes back in another: not on the pages, not in an answer to a resident."""
    others = sorted({mode for mode in await db.read(register.modes) if mode != settings.mode})
    if others:
        raise CannotStart(
            [
                f"The database holds alerts of mode {' and '.join(others)}; this service runs in mode {settings.mode}. "
                "Each mode has a database of its own."
            ]
        )


async def _refuse_unreviewed(settings: Settings, db: Database, vocabulary: words.Words) -> None:
    """A live instance speaks no English that nobody has read."""
    if settings.mode is not Mode.LIVE:
        return
    english = standings(vocabulary, arrange(await db.read(reviews)))[0]
    waiting = english.draft + english.stale
    if waiting:
        raise CannotStart([f"{waiting} English messages are not reviewed. Run 'tocsin words review en' first."])
