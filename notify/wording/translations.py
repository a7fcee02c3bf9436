"""Which of an event's words serve a reader of a language. English is the way out: there are always words."""

from notify.alerts.alert import Event, Info, Page
from notify.publishing.site import ENGLISH


def speaks(tag: str, language: str) -> bool:
    """Whether text tagged "es-US" serves readers of "es". zh-Hans does not serve readers of zh-Hant."""
    return f"{tag.casefold()}-".startswith(f"{language.casefold()}-")


def info_for(event: Event, language: str) -> Info:
    """CAP's words in this language, else in English, else the first there are. Raises ValueError without any."""
    for wanted in (language, ENGLISH):
        for info in event.infos:
            if speaks(info.language, wanted):
                return info
    if not event.infos:
        raise ValueError(f"The event {event.event_id} has no words")
    return event.infos[0]


def page_for(event: Event, language: str) -> Page:
    """The page's words in this language, else CAP's in it, else the English ones."""
    for wanted in (language, ENGLISH):
        for page in event.pages:
            if speaks(page.language, wanted):
                return page
        for info in event.infos:
            if speaks(info.language, wanted):
                return _page(info)
    return event.pages[0] if event.pages else _page(info_for(event, ENGLISH))


def place_names(event: Event, language: str) -> tuple[str, ...]:
    """The names of the event's areas, as the language has them where the city knows."""
    return tuple(dict.fromkeys(area.names.get(language, area.name) for area in event.areas))


def _page(info: Info) -> Page:
    steps = (info.instruction,) if info.instruction else ()
    return Page(language=info.language, title=info.headline, lead=info.description, steps=steps)
