"""One page of a list as Twilio gives them: newest first, and a token that says where the next one goes on.

https://www.twilio.com/docs/usage/twilios-response#pagination
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from channels.simulator.refusals import Refusal

LARGEST_PAGE: Final = 1000
TOKEN: Final = re.compile(r"P([AB])([A-Z]{2}[0-9a-f]{32})")


class Listed(Protocol):
    @property
    def sid(self) -> str: ...


T = TypeVar("T", bound=Listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """One page, newest first, and the queries of the pages around it (None where there is none)."""

    shown: Sequence[T]
    page: int
    page_size: int
    here: str
    first: str
    following: str | None
    previous: str | None


def page_of(
    query: Mapping[str, str],
    filters: Collection[str],
    known: Mapping[str, T],
    matching: Callable[[T | None, bool], Iterator[T]],
) -> Listing[T] | Refusal:
    """The page a query asks for. A page token names the last one (PA, going on) or the first one (PB, going back) of the page
    it was given with, so that what comes meanwhile shifts nothing. matching: those that fit the query, from the one named on
    (without it from the newest), towards older ones, or newer ones if the second argument says so."""
    size_text, page_text, token_text = (query.get(key, "") for key in ("PageSize", "Page", "PageToken"))
    token = TOKEN.fullmatch(token_text)
    anchor = known.get(token[2]) if token else None
    if size_text and not _whole(size_text, 1, LARGEST_PAGE):
        return Refusal(20007)
    if (page_text and not _whole(page_text, 0, 10**9)) or (token_text and anchor is None):
        return Refusal(20404, "page")
    size, page = int(size_text or 50), int(page_text or 0)
    backward = token is not None and token[1] == "B"
    found = list(islice(matching(anchor, backward), size + 1))
    more, shown = len(found) > size, found[:size][:: -1 if backward else 1]
    kept = {key: query[key] for key in filters if key in query} | {"PageSize": str(size)}

    def address(number: int, mark: str = "") -> str:
        return urlencode(kept | {"Page": str(number)} | ({"PageToken": mark} if mark else {}))

    follows = (more or backward) and bool(shown)
    return Listing(
        shown=shown,
        page=page,
        page_size=size,
        here=address(page, token_text),
        first=address(0),
        following=address(page + 1, f"PA{shown[-1].sid}") if follows else None,
        previous=address(page - 1, f"PB{shown[0].sid}") if page and shown else None,
    )


def _whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most
