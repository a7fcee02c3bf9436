"""What a domain's SPF, DKIM and DMARC records say of the city's mail. Pure: records in, findings out.

SPF: RFC 7208, DKIM: RFC 6376, DMARC: RFC 7489. A record is judged as a receiving system would read it."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final

from notify.readiness.findings import Finding, failed, judged, passed, unknown

SPF: Final = "mail: SPF"
DKIM: Final = "mail: DKIM"
DMARC: Final = "mail: DMARC"
MOST_LOOKUPS: Final = 10  # RFC 7208 section 4.6.4
ASKS: Final = re.compile(r"[+?~-]?(include:|a([:/]|$)|mx([:/]|$)|ptr|exists:)|redirect=", re.IGNORECASE)
STRONG: Final = ("quarantine", "reject")


def spf(records: Sequence[str], domain: str) -> Finding:
    """One record, with an end that refuses strangers. Whether it names the relay's own address is seen in a mail alone."""
    found = [record for record in records if re.match(r"v=spf1(\s|$)", record, re.IGNORECASE)]
    if not found:
        return failed(SPF, f"{domain} has no SPF record.", f"Publish a TXT record at {domain}: v=spf1 include:RELAY -all")
    faults = []
    if len(found) > 1:
        faults.append(f"{domain} has {len(found)} SPF records, so receivers use none of them.")
    terms = found[0].lower().split()[1:]
    ends = [term for term in terms if re.fullmatch(r"[+?~-]?all", term)]
    if not ends and not any(term.startswith("redirect=") for term in terms):
        faults.append("It has no 'all' at its end, so it says nothing of strangers.")
    if any(end in ("all", "+all", "?all") for end in ends):
        faults.append(f"It ends with '{ends[0]}', which lets anybody send as the city.")
    if not [term for term in terms if term not in ends]:
        faults.append("It names no system that may send, so the city's own relay may not.")
    asked = sum(1 for term in terms if ASKS.match(term))
    if asked > MOST_LOOKUPS:
        faults.append(f"It needs {asked} look-ups by itself; after {MOST_LOOKUPS} receivers give up.")
    return judged(SPF, faults, f"{domain}: {found[0]}", "Correct the record; name the relay in it and end with -all.")


def dkim(records: Sequence[str], name: str, public: bytes | None) -> Finding:
    """The record at selector._domainkey.domain; public: the key that must stand in it, as DER; None when the relay has it."""
    found = [record for record in records if "p=" in record.replace(" ", "")]
    if not found:
        return failed(DKIM, f"There is no DKIM key at {name}.", "Publish the public half of TOCSIN_DKIM_KEY_FILE there.")
    tags = _tags(found[0])
    faults = []
    if len(found) > 1:
        faults.append(f"{name} holds {len(found)} keys; which one counts is not defined.")
    if tags.get("v", "DKIM1") != "DKIM1":
        faults.append(f"{name} is of version {tags['v']}, not DKIM1.")
    if not tags.get("p"):
        faults.append(f"The key at {name} is withdrawn (an empty p=).")
    elif public is not None and _decoded(tags["p"]) != public:
        faults.append(f"The key at {name} is not the public half of TOCSIN_DKIM_KEY_FILE: every signature would fail.")
    if "y" in tags.get("t", "").split(":"):
        faults.append("It is marked as a test (t=y): receivers may ignore it.")
    do = "Publish the public half of the key that signs, and only that."
    if not faults and public is None:
        return unknown(DKIM, f"{name} holds a key; whether the relay signs with it is not visible here.", SEE_MAIL)
    return judged(DKIM, faults, f"{name} holds the public half of our key.", do)


SEE_MAIL: Final = "Run --send-test with a mailbox outside and read Authentication-Results in the mail that arrives."


def dmarc(records: Mapping[str, Sequence[str]], domain: str) -> Finding:
    """records: by domain, the mail's own first, then those above it; the first one that has a record counts."""
    for at, texts in records.items():
        found = [text for text in texts if re.match(r"v=DMARC1\s*(;|$)", text)]
        if len(found) > 1:
            return failed(DMARC, f"_dmarc.{at} holds {len(found)} records, so receivers use none.", "Keep one of them.")
        if found:
            return _policy(_tags(found[0]), at, domain)
    do = f"Publish a TXT record at _dmarc.{domain}: v=DMARC1; p=quarantine; rua=mailto:..."
    return failed(DMARC, f"Neither {domain} nor a domain above it has a DMARC record.", do)


def _policy(tags: Mapping[str, str], at: str, domain: str) -> Finding:
    policy = tags.get("p", "") if at == domain else tags.get("sp", tags.get("p", ""))
    if policy.lower() not in STRONG:
        says = f"_dmarc.{at} says '{policy or 'nothing'}' for mail of {domain}: forged alerts are let through."
        return failed(DMARC, says, "Read the reports for a few weeks, then set p=quarantine, later p=reject.")
    if tags.get("pct", "100") != "100":
        return failed(DMARC, f"_dmarc.{at} is applied to {tags['pct']} % of the mail only.", "Remove pct= or set it to 100.")
    return passed(DMARC, f"_dmarc.{at} says {policy.lower()} for mail of {domain}.")


def above(domain: str) -> list[str]:
    """The domain and those above it, down to two labels: alerts.example.gov, example.gov."""
    labels = domain.lower().rstrip(".").split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def _tags(record: str) -> dict[str, str]:
    parts = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): re.sub(r"\s+", "", value) for name, mark, value in parts if mark}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
