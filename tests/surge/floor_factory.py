"""A pack, rules and arrivals for tests of the floor, and a board that plays the telephone network back at itself."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from surge.contact import Way
from surge.floor.board import Arrival, Board
from surge.floor.orders import Turn
from surge.floor.queue import Head
from surge.floor.records import Rules
from surge.floor.seats import AgentState, Profile
from surge.pack import Breaker, Hours, Partner

T = TypeVar("T")
NOON = datetime(2014, 5, 23, 19, tzinfo=UTC)  # in Portland, a Friday
ZONE = ZoneInfo("America/Los_Angeles")
OPEN = Hours(zone=ZONE, week=((8 * 60, 18 * 60),) * 7)
ALWAYS = Hours(zone=ZONE, week=((0, 24 * 60),) * 7)


def a_partner(name: str = "county", *, quota: int = 3, per_minute: int = 2, at_once: int = 2) -> Partner:
    return Partner(
        name=name,
        number="+15035550177",
        languages=frozenset({"en", "es"}),
        hours=ALWAYS,
        quota=quota,
        per_minute=per_minute,
        at_once=at_once,
        breaker=Breaker(failures=2, window=3, rest_s=600),
    )


def rules(
    *, partners: tuple[Partner, ...] = (), most_waiting: int = 50, longest_min: float = 60, overflow_min: float = 10
) -> Rules:
    return Rules(
        hours=OPEN,
        partners=partners,
        most_waiting=most_waiting,
        longest_wait=timedelta(minutes=longest_min),
        overflow_after=timedelta(minutes=overflow_min),
        dials_per_s=1.0,
        crew=5,
    )


def profile(agent_id: str = "a1", *, languages: str = "en", has_line: bool = True) -> Profile:
    return Profile(agent_id=agent_id, languages=frozenset(languages.split()), has_line=has_line)


def a_call(contact_id: str = "c1", *, caller: str = "", language: str = "en", head: Head = Head.NONE) -> Arrival:
    return Arrival(
        contact_id=contact_id, provider_id=f"CA{contact_id}", caller=caller or f"of {contact_id}", language=language, head=head
    )


def a_letter(contact_id: str = "w1") -> Arrival:
    return Arrival(contact_id=contact_id, way=Way.WEB, provider_id=f"form {contact_id}")


def ready(board: Board, agent_id: str = "a1", at: datetime = NOON, *, has_line: bool = True) -> Turn:
    return board.sit(profile(agent_id, has_line=has_line), AgentState.READY, at)


def of(turn: Turn, kind: type[T]) -> list[T]:
    return [order for order in turn.orders if isinstance(order, kind)]
