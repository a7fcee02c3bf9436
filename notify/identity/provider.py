"""The city's identity provider, asked: what it says of itself, its keys, and an ID token for a code. Every request goes through
the egress guard, is bounded in time and size, and is made once.

    Silent      it cannot be asked now, or says nothing that can be used: people sign in with what they have here
    Untrusted   it answered, and the answer opens nothing
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from jwt import PyJWK
from yarl import URL

from notify.identity import claims, discovery, tokens
from notify.identity.claims import Asked, Identity, Terms
from notify.identity.discovery import Document
from notify.partners.egress import Answer, Egress, Refused, Unreachable

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0
KEPT_FOR_S: Final = 3600.0  # what it says of itself, and its keys
KEYS_AGAIN_S: Final = 60.0  # a token with an unknown key: they are read again, at most so often
LOOKED_S: Final = 30.0  # how often the sign-in page has it looked at
RETURN_PATH: Final = "/sign-in/identity/return"


class Silent(Exception):
    """The provider cannot be asked now; the message says why in a few words."""


class Untrusted(Exception):
    """What came back holds nothing; the message says why, for our log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What binds one question to one browser, each made from its cookie: the database keeps none of them."""

    cookie: str

    @property
    def state(self) -> str:
        return self._made("state")

    @property
    def nonce(self) -> str:
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """43 letters (RFC 7636, section 4.1)."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        return _letters(hashlib.sha256(self.verifier.encode()).digest())

    def _made(self, what: str) -> str:
        return _letters(hmac.new(self.cookie.encode(), f"identity {what}".encode(), hashlib.sha256).digest())


@dataclass(slots=True, kw_only=True)
class Provider:
    """name: as people read it. secret: "" for a client that has none and relies on PKCE. base: of the console. scope: what is
    asked for, "openid" among it. trouble: why it could not be asked last time; "" when it could."""

    terms: Terms
    name: str
    secret: str
    scope: str
    base: str
    egress: Egress
    patience_s: float = PATIENCE_S
    passed: Callable[[], float] = time.monotonic
    trouble: str = ""
    _document: Document | None = None
    _read_at: float = 0.0
    _keys: list[PyJWK] = field(default_factory=list)
    _keys_at: float | None = None
    _looked_at: float | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def back(self) -> str:
        """Where the provider sends browsers back to; it must be registered there, letter for letter."""
        return self.base.rstrip("/") + RETURN_PATH

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.egress.close()

    def look(self) -> None:
        """Has it looked at by and by, so that the sign-in page can say whether it answers."""
        now = self.passed()
        if self._looked_at is not None and now - self._looked_at < LOOKED_S:
            return
        self._looked_at = now
        task = asyncio.get_running_loop().create_task(self._looked(), name="identity provider")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _looked(self) -> None:
        """Never more than one look at a time; what it finds stands in `trouble`."""
        try:
            async with self._one:
                await self._read_document()
        except Silent:
            return  # it has been noted and logged

    async def document(self) -> Document:
        """What it says of itself, at most an hour old. Raises Silent."""
        async with self._one:
            if self._document is None or self.passed() - self._read_at > KEPT_FOR_S:
                await self._read_document()
            assert self._document is not None
            return self._document

    async def way_there(self, mine: Secrets, *, anew: bool) -> str:
        """Where the browser is to go. anew: the person must show there who they are, signed in or not. Raises Silent."""
        document = await self.document()
        asked = {
            "response_type": "code",
            "client_id": self.terms.client_id,
            "redirect_uri": self.back,
            "scope": self.scope,
            "state": mine.state,
            "nonce": mine.nonce,
            "code_challenge": mine.challenge,
            "code_challenge_method": "S256",
        }
        if anew:
            asked |= {"prompt": "login", "max_age": "0"}
        if self.terms.acr:
            asked["acr_values"] = " ".join(self.terms.acr)
        return str(URL(document.authorize).update_query(asked))

    def way_out(self, id_token: str) -> str:
        """Where signing out there is done; "" where it does not say, or was not asked since the start: nobody waits for it."""
        if self._document is None or not self._document.leave:
            return ""
        asked = {"client_id": self.terms.client_id, "post_logout_redirect_uri": f"{self.base.rstrip('/')}/sign-in"}
        return str(URL(self._document.leave).update_query(asked | ({"id_token_hint": id_token} if id_token else {})))

    def answered_by(self, issuer: str | None) -> bool:
        """Whether an answer may be this provider's: another one's code must never be brought here (RFC 9207)."""
        if issuer is None:
            return self._document is None or not self._document.names_itself
        return issuer == self.terms.issuer

    async def redeem(self, code: str, mine: Secrets) -> str:
        """The ID token for a code, as it came. Raises Silent, Untrusted."""
        document = await self.document()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": mine.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.secret and not document.secret_in_body:
            pair = f"{quote_plus(self.terms.client_id)}:{quote_plus(self.secret)}"  # RFC 6749, section 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.terms.client_id} | ({"client_secret": self.secret} if self.secret else {})
        answer = await self._ask("POST", document.token, urlencode(form).encode(), headers)
        said = _object(answer)
        if answer.status != 200:
            if answer.status >= 500 or answer.status == 429:
                raise self._silent(f"its token endpoint answers {answer.status}")
            raise Untrusted(f"the code was refused: {answer.status} {str(said.get('error'))[:60]!r}")
        token = said.get("id_token")
        if not isinstance(token, str):
            raise Untrusted("the answer holds no ID token")
        return token

    async def who(self, id_token: str, asked: Asked, now: datetime) -> Identity:
        """Whom a token speaks of. Raises Silent, Untrusted, claims.NotAdmitted."""
        said = await self._verified(id_token)
        if wrong := claims.problems(said, self.terms, asked, now):
            raise Untrusted("; ".join(wrong))
        claims.admit(said, self.terms)
        return claims.identity(said)

    async def read_keys(self) -> list[PyJWK]:
        """Its keys as they are now. Raises Silent."""
        document = await self.document()
        async with self._one:
            await self._read_keys(document)
            return self._keys

    async def _verified(self, token: str) -> dict[str, Any]:
        document = await self.document()
        async with self._one:
            if self._keys_at is None or self.passed() - self._keys_at > KEPT_FOR_S:
                await self._read_keys(document)
            try:
                return tokens.verified(token, self._keys)
            except tokens.NoSuchKey as error:
                if self._keys_at is not None and self.passed() - self._keys_at < KEYS_AGAIN_S:
                    raise Untrusted(f"{error}; its keys were read a moment ago") from error
            except tokens.Unsigned as error:
                raise Untrusted(str(error)) from error
            await self._read_keys(document)
            try:
                return tokens.verified(token, self._keys)
            except tokens.Unsigned as error:
                raise Untrusted(str(error)) from error

    async def _read_document(self) -> None:
        answer = await self._ask("GET", discovery.address(self.terms.issuer))
        said = _object(answer) if answer.status == 200 else None
        if said is None:
            raise self._silent(f"its discovery document answers {answer.status}")
        if wrong := discovery.faults(said, self.terms.issuer, self.egress.rules):
            raise self._silent(" ".join(wrong))
        self._document, self._read_at, self.trouble = discovery.read(said, self.egress.rules), self.passed(), ""

    async def _read_keys(self, document: Document) -> None:
        answer = await self._ask("GET", document.keys)
        try:
            found = tokens.keys(_object(answer)) if answer.status == 200 else []
        except ValueError as error:
            raise self._silent(f"its keys cannot be read: {error}") from None
        if not found:
            raise self._silent(f"it shows no key that we can use (status {answer.status})")
        self._keys, self._keys_at = found, self.passed()

    async def _ask(self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        try:
            answer = await self.egress.ask(method, url, body=body, headers=headers, timeout_s=self.patience_s)
        except (Refused, Unreachable) as error:
            raise self._silent(str(error)) from None
        if answer.cut:
            raise self._silent("its answer is longer than we read")
        return answer

    def _silent(self, why: str) -> Silent:
        self.trouble = why
        logger.warning("the identity provider cannot be asked: %s (docs/sign-in.md)", why)
        return Silent(why)


def _object(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; an empty one for anything else."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _letters(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
