"""The simulated Lookup: what kind of line a number is, as far as the gateway's handsets know.

https://www.twilio.com/docs/lookup/v2-api
"""

from typing import Final

from channels.simulator.handsets import ENDINGS, Handsets, ending
from channels.simulator.numbers import FICTIONAL

FIELD: Final = "line_type_intelligence"
PACKAGES: Final = (
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    FIELD,
)  # null unless asked for; we have the last one


def phone_number(handsets: Handsets, number: str, fields: str, url: str) -> dict[str, object]:
    """The PhoneNumber resource. fields: what is asked for, with commas between. Only numbers in exchange 555 exist."""
    exists = FICTIONAL.fullmatch(number) is not None
    document: dict[str, object] = {
        "calling_country_code": "1" if exists else None,
        "country_code": "US" if exists else None,
        "phone_number": number,
        "national_format": f"({number[2:5]}) {number[5:8]}-{number[8:]}" if exists else None,
        "valid": exists,
        "validation_errors": None if exists else ["INVALID_BUT_POSSIBLE"],
        "url": url,
    }
    found = _line(handsets, number) if exists and FIELD in fields.split(",") else None
    return document | dict.fromkeys(PACKAGES) | {FIELD: found}


def _line(handsets: Handsets, number: str) -> dict[str, object]:
    landline = ending(handsets, number) == ENDINGS["landline"]
    return {
        "error_code": None,
        "mobile_country_code": None if landline else "001",
        "mobile_network_code": None if landline else "01",  # 001-01 is the network of tests
        "carrier_name": "Simulated carrier",
        "type": "landline" if landline else "mobile",
    }
