"""What the API answers about translations and their reviews, as JSON Schema (2020-12)."""

from collections.abc import Mapping
from typing import Any, Final

from channels.text import Encoding
from notify.web.schemas import COUNT, MAYBE_TEXT, MOMENT, TEXT, YES_NO, Schema, named, several, whole
from notify.wording.review_desk import Pile
from notify.wording.reviews import Reader, State


def _maybe(schema: Schema) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


COUNTED: Final = ("approved", "draft", "stale", "missing")
STANDS: Final[Mapping[str, Schema]] = {"state": {"enum": sorted(State)}, "list": {"enum": sorted(Pile)}}
TRANSLATIONS: Final[Mapping[str, Any]] = {
    "Translations": whole(
        languages=several(whole(language=TEXT, endonym=TEXT, **dict.fromkeys(COUNTED, COUNT))),
        faults=several(TEXT),
    ),
    "WordsToRead": whole(messages=several(named("MessageToRead")), next=MAYBE_TEXT),
    "MessageToRead": whole(
        **dict.fromkeys(("context", "key", "comment", "source", "target", "back_translation", "seen"), TEXT),
        **STANDS,
        kinds=several(TEXT),
        hazards=several(TEXT),
        size=_maybe(
            whole(
                parts=COUNT,
                most_parts=COUNT,
                units=COUNT,
                encoding={"enum": sorted(Encoding)},
                english_parts={"type": ["integer", "null"]},
                text=TEXT,
            )
        ),
        note=_maybe(whole(by=TEXT, at=MOMENT, text=TEXT)),
        review=_maybe(whole(by=TEXT, at=MOMENT, reader={"enum": sorted(Reader)})),
    ),
    "WordsAnswered": whole(language=TEXT, context=TEXT, key=TEXT, approved=YES_NO),
}
