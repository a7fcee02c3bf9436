"""`tocsin demo`: 23 May 2014 again, on this machine, with made-up people: the alert, then everybody who called 311."""

import os
import signal
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from notify import city, data
from notify.cli.demo.day import SurgeDay
from notify.cli.demo.stage import UNLIMITED, Stage
from notify.cli.say import refuse, screen, sentences

PEOPLE_OF_DAY = 500  # who the second act's alert goes to; its matter is who calls


class Acts(StrEnum):
    BOTH = "both"
    ALERT = "alert"
    CALLS = "calls"


def demo(
    count: Annotated[int, typer.Option("--people", help="Made-up people; 670000 for all of 2014's.")] = 50_000,
    exit_: Annotated[bool, typer.Option("--exit", help="End after the replay instead of serving until Ctrl-C.")] = False,
    rate: Annotated[float, typer.Option(help="Segments per second of each of the two senders.")] = UNLIMITED,
    step: Annotated[
        bool, typer.Option("--step", help="Wait for Enter before each alert, to watch it come on the phones.")
    ] = False,
    act: Annotated[Acts, typer.Option(help="The alert, the calls to 311 of that day, or both.")] = Acts.BOTH,
    speed: Annotated[float, typer.Option(help="Minutes of the day of calls in a minute.", min=1, max=60)] = 60,
) -> None:
    """Replays Portland's boil-water notice of 2014: alert by two people, update, all clear; the calls; then keeps serving."""
    home = Path(os.environ.get("TOCSIN_DATA_DIR", "var")) / "demo"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, the demo still ends its processes
    pack_folder = city.find("portland", data.folder("city"))
    stages: list[Stage | SurgeDay] = []
    if act != Acts.CALLS:
        stages.append(Stage(home, pack_folder, count, rate, step=step))
    if act != Acts.ALERT:
        stages.append(SurgeDay(home.with_name("demo-calls"), pack_folder, PEOPLE_OF_DAY, speed))
    with sentences():
        try:
            for stage in stages:
                stage.build()
                stage.start()
                stage.play()
                stage.tell()
            if not exit_:
                for stage in stages:
                    stage.show()
                screen.print("Ctrl-C ends it.")
                with suppress(KeyboardInterrupt):
                    signal.pause()
        finally:
            for stage in reversed(stages):
                stage.children.end()
    if problems := [problem for stage in stages for problem in stage.problems]:
        refuse(problems)
