"""Every alert there ever was: for people, pages by year and hazard in every language; for programs, one CSV and one JSON file.

Tests are not in it, unless the whole instance is there for training.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from notify.alerts.alert import Mode
from notify.publishing.bulletin import Message, Thread
from notify.publishing.pages import Listed, listed_line
from notify.publishing.site import Site
from notify.wording.labels import Labels
from notify.wording.layout import Layout, in_each
from notify.wording.translations import info_for, page_for, speaks
from subscribers.formulas import defused

COLUMNS = (
    *("incident", "identifier", "hazard", "stage", "status", "sent", "expires", "ended", "areas"),
    *("language", "title", "page", "cap"),
)


def files(layout: Layout, threads: Sequence[Thread], site: Site) -> dict[str, bytes]:
    """archive.html with the newest year, archive/2014.html, and the two downloads."""
    found = [thread for thread in threads if not thread.test or site.mode is Mode.TRAINING]
    past = [thread for thread in found if not thread.active]
    years = Counter(_year(thread, site) for thread in past)
    made = {f"{site.prefix}archive/alerts.csv": _table(found, site), f"{site.prefix}archive/alerts.json": _records(found, site)}
    for year in sorted(years, reverse=True):
        made |= in_each(site, f"archive/{year}.html", partial(_page, Shown(layout, site, past, years, year), f"archive/{year}"))
    newest = Shown(layout, site, past, years, max(years, default=""))
    return made | in_each(site, "archive.html", partial(_page, newest, "archive"))


@dataclass(frozen=True, slots=True)
class Shown:
    """What one page of the archive is made from. years: how many alerts each has."""

    layout: Layout
    site: Site
    past: Sequence[Thread]
    years: Mapping[str, int]
    year: str


def _year(thread: Thread, site: Site) -> str:
    return f"{site.local(thread.oldest.published_at):%Y}"


def _page(shown: Shown, name: str, words: Labels) -> str:
    site, home = shown.site, shown.site.index(words.language)
    threads = [thread for thread in shown.past if _year(thread, site) == shown.year]
    return shown.layout.render(
        "archive.html",
        words,
        site,
        name,
        test=site.mode is Mode.TRAINING,
        year=shown.year,
        years=[(year, site.path(f"{home}archive/{year}"), shown.years[year]) for year in sorted(shown.years, reverse=True)],
        hazards=list(_by_hazard(threads, words, site)),
        table=site.path(f"{site.prefix}archive/alerts.csv"),
        records=site.path(f"{site.prefix}archive/alerts.json"),
    )


def _by_hazard(shown: Sequence[Thread], words: Labels, site: Site) -> Iterator[tuple[str, str, Sequence[Listed]]]:
    """Each hazard's name, the language that is in, and its alerts, the most recently changed first."""
    for hazard in sorted({thread.oldest.event.hazard for thread in shown}):
        threads = [thread for thread in shown if thread.oldest.event.hazard == hazard]
        info = info_for(threads[0].oldest.event, words.language)
        yield info.event, info.language, [listed_line(thread, words, site) for thread in threads]


def _table(threads: Sequence[Thread], site: Site) -> bytes:
    """A row for each message and each language it was said in. Cells that a spreadsheet would run are quoted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for thread in threads:
        for message in reversed(thread.messages):
            record = _record(thread, message, site)
            for language in site.languages:
                title = record["titles"].get(language)
                if title is not None:
                    row = record | {"language": language, "title": title, "areas": "; ".join(record["areas"])}
                    row["page"] = site.url(site.page(thread.incident_id, language))
                    writer.writerow([defused(str(row[name] or "")) for name in COLUMNS])
    return text.getvalue().encode()


def _records(threads: Sequence[Thread], site: Site) -> bytes:
    found = [_record(thread, message, site) for thread in threads for message in reversed(thread.messages)]
    return (json.dumps({"mode": site.mode.value, "alerts": found}, ensure_ascii=False, indent=1) + "\n").encode()


def _record(thread: Thread, message: Message, site: Site) -> dict[str, Any]:
    event = message.event
    pages = {language: page_for(event, language) for language in site.languages}
    return {
        "incident": thread.incident_id,
        "identifier": event.identifier,
        "hazard": event.hazard,
        "stage": event.stage.value,
        "status": message.status.value,
        "sent": site.local(event.sent).isoformat(),
        "expires": site.local(event.expires).isoformat(),
        "ended": site.local(message.ended_at).isoformat() if message.ended_at else None,
        "areas": [area.name for area in event.areas],
        "titles": {language: page.title for language, page in pages.items() if speaks(page.language, language)},
        "page": site.url(site.page(thread.incident_id)),
        "cap": site.url(site.cap(event.identifier)),
    }
