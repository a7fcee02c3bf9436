"""What a request brings, read within limits: its body whole, its form field by field."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import unquote_plus

from aiohttp import web

MOST_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 100


async def whole_body(request: web.Request) -> bytes:
    """All of it, in however many pieces it comes, or 413."""
    pieces, size = [], 0
    async for piece in _pieces(request):
        size += len(piece)
        if size > MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_BYTES, size)
        pieces.append(piece)
    return b"".join(pieces)


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    """What came whole, with the headers, needs no waiting."""
    if request.content.is_eof():
        yield request.content.read_nowait()
        return
    async for piece in request.content.iter_any():
        yield piece


def form_of(request: web.Request, body: bytes) -> list[tuple[str, str]]:
    if request.content_type != "application/x-www-form-urlencoded":
        return []
    try:
        return pairs(body.decode("utf-8"))
    except ValueError:
        raise web.HTTPBadRequest from None


def pairs(form: str) -> list[tuple[str, str]]:
    """Each field's name and value, in order, the empty ones too: what parse_qsl of urllib says, much faster. Raises
    ValueError for more fields than any form of ours or of a provider has."""
    fields = form.split("&")
    if len(fields) > MOST_FIELDS:
        raise ValueError(f"a form of {len(fields)} fields")
    parted = (field.partition("=") for field in fields if field)
    return [(_plain(name), _plain(value)) for name, _, value in parted]


def _plain(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text
