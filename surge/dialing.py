"""What may be dialled: a line with ten digits or a SIP address. Never an emergency or service code, however it is written."""

import re
from typing import Final

EXCHANGE_555: Final = re.compile(r"\+1\d{3}555\d{4}", re.ASCII)  # invented numbers, for samples and demos
_TEN_DIGITS: Final = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_SIP: Final = re.compile(r"sips?:([a-z0-9._~+-]+)@[a-z0-9.-]+(:\d+)?(;[a-z0-9=.;-]+)?", re.ASCII | re.IGNORECASE)
_CODE: Final = re.compile(r"1?([2-9]11|112|933|999|000)", re.ASCII)


def dial_problem(number: str, *, sip: bool = True) -> str:
    """Why this must never be dialled; "" when it may. A number has +1 and ten digits; where `sip`, an address will do."""
    address = _SIP.fullmatch(number) if sip else None
    if _CODE.fullmatch(re.sub(r"[^0-9a-z]|^tel:", "", (address[1] if address else number).lower())):
        return "is an emergency or service code: give the ten-digit line behind it, because codes are routed by address"
    if address:
        return ""
    if not _TEN_DIGITS.fullmatch(number):
        return f"is no number with +1 and ten digits{' and no SIP address' if sip else ''}"
    if number[3:5] == "11" or number[6:8] == "11":
        return "has a service code (like 911) for its area or exchange, which no line has"
    return ""
