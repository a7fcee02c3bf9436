"""An alert in an envelope of EDXL-DE 1.0: what stands outside is what the alert says, in the order of the standard; the alert
itself comes out as it went in."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from notify.alerts import hazards
from notify.alerts.alert import Stage
from notify.publishing import cap, cap_check, cap_signature
from notify.publishing.cap_certificates import self_signed
from notify.publishing.cap_edxl import NAMESPACE, wrapped
from notify.publishing.cap_signature import Signer
from tests.notify.factories import PORTLAND, a_reference, an_event

ACTOR = "alerts@example.gov"
NOW = datetime(2026, 11, 22, 3, 0, 1, tzinfo=PORTLAND)
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
# The order in which the schema of the standard wants the children of <EDXLDistribution> that we use.
ORDER = [
    "distributionID", "senderID", "dateTimeSent", "distributionStatus", "distributionType", "combinedConfidentiality",
    "distributionReference", "targetArea", "contentObject",
]  # fmt: skip


def outside(envelope: etree._Element, name: str) -> list[str]:
    return [node.text or "" for node in envelope.findall(f"{{{NAMESPACE}}}{name}")]


@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.UPDATE, Stage.ALL_CLEAR, Stage.FALSE_ALARM])
@pytest.mark.parametrize("hazard", list(hazards.catalogue()))
def test_what_stands_outside_is_what_the_alert_says(hazard: str, stage: Stage) -> None:
    document = cap.build(an_event(hazard=hazard, stage=stage, references=(a_reference(),)), PORTLAND)
    alert = etree.fromstring(document)
    envelope = etree.fromstring(wrapped(document, ACTOR, NOW))
    names = [etree.QName(node).localname for node in envelope]
    assert names == sorted(names, key=ORDER.index)
    assert outside(envelope, "distributionID") == [alert.findtext(f"{CAP}identifier")]
    assert outside(envelope, "senderID") == [ACTOR]
    assert outside(envelope, "dateTimeSent") == ["2026-11-22T03:00:01-08:00"]
    kinds = {"Alert": "Report", "Update": "Update", "Cancel": "Cancel"}
    assert outside(envelope, "distributionType") == [kinds[alert.findtext(f"{CAP}msgType") or ""]]
    sender, identifier, at = (alert.findtext(f"{CAP}references") or "").split()[0].split(",")
    assert outside(envelope, "distributionReference")[0] == f"{identifier},{sender},{at}"
    shapes = [node.text for node in envelope.iterfind(f"{{{NAMESPACE}}}targetArea/{{{NAMESPACE}}}polygon")]
    assert shapes == [node.text for node in alert.iterfind(f"{CAP}info[1]/{CAP}area/{CAP}polygon")]


def test_the_alert_comes_out_as_it_went_in_and_its_signature_still_holds() -> None:
    key, sent = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 11, 22, tzinfo=UTC)
    signer = Signer(key, self_signed(key, ACTOR, "City", sent, timedelta(days=30)))
    document = signer.sign(cap.build(an_event(), PORTLAND))
    envelope = etree.fromstring(wrapped(document, ACTOR, NOW))
    (content,) = envelope.iterfind(f"{{{NAMESPACE}}}contentObject/{{{NAMESPACE}}}xmlContent/{{{NAMESPACE}}}embeddedXMLContent")
    (alert,) = content
    out = etree.tostring(alert)
    assert cap_signature.verified(out, [signer.certificate]).certificate == signer.certificate
    assert [one for one in cap_check.problems(out, "cap") if not one.advice] == []
    assert etree.tostring(alert, method="c14n2") == etree.tostring(etree.fromstring(document), method="c14n2")
