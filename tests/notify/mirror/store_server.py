"""A store that speaks the S3 protocol, in memory, and takes nothing whose signature it does not reach by its own reckoning.

Written from the protocol's description and not from our signer; what it judges is the request as it came over the wire.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from aiohttp import web

PARTS = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w{64})"
)
UNRESERVED = "-_.~"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@dataclass
class Stored:
    body: bytes
    headers: dict[str, str]


@dataclass
class Store:
    """objects: by bucket and key. order: keys as they came. failing: the status that everything gets, or 0."""

    now: datetime
    keys: dict[str, str] = field(default_factory=lambda: {"AKIDTOCSIN": "not-a-real-secret/key+1"})
    objects: dict[str, Stored] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    failing: int = 0
    deleted: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        return application

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.failing:
            return fault(self.failing, "SlowDown")
        if code := self.wrong(request, body):
            return fault(403, code)
        name = request.path.removeprefix("/")
        if request.method == "PUT":
            self.objects[name] = Stored(body, dict(request.headers))
            self.order.append(name)
            return web.Response(headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})
        if request.method == "DELETE":
            self.objects.pop(name, None)
            self.deleted.append(name)
            return web.Response(status=204)
        return fault(405, "MethodNotAllowed")

    def wrong(self, request: web.Request, body: bytes) -> str:
        """The code of what is wrong with a request, or ""."""
        found = PARTS.fullmatch(request.headers.get("Authorization", ""))
        stamp, digest = request.headers.get("x-amz-date", ""), request.headers.get("x-amz-content-sha256", "")
        if not found:
            return "AccessDenied"
        access, day, region, named, signature = found.groups()
        if access not in self.keys:
            return "InvalidAccessKeyId"
        sent_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(self.now - sent_at) > timedelta(minutes=15) or not stamp.startswith(day):
            return "RequestTimeTooSkewed"
        if digest != sha(body):
            return "XAmzContentSHA256Mismatch"
        names = named.split(";")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names) or names != sorted(names):
            return "AccessDenied"
        raw = request.raw_path.partition("?")[0]
        if raw != quote(request.path, safe=f"/{UNRESERVED}"):
            return "InvalidURI"  # a path must come as it was signed
        said = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        canonical = f"{request.method}\n{raw}\n\n{said}\n{named}\n{digest}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/s3/aws4_request\n{sha(canonical.encode())}"
        key = keyed(keyed(keyed(keyed(b"AWS4" + self.keys[access].encode(), day), region), "s3"), "aws4_request")
        return "" if hmac.compare_digest(keyed(key, text).hex(), signature) else "SignatureDoesNotMatch"


def fault(status: int, code: str) -> web.Response:
    text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message></Error>'
    return web.Response(status=status, text=text, content_type="application/xml")
