"""An approved alert as the IPAWS profile 1.0 wants it: to be handed to whoever may originate there. Pure.

Nothing is sent to IPAWS from here. Originating takes the agency's own agreement with FEMA, its own COG id and certificate, and
the permission for this event code in these counties; this document only saves whoever has them the typing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from lxml import etree

from notify.alerts import copy_pack
from notify.alerts.alert import Event
from notify.publishing import cap, cap_check
from notify.publishing.cap_document import Element, children, text
from notify.publishing.cap_terms import NAMESPACE

SUFFIX: Final = "-ipaws"  # one identifier never names two documents
ORIGINATOR: Final = "CIV"  # EAS-ORG: civil authorities (47 CFR 11.31)
LANGUAGES: Final = ("en", "es")  # what Wireless Emergency Alerts and EAS equipment know
WIRELESS: Final = {"WEA, 90 characters": "CMAMtext", "WEA, 360 characters": "CMAMlongtext"}
AFTER: Final = ("resource", "area")  # what stands behind <parameter> in <info>


AGREEMENT: Final = (
    "This is a draft for whoever may originate in IPAWS: that takes the agency's own agreement with FEMA and its own "
    "certificate. Nothing was sent there. County codes make broadcasters warn the whole county."
)


class NotForIpaws(ValueError):
    """The alert cannot be exported; `problems` holds every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def export(event: Event, time_zone: ZoneInfo, same_places: Sequence[str]) -> bytes:
    """The alert in English and Spanish, with one SAME event code, the counties' codes and the texts for telephones.

    Raises NotForIpaws for a hazard without a SAME code, and with everything that the profile finds wrong.
    """
    same = [pair for pair in event.event_codes if pair[0] == "SAME"]
    if not same:
        raise NotForIpaws([f"The hazard '{event.hazard}' has no SAME event code that a city may originate: IPAWS takes none."])
    earlier = tuple(replace(one, identifier=one.identifier + SUFFIX) for one in event.references)
    spoken = tuple(info for info in event.infos if info.language.lower().split("-")[0] in LANGUAGES)
    narrowed = replace(
        event, identifier=event.identifier + SUFFIX, references=earlier, event_codes=tuple(same[:1]), infos=spoken
    )
    alert = etree.fromstring(cap.build(narrowed, time_zone))
    for info in children(alert, "info"):
        for node in children(info, "effective"):  # the profile ignores it: an alert is in force when it is issued
            info.remove(node)
        _add_parameters(info, event)
        for area in children(info, "area"):
            for place in same_places:
                _named(etree.SubElement(area, f"{{{NAMESPACE}}}geocode"), "SAME", place)
    etree.indent(alert)
    document = bytes(etree.tostring(alert, encoding="UTF-8", xml_declaration=True, pretty_print=True))
    wrong = [one.sentence for one in cap_check.problems(document, "ipaws", earlier) if not one.advice]
    if wrong:
        raise NotForIpaws(wrong)
    return document


def _add_parameters(info: Element, event: Event) -> None:
    found = [("EAS-ORG", ORIGINATOR)]
    if text(info, "language").lower().startswith("en"):
        found += [(WIRELESS[one.name], one.text) for one in copy_pack.pack(event) if one.name in WIRELESS and not one.problem]
    at = next((place for place, node in enumerate(info) if etree.QName(node).localname in AFTER), len(info))
    for number, (name, value) in enumerate(found):
        node = etree.Element(f"{{{NAMESPACE}}}parameter")
        _named(node, name, value)
        info.insert(at + number, node)


def _named(node: Any, name: str, value: str) -> None:
    etree.SubElement(node, f"{{{NAMESPACE}}}valueName").text = name
    etree.SubElement(node, f"{{{NAMESPACE}}}value").text = value
