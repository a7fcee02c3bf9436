"""`tocsin cap ...`: what partners' readers would say of a CAP document, before they do."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, get_args

import aiohttp
import typer

from notify.cli.say import Exit, Json, refuse, show
from notify.publishing import cap_check
from notify.publishing.cap_check import Problem, Profile
from notify.publishing.cap_document import MOST_BYTES

app = typer.Typer(help="CAP documents, ours or anybody's.", no_args_is_help=True)

PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
ANSWER_S: Final = 10.0


@app.callback()
def cap() -> None:
    """Keeps `check` a command of its own while it is the only one."""


@app.command()
def check(
    documents: Annotated[list[str], typer.Argument(metavar="FILE|URL...", help="Files, or http(s) addresses.")],
    profile: Annotated[
        list[str] | None, typer.Option(help=f"Whose rules, any of {', '.join(PROFILES)}; cap and google without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Says everything wrong with CAP 1.2 documents, by line. Ends with 1 when there is more than advice."""
    asked = _profiles(profile or ["cap", "google"])
    found = {name: _problems(_bytes_of(name), asked) for name in documents}
    said = {name: [asdict(one) for one in problems] for name, problems in found.items()}
    show(said, json, [line for name, problems in found.items() for line in _lines(name, problems)])
    if any(not one.advice for problems in found.values() for one in problems):
        raise typer.Exit(Exit.REFUSED)


def _profiles(names: Sequence[str]) -> list[Profile]:
    if unknown := [name for name in names if name not in PROFILES]:
        refuse([f"There is no profile {name!r}; there are {', '.join(PROFILES)}." for name in unknown], Exit.USAGE)
    return [profile for profile in PROFILES if profile in names]


def _problems(xml: bytes, profiles: Sequence[Profile]) -> list[Problem]:
    """Each problem once, by line: the profiles share the standard's rules."""
    found = dict.fromkeys(one for profile in profiles for one in cap_check.problems(xml, profile))
    return sorted(found, key=lambda one: one.line)


def _lines(name: str, problems: Sequence[Problem]) -> list[str]:
    if not problems:
        return [f"{name}: nothing wrong."]
    return [f"{name}:{one.line}: {'advice, ' if one.advice else ''}{one.rule}: {one.sentence}" for one in problems]


def _bytes_of(name: str) -> bytes:
    """The document, as far as it may be long. A file that is not there, or a server that does not answer, ends the command."""
    if name.startswith(("http://", "https://")):
        return asyncio.run(_fetched(name))
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        refuse([f"{name} cannot be read: {error.strerror}."])


async def _fetched(url: str) -> bytes:
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            if answer.status != 200:
                refuse([f"{url} answers with {answer.status}."])
            return await _read(answer.content)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        refuse([f"{url} cannot be fetched: {error or 'no answer'}."], Exit.NOT_REACHABLE)


async def _read(body: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    async for piece in body.iter_chunked(65_536):
        found += piece
        if len(found) > MOST_BYTES:
            break
    return bytes(found)
