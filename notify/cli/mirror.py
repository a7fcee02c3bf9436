"""`tocsin mirror ...`: whether a copy of the feeds is as fresh as the origin; to be run by somebody else's clock."""

import asyncio
import json as json_format
from datetime import UTC, datetime
from typing import Annotated, Final

import aiohttp
import typer

from notify.cli.say import Exit, Json, refuse, show
from notify.mirror import freshness
from notify.mirror.freshness import FEEDS, INDEX, Served

app = typer.Typer(help="Second places for everything published.", no_args_is_help=True)

ANSWER_S: Final = 10.0
MOST_BYTES: Final = 5_000_000


class NotServed(Exception):
    """A file cannot be had; the message says which and why."""


@app.callback()
def mirror() -> None:
    """Keeps `check` a command of its own while it is the only one."""


@app.command()
def check(
    url: Annotated[str, typer.Argument(help="Where the mirror begins: https://mirror.example.gov, or .../demo of a demo.")],
    origin: Annotated[str, typer.Option(help="Where the origin begins; without it, what the mirror names.")] = "",
    grace: Annotated[float, typer.Option(help="Seconds a mirror may be behind; then it is looked at once more.")] = 10.0,
    json: Json = False,
) -> None:
    """Says whether a mirror's heartbeat is fresh and its feeds are those of the origin. Ends with 1 when they are not, with 3
    when either of them does not answer."""
    try:
        problems, beat = asyncio.run(_looked(url.rstrip("/"), origin.rstrip("/"), grace))
    except NotServed as error:
        refuse([str(error)], Exit.NOT_REACHABLE)
    said = (
        f"{url} is fresh and says what the origin says: written {beat.generated:%Y-%m-%d %H:%M:%S%z}, {beat.active} in force."
    )
    data = {"fresh": not problems, "problems": problems, "generated": beat.generated.isoformat(), "active": beat.active}
    if json or not problems:
        show(data, json, [said])
    if problems:
        refuse([] if json else problems)


async def _looked(url: str, origin: str, grace: float) -> tuple[list[str], freshness.Beat]:
    """What is wrong, and the mirror's heartbeat. Both are asked once more when the mirror may be a moment behind."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for pause in (grace, None):
            mirror = await _served(session, url)
            other = await _served(session, origin or _origin(mirror.index, url))
            problems = freshness.problems(mirror, other, datetime.now(UTC))
            if not problems or pause is None or not grace:
                break
            await asyncio.sleep(pause)
    try:
        return problems, freshness.beat(mirror.index)
    except ValueError as error:
        raise NotServed(f"{url}: {error}") from None


def _origin(index: bytes, url: str) -> str:
    """Where the origin begins, by the mirror's own word. Raises NotServed."""
    try:
        address = str(json_format.loads(index)["feeds"][0]["atom"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise NotServed(f"{url}/{INDEX} is not what Tocsin publishes.") from None
    return address.partition("/feeds/")[0]


async def _served(session: aiohttp.ClientSession, base: str) -> Served:
    index = await _fetched(session, f"{base}/{INDEX}")
    feeds = [await _fetched(session, f"{base}/{name}") for name in FEEDS]
    return Served(index=index, feeds=dict(zip(FEEDS, feeds, strict=True)))


async def _fetched(session: aiohttp.ClientSession, url: str) -> bytes:
    try:
        # Whatever stands between may hold an old answer: it is asked for what is there now.
        async with session.get(url, headers={"Cache-Control": "no-cache"}) as answer:
            body = bytearray()
            async for piece in answer.content.iter_chunked(65_536):
                body += piece
                if len(body) > MOST_BYTES:
                    raise NotServed(f"{url} is longer than {MOST_BYTES} bytes.")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotServed(f"{url} does not answer: {error or 'no answer'}.") from None
    if answer.status != 200:
        raise NotServed(f"{url} answers with {answer.status}.")
    return bytes(body)
