"""What the 311 desk is answered with by the API (surge.desk_api), as JSON Schema."""

from collections.abc import Mapping
from typing import Any, Final

from notify.web.schemas import COUNT, MAYBE_MOMENT, MAYBE_TEXT, MOMENT, NUMBER, TEXT, YES_NO, Schema, named, several, whole

NULL: Final = {"type": "null"}
COUNTS: Final[Schema] = {"type": "object", "additionalProperties": COUNT}
CONTACT: Final = {
    **dict.fromkeys(("contact_id", "way", "standing", "language"), TEXT),
    "zip": MAYBE_TEXT,
    "offered_at": MOMENT,
}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


DESK: Final[Mapping[str, Any]] = {
    "Letter": whole(
        **dict.fromkeys(("contact_id", "way", "language", "words"), TEXT), at=MOMENT, danger=YES_NO, can_be_answered=YES_NO
    ),
    "Contact": whole(**CONTACT),
    "InHand": whole(**CONTACT, letter=maybe(named("Letter")), sent=several(whole(at=MOMENT, state=TEXT, source=TEXT))),
    "Line": whole(
        **dict.fromkeys(("waiting", "offered", "answered", "abandoned", "deflected", "callbacks"), COUNT),
        longest_s=NUMBER,
        agents=COUNTS,
        languages=COUNTS,
    ),
    "AtDesk": whole(
        activation=maybe(
            whole(**dict.fromkeys(("activation_id", "title", "runbook", "status"), TEXT), level=COUNT, drill=YES_NO)
        ),
        script={"type": ["integer", "null"]},
        unread=YES_NO,
        state=MAYBE_TEXT,
        line=maybe(named("Line")),
        given=maybe(named("Contact")),
        contact=maybe(named("InHand")),
        danger=several(named("Letter")),
        emergency_centre=maybe(whole(state=TEXT, number=TEXT, zip=MAYBE_TEXT)),
        guide=TEXT,
        **dict.fromkeys(("unread_by", "reasons", "endings", "needs"), several(TEXT)),
    ),
    "Desk": whole(state=TEXT),
    "Taken": whole(contact_id=MAYBE_TEXT),
    "Done": whole(done=YES_NO),
    "Left": whole(state=MAYBE_TEXT),
    "Placed": whole(verdicts=several(whole(incident=TEXT, verdict=TEXT)), places=several(TEXT), zip=TEXT),
    "Answers": whole(
        answers=several(whole(**dict.fromkeys(("source", "kind", "about", "words", "language"), TEXT), likeness=NUMBER))
    ),
    "Asked": whole(question_id=TEXT),
    "Questions": whole(
        questions=several(whole(**dict.fromkeys(("question_id", "words", "language", "step"), TEXT), asked_at=MOMENT))
    ),
    "Standing": whole(faq_id=TEXT),
    "NeedNumber": whole(need_id=TEXT),
    "Need": whole(
        **dict.fromkeys(("need_id", "code", "status", "language", "routed_to"), TEXT),
        **dict.fromkeys(("area", "contact_id", "activation_id"), MAYBE_TEXT),
        people=COUNT,
        rev=COUNT,
        accommodation=YES_NO,
        logged_at=MOMENT,
        changed_at=MOMENT,
        due_at=MAYBE_MOMENT,
        ended_at=MAYBE_MOMENT,
    ),
    "Needs": whole(needs=several(named("Need"))),
}
