"""What is wrong with a CAP document: the rules of OASIS CAP 1.2 itself, and of two profiles on top of it.

problems(xml, "cap")     the standard
problems(xml, "google")  the standard, and what Google Public Alerts asks for
problems(xml, "ipaws")   the standard, and the IPAWS profile 1.0 (only for hazards with a SAME code)

Rules bear the names that the public CAP validator of Google gives them, where it has them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal

from notify.alerts.alert import Reference
from notify.publishing import cap_structure
from notify.publishing.cap_document import (
    Element,
    Problem,
    Unreadable,
    as_point,
    as_ring,
    as_time,
    children,
    content,
    name_of,
    named_values,
    problem,
    read,
    shortened,
    text,
    times,
)
from notify.publishing.cap_profiles import google, ipaws
from notify.publishing.cap_terms import ALLOWED, IDENTITY, LANGUAGE, NUMBER

__all__ = ["Problem", "Profile", "problems"]

Profile = Literal["cap", "google", "ipaws"]
Rule = Callable[[Element], Iterator[Problem]]

MOST_PROBLEMS = 500  # a hostile document could hold hundreds of thousands
DEFAULT_LANGUAGE = "en-US"  # of an <info> that names none


def problems(xml: bytes, profile: Profile, related: Sequence[Reference] = ()) -> list[Problem]:
    """Everything wrong with the document, by line; one that cannot be read safely has that one problem.

    `related` are the messages of the incident that have not expired: the profiles want an Update or Cancel to
    reference every one of them. Nothing is fetched, and the bytes may come from anybody.
    """
    try:
        alert = read(xml)
    except Unreadable as error:
        return [error.problem]
    found = sorted(islice(_all(alert, profile, related), MOST_PROBLEMS), key=lambda one: one.line)
    if len(found) == MOST_PROBLEMS:
        found.append(Problem(rule="TOO_MANY_PROBLEMS", sentence=f"More than {MOST_PROBLEMS} problems are not listed."))
    return found


def _all(alert: Element, profile: Profile, related: Sequence[Reference]) -> Iterator[Problem]:
    yield from cap_structure.problems(alert)
    for rule in RULES:
        yield from rule(alert)
    if profile == "google":
        yield from google(alert, related)
    elif profile == "ipaws":
        yield from ipaws(alert, related)


def _identity(alert: Element) -> Iterator[Problem]:
    for name in ("identifier", "sender"):
        for node in children(alert, name):
            if not IDENTITY.fullmatch(content(node)):
                sentence = f'<{name}> "{shortened(content(node))}" is empty or has a space, a comma, < or &.'
                yield problem(node, f"INVALID_{name.upper()}", sentence)


def _times(alert: Element) -> Iterator[Problem]:
    for node in times(alert):
        if as_time(content(node).strip()) is None:
            sentence = f'<{name_of(node)}> "{shortened(content(node))}" is not a time like 2014-05-23T08:40:12-07:00.'
            yield problem(node, "INVALID_DATE", sentence)


def _closed_lists(alert: Element) -> Iterator[Problem]:
    for parent in (alert, *children(alert, "info")):
        for name, allowed in ALLOWED.items():
            for node in children(parent, name):
                if content(node) not in allowed:
                    words = f'<{name}> is "{shortened(content(node))}"; CAP knows {", ".join(allowed)}.'
                    yield problem(node, "INVALID_ENUM_VALUE", words)


def _scope(alert: Element) -> Iterator[Problem]:
    scope = text(alert, "scope")
    if scope == "Restricted" and not text(alert, "restriction"):
        yield problem(alert, "RESTRICTION_IS_REQUIRED", "<scope> is Restricted, but no <restriction> says to whom.")
    if scope != "Restricted" and (nodes := children(alert, "restriction")):
        yield problem(nodes[0], "RESTRICTION_SCOPE_MISMATCH", "<restriction> goes only with <scope> Restricted.")
    if scope == "Private" and not text(alert, "addresses"):
        yield problem(alert, "ADDRESSES_ARE_REQUIRED", "<scope> is Private, but no <addresses> says for whom.")


def _note(alert: Element) -> Iterator[Problem]:
    if text(alert, "note"):
        return
    for name, value in (("status", "Exercise"), ("msgType", "Error")):
        if text(alert, name) == value:
            yield problem(alert, "NOTE_IS_REQUIRED", f"<{name}> is {value}, but no <note> explains it.")


def _references(alert: Element) -> Iterator[Problem]:
    for node in children(alert, "references"):
        words = content(node).split()
        if not words:
            yield problem(node, "INVALID_REFERENCES", "<references> is empty.")
        for word in words:
            yield from _reference(alert, node, word.split(","))


def _reference(alert: Element, node: Element, parts: list[str]) -> Iterator[Problem]:
    sent = as_time(parts[-1])
    quoted = shortened(",".join(parts))
    if len(parts) != 3 or sent is None or not all(IDENTITY.fullmatch(part) for part in parts):
        yield problem(node, "INVALID_REFERENCES", f'The reference "{quoted}" is not sender,identifier,sent.')
        return
    if parts[1] == text(alert, "identifier"):
        yield problem(node, "CIRCULAR_REFERENCE", "The alert references itself.")
    own = as_time(text(alert, "sent"))
    if own is not None and sent > own:
        yield problem(node, "POSTDATED_REFERENCE", f'The reference "{quoted}" was sent after this alert.')


def _languages(alert: Element) -> Iterator[Problem]:
    for info in children(alert, "info"):
        for node in children(info, "language"):
            if not LANGUAGE.fullmatch(content(node).strip()):
                sentence = f'<language> "{shortened(content(node))}" is not an RFC 3066 tag like es-US.'
                yield problem(node, "INVALID_LANGUAGE", sentence)


def _areas(alert: Element) -> Iterator[Problem]:
    for info in children(alert, "info"):
        for area in children(info, "area"):
            for node in children(area, "polygon"):
                yield from _polygon(node)
            for node in children(area, "circle"):
                yield from _circle(node)
            yield from _heights(area)


def _polygon(node: Element) -> Iterator[Problem]:
    ring = as_ring(content(node))
    quoted = shortened(content(node))
    if ring is None:
        yield problem(node, "INVALID_POLYGON", f'<polygon> "{quoted}" is not a list of latitude,longitude pairs.')
    elif len(ring) < 4:
        yield problem(node, "INVALID_POLYGON", f'<polygon> "{quoted}" has {len(ring)} pairs; four is the least.')
    elif ring[0] != ring[-1]:
        yield problem(node, "INVALID_POLYGON", f'<polygon> "{quoted}" does not end where it begins.')


def _circle(node: Element) -> Iterator[Problem]:
    words = content(node).split()
    if len(words) != 2 or as_point(words[0]) is None or not NUMBER.fullmatch(words[1]) or float(words[1]) < 0:
        sentence = f'<circle> "{shortened(content(node))}" is not latitude,longitude and a radius in kilometres.'
        yield problem(node, "INVALID_CIRCLE", sentence)


def _heights(area: Element) -> Iterator[Problem]:
    nodes = {name: node for name in ("altitude", "ceiling") for node in children(area, name)}
    heights = {name: content(node).strip() for name, node in nodes.items()}
    bad = [name for name, height in heights.items() if not NUMBER.fullmatch(height)]
    for name in bad:
        yield problem(nodes[name], "INVALID_HEIGHT", f'<{name}> "{shortened(heights[name])}" is not a number of feet.')
    if bad or "ceiling" not in heights:
        return
    if "altitude" not in heights:
        yield problem(nodes["ceiling"], "INVALID_AREA", "<ceiling> needs an <altitude> before it.")
    elif float(heights["ceiling"]) < float(heights["altitude"]):
        sentence = "<ceiling> is lower than <altitude>."
        yield problem(nodes["ceiling"], "INVALID_ALTITUDE_CEILING_RANGE", sentence)


def _agreement(alert: Element) -> Iterator[Problem]:
    """Infos in different languages are one message: all but their words is the same in each language."""
    by_language: dict[str, list[Element]] = {}
    for info in children(alert, "info"):
        by_language.setdefault((text(info, "language") or DEFAULT_LANGUAGE).lower(), []).append(info)
    if len(by_language) < 2:
        return
    model, *others = by_language.values()
    for infos in others:
        if Counter(map(_facts, infos)) != Counter(map(_facts, model)):
            language, model_language = (text(group[0], "language") or DEFAULT_LANGUAGE for group in (infos, model))
            differ = ", ".join(_differences(model, infos)) or "how these belong together"
            sentence = f"The infos in {shortened(language)} and {shortened(model_language)} differ in {differ}."
            yield problem(infos[0], "INFOS_MUST_AGREE", sentence)


def _facts(info: Element) -> tuple[tuple[str, object], ...]:
    return tuple(_facts_by_name(info).items())


def _facts_by_name(info: Element) -> Mapping[str, object]:
    facts: dict[str, object] = {name: text(info, name) for name in ("urgency", "severity", "certainty")}
    for name in ("category", "responseType"):
        facts[name] = frozenset(content(node) for node in children(info, name))
    for name in ("effective", "onset", "expires"):
        facts[name] = as_time(text(info, name)) or text(info, name)
    facts["eventCode"] = frozenset(named_values(info, "eventCode"))
    areas = children(info, "area")
    drawn = [content(node).split() for area in areas for name in ("polygon", "circle") for node in children(area, name)]
    coded = [pair for area in areas for pair in named_values(area, "geocode")]
    facts["area"] = frozenset([*map(tuple, drawn), *coded])
    return facts


def _differences(model: Sequence[Element], infos: Sequence[Element]) -> list[str]:
    one, other = ([_facts_by_name(info) for info in group] for group in (model, infos))
    return [name for name in one[0] if Counter(facts[name] for facts in one) != Counter(facts[name] for facts in other)]


def _all_clear(alert: Element) -> Iterator[Problem]:
    if text(alert, "msgType") in ("Update", "Cancel"):
        return
    for info in children(alert, "info"):
        for node in children(info, "responseType"):
            if content(node) == "AllClear":
                sentence = "An all clear is an Update or a Cancel: nobody takes a new Alert for the end of one."
                yield problem(node, "ALL_CLEAR_MUST_UPDATE", sentence)
                return


RULES: tuple[Rule, ...] = (
    _identity,
    _times,
    _closed_lists,
    _scope,
    _note,
    _references,
    _languages,
    _areas,
    _agreement,
    _all_clear,
)
