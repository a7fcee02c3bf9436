"""Recordings that Twilio keeps of calls: fetched as WAV, once for each request, signed in, and only from Twilio's own host.

https://www.twilio.com/docs/voice/api/recording#fetch-a-recordings-media-file. What a webhook says of the address does not
count: it is made of the account's own address and the recording's name, and no redirection is followed, so that the account's
token goes nowhere else.
"""

import re
from typing import Final

import aiohttp

from channels.base import Misconfigured
from channels.twilio_http import CREDENTIALS, TwilioAccount

NAME: Final = re.compile(r"RE[0-9a-f]{32}")
API_VERSION: Final = "2010-04-01"
PIECE: Final = 64 * 1024


class TooLarge(ValueError):
    """The recording has more bytes than were wanted; the message says so."""


async def fetched(account: TwilioAccount, name: str, most_bytes: int) -> bytes:
    """The recording. Raises ConnectionError where it cannot be had now (not stored yet, no connection, no 200), TooLarge,
    Misconfigured for an account that Twilio does not know, ValueError for what is no name of a recording."""
    if not NAME.fullmatch(name):
        raise ValueError("This is no name of a recording.")
    url = f"{account.base_url.rstrip('/')}/{API_VERSION}/Accounts/{account.account_sid}/Recordings/{name}.wav"
    timeout = aiohttp.ClientTimeout(total=account.total_timeout_s, connect=account.connect_timeout_s)
    headers = {"Authorization": aiohttp.encode_basic_auth(account.account_sid, account.auth_token)}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), headers=headers) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status in (401, 403):
                raise Misconfigured(f"Twilio does not know this account or its token: {CREDENTIALS}.")
            if answer.status != 200:
                raise ConnectionError(f"Twilio does not give the recording now: HTTP {answer.status}")
            return await _whole(answer, most_bytes)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ConnectionError(f"Twilio cannot be asked for the recording now: {type(error).__name__}") from error


async def _whole(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_chunked(PIECE):
        body += piece
        if len(body) > most_bytes:
            raise TooLarge(f"The recording has more than {most_bytes:,} bytes.")
    return bytes(body)
