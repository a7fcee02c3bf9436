"""Every request the API answers: who may make it, what it carries, what comes back. An endpoint is guarded because it is one;
routes and the OpenAPI document are made from the same list, so neither can say what the other does not do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from notify.alerts.draft import BadDraft, Draft, problems_of
from notify.alerts.life import Role
from notify.web.answers import STAFF, Problem, body, problem_of
from notify.web.refusals import REFUSALS, Refusals

PREFIX: Final = "/api/v1"
JSON: Final = "application/json"
PAGE_MOST: Final = 500

ANYBODY: Final[frozenset[Role] | None] = None  # no token: health, readiness, metrics
STAFF_ALL: Final = frozenset(Role) - {Role.RELAY}
# A token that only reads changes nothing, not even its holder's own keys and phone: they have the console for it.
HOLDERS: Final = STAFF_ALL - {Role.VIEWER}
READERS: Final = frozenset({Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.ADMIN, Role.TRANSLATOR})
AUDITORS: Final = frozenset({Role.ADMIN, Role.APPROVER, Role.VIEWER})

# What stands in a draft's fields where reading them kindly would be wrong: 0 would be a moment in 1970, "no" no people.
EXACTLY: Final[Mapping[tuple[str, ...], tuple[type, ...]]] = {
    **{(name,): (str,) for name in ("learned_at", "effective", "expires", "next_update_by", "not_before", "not_after")},
    **{("area", "circle", name): (int, float) for name in ("lat", "lon", "radius_m")},
    ("expected_people",): (int,),
    **{(name,): (bool,) for name in ("short", "slows")},
}
IN_WORDS: Final = {str: "a time like 2014-05-23T08:15-07:00", int: "a number", bool: "true or false"}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Given(BaseModel):
    """A body of the API: nothing in it that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Given):
    """No body, or an empty object."""


class Reason(Given):
    """Why: it stands in the log, and an author reads it."""

    reason: str = ""


class Release(Given):
    """What should become of everything that is held. drop: alerts that must not go on; all others do."""

    reason: str = Field(default="", description="what was looked at; it stands in the log")
    drop: tuple[str, ...] = Field(default=(), max_length=1_000)


class Agreed(Given):
    """digest: of what was asked, as GET /hold says it."""

    digest: str = ""


class Approval(Given):
    """digest: of what was read. alone: why nobody else can be reached; then `code` is the code of now from one's own phone."""

    digest: str = ""
    alone: str | None = None
    code: str = ""


class FollowUp(RootModel[dict[str, Any]]):
    """What is new against the alert that is followed up; slots are merged one by one, a slot set to null is left out."""


class NewPerson(Given):
    """hazards, areas, channels: what they are limited to as author and approver; empty: no limit."""

    person_id: str = Field(description="a short name: letters, digits, hyphens")
    roles: frozenset[Role]
    hazards: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class Subject(Given):
    """subject: what the identity provider calls an account for ever ("sub"), not its name or mailbox."""

    subject: str = Field(min_length=1, max_length=255)


class HandedIn(Given):
    """document: a CAP 1.2 alert as it came, every byte of it; at most 1 MB."""

    document: str = Field(min_length=1, max_length=1_000_000)


class Begin(Given):
    """hazard: of the catalogue; empty: the one it comes nearest to."""

    hazard: str = ""


class LookUp(Given):
    """address: a phone number or mailbox, which the log will not hold. reason: why, which it will."""

    address: str
    reason: str = Field(min_length=1)


GIVEN: Final = web.RequestKey("given", BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parameter after the question mark; whole: a number from 1 to `most`."""

    name: str
    says: str
    whole: bool = False
    most: int = 2**53


LIMIT: Final = Query(name="limit", says="how many at most; without it everything comes at once", whole=True, most=PAGE_MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One request. roles: any one of them may; None: anybody, without a token. keyed: needs an Idempotency-Key. versioned:
    heeds If-Match; a PUT must have it.

    gives: name of the schema of what comes back (openapi.py); media: its type. refusals: further statuses it may answer with.
    """

    method: str
    path: str
    answer: Answer
    roles: frozenset[Role] | None
    says: str
    gives: str
    status: int = 200
    media: str = JSON
    body: type[BaseModel] | None = None
    keyed: bool = False
    versioned: bool = False
    query: Sequence[Query] = ()
    refusals: frozenset[int] = frozenset()

    @property
    def acts(self) -> bool:
        """Whether it changes anything."""
        return self.keyed or self.method == "PUT"


def looking(path: str, answer: Answer, says: str, gives: str, **more: Any) -> Endpoint:
    """A GET below the prefix that every reader may, unless more says otherwise; a POST where what to look at takes a body."""
    given: dict[str, Any] = {"method": "GET", "roles": READERS} | more
    return Endpoint(path=f"{PREFIX}{path}", answer=answer, says=says, gives=gives, **given)


def acting(path: str, answer: Answer, says: str, gives: str, body: type[BaseModel] = Nothing, **more: Any) -> Endpoint:
    """A POST below the prefix that changes something, once for its Idempotency-Key. more: roles at least."""
    return Endpoint(method="POST", path=f"{PREFIX}{path}", answer=answer, says=says, gives=gives, body=body, keyed=True, **more)


def web_routes(endpoints: Sequence[Endpoint], refusals: Refusals) -> list[web.RouteDef]:
    return [web.route(one.method, one.path, partial(_answer, one, refusals)) for one in endpoints]


async def _answer(endpoint: Endpoint, refusals: Refusals, request: web.Request) -> web.StreamResponse:
    """What somebody tried and was refused stands in the log, too; not what they only looked at."""
    try:
        return await _allowed(endpoint, request)
    except Exception as error:  # noted and passed on
        found = error if isinstance(error, Problem) else problem_of(error)
        tried = endpoint.acts or (endpoint.method != "GET" and found is not None and found.status == 403)
        if found is not None and tried and found.status in REFUSALS and found.kind != "in-flight":
            route = f"{endpoint.method} {endpoint.path}"
            subject = next(iter(request.match_info.values()), endpoint.path)
            what = f"api {endpoint.path.rpartition('/')[2] if endpoint.method == 'POST' else endpoint.method}"
            await refusals.note(request[STAFF].person_id, route, subject, what=what, status=found.status, why=found.title)
        raise


async def _allowed(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    if endpoint.roles is not None and not request[STAFF].roles & endpoint.roles:
        raise Problem(403, "You may not do this.", [f"It takes the role {' or '.join(sorted(endpoint.roles))}."])
    if endpoint.body is not None:
        request[GIVEN] = _read(endpoint.body, await body(request))
    return await endpoint.answer(request)


def _read(kind: type[BaseModel], given: dict[str, Any]) -> BaseModel:
    if kind in (Draft, FollowUp) and (problems := _inexact(given)):
        raise BadDraft(problems)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        if kind is Draft:
            raise BadDraft(problems_of(error)) from None
        raise Problem(422, "The body cannot be read.", problems_of(error), "bad-body") from None


def _inexact(given: dict[str, Any]) -> list[str]:
    """Fields of a draft that hold another kind of thing than they are for, as sentences."""
    problems = []
    for names, kinds in EXACTLY.items():
        value: Any = given
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None and type(value) not in kinds:
            problems.append(f"{'.'.join(names)}: must be {IN_WORDS[kinds[0]]}")
    return problems


def whole(request: web.Request, query: Query) -> int | None:
    """A whole number asked for; None when it was not. Raises Problem."""
    return wholes(request, query)[0]


def wholes(request: web.Request, *queries: Query, problems: Sequence[str] = ()) -> list[int | None]:
    """Whole numbers asked for; None for each that was not. problems: with its other parts. Raises Problem with all of them."""
    typed = [request.query.get(query.name) for query in queries]
    faults = [
        f"{query.name}: must be a whole number from 1 to {query.most}."
        for query, one in zip(queries, typed, strict=True)
        if one is not None and not (one.isascii() and one.isdigit() and len(one) < 17 and 1 <= int(one) <= query.most)
    ]
    if problems or faults:
        raise Problem(400, "The question cannot be read.", [*problems, *faults])
    return [int(one) if one is not None else None for one in typed]


def next_page(request: web.Request, after: str | int | None) -> tuple[str | None, dict[str, str]]:
    """The address of what comes after, and the header that says it too (RFC 8288); None and nothing at the end."""
    if after is None:
        return None, {}
    where = str(request.rel_url.update_query(after=str(after)))
    return where, {"Link": f'<{where}>; rel="next"'}
