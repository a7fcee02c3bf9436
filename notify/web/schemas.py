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


def whole(**fields: Schema) -> dict[str, Any]:
    """An object that has exactly these fields, every one of them."""
    return {"type": "object", "properties": fields, "required": sorted(fields), "additionalProperties": False}


def widened(whole: Mapping[str, Any], **more: Schema) -> dict[str, Any]:
    """The same object with further fields that may be there."""
    return {**whole, "properties": {**whole["properties"], **more}}


def several(schema: Schema) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


EVENT_TIMES: Final = ("countdown_until", "started_at", "published_at", "planned_at", "done_at", "stopped_at", "ended_at")
COUNTS: Final = whole(total=COUNT, failed=COUNT, **{state.value: COUNT for state in State})

SCHEMAS: Final[Mapping[str, Any]] = {
    "Any": ANYTHING,
    "Text": TEXT,
    "Health": whole(alive=YES_NO),
    "Readiness": whole(ready=YES_NO, problems=several(TEXT), warnings=several(TEXT)),
    "Problem": widened(
        whole(
            type={"enum": sorted(f"{TYPES}{kind}" for kind in ALL_KINDS)},
            title=TEXT,
            status={"type": "integer", "minimum": 400, "maximum": 599},
            problems=several(TEXT),
        ),
        current=whole(version=COUNT, status={"enum": sorted(Status)}, last_editor=TEXT, changed_at=MOMENT),
        differences=several(whole(field=TEXT, theirs={}, yours={})),
    ),
    "Event": whole(
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
    "Progress": whole(
        total=named("Counts"),
        channels={
            "type": "object",
            "additionalProperties": widened(COUNTS, languages={"type": "object", "additionalProperties": named("Counts")}),
        },
    ),
    "Alert": widened(
        whole(
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
        promises=several(whole(what=TEXT, by=MAYBE_MOMENT)),
        event=named("Event"),
        progress=named("Progress"),
        routes={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": COUNT}},
        now=MOMENT,
    ),
    "Told": whole(event={"enum": ["progress", "end"]}, data={"type": "string", "contentMediaType": "application/json"}),
    "Alerts": whole(alerts=several(named("Alert")), next=MAYBE_TEXT),
    "Preview": widened(
        whole(
            problems=several(TEXT),
            warnings=several(TEXT),
            later=several(TEXT),
            texts=several(ANYTHING),
            summary=several(TEXT),
            bodies=ANYTHING,
            read_back=ANYTHING,
        ),
        citywide=YES_NO,
    ),
    "Deliveries": whole(
        alert_id=TEXT,
        rows=several({"type": "object", "required": ["channel", "language", "wording"]}),
        skipped=several(whole(channel=TEXT, reason=TEXT, people=COUNT)),
    ),
    "Pages": whole(pages=several(whole(person_id=TEXT, channel=TEXT, state={"enum": sorted(PageState)}))),
    "AuditLines": whole(
        lines=several(whole(seq=COUNT, at=MOMENT, actor=TEXT, action=TEXT, subject=TEXT, detail=ANYTHING, hash=TEXT)),
        next=MAYBE_TEXT,
    ),
    "Status": {
        "type": "object",
        "required": ["mode", "city", "problems", "addresses", "senders", "mirrors", "pages", "audit_head"],
    },
    "Subscribers": whole(addresses=several(whole(channel=TEXT, language=TEXT, people=COUNT))),
    "Report": whole(
        incident_id=TEXT,
        hazard=TEXT,
        alerts=several(
            whole(
                event=named("Event"),
                people=COUNT,
                first_after_s=SECONDS,
                last_after_s=SECONDS,
                waits=several({"type": "object", "required": ["channel", "language", "people"]}),
                missed=several(whole(channel=TEXT, why=TEXT, code=TEXT, people=COUNT)),
            )
        ),
        acts=several(whole(at=MOMENT, actor=TEXT, action=TEXT, subject=TEXT)),
    ),
    "History": whole(found=YES_NO, facts=ANYTHING, entries=several(whole(at=MOMENT, what=TEXT, detail=TEXT))),
    "Person": whole(
        person_id=TEXT,
        roles=ROLES,
        hazards=several(TEXT),
        areas=several(TEXT),
        channels=several(TEXT),
        active=YES_NO,
        signed_in=YES_NO,
        linked=YES_NO,
    ),
    "StaffList": whole(staff=several(named("Person"))),
    "Invitation": whole(person_id=TEXT, waits=YES_NO, path=MAYBE_TEXT),
    "Asked": whole(person_id=TEXT, waits=YES_NO),
    "Grant": whole(grant_id=COUNT, what=TEXT, person_id=TEXT, roles=ROLES, asked_by=TEXT, asked_at=MOMENT),
    "Grants": whole(grants=several(named("Grant"))),
    "Given": whole(
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
ACTIVATION: Final = widened(
    whole(
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
    checks=several(whole(kind=TEXT, problems=several(TEXT), mend=TEXT)),
)
STEP: Final = whole(
    anchor=TEXT,
    heading=TEXT,
    ends=MAYBE_TEXT,
    choices=several(whole(answer=TEXT, to=TEXT, most={"type": ["integer", "null"]})),
    **dict.fromkeys(("says", "never", "asks", "transfers", "needs", "offers", "told"), several(TEXT)),
)
SURGE: Final[Mapping[str, Any]] = {
    "Activation": ACTIVATION,
    "Activations": whole(activations=several(named("Activation"))),
    "Surge": whole(activation={"anyOf": [named("Activation"), {"type": "null"}]}, now=MOMENT),
    "Facts": whole(
        asked={"type": "object", "additionalProperties": whole(asks=TEXT, unit=MAYBE_TEXT)},
        facts=several(
            whole(
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
    "Entered": whole(facts=several(COUNT)),
    "Recalled": whole(name=TEXT, facts=several(COUNT), contacts=several(TEXT)),
    "Tested": whole(line=TEXT, at=MOMENT),
    "Script": whole(
        activation_id=TEXT,
        version=COUNT,
        runbook=TEXT,
        title=TEXT,
        published_by=TEXT,
        published_at=MOMENT,
        changed=TEXT,
        facts={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": TEXT}},
        steps={"type": "object", "additionalProperties": several(STEP)},
    ),
}

# What surge.numbers.number_api answers: a line's figure is a count, a part of a whole, a duration, a range, a ratio or a
# sentence.
FIGURE: Final = widened(
    whole(name=TEXT, about=TEXT),
    of=COUNT,
    of_what=TEXT,
    seconds=SECONDS,
    percent=SECONDS,
    unit=TEXT,
    note=TEXT,
    **dict.fromkeys(("count", "low", "high", "ratio"), NUMBER),
)
NUMBERS: Final[Mapping[str, Any]] = {
    "SurgeReport": whole(
        activation=TEXT,
        title=TEXT,
        runbook=TEXT,
        incident=MAYBE_TEXT,
        drill=YES_NO,
        closed=YES_NO,
        sections=several(whole(section=TEXT, lines=several(FIGURE))),
        **{"from": MOMENT, "to": MOMENT},
    ),
    "Open311": several(ANYTHING),
    "IntervalsTaken": whole(new=COUNT, changed=COUNT, same=COUNT),
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
    503: "The ledger cannot be used now: look whether it was done, then try again with the same Idempotency-Key",
    507: "The disk is full: it was not written",
}
PROBLEMS: Final[Mapping[str, Any]] = {
    str(status): {"description": says, "content": {"application/problem+json": {"schema": named("Problem")}}}
    for status, says in _SAYS.items()
}
