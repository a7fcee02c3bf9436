"""A small client of the running service: TOCSIN_URL says where it is, TOCSIN_TOKEN who you are."""

import asyncio
import json
import os
import uuid
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

DEFAULT_URL: Final = "http://127.0.0.1:8081"
TIMEOUT_S: Final = 60


class NotReachable(Exception):
    """The service does not answer; the message says where it was looked for."""


class ApiRefused(Exception):
    """The service said no, with all its reasons."""

    def __init__(self, status: int, title: str, problems: list[str]) -> None:
        super().__init__(title)
        self.status, self.problems = status, problems


class Client:
    """url and token default to the environment. Every POST carries a new Idempotency-Key and may so be retried safely."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self.url = (url or os.environ.get("TOCSIN_URL") or DEFAULT_URL).rstrip("/")
        self.token = token or os.environ.get("TOCSIN_TOKEN", "")

    def get(self, path: str) -> Any:
        return asyncio.run(self.call("GET", path))

    def post(self, path: str, data: Any = None) -> Any:
        return asyncio.run(self.call("POST", path, data))

    def put(self, path: str, data: Any, seen: int | None = None) -> Any:
        """seen: the version that is replaced; None: whichever there is."""
        return asyncio.run(self.call("PUT", path, data, {"If-Match": "*" if seen is None else f'"{seen}"'}))

    async def call(self, method: str, path: str, data: Any = None, more: Mapping[str, str] | None = None) -> Any:
        """The JSON answered. more: further headers. Raises NotReachable and ApiRefused."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": uuid.uuid4().hex} | dict(more or {})
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.request(method, f"{self.url}/api/v1{path}", json=data, headers=headers) as answer,
            ):
                reply = await answer.json(content_type=None)
        except json.JSONDecodeError:
            raise ApiRefused(
                answer.status, "", [f"{self.url} answered, but not as this service does: {answer.status}."]
            ) from None
        except (aiohttp.ClientError, TimeoutError):
            raise NotReachable(f"No service answers at {self.url}. Start it with 'tocsin serve', or set TOCSIN_URL.") from None
        if answer.status >= 400:
            raise ApiRefused(answer.status, reply.get("title", ""), reply.get("problems") or [reply.get("title", "")])
        return reply
