"""All of the console, put together."""

from aiohttp import web

from notify import data
from notify.console.cap_download import CapDownload
from notify.console.composer import Composer
from notify.console.contacts import Contacts
from notify.console.decisions import Decisions
from notify.console.door import Door
from notify.console.drills import Drills
from notify.console.follower import Follower
from notify.console.geography import AreaPages
from notify.console.health import Health
from notify.console.held import HeldPages
from notify.console.home import Home
from notify.console.identity import IdentityPages
from notify.console.likeness import Likeness
from notify.console.passkeys import PasskeyPages
from notify.console.received import ReceivedPages
from notify.console.records import Records
from notify.console.rehearsal import Rehearsal
from notify.console.routing import Guard, Route
from notify.console.screens import Screens
from notify.console.shelf import Shelf
from notify.console.staff import StaffPages
from notify.console.training import TrainingPages
from notify.console.translations import Translations
from notify.console.webhooks import WebhookPages
from notify.console.wordings import WordPages
from notify.service import Service
from notify.staff.ceremony import party_of
from notify.staff.passkeys import Passkeys
from notify.web.forms import Marks
from subscribers.sealing import Keyring
from surge.numbers.city_rates import rates
from surge.pages import desks
from surge.pages.intervals import IntervalPages
from surge.pages.office import Side
from surge.pages.report import ReportPages
from surge.pages.scripts import ScriptPages
from surge.pages.switch import SwitchPages


class Console:
    """url: how staff reach it. side: what the 311 desk works with."""

    def __init__(self, service: Service, ring: Keyring, url: str, side: Side | None = None) -> None:
        self.shelf = Shelf()
        screens = Screens(data.folder("templates"), service.assembly.site, self.shelf, service.clock, service.read_back.text)
        party = party_of(url, f"{screens.site.city} Tocsin")
        self.guard = Guard(
            db=service.db,
            clock=service.clock,
            screens=screens,
            ring=ring,
            url=url,
            tallies=service.tallies,
            passkeys=Passkeys(party=party, key=ring.blind_key) if party else None,
            identity=service.identity,
        )
        self.door = Door(self.guard, Marks(ring.blind_key))
        parts = (Home, Composer, Rehearsal, Decisions, Follower, Records, StaffPages, Contacts, Translations, AreaPages, Health)
        own = PasskeyPages(self.guard)
        every = (*parts, Likeness, WordPages, Drills, TrainingPages, WebhookPages, CapDownload, HeldPages)
        made = (part(self.guard, service) for part in every)
        through = IdentityPages(self.guard, self.door)
        self.routes: list[Route] = [
            *self.door.routes(),
            *through.routes(),
            *own.routes(),
            *(one for each in made for one in each.routes()),
        ]
        self.routes += desks.routes(self.guard, side or Side())
        if service.received is not None:
            self.routes += ReceivedPages(self.guard, service, service.received).routes()
        numbers = (ReportPages(self.guard, rates(service.assembly.city.folder)), IntervalPages(self.guard))
        self.routes += [one for each in numbers for one in each.routes()]

        if service.surge is not None:
            switch = SwitchPages(self.guard, service.surge.control, service.surge.advice)
            self.routes += [*switch.routes(), *ScriptPages(self.guard, service.surge.control).routes()]

    def web_routes(self) -> list[web.RouteDef]:
        return [web.get("/static/{path:.*}", self.shelf.serve), *self.guard.web_routes(self.routes)]
