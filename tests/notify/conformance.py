"""The conformance kit: a city's bad day in fifteen steps of twenty seconds, as files that any client can be held against.

    python -m tests.notify.conformance

writes docs/conformance: a folder of feeds for each step, the CAP documents of all, and expected.json.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notify.alerts.alert import Area, Stage
from notify.publishing import feeds
from notify.publishing.bulletin import Bulletin
from tests.notify.feed_factory import EAST, WEST, a_bulletin, a_site, after, an_info

FOLDER = Path(__file__).parents[2] / "docs" / "conformance"
BASE = "http://127.0.0.1:8099"
SITE = a_site(base=BASE, languages=("en",))
BEGINS = datetime(2030, 1, 1, 20, 0, tzinfo=UTC)
STEP_S = 20
FAR = 90_000


def at(second: float) -> datetime:
    return BEGINS + timedelta(seconds=second)


@dataclass
class Step:
    """second: when it begins; answers: False while no server answers; live: what a client shows by its own, true clock;
    otherwise: what it shows were its clock so many seconds further (or back)."""

    name: str
    why: str
    told: Sequence[Bulletin]
    live: Sequence[Bulletin]
    answers: bool = True
    generated: float | None = None  # second at which the feeds were written, where that is not now
    otherwise: Mapping[int, Sequence[Bulletin]] = field(default_factory=dict)
    dead: Sequence[int] = ()  # seconds further at which the feed is to be reported as dead


def message(number: int, second: int, incident: str, expires: int, areas: Sequence[Area] = (EAST, WEST)) -> Bulletin:
    return a_bulletin(
        number,
        incident_id=incident,
        areas=tuple(areas),
        sent=at(second),
        expires=at(expires),
        infos=(an_info(headline=f"Conformance kit: {incident}, message {number}"),),
        pages=(),
        web=f"{BASE}/a/{incident}",
    )


def then(
    before: Bulletin, number: int, second: int, stage: Stage, expires: int = FAR, areas: Sequence[Area] = (EAST, WEST)
) -> Bulletin:
    infos = (an_info(headline=f"Conformance kit: {before.event.incident_id}, message {number}"),)
    given: dict[str, Any] = {"areas": tuple(areas), "sent": at(second), "expires": at(expires), "infos": infos, "pages": ()}
    return after(before, number, stage, **given, web=before.event.web)


def steps() -> list[Step]:
    water = message(1, 20, "WATER", 200)
    fire = message(2, 40, "FIRE", FAR)
    water2 = then(water, 3, 60, Stage.UPDATE, 260)
    water3 = then(water2, 4, 80, Stage.UPDATE, 260, [EAST])
    water4 = then(water3, 5, 100, Stage.CORRECTION, 260, [WEST])
    test = replace(
        message(6, 120, "TEST", FAR), event=replace(message(6, 120, "TEST", FAR).event, stage=Stage.TEST, hazard="test")
    )
    clear = then(water4, 7, 140, Stage.ALL_CLEAR)
    false = then(fire, 8, 160, Stage.FALSE_ALARM)
    heat = message(9, 180, "HEAT", 219)
    road = message(10, 260, "ROAD", FAR)
    gone = replace(road, ended_at=at(280), ended_why="cancelled")
    calm = [water, fire, water2, water3, water4, test, clear, false, heat]
    return [
        Step("01-quiet", "Nothing is in force.", [], []),
        Step("02-first", "A first alert.", [water], [water], otherwise={200: []}),
        Step("03-second-incident", "Another incident: two alerts at once.", [water, fire], [water, fire]),
        Step("04-update", "An update takes the first one's place: one alert an incident, not two.", calm[:3], [water2, fire]),
        Step("05-shrink", "The area shrinks: the west is not drawn any more.", calm[:4], [water3, fire]),
        Step(
            "06-correction", "A correction moves it to the west.", calm[:5], [water4, fire], otherwise={-3600: [water4, fire]}
        ),
        Step("07-test", "A test is in the feed of tests alone.", calm[:6], [water4, fire]),
        Step("08-all-clear", "An all clear ends an incident; it is not an alert.", calm[:7], [fire]),
        Step("09-false-alarm", "A false alarm ends the other.", calm[:8], []),
        Step("10-short", "An alert that expires in 39 seconds.", calm, [heat], otherwise={60: []}),
        Step("11-silence", "No server answers: what is shown stays shown.", calm, [heat], answers=False),
        Step("12-expiry", "Still none: by its own clock a client takes away what has expired.", calm, [], answers=False),
        Step("13-expired", "The feed is back and says that it ended.", calm, []),
        Step("14-another", "A new alert.", [*calm, road], [road], otherwise={600: [road]}),
        Step("15-cancelled", "Staff took it back: no new message, the same one has ended.", [*calm, gone], [], dead=[1200]),
    ]


def files() -> dict[str, bytes]:
    """Name -> bytes of the whole kit but its texts and programs."""
    made: dict[str, bytes] = {}
    for place, step in enumerate(steps()):
        found = feeds.files(step.told, at(place * STEP_S), SITE)
        wanted = ("feeds/active.", "feeds/test.", "feeds/index.json")
        if step.answers:
            made |= {f"{step.name}/{name}": body for name, body in found.items() if name.startswith(wanted)}
        made |= {name: body for name, body in found.items() if name.startswith("cap/")}
    return made | {"expected.json": (json.dumps(expected(), indent=1) + "\n").encode()}


def expected() -> dict[str, Any]:
    told = [
        {
            "step": step.name,
            "second": place * STEP_S,
            "why": step.why,
            "answers": step.answers,
            "shown": names(step.live),
            "clock_jumps": [{"by_s": by, "shown": names(shown)} for by, shown in step.otherwise.items()],
            "dead_at_jump_s": list(step.dead),
        }
        for place, step in enumerate(steps())
    ]
    return {"base": BASE, "begins": BEGINS.isoformat(), "step_s": STEP_S, "steps": told}


def names(bulletins: Sequence[Bulletin]) -> list[str]:
    return sorted(bulletin.event.identifier for bulletin in bulletins)


def main() -> None:
    for name, body in files().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_bytes(body)


if __name__ == "__main__":
    main()
