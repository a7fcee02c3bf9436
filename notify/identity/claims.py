"""What an ID token must say before it opens anything (OpenID Connect Core 1.0, section 3.1.3.7). Pure: its signature has been
verified by then, see tokens.py."""

import hmac
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

LEEWAY: Final = timedelta(minutes=1)  # how far two clocks may be apart
OLDEST: Final = timedelta(minutes=10)  # a token is made for the answer it comes in
LONGEST_SUBJECT: Final = 255  # Core, section 2
SEVERAL: Final = " is not one of ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the city has agreed with its provider. issuer: letter for letter. required: a claim and the value it must be or
    hold, ("groups", "tocsin"); None: whoever is linked enters. acr, amr: one of them must be stated; empty: nothing is asked.
    proves: whether signing in anew there shows who sits here."""

    issuer: str
    client_id: str
    required: tuple[str, str] | None = None
    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    proves: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """nonce: as we asked for it. anew_since: the person must have shown who they are since then; None: whenever."""

    nonce: str
    anew_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is. shown_at: when they last showed it there; None where it does not say."""

    issuer: str
    subject: str
    shown_at: datetime | None


class Lack(StrEnum):
    """What keeps somebody out whose token is sound."""

    GROUP = "the claim that is required"
    MEANS = "the way of signing in that is required"


class NotAdmitted(Exception):
    """A sound token of somebody whom the city's terms keep out; its argument says what they lack."""

    def __init__(self, lack: Lack) -> None:
        super().__init__(lack.value)
        self.lack = lack


def problems(claims: Mapping[str, Any], terms: Terms, asked: Asked, now: datetime) -> list[str]:
    """Everything that is wrong with a token, for our log; empty when it holds."""
    return [*_who(claims, terms), *_when(claims, asked, now), *_what(claims, asked)]


def identity(claims: Mapping[str, Any]) -> Identity:
    """Of claims without problems."""
    shown = _moment(claims, "auth_time")
    return Identity(
        issuer=claims["iss"],
        subject=claims["sub"],
        shown_at=datetime.fromtimestamp(shown, UTC) if shown is not None else None,
    )


def admit(claims: Mapping[str, Any], terms: Terms) -> None:
    """Raises NotAdmitted."""
    if terms.required is not None and not _holds(claims.get(terms.required[0]), terms.required[1]):
        raise NotAdmitted(Lack.GROUP)
    if terms.acr and claims.get("acr") not in terms.acr:
        raise NotAdmitted(Lack.MEANS)
    if terms.amr and not any(_holds(claims.get("amr"), one) for one in terms.amr):
        raise NotAdmitted(Lack.MEANS)


def _who(claims: Mapping[str, Any], terms: Terms) -> Iterator[str]:
    if claims.get("iss") != terms.issuer:
        yield "iss is another issuer"
    subject = claims.get("sub")
    if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()):
        yield "sub is no subject"
    audience, party = claims.get("aud"), claims.get("azp")
    if not _holds(audience, terms.client_id):
        yield f"aud{SEVERAL}"
    if party is not None and party != terms.client_id:
        yield f"azp{SEVERAL}"
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        yield "aud names several and azp none of them"


def _when(claims: Mapping[str, Any], asked: Asked, now: datetime) -> Iterator[str]:
    at, leeway = now.timestamp(), LEEWAY.total_seconds()
    ends, made, begins = (_moment(claims, name) for name in ("exp", "iat", "nbf"))
    if ends is None or ends + leeway <= at:
        yield "exp has passed or is not there"
    if made is None or not at - OLDEST.total_seconds() - leeway <= made <= at + leeway:
        yield "iat is not of now"
    if "nbf" in claims and (begins is None or begins > at + leeway):
        yield "nbf has not come"
    shown = _moment(claims, "auth_time")
    if "auth_time" in claims and (shown is None or shown > at + leeway):
        yield "auth_time is not a moment that has been"
    elif asked.anew_since is not None and (shown is None or shown + leeway < asked.anew_since.timestamp()):
        yield "auth_time does not say that they signed in anew"


def _what(claims: Mapping[str, Any], asked: Asked) -> Iterator[str]:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), asked.nonce.encode()):
        yield "nonce is not the one that was asked"


def _holds(said: Any, wanted: str) -> bool:
    """Whether a claim is this value, or a list with it."""
    return said == wanted if isinstance(said, str) else isinstance(said, list) and wanted in said


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """Seconds since 1970 (RFC 7519 NumericDate); None for anything that is no moment."""
    said = claims.get(name)
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        return None
    return float(said) if 0 < said < 32_503_680_000 else None  # the year 3000
