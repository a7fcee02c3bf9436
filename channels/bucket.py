"""A bucket that speaks the S3 protocol: objects put and deleted, each request signed with AWS Signature Version 4.

Path style only (https://host/bucket/key), which every compatible store understands.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

ANSWER_S: Final = 20.0
MOST_ANSWER: Final = 4_096  # bytes of an error that are looked at
_CODE: Final = re.compile(r"<Code>(\w{1,60})</Code>")


class Refused(OSError):
    """The store did not take it, or did not answer; the message says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where objects go and who signs. url: endpoint, bucket and, if wanted, a folder: "https://s3.example.gov/alerts"."""

    url: str
    region: str
    key_id: str
    secret: str = field(repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def path(self, name: str) -> str:
        """The path of an object's address, encoded as it is signed and sent."""
        return quote(f"{urlsplit(self.url).path.rstrip('/')}/{name}", safe="/-_.~")


def signed(place: Place, method: str, path: str, headers: Mapping[str, str], body: bytes, at: datetime) -> dict[str, str]:
    """The headers with which a request leaves: those given, the moment, the body's digest and the signature over all."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = sha256(body).hexdigest()
    sent = dict(headers) | {"Host": place.host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    lines = sorted((name.lower(), value.strip()) for name, value in sent.items())
    names = ";".join(name for name, _ in lines)
    canonical = "\n".join([method, path, "", *(f"{name}:{value}" for name, value in lines), "", names, digest])
    scope = f"{stamp[:8]}/{place.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{place.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={place.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return sent | {"Authorization": f"AWS4-HMAC-SHA256 {credential}"}


class Bucket:
    """Puts and deletes. A connection is opened when it is needed and kept until `close`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._session: aiohttp.ClientSession | None = None

    async def put(self, name: str, content: bytes, headers: Mapping[str, str], at: datetime) -> None:
        """Raises Refused."""
        await self._send("PUT", name, content, headers, at)

    async def delete(self, name: str, at: datetime) -> None:
        """Deletes an object; one that is not there is no error. Raises Refused."""
        await self._send("DELETE", name, b"", {}, at)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, name: str, content: bytes, headers: Mapping[str, str], at: datetime) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        path = self._place.path(name)
        url = URL(f"{urlsplit(self._place.url).scheme}://{self._place.host}{path}", encoded=True)
        sent = signed(self._place, method, path, headers, content, at)
        try:
            async with self._session.request(method, url, data=content, headers=sent, allow_redirects=False) as answer:
                if answer.status // 100 == 2 or (method == "DELETE" and answer.status == 404):
                    return
                said = (await answer.content.read(MOST_ANSWER)).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(f"{self._place.host} does not take {name}: {error or 'no answer'}") from error
        code = _CODE.search(said)
        raise Refused(f"{self._place.host} refuses {name}: {answer.status}{f' {code[1]}' if code else ''}")
