"""The API's description (OpenAPI 3.1), made from the list that its routes are made from. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from notify.alerts.draft import Draft
from notify.web.area_schemas import AREAS
from notify.web.desk_schemas import DESK
from notify.web.drill_schemas import DRILLS
from notify.web.endpoints import PREFIX, Endpoint, FollowUp, Query
from notify.web.hold_schemas import HOLDS
from notify.web.received_schemas import RECEIVED
from notify.web.schemas import NUMBERS, PROBLEMS, SCHEMAS, SURGE
from notify.web.staff_schemas import CONTACTS, PASSKEYS
from notify.web.translation_schemas import TRANSLATIONS
from notify.web.webhook_schemas import WEBHOOKS

PARTS: Final = (SCHEMAS, WEBHOOKS, SURGE, NUMBERS, DESK, RECEIVED, HOLDS, PASSKEYS, DRILLS, CONTACTS, AREAS, TRANSLATIONS)
REF: Final = "#/components/schemas/{model}"
BRACES: Final = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")
# What may stand in a path, by the parameter's name.
IN_PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "alert_id": {"type": "string", "pattern": "^[0-9A-Z]{5}-[0-9]{1,6}$"},
    "incident_id": {"type": "string", "pattern": "^[0-9A-Z]{5}$"},
    "person_id": {"type": "string", "pattern": "^[a-z0-9-]{1,60}$"},
    "grant_id": {"type": "integer", "minimum": 1, "maximum": 999_999_999_999_999},
    "activation_id": {"type": "string", "pattern": "^S-[0-9a-f]{8}$"},
    "fact_id": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "passkey_id": {"type": "integer", "minimum": 1, "maximum": 999_999_999_999_999},
    "webhook_id": {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"},
    "received_id": {"type": "string", "pattern": "^R-[0-9a-f]{16}$"},
    "contact_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "question_id": {"type": "string", "pattern": "^Q-[0-9A-F]{10}$"},
    "faq_id": {"type": "string", "pattern": "^F-[0-9A-F]{8}$"},
    "need_id": {"type": "string", "pattern": "^N-[0-9A-F]{10}$"},
    "drill_id": {"type": "string", "pattern": "^drill-[0-9]{1,9}$"},
    "take_id": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "language": {"type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", "maxLength": 35},
    "version": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}
KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for each new act; the same key with the same request changes nothing and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
TAG: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the alert as it was read; * for whichever version there is. Another version is answered 412.",
    "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,9}")$'},
}
ALWAYS: Final = frozenset({401, 403})  # what any request with a token may be answered
ABOUT: Final = (
    "What the console can do. One token is one person: roles say what they may, "
    "scopes (hazards, areas, channels) narrow it. "
    "A token with the role viewer reads alerts, progress and status and changes nothing: for wallboards. "
    "Every refusal is a problem (RFC 9457) with a stable type and all its sentences."
)


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Endpoints of the same path stand together; every schema that is named is there."""
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(path_of(one), {})[one.method.lower()] = _operation(one)
    bodies = sorted({one.body for one in endpoints if one.body not in (None, FollowUp)}, key=lambda kind: kind.__name__)
    _, made = models_json_schema([(kind, "validation") for kind in bodies], ref_template=REF)
    own = made.get("$defs", {})
    assert not own.keys() & SCHEMAS.keys(), "a body's part has the name of an answer"
    schemas = {name: schema for part in (*PARTS, own) for name, schema in part.items()}
    schemas["FollowUp"] = _follow_up(schemas[Draft.__name__])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tocsin", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": PROBLEMS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def path_of(endpoint: Endpoint) -> str:
    """The path without the router's patterns."""
    return BRACES.sub(r"{\1}", endpoint.path)


def _operation(one: Endpoint) -> dict[str, Any]:
    schema = {"$ref": REF.format(model=one.gives)}
    answers: dict[str, Any] = {str(one.status): {"description": one.says, "content": {one.media: {"schema": schema}}}}
    if one.path == "/readyz":
        answers["503"] = {"description": "Not ready", "content": {one.media: {"schema": schema}}}
    if one.path.startswith(f"{PREFIX}/open311/") and one.query:  # that standard has an error document of its own
        answers["400"] = {"description": "What was asked cannot be", "content": {one.media: {"schema": schema}}}
    if headers := _said(one):
        answers[str(one.status)]["headers"] = headers
    for status in sorted(_refusals(one)):
        answers.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
    found: dict[str, Any] = {
        "operationId": _name(one),
        "summary": one.says,
        "parameters": _parameters(one),
        "responses": answers,
        "security": [{"token": []}] if one.roles is not None else [],
    }
    if one.roles is not None:
        found["x-roles"] = sorted(one.roles)
    if one.body is not None:
        content = {"application/json": {"schema": {"$ref": REF.format(model=one.body.__name__)}}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _said(one: Endpoint) -> dict[str, Any]:
    """What an answer says beside its body."""
    found = {}
    if any(query.name == "limit" for query in one.query):
        found["Link"] = 'the next page: <...>; rel="next" (RFC 8288)'
    if one.gives == "Alert":
        found["ETag"] = "the alert's version: what it says and where it stands; counts and clocks move on under the same one"
    return {name: {"description": says, "schema": {"type": "string"}} for name, says in found.items()}


def _refusals(one: Endpoint) -> frozenset[int]:
    found = one.refusals
    if one.roles is not None:
        found |= ALWAYS | {503}
    if one.body is not None:
        found |= {400, 413, 422}
    if one.method != "GET":
        found |= {507}
    if one.keyed:
        found |= {400, 409, 422}
    if one.versioned:
        found |= {400, 412} | ({428} if one.method == "PUT" else set())
    return found | {400} if one.query else found


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": dict(IN_PATHS[name])} for name in BRACES.findall(one.path)
    ]
    asked = [{"name": query.name, "in": "query", "description": query.says, "schema": _kind(query)} for query in one.query]
    versioned = [TAG | {"required": one.method == "PUT"}] if one.versioned else []
    return [*in_path, *asked, *([dict(KEY)] if one.keyed else []), *versioned]


def _kind(query: Query) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": query.most} if query.whole else {"type": "string"}


def _name(one: Endpoint) -> str:
    words = re.findall(r"[a-z0-9]+", path_of(one).removeprefix("/api/v1").replace("_id", ""))
    return "_".join([one.method.lower(), *words])


def _follow_up(draft: Mapping[str, Any]) -> dict[str, Any]:
    """As a draft, nothing required, without what the alert that is followed up decides."""
    kept = {name: value for name, value in draft["properties"].items() if name not in ("stage", "incident")}
    return {
        "type": "object",
        "description": (FollowUp.__doc__ or "").strip(),
        "properties": kept,
        "additionalProperties": False,
    }
