"""What the endpoints of the 311 desk have in common: an act is done once for its Idempotency-Key, a refusal is a sentence."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from notify.web.answers import STAFF, unfit_as
from notify.web.endpoints import GIVEN, acting
from notify.web.replies import Replies
from surge.pages.acts import Verb
from surge.pages.office import AGENTS

T = TypeVar("T")
post = partial(acting, roles=AGENTS)


class Once:
    """Every act is done once for its Idempotency-Key. What the line did is in its journal before the answer is kept; what is
    only written stands in the transaction of the answer. unfit: the title of what cannot be done."""

    def __init__(self, replies: Replies, unfit: str = "The desk cannot do this.") -> None:
        self._replies, self._unfit = replies, unfit

    async def did(self, request: web.Request, act: Callable[[], Awaitable[dict[str, Any]]], status: int = 200) -> web.Response:
        """Asks the line, or sends; then keeps the answer, in which no resident is."""
        found: dict[str, Any] = {}

        async def before() -> None:
            found.update(await act())

        return await self._once(request, lambda _: found, before, status)

    async def wrote(
        self, request: web.Request, prepare: Callable[[], Awaitable[Verb[T]]], shown: Callable[[T], Any], status: int = 200
    ) -> web.Response:
        """Runs what was prepared in the transaction that keeps the answer."""
        prepared: list[Verb[T]] = []

        async def before() -> None:
            prepared.append(await prepare())

        return await self._once(request, lambda conn: shown(prepared[0](conn)), before, status)

    async def _once(
        self, request: web.Request, verb: Verb[Any], before: Callable[[], Awaitable[None]], status: int
    ) -> web.Response:
        with unfit_as(self._unfit):
            return await self._replies.once(request, verb, status, before)


def given_as(request: web.Request, kind: type[T]) -> T:
    given = request[GIVEN]
    assert isinstance(given, kind)
    return given


def mark(request: web.Request) -> str:
    """Of this act, for what must leave or be counted once: the same for the same key of the same person."""
    owned = f"{request[STAFF].person_id} {request.headers.get('Idempotency-Key', '')}"
    return hashlib.blake2b(owned.encode(), digest_size=16).hexdigest()


def done(_: Any) -> dict[str, bool]:
    return {"done": True}
