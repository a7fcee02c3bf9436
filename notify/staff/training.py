"""Who has practised and when, for how long and at what, month by month; and who is overdue. Pure.

Practice is a drill on the training instance (drills.py). What it shows of each operator is carried to the live instance by a
signed certificate (certificate.py), because that is where alerts are approved.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict

from notify.alerts.alert import Event, Severity, Stage
from notify.alerts.life import WRITERS, Role, Staff
from notify.staff.drills import Drill, Score
from notify.tables import AlertRow, AuditLine

GLASS_EVERY: Final = timedelta(days=31)  # breaking the glass is practised once a month
MENDS: Final = frozenset({Stage.CORRECTION, Stage.FALSE_ALARM})  # what we said wrongly is put right by whoever is there
RELIEF: Final = timedelta(minutes=10)  # an alert that has waited so long may be approved by any approver
RELIEF_EXTREME: Final = timedelta(minutes=2)  # where lives hang on minutes
WROTE: Final = frozenset({"composed", "edited", "submitted"})
DECIDED: Final = frozenset({"approved", "returned", "rejected"})
ALONE: Final = "BROKE THE GLASS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one person did in one drill. Durations in seconds, None for what they did not do; audience: everything they sent was
    for the right hazard and people. A drill is known by its number and when it began: numbers begin anew with a database."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    person_id: str
    drill_id: str
    script: str
    title: str
    began: datetime
    ended: datetime
    wrote: bool
    decided: bool
    alone: bool
    draft_s: float | None
    submit_s: float | None
    approve_s: float | None
    correct_s: float | None
    wrong: int
    audience: bool | None

    @property
    def key(self) -> tuple[str, datetime, str]:
        return self.drill_id, self.began, self.person_id

    @property
    def length(self) -> timedelta:
        return self.ended - self.began


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """due: an approver who has not decided in a drill for so long is shown as overdue. refuse: for so long: may not approve
    (None: nobody is refused)."""

    due: timedelta
    refuse: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of the staff who may write or approve. since: when they became one."""

    staff: Staff
    since: datetime

    @property
    def approves(self) -> bool:
        return Role.APPROVER in self.staff.roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a member stands. last: their last drill, an approver's only if they decided in it; None: there is none. age: since
    then, or since they joined."""

    member: Member
    last: datetime | None
    age: timedelta

    def is_overdue(self, limit: timedelta) -> bool:
        return self.age > limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The report of one calendar month of the city. parts: of drills that began in it, in order."""

    first: date
    parts: Sequence[Part]
    standings: Sequence[Standing]
    glass: Part | None  # the month's first drill in which somebody broke the glass

    def of(self, person_id: str) -> Sequence[Part]:
        return [part for part in self.parts if part.person_id == person_id]

    @property
    def idle(self) -> Sequence[Standing]:
        """Who took part in no drill of the month."""
        drilled = {part.person_id for part in self.parts}
        return [one for one in self.standings if one.member.staff.person_id not in drilled]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An alert that waits for its approval. problems: why somebody may not approve it for other reasons; empty: they may."""

    author: str
    stage: Stage
    severity: Severity
    submitted_at: datetime
    now: datetime
    problems: Callable[[Staff], Sequence[str]]

    @classmethod
    def of(cls, row: AlertRow, event: Event, now: datetime, problems: Callable[[Staff], Sequence[str]]) -> Self:
        """row: a submitted alert; event: what it would send."""
        return cls(
            author=row.author,
            stage=event.stage,
            severity=event.severity,
            submitted_at=row.submitted_at or now,
            now=now,
            problems=problems,
        )

    @property
    def relief(self) -> datetime:
        """From then on nobody is refused for want of practice."""
        return self.submitted_at + (RELIEF_EXTREME if self.severity is Severity.EXTREME else RELIEF)


def parts(drill: Drill, scores: Sequence[Score], lines: Sequence[AuditLine], ended: datetime) -> list[Part]:
    """What everybody did in a drill, from its scores and the log's lines of it. An attempt that was refused is no practice."""
    acts: dict[str, set[str]] = {}
    for line in lines:
        acts.setdefault(line.actor, set()).add(line.action)
    found = [_part(drill, score, acts[score.person_id], ended) for score in scores]
    return [part for part in found if part.wrote or part.decided]


def _part(drill: Drill, score: Score, acts: set[str], ended: datetime) -> Part:
    lengths = (score.draft, score.submit, score.approve, score.correct)
    draft, submit, approve, correct = (length.total_seconds() if length is not None else None for length in lengths)
    return Part(
        person_id=score.person_id,
        drill_id=drill.drill_id,
        script=drill.script.key,
        title=drill.script.title,
        began=drill.started_at,
        ended=ended,
        wrote=bool(acts & WROTE),
        decided=bool(acts & DECIDED),
        alone=ALONE in acts,
        draft_s=draft,
        submit_s=submit,
        approve_s=approve,
        correct_s=correct,
        wrong=score.wrong,
        audience=score.audience,
    )


def standings(members: Iterable[Member], known: Sequence[Part], now: datetime) -> list[Standing]:
    """Everybody who may write or approve, by name."""
    found = []
    for member in sorted(members, key=lambda one: one.staff.person_id):
        if not member.staff.roles & WRITERS:
            continue
        counts = [part for part in known if part.person_id == member.staff.person_id and (part.decided or not member.approves)]
        last = max((part.ended for part in counts), default=None)
        found.append(Standing(member=member, last=last, age=now - (last or member.since)))
    return found


def last_glass(known: Sequence[Part]) -> Part | None:
    """The last drill in which somebody broke the glass."""
    return max((part for part in known if part.alone), key=lambda part: part.ended, default=None)


def month(known: Sequence[Part], standing: Sequence[Standing], first: date, zone: ZoneInfo) -> Month:
    """first: the first day of the month."""

    def falls_in(part: Part) -> bool:
        local = part.began.astimezone(zone)
        return (local.year, local.month) == (first.year, first.month)

    chosen = sorted((part for part in known if falls_in(part)), key=lambda part: (part.began, part.drill_id, part.person_id))
    glass = next((part for part in chosen if part.alone), None)
    return Month(first=first, parts=chosen, standings=standing, glass=glass)


def refusal(rule: Rule, staff: Staff, standing: Mapping[str, Standing], waiting: Waiting) -> list[str]:
    """Why this approver may not approve this alert for want of practice, as one sentence that says what to do; mostly empty.

    Nobody is refused who mends what was said wrongly, nor when nobody else could approve: when no other approver who has
    practised may approve this alert, or when it has waited long enough. Breaking the glass is never asked about here.
    """
    own = standing.get(staff.person_id)
    if rule.refuse is None or own is None or not own.member.approves or not own.is_overdue(rule.refuse):
        return []
    if waiting.stage in MENDS or staff.person_id == waiting.author or waiting.now >= waiting.relief:
        return []
    others = [name for name, one in standing.items() if name != staff.person_id and _could(one, rule.refuse, waiting)]
    if not others:
        return []
    return [_sentence(own, rule.refuse, others, waiting)]


def _could(one: Standing, limit: timedelta, waiting: Waiting) -> bool:
    return one.member.approves and not one.is_overdue(limit) and not waiting.problems(one.member.staff)


def _sentence(own: Standing, limit: timedelta, others: Sequence[str], waiting: Waiting) -> str:
    name = own.member.staff.person_id
    had = f"last practised approving on {own.last:%Y-%m-%d}" if own.last else "has not practised approving yet"
    return (
        f"{name} {had}, and the city asks for it every {limit.days} days. {' or '.join(sorted(others))} may approve this. "
        f"To catch up, take part in a drill on the training instance. From {waiting.relief:%H:%M:%S} UTC on nobody is refused "
        "for want of practice."
    )


def table(report: Month, rule: Rule) -> Iterator[Sequence[object]]:
    """The report as rows under their names: one for each person and drill, one for whoever took part in none. Times in UTC."""
    yield (
        "month", "person", "roles", "drill", "script", "title", "began", "minutes", "wrote", "decided", "broke_the_glass",
        "draft_s", "submit_s", "approve_s", "correct_s", "refused_attempts", "right_people", "last", "overdue",
    )  # fmt: skip
    for one in report.standings:
        staff = one.member.staff
        start = [f"{report.first:%Y-%m}", staff.person_id, " ".join(sorted(staff.roles))]
        end = [one.last.isoformat() if one.last else "", _yes(one.is_overdue(rule.due))]
        for part in report.of(staff.person_id):
            yield [*start, *_cells(part), *end]
        if not report.of(staff.person_id):
            yield [*start, *[""] * 14, *end]


def _cells(part: Part) -> list[object]:
    lengths = [part.draft_s, part.submit_s, part.approve_s, part.correct_s]
    return [
        part.drill_id,
        part.script,
        part.title,
        part.began.isoformat(),
        f"{part.length.total_seconds() / 60:.0f}",
        *(_yes(did) for did in (part.wrote, part.decided, part.alone)),
        *("" if length is None else f"{length:.0f}" for length in lengths),
        part.wrong,
        "" if part.audience is None else _yes(part.audience),
    ]


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
