"""An identity provider as a city has one (OpenID Connect Core and Discovery, PKCE, RP-initiated logout), on a socket of its
own, with a lie for every rule. Its tokens are put together and signed by hand, so that the library that judges them did not
make them."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

CLIENT, SECRET = "tocsin-console", "a secret & a half"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@cache
def rsa_key(which: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Making one is slow; each is made once."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(which: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: PrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """The public half (RFC 7517, RFC 7518)."""
    match key:
        case rsa.RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            size = (key.key_size + 7) // 8
            own = {"kty": "RSA", "n": b64(numbers.n.to_bytes(size, "big")), "e": b64(numbers.e.to_bytes(3, "big"))}
        case _:
            point, size = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
            names = {"secp256r1": "P-256", "secp384r1": "P-384"}
            x, y = point.x.to_bytes(size, "big"), point.y.to_bytes(size, "big")
            own = {"kty": "EC", "crv": names[key.curve.name], "x": b64(x), "y": b64(y)}
    return own | {"kid": kid, "use": "sig"} | more


def signed(claims: dict[str, Any], key: PrivateKey, **header: Any) -> str:
    """A compact JWS (RFC 7515); header: over what the key would say, "alg" too."""
    known = {"alg": "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256", "typ": "JWT"} | header
    head = {name: value for name, value in known.items() if value is not None}
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(_signature(text.encode(), key, str(known['alg'])))}"


def _signature(text: bytes, key: PrivateKey, algorithm: str) -> bytes:
    if algorithm == "none":
        return b""
    if algorithm.startswith("HS"):  # with the public key as the secret, which everybody knows
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(public, text, "sha256")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), SHA256())
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class Issued:
    """What a code stands for. challenge, redirect_uri: as they were asked with."""

    subject: str
    nonce: str
    challenge: str
    redirect_uri: str
    shown_at: datetime


@dataclass(slots=True)
class IdentityServer:
    """now: its clock. subject: who is signed in there; None: it shows a page that asks. shown_at: since when they are.

    Its lies: claims, header, discovery: over what it would say (None leaves it out); statuses, bodies: answers by path;
    names: in place of its own name in what it sends back with."""

    now: Callable[[], datetime]
    url: str = ""
    subject: str | None = "s-100"
    shown_at: datetime | None = None
    keys: dict[str, PrivateKey] = field(default_factory=lambda: {"k1": rsa_key("first")})
    signs: str = "k1"
    redirects: set[str] = field(default_factory=set)
    secret: str = SECRET
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    shown_keys: list[dict[str, Any]] | None = None
    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    names: str | None = ""
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    hangs: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    _codes: dict[str, Issued] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self._told(self._discovery)),
            web.get("/keys", self._told(self._keys)),
            web.get("/authorize", self._authorize),
            web.post("/authorize", self._authorize),
            web.post("/token", self._told(self._token)),
            web.get("/logout", self._logout),
        ]

    def _told(self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.seen.append(request.path)
            if request.path in self.hangs:
                await self.silent.wait()
            if request.path in self.statuses or request.path in self.bodies:
                body, status = self.bodies.get(request.path, b"{}"), self.statuses.get(request.path, 200)
                return web.Response(body=body, status=status, content_type="application/json")
            return await answer(request)

        return handle

    async def _discovery(self, _: web.Request) -> web.Response:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
        } | self.discovery
        return web.json_response({name: value for name, value in said.items() if value is not None})

    async def _keys(self, _: web.Request) -> web.Response:
        own = [jwk(key, kid) for kid, key in self.keys.items()]
        return web.json_response({"keys": own if self.shown_keys is None else self.shown_keys})

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        asked = dict(request.query)
        if request.method == "GET":
            self.asked.append(asked)
        wrong = self._unasked(asked)
        if wrong:
            return web.Response(status=400, text=wrong)  # never back to an address that is not registered
        form = await request.post()
        anew = "login" in asked.get("prompt", "") or asked.get("max_age") == "0"
        if request.method == "POST":
            self.subject, self.shown_at = str(form["subject"]), self.now()
        elif self.subject is None:
            return self._page(asked)
        elif anew or self.shown_at is None:
            self.shown_at = self.now()
        assert self.subject is not None and self.shown_at is not None
        code = secrets.token_urlsafe(16)
        self._codes[code] = Issued(
            self.subject, asked.get("nonce", ""), asked["code_challenge"], asked["redirect_uri"], self.shown_at
        )
        back = {"code": code, "state": asked["state"]}
        if self.names is not None:
            back["iss"] = self.names or self.url
        return web.Response(status=302, headers={"Location": str(URL(asked["redirect_uri"]).update_query(back))})

    def _unasked(self, asked: dict[str, str]) -> str:
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") not in self.redirects:
            return "This client or its address is not registered."
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return "Only the code flow of OpenID Connect is offered."
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            return "PKCE with S256 is needed."
        return "" if asked.get("state") else "A state is needed."

    def _page(self, asked: dict[str, str]) -> web.Response:
        html = (
            '<!doctype html><html lang="en"><title>City account</title><link rel="icon" href="data:,"><h1>City account</h1>'
            f'<form method="post" action="{escape(str(URL("/authorize").with_query(asked)))}">'
            '<label>Account <input id="subject" name="subject"></label><button id="go">Sign in</button></form>'
        )
        return web.Response(text=html, content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
        if not self._knows(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        issued = self._codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        fits = (
            issued is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == issued.redirect_uri
            and b64(hashlib.sha256(verifier.encode()).digest()) == issued.challenge
        )
        if not fits or issued is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        said = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": self.token(issued)}
        return web.json_response(said, headers={"Cache-Control": "no-store"})

    def _knows(self, request: web.Request, form: dict[str, str]) -> bool:
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(pair).decode().partition(":")
            return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, self.secret)
        return form.get("client_id") == CLIENT and form.get("client_secret", "") == self.secret

    def token(self, issued: Issued) -> str:
        at = self.now()
        said = {
            "iss": self.url,
            "sub": issued.subject,
            "aud": CLIENT,
            "exp": int((at + timedelta(minutes=5)).timestamp()),
            "iat": int(at.timestamp()),
            "auth_time": int(issued.shown_at.timestamp()),
            "nonce": issued.nonce,
        } | self.claims
        claims = {name: value for name, value in said.items() if value is not None}
        made = signed(claims, self.keys[self.signs], **({"kid": self.signs} | self.header))
        self.tokens.append(made)
        return made

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        self.left.append(dict(request.query))
        self.subject = None
        return web.Response(status=302, headers={"Location": request.query["post_logout_redirect_uri"]})


def utc() -> datetime:
    return datetime.now(UTC)


HOST: Final = "127.0.0.1"


@asynccontextmanager
async def identity_server(now: Callable[[], datetime] = utc, port: int = 0) -> AsyncIterator[IdentityServer]:
    found = IdentityServer(now)
    app = web.Application()
    app.add_routes(found.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        found.url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield found
    finally:
        found.silent.set()
        await runner.cleanup()
