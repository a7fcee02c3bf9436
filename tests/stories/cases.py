"""The cases S1 to S46 of the specification against a running service, through the simulated carrier: `./dev cases`.

A case passes when every transcript that names it went as written, and every story of it. What a case is shown by stands in
docs/cases.md, which `./dev cases --document` writes.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from subscribers.dialog import player
from tests.stories import case_stories as stories
from tests.stories.playing import AFTER, BEFORE, DURING, UNPLAYED, YEAR_LATER, Played, cases_of, play, playable
from tests.stories.stage import Stage, stage
from tests.stories.town import BOIL_WATER, DEADLINE_S, Town, mapped, numbers

ROOT: Final = Path(__file__).parents[2]
TRANSCRIPTS: Final = ROOT / "tests" / "transcripts"
DOCUMENT: Final = ROOT / "docs" / "cases.md"
OWN: Final = "cases"  # the file that has a dialog for each case
ANSWERED_FOR: Final = timedelta(days=8)  # longer than topic words are answered after an all clear
TITLES: Final = (
    "JOIN, HI or anything polite is asked for a ZIP or an address",
    "97214, alone or in a sentence, signs up at once",
    "1120 SW 5th Ave is found, and live before it is confirmed",
    "OK, 1, sí or đúng confirms it",
    "1120 5th may mean several: which?",
    "asdf street 9 is nowhere: citywide alerts all the same",
    "97005 lies outside the city: said, and not kept",
    "Lents, or I live in Lents, is a neighborhood",
    "sunny may mean several neighborhoods: which?",
    "ADD WORK 97204, work: 97204, add my moms house Lents",
    "A sixth place is one too many",
    "WHERE lists the places, by block",
    "REMOVE WORK or REMOVE 2, twice without harm",
    "REMOVE of the last place is asked about",
    "MOVE 97202 replaces HOME after OK",
    "LANG, idioma, 語言: the menu of languages",
    "ES, 2, español: another language, also in the middle of a question",
    "Letters of a language tell the language",
    "Tagalog, FRANCAIS, HMONG: a language that we do not have",
    "EES, espnol: a mistyped language",
    "HELP, INFO and their like in other languages",
    "STOP, stop please, no mas, leave me alone: unsubscribed, said once",
    "STOP WORK stops everything and says the way back",
    "HELP from a stopped phone",
    "STATUS, 97214, WATER from a stopped phone: nothing",
    "START brings places and language back",
    "STATUS without an alert",
    "STATUS inside an alert",
    "WATER inside an alert: what to do, page by page",
    "WATER without an alert, and after one",
    "SHELTER 97214: where to go, without signing up",
    "my basement is flooding help: 911, before everything but stop and help",
    "lorem ipsum: not understood, said once in ten minutes",
    "1 after the question's time",
    "WRONG: the number is removed and forgotten",
    "A number with a new owner is asked, and hears no places",
    "Once a year: is everything still right?",
    "A second person on one phone; one text however many places match",
    "Sign-up on the web: a code by text; a landline is told so",
    "PRIVACY: what we keep",
    "DELETE, then DELETE within ten minutes: erased",
    "More than fifteen texts in ten minutes, or three alike: silence",
    "TEST: a test for oneself",
    "A picture, or nothing at all",
    "A number that moved to another carrier",
    "A phone that cannot be reached",
)
STORIES: Final[Mapping[int, Sequence[stories.Story]]] = {  # what is shown beside the transcripts
    22: (stories.alert_reaches,),
    24: (stories.help_for_the_stopped, stories.page_for_the_stopped),
    25: (stories.alert_reaches,),
    26: (stories.help_for_the_stopped, stories.joins_inside),
    30: (stories.over,),
    31: (stories.shelters,),
    35: (stories.alert_reaches,),
    36: (stories.questions_leave, stories.the_silent_are_removed),
    37: (stories.questions_leave,),
    38: (stories.alert_reaches, stories.nothing_twice),
    39: (stories.signs_up_on_the_web,),
    41: (stories.alert_reaches,),
    45: (stories.alert_reaches,),
    46: (stories.gives_up, stories.is_tried_again, stories.comes_back),
}
ASKERS: Final = 8_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a case went. faults: what went otherwise, a sentence each; none when it passed."""

    case: int
    dialogs: int
    faults: Sequence[str]

    @property
    def line(self) -> str:
        name, word = f"S{self.case}", "FAIL" if self.faults else "pass"
        return f"{name:<4} {word}  {TITLES[self.case - 1]} ({self.dialogs} dialogs)"


def transcripts() -> list[Played]:
    """Every transcript there is, each with a phone."""
    found = [(path.stem, one) for path in sorted(TRANSCRIPTS.glob("*.yaml")) for one in player.read(path)]
    return [Played(source, one, phone) for (source, one), phone in zip(found, numbers(len(found)), strict=True)]


def first_of_each(everything: Sequence[Played]) -> list[Played]:
    """The dialogs of our own file and, of every language, the first for each case it has: what there is time for in a test."""
    seen: set[tuple[str, int]] = set()
    kept = []
    for one in everything:
        fresh = {(one.source, case) for case in cases_of(one.transcript)} - seen
        seen |= fresh
        if fresh or one.source == OWN:
            kept.append(one)
    return kept


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of everything that was played and told."""

    played: Sequence[Played]
    told: Mapping[stories.Story, Sequence[str]]

    @property
    def faults(self) -> list[str]:
        """Of dialogs and stories alike, those of no case too; but for dialogs that cannot be played yet."""
        dialogs = [f"{one.name}: {fault}" for one in self.played for fault in one.faults if fault != UNPLAYED]
        return dialogs + [fault for faults in self.told.values() for fault in faults]

    def verdicts(self) -> list[Verdict]:
        found = []
        for case in range(1, len(TITLES) + 1):
            mine = [one for one in self.played if case in cases_of(one.transcript)]
            faults = [f"{one.name}: {fault}" for one in mine for fault in one.faults_of(case)]
            faults += [fault for story in STORIES.get(case, ()) for fault in self.told[story]]
            found.append(Verdict(case=case, dialogs=len(mine), faults=faults if mine else [*faults, "No dialog shows it."]))
        return found


async def run(town: Town, everything: Sequence[Played]) -> Shown:
    """Plays it all in a mapped town."""
    for one in everything:
        if not playable(one.transcript):
            one.faults.append(UNPLAYED)
    played = [one for one in everything if not one.faults]
    async with stage(town, "--unknown", stories.GONE, "--landline", stories.LANDLINE) as on:
        stories.settle(on)
        for one in played:
            on.settle(one.phone, one.transcript.given)
        return Shown(everything, await _in_turn(on, played))


async def _in_turn(on: Stage, played: Sequence[Played]) -> dict[stories.Story, Sequence[str]]:
    told: dict[stories.Story, Sequence[str]] = {}
    for story in (stories.help_for_the_stopped, stories.page_for_the_stopped, stories.signs_up_on_the_web):
        told[story] = await story(on)
    await play(on, played, BEFORE)
    alert_id = await on.town.send(BOIL_WATER)
    await on.town.until(alert_id, "active")
    told[stories.alert_reaches] = await stories.alert_reaches(on, played)
    await _in_the_dialog(on, "BOIL")
    for story in (stories.joins_inside, stories.shelters):
        told[story] = await story(on)
    await play(on, played, DURING)
    told[stories.nothing_twice] = await stories.nothing_twice(on)
    all_clear = await on.town.follow_up("clear", alert_id, {"slots": {"flush_minutes": 2}})
    await on.town.until(all_clear, "active")
    await _in_the_dialog(on, "CLEAR")
    told[stories.over] = await stories.over(on)
    on.clock.forward(ANSWERED_FOR)
    await _in_the_dialog(on, "no active")
    await play(on, played, AFTER)
    year_later = [one for one in played if one.acts()[YEAR_LATER]]
    told[stories.questions_leave] = await stories.questions_leave(on, year_later)
    await play(on, played, YEAR_LATER)
    told[stories.the_silent_are_removed] = await stories.the_silent_are_removed(on)
    for story in (stories.gives_up, stories.is_tried_again, stories.comes_back):
        told[story] = await story(on)
    return told


async def _in_the_dialog(on: Stage, word: str) -> None:
    """Waits until the dialog knows how things stand: it looks every second."""
    async with asyncio.timeout(DEADLINE_S):
        for phone in numbers(1_000, start=ASKERS):  # one that asked again and again would be taken for a machine
            if word in "".join((await on.text(phone, "WATER")).bodies):
                return
            await asyncio.sleep(0.1)


def document() -> str:
    """docs/cases.md: each case with its own dialogs and stories, as they are written down in this repository."""
    own = player.read(TRANSCRIPTS / f"{OWN}.yaml")
    lines = [
        "# The cases of the text dialog",
        "",
        "Each case of the specification, and what shows it against a running service, through the simulated carrier:",
        f"`./dev cases` plays these dialogs (`tests/transcripts/{OWN}.yaml`) with all the others that name the case, in every",
        "language, and tells the stories in italics (`tests/stories/case_stories.py`). Written by `./dev cases --document`.",
        "",
        "| case | what somebody does | what is shown |",
        "|---|---|---|",
    ]
    for case, title in enumerate(TITLES, 1):
        dialogs = [re.sub(r"^(S\d+ )+", "", one.name) for one in own if case in cases_of(one)]
        told = [f"*{str(story.__doc__).splitlines()[0].rstrip('.')}*" for story in STORIES.get(case, ())]
        lines.append(f"| S{case} | {title} | {'; '.join([*dialogs, *told])} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Returns 1 when a case fails."""
    parser = argparse.ArgumentParser(prog="./dev cases", description="Plays S1 to S46 against a running service.")
    parser.add_argument("--document", action="store_true", help="write docs/cases.md instead")
    if parser.parse_args().document:
        DOCUMENT.write_text(document(), "utf-8")
        return 0
    with TemporaryDirectory() as folder:
        town = Town.create(Path(folder) / "town", f"sqlite:///{folder}/town/tocsin.db")
        mapped(town)
        shown = asyncio.run(run(town, transcripts()))
    verdicts = shown.verdicts()
    for verdict in verdicts:
        print(verdict.line, *verdict.faults, sep="\n        ")
    failed = sum(bool(verdict.faults) for verdict in verdicts)
    print(f"{len(verdicts)} cases, {len(shown.played)} dialogs: {failed} cases failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
