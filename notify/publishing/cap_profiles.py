"""What two readers of CAP ask for beyond the standard: Google Public Alerts, and FEMA's IPAWS profile 1.0."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from shapely.geometry import Polygon
from shapely.validation import explain_validity

from notify.alerts.alert import Reference
from notify.publishing.cap_document import (
    Element,
    Problem,
    as_ring,
    as_time,
    children,
    content,
    name_of,
    named_values,
    problem,
    shortened,
    text,
    times,
)
from notify.publishing.cap_terms import NUMBER

IPAWS_CODE = "IPAWSv1.0"
MOST_RING_POINTS = 5_000  # whether a longer ring crosses itself may take minutes to find out
LONGEST_HEADLINE = 139  # characters: shorter than 140

SAME_CODE = re.compile(r"[A-Z]{3}")
SAME_PLACE = re.compile(r"[0-9]{6}")

# (element, rule, why)
GOOGLE_REQUIRES = (
    ("description", "DESCRIPTION_IS_REQUIRED", "it is what people read"),
    ("web", "WEB_IS_REQUIRED", "people look there for more"),
    ("expires", "EXPIRES_IS_REQUIRED", "without it an alert is shown too long"),
)
GOOGLE_ADVISES = (
    ("senderName", "SENDER_NAME_STRONGLY_RECOMMENDED", "people trust an alert whose sender they know"),
    ("responseType", "RESPONSE_TYPE_STRONGLY_RECOMMENDED", "it tells machines what people should do"),
    ("instruction", "INSTRUCTION_STRONGLY_RECOMMENDED", "it tells people what to do"),
    ("contact", "CONTACT_IS_RECOMMENDED", "people may need to ask or answer"),
)
IPAWS_ADVISES = (
    ("description", "INFO_DESCRIPTION_RECOMMENDED", "it should say something meaningful"),
    ("instruction", "INFO_INSTRUCTION_RECOMMENDED", "it should say something meaningful"),
)
MUST_DIFFER = (
    ("headline", "description", "HEADLINE_AND_DESCRIPTION_SHOULD_DIFFER"),
    ("headline", "instruction", "HEADLINE_AND_INSTRUCTION_SHOULD_DIFFER"),
    ("description", "instruction", "DESCRIPTION_AND_INSTRUCTION_SHOULD_DIFFER"),
)


def google(alert: Element, related: Sequence[Reference]) -> Iterator[Problem]:
    """Google Public Alerts; what CAP itself requires (urgency, severity, certainty) is not told again."""
    infos = children(alert, "info")
    yield from _unreferenced(alert, related)
    if not infos:
        yield problem(alert, "INFO_IS_REQUIRED", "There is no <info>: nothing would be shown.")
    yield from _unequal(infos)
    yield from _unequal_events(infos)
    yield from _offsets(alert, advice=True, names=("sent", "effective", "onset", "expires"))
    if text(alert, "status") == "Test":
        sentence = "Google never displays an alert whose <status> is Test."
        yield problem(children(alert, "status")[0], "TEST_IS_NEVER_DISPLAYED", sentence, advice=True)
    for info in infos:
        yield from _absent(info, GOOGLE_REQUIRES, advice=False)
        yield from _absent(info, GOOGLE_ADVISES, advice=True)
        yield from _google_words(info)
        yield from _google_period(alert, info)
        yield from _google_areas(info)


def ipaws(alert: Element, related: Sequence[Reference]) -> Iterator[Problem]:
    """The IPAWS profile 1.0, for an alert about a hazard that has a SAME code."""
    infos = children(alert, "info")
    yield from _unreferenced(alert, related)
    yield from _unequal(infos)
    yield from _offsets(alert, advice=False, names=("sent", "expires"))
    if IPAWS_CODE not in (content(node).strip() for node in children(alert, "code")):
        yield problem(alert, "VERSION_CODE_REQUIRED", f"There is no <code> {IPAWS_CODE}.")
    for info in infos:
        yield from _ipaws_info(info)
        yield from _absent(info, IPAWS_ADVISES, advice=True)
        for name in ("effective", "onset"):
            for node in children(info, name):
                sentence = f"IPAWS ignores <{name}>: an alert is in force when it is issued."
                yield problem(node, f"INFO_{name.upper()}_IS_IGNORED", sentence, advice=True)


def _unreferenced(alert: Element, related: Sequence[Reference]) -> Iterator[Problem]:
    msg_type, rule = text(alert, "msgType"), "UPDATE_OR_CANCEL_MUST_REFERENCE"
    if msg_type not in ("Update", "Cancel"):
        return
    triples = [word.split(",") for word in text(alert, "references").split()]
    named = {(parts[0], parts[1], as_time(parts[2])) for parts in triples if len(parts) == 3}
    if not triples:
        yield problem(alert, rule, f"This {msg_type} references nothing: it must name every message it is about.")
        return
    for message in related:
        # CAP cuts the fraction of a second off.
        sent = message.sent.replace(microsecond=0)
        if (message.sender, message.identifier, sent) not in named:
            sentence = f"This {msg_type} does not reference {shortened(message.identifier)}, which has not expired."
            yield problem(alert, rule, sentence)


def _unequal(infos: Sequence[Element]) -> Iterator[Problem]:
    for info in infos[1:]:
        for name, rule in (("category", "CATEGORIES_MUST_MATCH"), ("eventCode", "EVENT_CODES_MUST_MATCH")):
            one, other = ({" ".join(content(node).split()) for node in children(each, name)} for each in (infos[0], info))
            if one != other:
                yield problem(info, rule, f"This <info> does not have the same <{name}>s as the first one.")


def _unequal_events(infos: Sequence[Element]) -> Iterator[Problem]:
    events: dict[str, str] = {}
    for info in infos:
        language, event = text(info, "language").lower(), text(info, "event")
        if events.setdefault(language, event) != event:
            sentence = "Two infos in the same language name different events."
            yield problem(info, "EVENTS_IN_SAME_LANGUAGE_MUST_MATCH", sentence)


def _offsets(alert: Element, *, advice: bool, names: Sequence[str]) -> Iterator[Problem]:
    for node in times(alert):
        time, name = as_time(content(node).strip()), name_of(node)
        if name in names and time is not None and time.utcoffset() == timedelta(0):
            sentence = f"<{name}> is in UTC; it should have the offset of the place."
            yield problem(node, f"{name.upper()}_INCLUDE_TIMEZONE_OFFSET", sentence, advice=advice)


def _absent(info: Element, table: Sequence[tuple[str, str, str]], *, advice: bool) -> Iterator[Problem]:
    for name, rule, why in table:
        if not text(info, name):
            yield problem(info, rule, f"There is no <{name}>: {why}.", advice=advice)


def _google_words(info: Element) -> Iterator[Problem]:
    if len(text(info, "headline")) > LONGEST_HEADLINE:
        sentence = f"The headline has {len(text(info, 'headline'))} characters; it should have fewer than 140."
        yield problem(children(info, "headline")[0], "HEADLINE_TOO_LONG", sentence, advice=True)
    for one, other, rule in MUST_DIFFER:
        if text(info, one) and text(info, one) == text(info, other):
            sentence = f"<{one}> and <{other}> are the same; each should say something of its own."
            yield problem(children(info, one)[0], rule, sentence, advice=True)
    for name in ("urgency", "severity", "certainty"):
        for node in children(info, name):
            if content(node) == "Unknown":
                sentence = f"<{name}> is Unknown; say what is known, or what is most likely."
                yield problem(node, f"UNKNOWN_{name.upper()}_DISCOURAGED", sentence, advice=True)
    for node in children(info, "web"):
        if content(node).strip() and not _is_absolute(content(node).strip()):
            sentence = f'<web> "{shortened(content(node))}" is not a full address like https://alerts.example.gov/.'
            yield problem(node, "INVALID_WEB", sentence)


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", url)


def _google_period(alert: Element, info: Element) -> Iterator[Problem]:
    starts = as_time(text(info, "effective") or text(alert, "sent"))
    expires = as_time(text(info, "expires"))
    if starts is not None and expires is not None and starts > expires:
        sentence = "The alert expires before it is effective."
        yield problem(children(info, "expires")[0], "EFFECTIVE_NOT_AFTER_EXPIRES", sentence)


def _google_areas(info: Element) -> Iterator[Problem]:
    areas = children(info, "area")
    if not areas:
        yield problem(info, "AREA_IS_REQUIRED", "There is no <area>.")
    for area in areas:
        if not any(children(area, name) for name in ("polygon", "circle", "geocode")):
            sentence = "This <area> has no <polygon>, <circle> or <geocode>: nobody can tell who is inside."
            yield problem(area, "CIRCLE_POLYGON_OR_GEOCODE_IS_REQUIRED", sentence)
        for node in children(area, "polygon"):
            yield from _crossing(node)
        for node in children(area, "circle"):
            radius = content(node).split()[-1:]
            if radius and NUMBER.fullmatch(radius[0]) and float(radius[0]) == 0:
                sentence = "The <circle> has no radius: it should hold everybody who is to be warned."
                yield problem(node, "NONZERO_CIRCLE_RADIUS_RECOMMENDED", sentence, advice=True)
    if areas and not any(children(area, name) for area in areas for name in ("polygon", "circle")):
        if any(children(area, "geocode") for area in areas):
            sentence = "Only a <geocode> says where; a <polygon> or <circle> is more exact."
            yield problem(areas[0], "CIRCLE_POLYGON_ENCOURAGED", sentence, advice=True)


def _crossing(node: Element) -> Iterator[Problem]:
    words = content(node)
    if (points := words.count(",")) > MOST_RING_POINTS:
        sentence = f"The polygon has {points:,} points; more than {MOST_RING_POINTS:,} are not looked at."
        yield problem(node, "POLYGON_TOO_LONG", sentence)
        return
    ring = as_ring(words)
    if ring is None or len(ring) < 4 or ring[0] != ring[-1]:
        return
    outline = Polygon(ring)
    if not outline.is_valid:
        sentence = f"The polygon crosses itself or has no inside: {explain_validity(outline)}."
        yield problem(node, "INVALID_POLYGON_SELF_INTERSECTION", sentence)


def _ipaws_info(info: Element) -> Iterator[Problem]:
    same = [value for name, value in named_values(info, "eventCode") if name == "SAME"]
    if len(same) != 1 or not SAME_CODE.fullmatch(same[0]):
        sentence = "There must be exactly one <eventCode> named SAME, of three capital letters."
        yield problem(info, "SAME_EVENT_CODE_REQUIRED", sentence)
    if not text(info, "expires"):
        yield problem(info, "EXPIRES_IS_REQUIRED", "There is no <expires>.")
    areas = children(info, "area")
    if not areas:
        yield problem(info, "AREA_IS_REQUIRED", "There is no <area>.")
    for area in areas:
        places = [value for name, value in named_values(area, "geocode") if name == "SAME"]
        if not any(SAME_PLACE.fullmatch(value) for value in places):
            sentence = "This <area> has no <geocode> named SAME with six digits."
            yield problem(area, "AREA_SAME_GEOCODE_RECOMMENDED", sentence, advice=True)
    if "EAS-ORG" not in (name for name, _ in named_values(info, "parameter")):
        sentence = "There is no <parameter> EAS-ORG, which broadcasters' equipment needs."
        yield problem(info, "EAS_ORG_RECOMMENDED", sentence, advice=True)
