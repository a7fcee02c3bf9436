"""Twilio's reasons to refuse a request: the table of codes and the JSON they are told with."""

from dataclasses import dataclass
from typing import Final

# code: (HTTP status, message). Meanings: https://www.twilio.com/docs/api/errors
REASONS: Final = {
    20001: (400, "A date must read like 2026-05-23."),
    20003: (401, "Authenticate"),
    20007: (400, "Page size must be between 1 and 1000."),
    20404: (404, "The requested resource {} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL, or one this gateway may not ask: {}"),
    21206: (400, "{} is not GET or POST"),
    21210: (400, "'From' phone number {} is not a number of this account"),
    21211: (400, "The 'To' number {} is not a valid phone number."),
    21212: (400, "The 'From' number {} is not a valid phone number or short code."),
    21213: (400, "No 'From' number is specified"),
    21214: (400, "'To' phone number {} cannot be reached: the simulator never dials an emergency service"),
    21215: (400, "Account not authorized to call {}: this gateway serves exchange 555."),
    21217: (400, "Phone number {} does not appear to be valid"),
    21218: (400, "{} is not valid"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21266: (400, "'To' and 'From' number cannot be the same: {}"),
    21408: (403, "Permission to send an SMS has not been enabled for the region of {}: this gateway serves exchange 555."),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number {} is not a message-capable number of this account."),
    21609: (400, "The 'StatusCallback' URL {} is not one this gateway may call."),
    21610: (400, "Attempt to send to unsubscribed recipient {}"),
    21611: (429, "The 'From' number {} has exceeded the maximum number of queued messages"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
    21624: (400, "The validity period must be a whole number of seconds from 1 to 36000."),
    30400: (400, "Parameters are not valid: only Status=canceled can be posted to a message."),
    30409: (409, "This message cannot be canceled"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request refused under Twilio's code; `subject` is the number, path or URL the message speaks of."""

    code: int
    subject: str = ""

    @property
    def status(self) -> int:
        return REASONS[self.code][0]

    def document(self) -> dict[str, object]:
        status, message = REASONS[self.code]
        return {
            "code": self.code,
            "message": message.format(self.subject),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": status,
        }
