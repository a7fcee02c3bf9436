"""What answering people costs, way by way, at the city's own rates: always from a low to a high figure, never one number."""

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from surge.contact import Contact, Standing, Way


class Channel(StrEnum):
    """What a contact cost like. Not how somebody came, but who answered: a caller who hung up with the guide is `online`."""

    ONLINE = "online"  # the recording, the self-check, the guide by text, the page
    CHAT = "chat"  # a text that a member of staff answered
    EMAIL = "e-mail"  # a letter or a question from the page, answered by staff
    PHONE = "phone"
    WALK_IN = "walk-in"


BY_ITSELF: Final = frozenset({Standing.SELF_SERVED, Standing.DEFLECTED})
BY_STAFF: Final[Mapping[Way, Channel]] = {
    Way.VOICE: Channel.PHONE,
    Way.SMS: Channel.CHAT,
    Way.EMAIL: Channel.EMAIL,
    Way.WEB: Channel.EMAIL,
    Way.WALK_IN: Channel.WALK_IN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Dollars, from low to high."""

    low: Decimal
    high: Decimal

    def __add__(self, other: "Money") -> "Money":
        return Money(low=self.low + other.low, high=self.high + other.high)

    def __mul__(self, times: int) -> "Money":
        """times: not below 0."""
        return Money(low=self.low * times, high=self.high * times)

    def less(self, other: "Money") -> "Money":
        """What remains when either may be anywhere in its range."""
        return Money(low=self.low - other.high, high=self.high - other.low)


NOTHING: Final = Money(low=Decimal(0), high=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Dollars for one contact of each channel. of: the year they are of. source: whose they are. centre_handling_s: how long
    911 needs for a call of its ten-digit line, from and to, for where its export does not say; None for not known."""

    each: Mapping[Channel, Money]
    of: int
    source: str
    centre_handling_s: tuple[float, float] | None = None


def _money(low: str, high: str) -> Money:
    return Money(low=Decimal(low), high=Decimal(high))


PUBLISHED: Final = Rates(
    each={
        Channel.ONLINE: _money("0.10", "0.25"),
        Channel.CHAT: _money("1.50", "2.50"),
        Channel.EMAIL: _money("2.50", "3.00"),
        Channel.PHONE: _money("4.50", "5.30"),
        Channel.WALK_IN: _money("9.00", "12.00"),
    },
    of=2014,
    source="published figures of city contact centres; no city's own",
)


PARTS: Final = ("of", "source", "rates", "centre_handling_s")
LONGEST_S: Final = 4 * 3600  # of one call; more is a figure that went astray


class BadRates(ValueError):
    """problems: one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def read(text: str) -> Rates:
    """A city's costs.toml: `of`, `source`, perhaps `centre_handling_s`, and, under [rates], `phone = [4.50, 5.30]` for every
    channel. Raises BadRates with
    everything that is wrong."""
    try:
        given = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadRates([f"The rates are no TOML: {error}."]) from error
    table = given.get("rates", {})
    problems = [f"'{name}' is no part of the rates." for name in given if name not in PARTS]
    if not isinstance(table, dict):
        raise BadRates(["[rates] is a table of channels."])
    problems += [
        f"There is no channel '{name}'; there are {', '.join(Channel)}." for name in table if name not in list(Channel)
    ]
    if not isinstance(given.get("of"), int):
        problems.append("'of' is the year of the rates, as in of = 2026.")
    if not isinstance(given.get("source"), str) or not given["source"].strip():
        problems.append("'source' says whose rates these are.")
    each = {channel: _pair(channel, table.get(channel), problems) for channel in Channel}
    handling_s = _handling(given.get("centre_handling_s"), problems)
    if problems:
        raise BadRates(problems)
    return Rates(each=each, of=given["of"], source=given["source"], centre_handling_s=handling_s)


def _handling(value: Any, problems: list[str]) -> tuple[float, float] | None:
    """None where the file does not say."""
    if value is None:
        return None
    numbers = [float(one) for one in value if _is_amount(one)] if isinstance(value, list) else []
    if len(numbers) != 2 or len(value) != 2 or not 0 < numbers[0] <= numbers[1] <= LONGEST_S:
        problems.append("centre_handling_s: the least and the most seconds 911 needs for a call, as in [95, 140].")
        return None
    return numbers[0], numbers[1]


def _pair(channel: Channel, value: Any, problems: list[str]) -> Money:
    numbers = [Decimal(one) for one in value if _is_amount(one)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(numbers) != 2 or len(value) != 2 or not 0 <= numbers[0] <= numbers[1]:
        problems.append(f"{channel}: a low and a high figure in dollars, as in [4.50, 5.30].")
        return NOTHING
    return Money(low=numbers[0], high=numbers[1])


def _is_amount(value: Any) -> bool:
    return isinstance(value, Decimal | int) and not isinstance(value, bool) and Decimal(value).is_finite()


def channel(contact: Contact, called: Collection[str] = ()) -> Channel | None:
    """None for whoever nobody answered, and for whom a partner did: they cost something, but none of these rates. called: ids
    of contacts whose caller was called back and reached."""
    if contact.contact_id in called:
        return Channel.PHONE
    if contact.answered_at is not None or contact.standing is Standing.DONE:
        return BY_STAFF[contact.way]
    return Channel.ONLINE if contact.standing in BY_ITSELF else None


def counted(contacts: Iterable[Contact], called: Collection[str] = ()) -> Mapping[Channel, int]:
    found = Counter(kind for one in contacts if (kind := channel(one, called)) is not None)
    return {one: found[one] for one in Channel}


def spent(numbers: Mapping[Channel, int], rates: Rates) -> Mapping[Channel, Money]:
    return {one: rates.each[one] * number for one, number in numbers.items()}


def total(amounts: Collection[Money]) -> Money:
    return sum(amounts, NOTHING)


def saved(deflected: int, rates: Rates) -> Money:
    """What it would have cost more if an agent had answered each of them on the telephone: the least and the most that the two
    rates allow, so that it may be below 0. It counts nobody who hung up."""
    return rates.each[Channel.PHONE].less(rates.each[Channel.ONLINE]) * deflected
