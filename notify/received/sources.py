"""Where alerts of other agencies come from: each source of the settings, what it may say and how often it is asked."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from notify.partners import address


class Kind(StrEnum):
    INDEX = "index"  # an Atom or RSS index whose entries hold, or link to, CAP documents
    CAP = "cap"  # one address where always the newest CAP document lies
    NWS = "nws"  # the JSON of the National Weather Service's own API, api.weather.gov/alerts/active
    POST = "post"  # nobody is asked: it hands alerts in, with the token of the person of this name


POLLED: Final = frozenset({Kind.INDEX, Kind.CAP, Kind.NWS})


class Source(BaseModel):
    """One agency, as the settings name it.

    silent_after_s  no good answer (or, of a source that posts, no document) for so long: it is shown as silent; 0: never
    signed_by       PEM file of the certificates one of which must have signed every document; none: documents need no signature
    senders         the CAP senders it may speak for; none: any
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str = Field(min_length=1, max_length=100)
    kind: Kind
    url: str = ""
    every_s: float = Field(60, ge=5, le=86_400)
    silent_after_s: float = Field(900, ge=0)
    signed_by: Path | None = None
    senders: tuple[str, ...] = ()

    @property
    def polled(self) -> bool:
        return self.kind in POLLED


def problems(sources: Sequence[Source], rules: address.Rules | None) -> Iterator[str]:
    """What cannot be meant in the settings, as sentences. rules: what requests of ours may be sent to, where that is known."""
    names = [one.name for one in sources]
    yield from (f"TOCSIN_CAP_SOURCES names '{name}' twice" for name in sorted({one for one in names if names.count(one) > 1}))
    for one in sources:
        where = f"TOCSIN_CAP_SOURCES, {one.name}"
        if one.polled and not one.url:
            yield f"{where}: url must be the address that is asked"
        elif one.polled and rules is not None:
            yield from (f"{where}: {sentence}" for sentence in address.problems(one.url, rules))
        if not one.polled and one.url:
            yield f"{where}: nothing is asked of a source that posts; leave url out"
        if one.kind is Kind.NWS and one.signed_by is not None:
            yield f"{where}: JSON carries no signature; leave signed_by out, or use kind index"
        if one.polled and 0 < one.silent_after_s < one.every_s:
            yield f"{where}: silent_after_s is less than every_s, so it would always be silent"
