"""One sheet of paper an alert and language, in large print, to put up where people have no screen: what, where, what to do,
whom to call, and a code that opens the newest page. Steps that one sheet does not hold are on that page.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

from notify.alerts.alert import Page
from notify.publishing.bulletin import Thread
from notify.publishing.pages import standing_words
from notify.publishing.qr_code import qr_code
from notify.publishing.site import Site
from notify.wording.labels import Labels, direction
from notify.wording.layout import Layout, in_each, moment
from notify.wording.translations import page_for, place_names, speaks

# Large print is 18 points (American Printing House). A letter sheet with 12 mm around it holds 30 such lines of 54 half-widths;
# status, title, place, telephone and the code take 15 of them. Printed in Chromium, six hazards in 12 languages: a page each.
LINES: Final = 15
HALF_WIDTHS: Final = 54


def files(layout: Layout, thread: Thread, site: Site) -> dict[str, bytes]:
    """flyer/K7Q2.html and es/flyer/K7Q2.html. An ended alert's says that it is over, and no steps."""
    return in_each(site, f"flyer/{thread.incident_id}.html", lambda words: _flyer(layout, thread, words, site))


def _flyer(layout: Layout, thread: Thread, words: Labels, site: Site) -> str:
    newest = thread.newest
    page = page_for(newest.event, words.language)
    url = site.url(site.page(thread.incident_id, words.language))
    return layout.render(
        "flyer.html",
        words,
        site,
        f"flyer/{thread.incident_id}",
        test=thread.test,
        words_page=page,
        words_direction=direction(page.language),
        foreign=not speaks(page.language, words.language),
        status=standing_words(newest, words, site),
        kind=(newest.event.stage if thread.active else newest.status).value,
        where=place_names(newest.event, words.language),
        sent=moment(newest.event.sent, words, site),
        steps=tuple(fitting(page)) if thread.active else (),
        page_url=url,
        picture=qr_code(url),
    )


def fitting(page: Page) -> Iterator[str]:
    """The first steps that the sheet holds below title and lead; always one."""
    left = LINES - lines(page.lead)
    for number, step in enumerate(page.steps):
        left -= lines(step)
        if left < 0 and number:
            return
        yield step


def lines(text: str) -> int:
    """How many lines a paragraph takes, generously."""
    return max(1, ceil(sum(_half_widths(text)) / HALF_WIDTHS)) if text else 0


def _half_widths(text: Sequence[str]) -> Iterator[int]:
    for letter in text:
        if unicodedata.category(letter) != "Mn":  # marks above and below take no room of their own
            yield 2 if unicodedata.east_asian_width(letter) in "WF" else 1
