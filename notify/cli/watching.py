"""Live bars of an alert that leaves, in a terminal; and what is wrong, once nothing leaves any more."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from notify.cli.say import screen

OVER: Final = ("active", "ended", "stopped")
LOOK_S: Final = 0.5
STILL_S: Final = 10.0  # that nothing has left before anything is said of it
NO_TROUBLE: Final = (
    "The service knows of no trouble here. Texts that can wait leave in the morning, or when a phone has room; "
    "where senders are processes of their own, see whether `tocsin sender` runs."
)


class Asked(Protocol):
    def get(self, path: str, /) -> Any: ...


@dataclass(slots=True)
class Stillness:
    """Since when nothing has left. Times are seconds of one clock."""

    since: float
    _waiting: int | None = None

    def lasts(self, reply: Mapping[str, Any], now: float) -> float:
        """Seconds that texts and mails have waited without one of them leaving; 0.0 while none waits."""
        waiting = sum(one["planned"] + one["claimed"] for one in reply.get("progress", {}).get("channels", {}).values())
        if waiting != self._waiting or not waiting:
            self.since, self._waiting = now, waiting
        return now - self.since


def watch(client: Asked, alert_id: str, *, on: Console = screen, still_s: float = STILL_S) -> dict[str, Any]:
    """Shows live bars by channel and language until nothing waits any more; returns the alert as it then is. After `still_s`
    seconds in which nothing left it says so, with the troubles that the service names."""
    bars = Progress(
        TextColumn("{task.description:<16}"), BarColumn(40), MofNCompleteColumn(), TextColumn("{task.fields[failed]}")
    )
    tasks: dict[str, TaskID] = {}
    still = Stillness(time.monotonic())
    with Live(bars, console=on, refresh_per_second=4, transient=False) as live:
        while True:
            reply: dict[str, Any] = client.get(f"/alerts/{alert_id}")
            for channel, counts in reply.get("progress", {}).get("channels", {}).items():
                _bar(bars, tasks, channel, counts)
                for language, one in counts["languages"].items():
                    _bar(bars, tasks, f"  {language}", one, channel)
            if reply["status"] in OVER:
                live.update(bars)
                return reply
            seconds = still.lasts(reply, time.monotonic())
            live.update(
                Group(bars, Text(_why(client, seconds), no_wrap=False, overflow="fold")) if seconds > still_s else bars,
                refresh=True,
            )
            time.sleep(LOOK_S)  # the API has no call that waits: a terminal looks again


def _why(client: Asked, seconds: float) -> str:
    lights = client.get("/status")
    shut = [one["name"] for one in lights["senders"] if not one["open"] and not one["trouble"]]
    known = [
        *lights["problems"],
        *(f"{name}: carries nothing now, calls fail or are not answered. It is tried again." for name in shut),
    ]
    return "\n".join(
        (f"Nothing has left for {seconds:.0f} s. Ctrl-C ends this look, not the sending.", *(known or [NO_TROUBLE]))
    )


def _bar(bars: Progress, tasks: dict[str, TaskID], name: str, counts: Mapping[str, Any], group: str = "") -> None:
    key = group + name
    if key not in tasks:
        tasks[key] = bars.add_task(name, total=counts["total"], failed="")
    done = counts["total"] - counts["planned"] - counts["claimed"]
    failed = f"{counts['failed']} failed" if counts["failed"] else ""
    bars.update(tasks[key], completed=done, total=counts["total"], failed=failed)
