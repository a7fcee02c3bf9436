"""What the city owes everybody alike, as counts that auditors can be shown: service in their language (Title VI of the Civil
Rights Act of 1964) and accommodations (ADA Title II, 28 CFR 35.160)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from surge.contact import Contact
from surge.desk.needs import ACCOMMODATIONS, TERMINAL, NeedStatus
from surge.numbers.groups import FEWEST, Groups
from surge.numbers.measures import Share
from surge.numbers.outcomes import access
from surge.numbers.sections import Count, Lasting, Line, Part, Said

COMPLAINT: Final = "COMPLAINT"  # the code of a need that says the city has not served somebody as it must
FEW: Final = f"fewer than {FEWEST}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A need as the report reads it: what was asked for, when, when it came to an end and how."""

    code: str
    language: str
    status: NeedStatus
    logged_at: datetime
    ended_at: datetime | None = None
    due_at: datetime | None = None
    accommodation: bool = False

    @property
    def in_time(self) -> bool:
        return self.ended_at is not None and (self.due_at is None or self.ended_at <= self.due_at)


def lines(
    contacts: Collection[Contact], by_language: Groups, requests: Sequence[Request], called: Collection[str] = ()
) -> tuple[Line, ...]:
    """called: ids of contacts whose caller was called back and reached."""
    foreign = [one for one in contacts if one.language != "en"]
    shown = [(name, some) for name, some in by_language.shown if name != "en"]
    wanted = [one for one in requests if one.accommodation or one.code in ACCOMMODATIONS]
    complaints = [one for one in requests if one.code == COMPLAINT]
    return (
        _number("contacts_not_in_english", len(foreign)),
        Line(name="callers_not_in_english_helped", value=Part(share=access(foreign, called), whole="callers not in English")),
        *(
            Line(name="callers_helped", about=name, value=Part(share=access(some, called), whole="callers"))
            for name, some in shown
        ),
        *(line for name, some in shown for line in _answer_time(name, some)),
        *_requests("accommodation", wanted),
        *(line for code in sorted({one.code for one in wanted}) for line in _of_code(code, wanted)),
        *_requests("complaint", complaints),
    )


def _number(name: str, number: int, about: str = "") -> Line:
    """A count; a small one says only that it is small."""
    small = 0 < number < FEWEST
    return Line(name=name, about=about, value=Said(words=FEW) if small else Count(number=number))


def _answer_time(name: str, contacts: Sequence[Contact]) -> tuple[Line, ...]:
    waited = [one.waited.total_seconds() for one in contacts if one.waited is not None and one.answered_at is not None]
    after = timedelta(seconds=median(waited)) if waited else None
    return (Line(name="median_wait_of_answered", about=name, value=Lasting(after=after, people=len(waited))),)


def _requests(kind: str, some: Sequence[Request], about: str = "") -> tuple[Line, ...]:
    """How many, how many have come to an end, in time and met, and how long that took."""
    asked = _number(f"{kind}s_asked", len(some), about)
    if len(some) < FEWEST:
        return (asked,)
    ended = [one for one in some if one.status in TERMINAL]
    took = [(one.ended_at - one.logged_at).total_seconds() for one in ended if one.ended_at is not None]
    met = sum(one.status is NeedStatus.MET for one in some)
    return (
        asked,
        Line(name=f"{kind}s_ended", about=about, value=Part(share=Share(part=len(ended), whole=len(some)), whole="asked")),
        Line(name=f"{kind}s_met", about=about, value=Part(share=Share(part=met, whole=len(some)), whole="asked")),
        Line(
            name=f"{kind}s_in_time",
            about=about,
            value=Part(share=Share(part=sum(one.in_time for one in ended), whole=len(ended)), whole="ended"),
        ),
        Line(
            name=f"{kind}s_median_response",
            about=about,
            value=Lasting(after=timedelta(seconds=median(took)) if took else None, people=len(took)),
        ),
    )


def _of_code(code: str, some: Sequence[Request]) -> tuple[Line, ...]:
    return _requests("accommodation", [one for one in some if one.code == code], code)
