"""Which addresses may be subscribed to, what file each is, and what each published feed says of itself in its headers. Pure."""

from collections.abc import Mapping

from notify.publishing.feeds import ACTIVE, FORMS, TEST
from notify.publishing.site import ENGLISH, Site


def topics(site: Site) -> Mapping[str, str]:
    """Address -> file, of each feed in each form and language."""
    names = [site.feed(ACTIVE, form, "" if tag == ENGLISH else tag) for tag in site.languages for form in FORMS]
    names += [site.feed(TEST, form) for form in FORMS]
    return {site.url(name): name for name in names}


def addresses(site: Site) -> Mapping[str, str]:
    """File -> the address it is subscribed to under: a feed lies under several names and has one."""
    found = {name: address for address, name in topics(site).items()}
    for form in FORMS:
        found[site.feed(ACTIVE, form, ENGLISH)] = site.url(site.feed(ACTIVE, form))
    return found
