"""What the 311 desk is answered with by the API (surge.desk_api and beside it), as JSON Schema."""

from collections.abc import Mapping
from typing import Any, Final

from notify.web.schemas import (
    COUNT,
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MOMENT,
    NUMBER,
    SECONDS,
    TEXT,
    YES_NO,
    Schema,
    named,
    several,
    whole,
)

NULL: Final = {"type": "null"}
COUNTS: Final[Schema] = {"type": "object", "additionalProperties": COUNT}
CONTACT: Final = {
    **dict.fromkeys(("contact_id", "way", "standing", "language"), TEXT),
    "zip": MAYBE_TEXT,
    "offered_at": MOMENT,
}


# Who answers: surge.agent_api.
AGENT: Final = {
    **dict.fromkeys(("person_id", "home"), TEXT),
    **dict.fromkeys(("lead", "interpreter", "has_line", "seated"), YES_NO),
    **dict.fromkeys(("languages", "skills"), several(TEXT)),
    **dict.fromkeys(("trained_at", "until"), MAYBE_MOMENT),
}
# What callers hear, and what was recorded: surge.recording_api.
TAKE: Final = {
    **dict.fromkeys(("language", "key", "recorded_by", "why"), TEXT),
    "take_id": COUNT,
    "seconds": SECONDS,
    "state": {"enum": ["asked", "held", "kept", "dropped", "failed", "released", "refused", "withdrawn"]},
    "at": MOMENT,
    "decided_by": MAYBE_TEXT,
    "decided_at": MAYBE_MOMENT,
}
HEARD: Final = ("recorded", "file", "voice", "unreviewed", "missing")


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
    "Agent": whole(**AGENT),
    "Agents": whole(agents=several(whole(**AGENT, state=TEXT))),
    "Practice": whole(
        **dict.fromkeys(("done", "wrong"), YES_NO),
        **dict.fromkeys(("call", "calls"), COUNT),
        pressed=several(COUNT),
        step=maybe(
            whole(
                **dict.fromkeys(("anchor", "heading", "caller"), TEXT),
                **dict.fromkeys(("says", "never", "choices"), several(TEXT)),
            )
        ),
    ),
    "Take": whole(**TAKE),
    "Recordings": whole(
        telephone=YES_NO,
        languages=several(
            whole(
                language=TEXT,
                heard=whole(**dict.fromkeys(HEARD, COUNT)),
                refused=several(TEXT),
                **dict.fromkeys(("waiting", "stale"), COUNT),
            )
        ),
    ),
    "Prompts": whole(
        language=TEXT,
        refused=several(TEXT),
        voice=maybe(whole(voice=TEXT, reviewed=MAYBE_TEXT, by=TEXT)),
        prompts=several(
            whole(
                **dict.fromkeys(("key", "english", "words"), TEXT),
                heard={"enum": list(HEARD)},
                **dict.fromkeys(("released", "stale"), maybe(named("Take"))),
                waiting=several(named("Take")),
            )
        ),
        call=maybe(
            whole(
                made_at=MOMENT,
                ended_at=MAYBE_MOMENT,
                goes_on=YES_NO,
                why=TEXT,
                prompts=several(TEXT),
                takes=several(named("Take")),
            )
        ),
    ),
    "Called": whole(language=TEXT, prompts=several(TEXT)),
    "Sound": {},
}
