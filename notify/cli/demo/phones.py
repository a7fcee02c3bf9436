"""The demo's phones: residents who sign up by text, in their own words, before the first alert, and are on the screen."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from notify import data
from notify.wording import words

# Area code 458 lies beyond those that a demo of all of 2014's people takes. Lines are what the networks become once everybody
# has signed up: nobody would write to a phone that has never answered.
ROW: Final[Sequence[Mapping[str, str]]] = (
    {"number": "+14585550101", "language": "es", "place": "97206"},
    {"number": "+14585550102", "language": "vi", "place": "97214"},
    {"number": "+14585550103", "language": "ar", "place": "97230"},
    {"number": "+14585550104", "language": "en", "place": "97204"},
    {"number": "+14585550105", "language": "uk", "place": "Lents", "handset": "gsm"},
    {"number": "+14585550106", "language": "zh-Hant", "place": "97216", "handset": "shuffled"},
    {"number": "+14585550107", "language": "so", "place": "97233", "line": "delay"},
    {"number": "+14585550108", "language": "en", "place": "97202", "line": "drop"},
)
# What each texts, as its owner would. Last comes the place.
WRITTEN: Final[Mapping[str, Sequence[str]]] = {
    "+14585550101": ["hola 97206"],
    "+14585550102": ["xin chào 97214"],
    "+14585550103": ["مرحبا 97230"],
    "+14585550104": ["97204"],
    "+14585550105": ["привіт", "Lents"],
    "+14585550106": ["你好 97216"],
    "+14585550107": ["salaan 97233"],
    "+14585550108": ["97202"],
}
DIALOG: Final = "dialog."
TIMEOUT_S: Final = 60


class PhonesFailed(Exception):
    """The phones could not sign up; the message says why."""


def files(home: Path) -> list[str]:
    """Writes what the simulator is told of the phones and of the dialog's texts; returns its arguments."""
    row, texts = home / "phones-at-first.json", home / "wordings.json"
    first = [{name: value for name, value in phone.items() if name != "line"} for phone in ROW]
    row.write_text(json.dumps(first, ensure_ascii=False), "utf-8")
    texts.write_text(json.dumps(wordings(), ensure_ascii=False), "utf-8")
    return ["--phones", str(row), "--wordings", str(texts)]


def wordings() -> dict[str, str]:
    """Every text of the dialog under its key and language ("M02.es"), its slots unfilled."""
    known = words.load(data.folder("templates"))
    contexts = [context for context in known.messages if context.startswith(DIALOG)]
    return {
        f"{context.removeprefix(DIALOG)}.{language}": text
        for language in known.languages()
        for context in contexts
        if (text := known.text(context, language)) is not None
    }


def sign_up(simulator_url: str) -> None:
    """As `sign_all_up`, for callers without an event loop."""
    asyncio.run(sign_all_up(simulator_url))


async def sign_all_up(simulator_url: str) -> None:
    """Everybody writes, one after the other; then the networks become as bad as they are. Raises PhonesFailed."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(simulator_url, timeout=timeout) as session:
        for number, text in ((number, text) for number, texts in WRITTEN.items() for text in texts):
            answer = await _ask(session, "POST", f"/phones/{number}/text", {"body": text})
            if not answer["replies"]:
                raise PhonesFailed(f"The service did not answer {text!r}.")
        async with session.get("/control/settled", params={"timeout_s": str(TIMEOUT_S / 2)}):
            pass  # the answers have arrived
        for phone in ROW:
            if "line" in phone:
                await _ask(session, "PATCH", f"/phones/{phone['number']}", {"line": phone["line"]})


async def _ask(session: aiohttp.ClientSession, method: str, path: str, document: Mapping[str, str]) -> Any:
    try:
        async with session.request(method, path, json=document) as reply:
            answer = await reply.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise PhonesFailed(f"The simulator did not answer: {type(error).__name__}.") from error
    if reply.status != 200:
        raise PhonesFailed(" ".join(answer["problems"]))
    return answer
