"""The day the database is gone, with 1,000,000 people: a backup, the restore drill, the sealed snapshot, and telling an area
from it alone. Every step is the command that a person would type: wall time with its start, and the memory it took at most.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench import metropolis
from bench.figures import Figure
from tests.stories.town import TOKEN, Town, start

PEOPLE: Final = 1_000_000
RATE: Final = 1e5
ORDER: Final = """
area: {{circle: {{lat: 45.52, lon: -122.65, radius_m: 700}}, words: around the bridge}}
expires: {expires}
texts:
  sms: {{en: "City alert: boil tap water around the bridge until we say it is safe."}}
"""


def run(people: int = PEOPLE) -> list[Figure]:
    return asyncio.run(_measured(people))


async def _measured(people: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        town = await asyncio.to_thread(metropolis.town, place / "town", people, rate=RATE, mailed=True)
        carrier = await start(["-m", "bench.reporting", str(town.sms_port), TOKEN], {}, place / "carrier.log")
        try:
            return await asyncio.to_thread(_steps, town, place, people)
        finally:
            await carrier.end()


def _steps(town: Town, place: Path, people: int) -> list[Figure]:
    backup, sealed, private, order = place / "copy.db", place / "all.sealed", place / "private.pem", place / "order.yaml"
    order.write_text(ORDER.format(expires=(datetime.now(UTC) + timedelta(hours=3)).isoformat(timespec="minutes")))
    public = _said(town, "snapshot", "key", str(private)).partition("TOCSIN_SNAPSHOT_KEY=")[2].split()[0]
    keyed = {"TOCSIN_SNAPSHOT_KEY": public}
    send = ["send-from-snapshot", str(sealed), "--key", str(private), "--alert", str(order), "--journal", str(place / "sent")]
    found = [
        _timed(town, "backup", ["backup", str(backup)]),
        _timed(town, "restore drill", ["restore", "--drill", str(backup)]),
        _timed(town, "snapshot, read again", ["snapshot", "make", str(sealed)], keyed),
        _timed(town, "snapshot checked with the private key", ["snapshot", "check", str(sealed), "--key", str(private)]),
        _timed(town, "who would be told from it", send),
    ]
    digest = re.findall(r"--approve (\w+)", _said(town, *send))[0]
    approved = [*send, "--approve", digest, "--author", "one", "--approver", "two"]
    found.append(_timed(town, "telling them, from the file alone", approved))
    size = f"{backup.stat().st_size / 1e6:,.0f} MB, snapshot {sealed.stat().st_size / 1e6:,.0f} MB"
    return [
        Figure(
            name=f"{people:,} people, {name}",
            unit="s",
            ours=[seconds],
            note=f"{megabytes:.0f} MB; {said.replace(f'{place}/', '')} {size}",
        )
        for name, seconds, megabytes, said in found
    ]


def _said(town: Town, *arguments: str, more: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "notify", *arguments], env=_environment(town, more or {}), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _timed(
    town: Town, name: str, arguments: Sequence[str], more: Mapping[str, str] | None = None
) -> tuple[str, float, float, str]:
    """Its name, seconds, megabytes at most, and the sentence in which the command itself says how long it took."""
    with tempfile.TemporaryFile("w+") as out:
        begun = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "notify", *arguments], env=_environment(town, more or {}), stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        out.seek(0)
        said = out.read()
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(arguments)} failed: {said}")
    lines = [line for line in said.splitlines() if re.search(r"\d s\b|would be told", line)]
    return name, seconds, used.ru_maxrss / 1024, lines[0] if lines else ""


def _environment(town: Town, more: Mapping[str, str]) -> dict[str, str]:
    given = {f"TOCSIN_{name.upper()}": value for name, value in town.given.items()}
    return {**os.environ, **given, **town.settings, **more}


if __name__ == "__main__":
    for figure in run(*map(int, sys.argv[1:])):
        print(figure.line())
