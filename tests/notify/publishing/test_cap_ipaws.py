"""What is exported for IPAWS: sound by its profile for every hazard with a code, and refused by name for the others."""

from dataclasses import replace

import pytest
from lxml import etree

from notify.alerts import hazards
from notify.alerts.alert import Stage
from notify.publishing.cap_check import problems
from notify.publishing.cap_ipaws import SUFFIX, NotForIpaws, export
from tests.notify.factories import PORTLAND, a_reference, an_event

CAP = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
CODED = [key for key, hazard in hazards.catalogue().items() if hazard.same]
OTHERS = [key for key, hazard in hazards.catalogue().items() if not hazard.same]
STAGES = [Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR, Stage.FALSE_ALARM]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("hazard", CODED)
def test_every_hazard_with_a_code_is_sound_by_the_profile(hazard: str, stage: Stage) -> None:
    event = an_event(hazard=hazard, stage=stage)
    document = export(event, PORTLAND, ["041051", "041005"])
    earlier = [replace(one, identifier=one.identifier + SUFFIX) for one in event.references]
    found = [*problems(document, "ipaws", earlier), *problems(document, "cap")]
    assert [one for one in found if not one.advice] == []
    assert {one.rule for one in found} <= {"INFO_INSTRUCTION_RECOMMENDED"}


def test_it_carries_one_code_the_counties_and_the_texts_for_telephones() -> None:
    alert = etree.fromstring(export(an_event(), PORTLAND, ["041051"]))
    assert alert.xpath("//c:eventCode/c:value/text()", namespaces=CAP) == ["LAE", "LAE"]
    assert alert.xpath("//c:geocode/c:value/text()", namespaces=CAP) == ["041051", "041051"]
    named = alert.xpath("//c:info[1]/c:parameter/c:valueName/text()", namespaces=CAP)
    assert named == ["EAS-ORG", "CMAMtext", "CMAMlongtext"]
    short, long = (alert.xpath(f"//c:parameter[c:valueName='{name}']/c:value", namespaces=CAP) for name in named[1:])
    assert len(short) == len(long) == 1 and len(short[0].text) <= 90 and len(long[0].text) <= 360
    assert alert.findtext("c:code", namespaces=CAP) == "IPAWSv1.0"


def test_its_identifier_is_never_that_of_the_public_document() -> None:
    event = an_event(stage=Stage.UPDATE, references=(a_reference(),))
    alert = etree.fromstring(export(event, PORTLAND, []))
    assert alert.findtext("c:identifier", namespaces=CAP) == event.identifier + SUFFIX
    assert a_reference().identifier + SUFFIX in (alert.findtext("c:references", namespaces=CAP) or "")


@pytest.mark.parametrize("hazard", OTHERS)
def test_a_hazard_without_a_code_is_refused_by_name(hazard: str) -> None:
    with pytest.raises(NotForIpaws, match=f"'{hazard}' has no SAME event code"):
        export(an_event(hazard=hazard), PORTLAND, ["041051"])
