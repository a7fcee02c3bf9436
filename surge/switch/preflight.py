"""Whether surge mode could be opened this minute: what is missing, as sentences, each with what mends it. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

FALLBACK_WITHIN: Final = timedelta(hours=24)  # a forward that worked the day before yesterday is a hope
PARTNER_WITHIN: Final = timedelta(days=30)  # a partner's number changes seldom, but it does


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found by looking.

    telephone: callers reach us at all (not in the shape in which calls stay in the city's own call centre). fallback_at: the
    last test call that came through the number's fallback. messages: languages whose message can be heard. required: those
    it is required in. interpreter: those that go to an interpreter on purpose. partners: by name, when their number last
    answered a test call. trained and needed: agents.
    """

    telephone: bool
    fallback_at: datetime | None
    messages: Collection[str]
    required: Sequence[str]
    script: int | None  # the version that is published
    trained: int
    needed: int
    interpreter: Collection[str] = ()
    script_problems: Sequence[str] = ()
    fact_problems: Sequence[str] = ()
    partners: Mapping[str, datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One point of the pre-flight. mend: what to do about it, where there is something wrong; kind: names it for screens."""

    kind: str
    problems: Sequence[str]
    mend: str

    @property
    def good(self) -> bool:
        return not self.problems


def checks(found: Found, now: datetime) -> list[Check]:
    """Every point, the good ones too, in the order in which they are mended."""
    listed = [
        Check(kind="facts", problems=list(found.fact_problems), mend="Fill in the facts, each with who says so."),
        Check(kind="script", problems=list(_script(found)), mend="Publish the script; the sentences name what it lacks."),
        Check(kind="agents", problems=list(_agents(found)), mend="Ask people in: an invitation and the practice call."),
    ]
    if found.telephone:
        listed += [
            Check(kind="messages", problems=list(_messages(found)), mend="Record the message, or have its words reviewed."),
            Check(kind="fallback", problems=list(_fallback(found, now)), mend="Call the number's fallback, then say so here."),
            Check(kind="partners", problems=list(_partners(found, now)), mend="Call the partner's number, then say so here."),
        ]
    return listed


def problems(found: Found, now: datetime) -> list[str]:
    """Why surge mode cannot be armed, as sentences; empty when it can."""
    return [sentence for check in checks(found, now) for sentence in check.problems]


def _script(found: Found) -> Iterator[str]:
    if found.script is None:
        yield "The script is not published."
    yield from found.script_problems


def _agents(found: Found) -> Iterator[str]:
    if found.trained < found.needed:
        yield f"{found.trained} of {found.needed} agents have ended the practice call."


def _messages(found: Found) -> Iterator[str]:
    if missing := [tag for tag in found.required if tag not in {*found.messages, *found.interpreter}]:
        yield f"No message can be heard in {', '.join(missing)}."


def _fallback(found: Found, now: datetime) -> Iterator[str]:
    if found.fallback_at is None:
        yield "The number's fallback was never tested: nobody knows where a call goes when this service is away."
    elif now - found.fallback_at >= FALLBACK_WITHIN:
        hours = int((now - found.fallback_at) / timedelta(hours=1))
        yield f"The number's fallback was last tested {hours} hours ago; it has to be within {_hours(FALLBACK_WITHIN)}."


def _partners(found: Found, now: datetime) -> Iterator[str]:
    for name, tested_at in found.partners.items():
        if tested_at is None:
            yield f"The number of {name} was never dialled to test it."
        elif now - tested_at >= PARTNER_WITHIN:
            yield f"The number of {name} was last dialled {(now - tested_at).days} days ago."


def _hours(length: timedelta) -> str:
    return f"{int(length / timedelta(hours=1))} hours"
