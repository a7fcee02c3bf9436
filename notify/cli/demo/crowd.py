"""Who calls 311 on the demo's day, whom 911 hands over, and what 911 counted: all made up, from seeds. Pure."""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

from channels.simulator.telephone.characters import Person
from channels.simulator.telephone.day import Day, made_up
from surge.pack import Pack

# What is pressed at the first prompt and after it. Shares are assumed: a third take the guide, as where deflection is on.
PRESSED: Final[Mapping[tuple[str, ...], float]] = {
    ("1",): 0.28,  # text me the guide
    ("0",): 0.50,
    ("0", "3"): 0.10,  # and then: call me back
    ("2", "0"): 0.08,  # Spanish
    ("9",): 0.01,  # an emergency
    (): 0.03,  # hears the message, and hangs up
}
FROM_911: Final = 0.0145  # callers whom the emergency centre hands over, for each who calls 311: 60 on that day
HANDLING_S: Final = {"non-emergency": 95.0, "emergency": 110.0}  # that 911 needs for a call, on average
ANSWERS_WITHIN: Final = {"non-emergency": 20.0, "emergency": 6.0}  # seconds, on average
GIVES_UP_S: Final = 60.0
WEEKS: Final = 7  # of 911's own minutes before the day

Crowd = dict[str, Any]  # as the telephone simulator takes one: the number they call, and the people


def callers(pack: Pack, day: Day) -> Crowd:
    """Everybody of the day, agents, emergency centre and partners."""
    dice = random.Random("what they press")
    people = list(made_up(day))
    for at, person in enumerate(people):
        if person.at_s is not None:
            pressed = dice.choices(list(PRESSED), list(PRESSED.values()))[0]
            people[at] = replace(person, presses=pressed)
    people.append(Person(number=pack.emergency_line, rings_s=6.0, talk_s=90.0))
    people += [Person(number=partner.number, rings_s=8.0, talk_s=180.0) for partner in pack.partners]
    return {"number": pack.number, "people": [_settings(one) for one in people]}


def handed_over(pack: Pack, day: Day) -> Crowd:
    """Callers of 911 who have no emergency: the centre hands them to 311, from the tenth minute on, for half of the day."""
    dice, until_s = random.Random("handed over"), day.span_s / 2
    from_s = min(600.0, until_s / 2)
    people = [
        Person(number=f"+1971555{2_000 + number:04}", at_s=dice.uniform(from_s, until_s), talk_s=200.0, patience_s=1_200.0)
        for number in range(math.ceil(day.calls * FROM_911))
    ]
    return {"number": pack.from_911 or pack.number, "people": [_settings(one) for one in people]}


def minutes_of_911(day: datetime, hours: int) -> bytes:
    """Simulated minutes of 911, as CSV: its ten-digit line in the same hours of seven weeks before, and on the day, a quarter
    fewer; and 911 itself on the day. All figures are assumed but one: over a million 911 calls a year are 2 a minute."""
    dice = random.Random("911")
    rows = ["minute,line,offered,answered,within_15_s,within_20_s,mean_handling_s"]
    for week in range(-WEEKS, 1):
        for minute in range(hours * 60):
            at = day + timedelta(weeks=week, minutes=minute)
            rows.append(_minute_of_911(dice, at, "non-emergency", 2.4 * (0.75 if week == 0 else 1.0)))
            if week == 0:
                rows.append(_minute_of_911(dice, at, "emergency", 2.0))
    return "\n".join(rows).encode()


def _minute_of_911(dice: random.Random, at: datetime, line: str, mean: float) -> str:
    """mean: calls offered. How long each of them took is exponential."""
    offered, answers_within, handling_s = _poisson(dice, mean), ANSWERS_WITHIN[line], HANDLING_S[line]
    waits = [dice.expovariate(1 / answers_within) for _ in range(offered)]
    took = [dice.expovariate(1 / handling_s) for one in waits if one < GIVES_UP_S]
    quick = [sum(one <= within_s for one in waits) for within_s in (15, 20)]
    mean_s = f"{sum(took) / len(took):.1f}" if took else ""
    return f"{at.isoformat()},{line},{offered},{len(took)},{quick[0]},{quick[1]},{mean_s}"


def _settings(person: Person) -> dict[str, Any]:
    """A person as the simulator reads one, without what is as usual."""
    usual = asdict(Person(number=""))
    return {name: value for name, value in asdict(person).items() if value != usual[name]}


def _poisson(dice: random.Random, mean: float) -> int:
    """Arrivals within one unit of time, by their exponential distances."""
    return sum(1 for _ in _arrivals(dice, mean))


def _arrivals(dice: random.Random, mean: float) -> Iterator[float]:
    at = dice.expovariate(mean)
    while at < 1.0:
        yield at
        at += dice.expovariate(mean)
