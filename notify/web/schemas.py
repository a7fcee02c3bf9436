"""What the API answers, as JSON Schema (2020-12): the components of its OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from notify.alerts.life import Role, Status
from notify.sending.deliveries import State
from notify.staff.paging import PageState
from notify.web.answers import ALL_KINDS, TYPES

Schema = Mapping[str, Any]
TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
YES_NO: Final[Schema] = {"type": "boolean"}
SECONDS: Final[Schema] = {"type": ["number", "null"]}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
ANYTHING: Final[Schema] = {"type": "object"}
ROLES: Final[Schema] = {"type": "array", "items": {"enum": sorted(Role)}}


def _all(**fields: Schema) -> dict[str, Any]:
    """An object that has exactly these fields, every one of them."""
    return {"type": "object", "properties": fields, "required": sorted(fields), "additionalProperties": False}


def _with(whole: Mapping[str, Any], **more: Schema) -> dict[str, Any]:
    """The same object with further fields that may be there."""
    return {**whole, "properties": {**whole["properties"], **more}}


def _list(schema: Schema) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


EVENT_TIMES: Final = ("countdown_until", "started_at", "published_at", "planned_at", "done_at", "stopped_at", "ended_at")
COUNTS: Final = _all(total=COUNT, failed=COUNT, **{state.value: COUNT for state in State})

SCHEMAS: Final[Mapping[str, Any]] = {
    "Any": ANYTHING,
    "Text": TEXT,
    "Health": _all(alive=YES_NO),
    "Readiness": _all(ready=YES_NO, problems=_list(TEXT)),
    "Problem": _with(
        _all(
            type={"enum": sorted(f"{TYPES}{kind}" for kind in ALL_KINDS)},
            title=TEXT,
            status={"type": "integer", "minimum": 400, "maximum": 599},
            problems=_list(TEXT),
        ),
        current=_all(version=COUNT, status={"enum": sorted(Status)}, last_editor=TEXT, changed_at=MOMENT),
        differences=_list(_all(field=TEXT, theirs={}, yours={})),
    ),
    "Event": _all(
        event_id=TEXT,
        identifier=TEXT,
        status={"enum": sorted(Status)},
        priority=COUNT,
        publish_problem=TEXT,
        replaced_by=TEXT,
        approved_at=MOMENT,
        expires_at=MOMENT,
        **dict.fromkeys(EVENT_TIMES, MAYBE_MOMENT),
    ),
    "Counts": COUNTS,
    "Progress": _all(
        total=_ref("Counts"),
        channels={
            "type": "object",
            "additionalProperties": _with(COUNTS, languages={"type": "object", "additionalProperties": _ref("Counts")}),
        },
    ),
    "Alert": _with(
        _all(
            alert_id=TEXT,
            incident_id=TEXT,
            stage=TEXT,
            hazard=TEXT,
            status={"enum": sorted(Status)},
            version=COUNT,
            author=TEXT,
            last_editor=TEXT,
            approved_by=MAYBE_TEXT,
            digest=MAYBE_TEXT,
            reason=TEXT,
            ended_why=TEXT,
            created_at=MOMENT,
            changed_at=MOMENT,
            draft=ANYTHING,
        ),
        promises=_list(_all(what=TEXT, by=MAYBE_MOMENT)),
        event=_ref("Event"),
        progress=_ref("Progress"),
        routes={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": COUNT}},
        now=MOMENT,
    ),
    "Told": _all(event={"enum": ["progress", "end"]}, data={"type": "string", "contentMediaType": "application/json"}),
    "Alerts": _all(alerts=_list(_ref("Alert")), next=MAYBE_TEXT),
    "Preview": _with(
        _all(problems=_list(TEXT), warnings=_list(TEXT), texts=_list(ANYTHING), summary=_list(TEXT), bodies=ANYTHING),
        citywide=YES_NO,
    ),
    "Deliveries": _all(
        alert_id=TEXT,
        rows=_list({"type": "object", "required": ["channel", "language", "wording"]}),
        skipped=_list(_all(channel=TEXT, reason=TEXT, people=COUNT)),
    ),
    "Pages": _all(pages=_list(_all(person_id=TEXT, channel=TEXT, state={"enum": sorted(PageState)}))),
    "Areas": _all(areas=_list(_all(name=TEXT, kind=TEXT, citywide=YES_NO))),
    "AreaShapes": _all(
        type={"const": "FeatureCollection"},
        features=_list(
            _all(
                type={"const": "Feature"},
                properties=_all(name=TEXT, kind=TEXT, citywide=YES_NO),
                geometry={"type": "object", "required": ["type", "coordinates"]},
            )
        ),
    ),
    "AuditLines": _all(
        lines=_list(_all(seq=COUNT, at=MOMENT, actor=TEXT, action=TEXT, subject=TEXT, detail=ANYTHING, hash=TEXT)),
        next=MAYBE_TEXT,
    ),
    "Held": _all(held=YES_NO, since=MAYBE_MOMENT, why=TEXT),
    "Status": {
        "type": "object",
        "required": ["mode", "city", "problems", "addresses", "senders", "mirrors", "pages", "audit_head"],
    },
    "Subscribers": _all(addresses=_list(_all(channel=TEXT, language=TEXT, people=COUNT))),
    "Report": _all(
        incident_id=TEXT,
        hazard=TEXT,
        alerts=_list(
            _all(
                event=_ref("Event"),
                people=COUNT,
                first_after_s=SECONDS,
                last_after_s=SECONDS,
                waits=_list({"type": "object", "required": ["channel", "language", "people"]}),
                missed=_list(_all(channel=TEXT, why=TEXT, code=TEXT, people=COUNT)),
            )
        ),
        acts=_list(_all(at=MOMENT, actor=TEXT, action=TEXT, subject=TEXT)),
    ),
    "History": _all(found=YES_NO, facts=ANYTHING, entries=_list(_all(at=MOMENT, what=TEXT, detail=TEXT))),
    "Person": _all(
        person_id=TEXT,
        roles=ROLES,
        hazards=_list(TEXT),
        areas=_list(TEXT),
        channels=_list(TEXT),
        active=YES_NO,
        signed_in=YES_NO,
    ),
    "StaffList": _all(staff=_list(_ref("Person"))),
    "Invitation": _all(person_id=TEXT, waits=YES_NO, path=MAYBE_TEXT),
    "Asked": _all(person_id=TEXT, waits=YES_NO),
    "Grant": _all(grant_id=COUNT, what=TEXT, person_id=TEXT, roles=ROLES, asked_by=TEXT, asked_at=MOMENT),
    "Grants": _all(grants=_list(_ref("Grant"))),
    "Given": _all(
        grant_id=COUNT,
        what=TEXT,
        person_id=TEXT,
        roles=ROLES,
        asked_by=TEXT,
        asked_at=MOMENT,
        given=YES_NO,
        secret=MAYBE_TEXT,
    ),
}

# Surge mode: what surge.api answers.
ACTIVATION: Final = _with(
    _all(
        activation_id=TEXT,
        incident_id=MAYBE_TEXT,
        runbook=TEXT,
        title=TEXT,
        drill=YES_NO,
        status={"enum": ["draft", "armed", "open", "standing down", "closed", "reported"]},
        level=COUNT,
        why=TEXT,
        rev=COUNT,
        made_by=TEXT,
        made_at=MOMENT,
        handover=TEXT,
        **dict.fromkeys(("armed_by", "opened_by", "closed_by"), MAYBE_TEXT),
        **dict.fromkeys(("armed_at", "opened_at", "standing_down_at", "closed_at"), MAYBE_MOMENT),
    ),
    script={"type": ["integer", "null"]},
    checks=_list(_all(kind=TEXT, problems=_list(TEXT), mend=TEXT)),
)
STEP: Final = _all(
    anchor=TEXT,
    heading=TEXT,
    ends=MAYBE_TEXT,
    choices=_list(_all(answer=TEXT, to=TEXT, most={"type": ["integer", "null"]})),
    **dict.fromkeys(("says", "never", "asks", "transfers", "needs", "offers", "told"), _list(TEXT)),
)
SURGE: Final[Mapping[str, Any]] = {
    "Activation": ACTIVATION,
    "Activations": _all(activations=_list(_ref("Activation"))),
    "Surge": _all(activation={"anyOf": [_ref("Activation"), {"type": "null"}]}, now=MOMENT),
    "Facts": _all(
        asked={"type": "object", "additionalProperties": _all(asks=TEXT, unit=MAYBE_TEXT)},
        facts=_list(
            _all(
                fact_id=COUNT,
                rev=COUNT,
                counts=YES_NO,
                valid_from=MOMENT,
                valid_to=MAYBE_MOMENT,
                entered_at=MOMENT,
                recalled_at=MAYBE_MOMENT,
                **dict.fromkeys(("name", "language", "value", "issued_by", "entered_by", "recalled_why"), TEXT),
            )
        ),
    ),
    "Entered": _all(facts=_list(COUNT)),
    "Recalled": _all(name=TEXT, facts=_list(COUNT), contacts=_list(TEXT)),
    "Tested": _all(line=TEXT, at=MOMENT),
    "Script": _all(
        activation_id=TEXT,
        version=COUNT,
        runbook=TEXT,
        title=TEXT,
        published_by=TEXT,
        published_at=MOMENT,
        changed=TEXT,
        facts={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": TEXT}},
        steps={"type": "object", "additionalProperties": _list(STEP)},
    ),
}

# What surge.numbers.number_api answers: a line's figure is a count, a part of a whole, a duration, a range, a ratio or a
# sentence.
FIGURE: Final = _with(
    _all(name=TEXT, about=TEXT),
    of=COUNT,
    of_what=TEXT,
    seconds=SECONDS,
    percent=SECONDS,
    unit=TEXT,
    note=TEXT,
    **dict.fromkeys(("count", "low", "high", "ratio"), NUMBER),
)
NUMBERS: Final[Mapping[str, Any]] = {
    "SurgeReport": _all(
        activation=TEXT,
        title=TEXT,
        runbook=TEXT,
        incident=MAYBE_TEXT,
        drill=YES_NO,
        closed=YES_NO,
        sections=_list(_all(section=TEXT, lines=_list(FIGURE))),
        **{"from": MOMENT, "to": MOMENT},
    ),
    "Open311": _list(ANYTHING),
    "IntervalsTaken": _all(new=COUNT, changed=COUNT, same=COUNT),
}

_SAYS: Final = {
    400: "It cannot be read: no JSON, a question that makes no sense, no Idempotency-Key",
    401: "No token, or none that is valid",
    403: "Not with this role, or not within this scope",
    404: "There is no such thing",
    409: "Somebody else was first, or it is not the moment",
    412: "It was changed since it was read: by whom, and where it differs",
    413: "Too long",
    422: "The content must change; every reason is named",
    428: "If-Match is missing",
    429: "Tried too often; Retry-After says when again",
    503: "The ledger cannot be used now; nothing was changed",
}
PROBLEMS: Final[Mapping[str, Any]] = {
    str(status): {"description": says, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    for status, says in _SAYS.items()
}
