"""The residents' side of a service: texts in, answers out, sign-up on the web, and whoever comes late told at once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from channels.lookup import Lookup
from channels.several import Reads
from notify import city, data
from notify.alerts.alert import Event
from notify.alerts.crowd import Crowd
from notify.alerts.exercise import SAMPLES
from notify.alerts.hazards import Hazard
from notify.city import City
from notify.clock import Clock
from notify.db import Database
from notify.publishing.site import Site
from notify.residents.carrying_out import TERMS
from notify.residents.checks import Checks
from notify.residents.inbox import Inbox
from notify.residents.landlines import Landlines
from notify.residents.live import LiveAlerts
from notify.residents.own_page import OwnPage
from notify.residents.relief import Nearby, SiteList
from notify.residents.relief import topics as relief_topics
from notify.residents.replies import Replies
from notify.residents.signup import Errands, Reception, SignUp
from notify.residents.signup_letters import Letters
from notify.residents.world import CityWorld, facts, sights
from notify.retention import Keeping, Retention
from notify.sending import night
from notify.sending.dispatch import Dispatcher
from notify.sending.enough import Enough
from notify.sending.late import Latecomers
from notify.sending.night import Night
from notify.sending.notices import Notices
from notify.sending.truth import Truth
from notify.settings import Settings
from notify.web import check
from notify.web.counter import Counter
from notify.web.forms import Marks
from notify.web.inbound import InboundTexts
from notify.web.manage import ManagePages
from notify.web.screens import Screens
from notify.web.signup import SignUpPages
from notify.web.visit import VisitPages
from notify.wording.reviews import Review
from notify.wording.words import Words
from subscribers.address import SMS
from subscribers.dialog import lexicon
from subscribers.dialog.turn import Reply
from subscribers.gazetteer.search import Gazetteer
from subscribers.sealing import Keyring


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
    channels: Mapping[str, Reads]


@dataclass(frozen=True, slots=True)
class Residents:
    """Its parts that others drive."""

    live: LiveAlerts
    latecomers: Latecomers
    inbox: Inbox
    errands: Errands
    routes: Sequence[web.RouteDef]
    screens: Screens
    night: Night
    enough: Enough
    checks: Checks
    truth: Truth
    retention: Retention
    counter: Counter  # what all public forms share
    line_kind: Callable[[str], Awaitable[str]] | None  # of a number, asked of its carrier; None where the city does not ask
    places: check.Gazetteer  # for "is my place in the area?" on alert pages


def build(side: Side, dispatchers: Sequence[Dispatcher], reviews: Sequence[Review]) -> Residents:
    settings = side.settings
    live = LiveAlerts(db=side.db, clock=side.clock, hazards=side.hazards, event=side.event)
    gazetteer = Gazetteer(city.aliases(city.find(settings.city, data.folder("city"))))
    replies = Replies(side.words, reviews, allow_drafts=settings.sends_drafts)
    known = facts(side.pack, side.site, replies.plain)

    def world(conn: Connection) -> CityWorld:
        return CityWorld(known, side.site, live, gazetteer, conn, nearby)

    words = lexicon.load(data.folder("templates") / "dialog" / "vocabulary")
    sites = SiteList(settings.data_dir, side.pack, relief_topics(side.hazards))
    nearby = Nearby(sites.current, lambda reply: replies.text(reply).body)
    inbox = Inbox(
        db=side.db,
        clock=side.clock,
        keys=side.keys,
        lexicon=words,
        replies=replies,
        world=world,
        spend=partial(_spend, dispatchers),
    )
    zone = side.pack.pack.zone
    number = settings.sms_senders[0].number if settings.sms_senders else ""
    screens = Screens(data.folder("templates"), side.site, number=number, terms=TERMS)
    notices = Notices(dispatchers, settings.mode)
    inbound = InboundTexts(side.channels, inbox, settings.public_url, SAMPLES[settings.mode], notices.reply)
    landlines = _landlines(side) if settings.signup_asks_carrier else None
    reception = _reception(side, notices, replies, landlines)
    counter = Counter(
        screens=screens,
        clock=side.clock,
        marks=Marks(side.keys.blind_key),
        find_place=lambda typed: side.db.read(lambda conn: sights(world(conn), words, typed)),
        samples=SAMPLES[settings.mode],
        proxies=settings.signup_proxies,
    )
    own_page = OwnPage(reception)
    pages = (SignUpPages(counter, SignUp(reception)), ManagePages(counter, own_page), VisitPages(counter, own_page))
    return Residents(
        live=live,
        latecomers=Latecomers(side.db, side.clock, side.crowd, side.event, partial(_wake, dispatchers)),
        inbox=inbox,
        errands=reception.errands,
        routes=[*inbound.routes(), *(route for each in pages for route in each.routes())],
        screens=screens,
        counter=counter,
        line_kind=landlines.kind if landlines is not None else None,
        checks=Checks(inbox=inbox, send=notices.text, ours=number or SMS, zone=zone),
        places=check.Gazetteer(counter.find_place, settings.signup_proxies),
        truth=Truth(inbox=inbox, channels=[one.sender.channel for one in dispatchers]),
        night=Night(side.db, side.clock, zone, side.event, door=True),
        enough=Enough(side.db, side.clock, side.pack.policy.texts_to_a_phone, side.event, partial(night.waits, zone=zone)),
        retention=Retention(db=side.db, clock=side.clock, keeping=Keeping.of(settings)),
    )


def _reception(side: Side, notices: Notices, replies: Replies, landlines: Landlines | None) -> Reception:
    programme = side.pack.pack.from_name

    def code_text(code: str, language: str) -> str:
        return replies.text(Reply(key="M33", language=language, slots={"code": code, "programme": programme})).body

    return Reception(
        db=side.db,
        clock=side.clock,
        keys=side.keys,
        notices=notices,
        letters=Letters(data.folder("templates"), side.site, programme, code_text),
        errands=Errands(),
        texts_a_day=side.settings.signup_texts_a_day,
        mails_a_day=side.settings.signup_mails_a_day,
        is_landline=landlines.has if landlines is not None else None,
    )


def _landlines(side: Side) -> Landlines:
    lookup = Lookup(
        account_sid=side.settings.twilio_account_sid,
        auth_token=side.settings.twilio_auth_token.get_secret_value(),
        base_url=side.settings.lookups_url,
    )
    return Landlines(db=side.db, clock=side.clock, keys=side.keys, carriers=lookup)


def _wake(dispatchers: Sequence[Dispatcher]) -> None:
    for one in dispatchers:
        one.wake()


def _spend(dispatchers: Sequence[Dispatcher], number: str, parts: int) -> None:
    """An answer leaves from the number that was texted, so it counts in that number's pace."""
    for one in dispatchers:
        if parts and one.sender.name == number:
            one.reserve(parts)
