"""Builds what asks or tells other people's machines: the WebSub hub, webhooks, alerts of other agencies, and the identity
provider of the city. Each has a guarded way out of its own."""

from collections.abc import Callable

from notify.alerts.alert import Event
from notify.identity.provider import Provider
from notify.partners.egress import Egress
from notify.partners.poster import Poster
from notify.publishing import cap_certificates
from notify.received.office import Received
from notify.received.polling import Poller
from notify.service import Service
from notify.settings import Settings
from notify.websub.hub import Hub
from notify.websub.topics import topics
from subscribers.sealing import Keyring


def hub(settings: Settings, service: Service, ring: Keyring) -> Hub:
    """What pushes feeds to whoever subscribed to them."""
    site, way_out = service.assembly.site, Egress(settings.egress)
    way_out.open()
    return Hub(
        db=service.db,
        clock=service.clock,
        ring=ring,
        egress=way_out,
        folder=settings.published,
        topics=topics(site),
        url=site.url(site.hub()),
    )


def poster(settings: Settings, service: Service, ring: Keyring, events: Callable[[str], Event]) -> Poster:
    """What posts to webhooks. events: an event by its id, if it still is what was approved. Its way out is opened by app.py."""
    return Poster(
        db=service.db,
        clock=service.clock,
        ring=ring,
        site=service.assembly.site,
        egress=Egress(settings.egress),
        events=events,
        owner=service.crew.process,
        page=service.pager,
    )


def identity(settings: Settings) -> Provider | None:
    """The city's identity provider; None where it has none."""
    terms = settings.oidc
    if terms is None:
        return None
    way_out = Egress(settings.egress)
    way_out.open()
    return Provider(
        terms=terms,
        name=settings.oidc_name.strip(),
        secret=settings.oidc_client_secret.get_secret_value(),
        scope=settings.oidc_scope,
        base=settings.private_url,
        egress=way_out,
    )


def received(settings: Settings, service: Service) -> Received:
    """Alerts of other agencies. Raises BadCertificate for a source whose certificates cannot be read."""
    sources, trusted = settings.cap_sources, {}
    for one in sources:
        trusted[one.name] = cap_certificates.read_file(one.signed_by) if one.signed_by is not None else ()
    way_out = Egress(settings.egress)
    way_out.open()
    poller = Poller(
        db=service.db,
        clock=service.clock,
        sources=sources,
        trusted=trusted,
        way_out=way_out,
        page=service.pager,
        agent=f"Tocsin ({service.assembly.city.pack.sender})",  # the Weather Service asks who one is
    )
    return Received(newsroom=service.newsroom, assembly=service.assembly, sources=sources, trusted=trusted, poller=poller)
