"""What a provider's code of a failed message says of the address: that it is no good, that it was no good just now, or nothing.

Twilio's codes are whole numbers (https://www.twilio.com/docs/api/errors), mail's are an SMTP reply, an enhanced status
(RFC 3463), or both ("550 5.1.1"). A code that speaks of our number, our text, our reputation or the network's rules says
nothing of the address, however often it comes: nobody may stop hearing from us because we are on a blocklist.
"""

import re
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    HARD = "hard"  # no such phone or mailbox, or one that takes nothing
    SOFT = "soft"  # full, busy or out of the network's reach: perhaps another time


# Twilio: at hand-over 2xxxx, in a report 3xxxx.
NUMBERS: Final = {
    21211: Fault.HARD,  # not a telephone number
    21214: Fault.HARD,  # cannot be reached
    21217: Fault.HARD,  # not a telephone number
    21265: Fault.HARD,  # a short code
    21268: Fault.HARD,  # a premium-rate service
    21614: Fault.HARD,  # not a mobile number
    21635: Fault.HARD,  # a landline
    30003: Fault.HARD,  # switched off, out of coverage or gone: three in a row, and it is gone
    30005: Fault.HARD,  # unknown or out of service
    30006: Fault.HARD,  # a landline, or a network that takes no texts
}

# RFC 3463 by "subject.detail", and then by subject alone; what is in neither says nothing of the mailbox.
STATUSES: Final = {
    "1.7": None,  # our own address is refused
    "1.8": None,  # our own domain is refused
    "2.1": Fault.HARD,  # the mailbox is disabled
    "4.3": None,  # the relay's own routing is broken
    "4.6": None,  # a loop
    "0": Fault.SOFT,  # it does not say
    "1": Fault.HARD,  # the address is no good
    "2": Fault.SOFT,  # the mailbox takes no mail: full, or the mail too long for it
    "3": Fault.SOFT,  # its system is full or closed
    "4": Fault.SOFT,  # its system does not answer
}
TEMPORARY: Final = "4"  # class of a status that was given up although it was temporary

# SMTP replies that came without an enhanced status, RFC 5321 section 4.2.3.
REPLIES: Final = {
    "550": Fault.SOFT,  # no such mailbox, or a policy: it does not say which
    "551": Fault.HARD,  # moved away
    "552": Fault.SOFT,  # full
    "553": Fault.HARD,  # not a mailbox name there
}
STATUS: Final = re.compile(r"(?:[0-9]{3} )?([245])\.([0-9]{1,3})\.([0-9]{1,3})")


def fault(code: str) -> Fault | None:
    """What the code of a Refused or Undelivered says of its address; None for nothing."""
    if found := STATUS.fullmatch(code):
        said = STATUSES.get(f"{found[2]}.{found[3]}", STATUSES.get(found[2]))
        return Fault.SOFT if said is Fault.HARD and found[1] == TEMPORARY else said
    if code in REPLIES:
        return REPLIES[code]
    return NUMBERS.get(int(code)) if code.isascii() and code.isdigit() else None
