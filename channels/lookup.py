"""What kind of line a phone number is, asked of Twilio Lookup: one paid question, one short wait, never asked twice.

https://www.twilio.com/docs/lookup/v2-api/line-type-intelligence
"""

import json
import logging
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import aiohttp
from yarl import URL

logger = logging.getLogger(__name__)

LOOKUPS: Final = "https://lookups.twilio.com"
TIMEOUT_S: Final = 3.0  # somebody waits for the page
CREDENTIALS: Final = "check TOCSIN_TWILIO_ACCOUNT_SID, TOCSIN_TWILIO_AUTH_TOKEN and that Lookup is enabled for the account"


class LineType(StrEnum):
    """Every type that Twilio names."""

    LANDLINE = "landline"  # the only one that a text is sure not to reach
    MOBILE = "mobile"
    FIXED_VOIP = "fixedVoip"  # bound to a place: many take texts
    NON_FIXED_VOIP = "nonFixedVoip"  # an app: takes texts
    PERSONAL = "personal"
    TOLL_FREE = "tollFree"
    PREMIUM = "premium"
    SHARED_COST = "sharedCost"
    UAN = "uan"  # one number for a whole company
    VOICEMAIL = "voicemail"
    PAGER = "pager"
    UNKNOWN = "unknown"


class NotTold(Exception):
    """Nobody knows what kind of line it is: there was no answer, or it said nothing. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """An account that may ask. base_url: Twilio's Lookup API, or a simulator. timeout_s: for it all, connecting included."""

    account_sid: str
    auth_token: str = field(repr=False)
    base_url: str = LOOKUPS
    timeout_s: float = TIMEOUT_S

    async def line_type(self, number: str) -> LineType:
        """The type of a number in E.164. Costs money. Raises NotTold."""
        url = URL(self.base_url) / "v2" / "PhoneNumbers" / number
        headers = {"Authorization": aiohttp.encode_basic_auth(self.account_sid, self.auth_token)}
        # A connection for each question: there are a few a minute, and none has to be closed when the service ends.
        session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            middlewares=[_once],
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
        )
        try:
            async with (
                session,
                session.get(url, params={"Fields": "line_type_intelligence"}, allow_redirects=False) as response,
            ):
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unanswered(error) from error
        if status in (401, 403):
            logger.error("Twilio Lookup does not know this account or its token: %s", CREDENTIALS)
        if status != 200:
            raise NotTold(f"HTTP {status}")
        return read(body)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from its own second try after a lost connection: the first question may have been answered, and paid."""
    try:
        return await handler(request)
    except aiohttp.ClientError as error:
        raise _unanswered(error) from error


def _unanswered(error: Exception) -> NotTold:
    return NotTold(f"no answer ({type(error).__name__})")  # its own text may hold the URL, and so the number


def read(body: bytes) -> LineType:
    """The type in a good answer. Raises NotTold, also for an answer without one: Twilio gives a code instead, such as 60601 for
    a number in Canada that the account may not ask about."""
    try:
        found = json.loads(body)["line_type_intelligence"]
        if found["error_code"] is not None:
            raise NotTold(f"code {found['error_code']}")
        return LineType(found["type"])
    except (ValueError, LookupError, TypeError) as error:
        raise NotTold("an answer that names no type of line") from error
