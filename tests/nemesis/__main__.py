"""`./dev nemesis`: every fault on every database, judged from outside, as one table. Returns 1 when a promise does not hold."""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.nemesis import table
from tests.nemesis.playing import Missing, Run, play, several
from tests.nemesis.scenarios import SCENARIOS, Base, Scenario
from tests.nemesis.table import Line
from tests.stories import town

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "nemesis.md"
DELIVERIES: Final = 1_000


def main() -> int:
    given = _parser().parse_args()
    town.FORKS = True
    chosen = [(one, base) for one in SCENARIOS if not given.only or one.name in given.only for base in one.bases]
    print(*table.HEAD, sep="\n", flush=True)
    lines = []
    begun, commit = time.monotonic(), _commit()
    with ThreadPoolExecutor(given.at_once) as hands:
        for line in hands.map(lambda each: _line(*each, given), chosen):
            more = [*table.faults(line), *(f"    {said}" for said in table.answers(line))]
            print(table.row(line), *more, sep="\n", flush=True)
            lines.append(line)
            if given.document:  # after each line: whoever ends it early has what was found
                DOCUMENT.write_text(table.document(lines, _where(time.monotonic() - begun, commit)), "utf-8")
    print(f"\n{table.summary(lines)} {(time.monotonic() - begun) / 60:.0f} minutes.")
    return 1 if any(line.run is not None and line.run.problems for line in lines) else 0


def _line(scenario: Scenario, base: Base, given: argparse.Namespace) -> Line:
    sizes: Mapping[str, int] = given.deliveries
    people = sizes.get(scenario.name, sizes.get("", DELIVERIES))
    runs: list[Run] = []
    try:
        for seed in range(given.runs):
            with TemporaryDirectory(prefix="tocsin-nemesis-") as folder:
                os.chmod(folder, 0o755)  # the database's own user has its files in there
                played = play(
                    scenario,
                    base,
                    Path(folder),
                    people=people,
                    seed=seed,
                    frozen_s=given.frozen,
                    kills=given.kills,
                    within=Path(folder),
                )
                runs.append(asyncio.run(asyncio.wait_for(played, given.at_most * 60)))
    except Missing as error:
        return Line(scenario, base, 0, None, str(error))
    except TimeoutError:
        return Line(scenario, base, len(runs) + 1, None, f"did not end within {given.at_most:g} minutes", failed=True)
    except Exception as error:  # the other lines are played all the same
        traceback.print_exc()
        return Line(scenario, base, len(runs) + 1, None, f"broke off: {type(error).__name__}", failed=True)
    return Line(scenario, base, len(runs), several(runs))


def _commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def _where(seconds: float, commit: str) -> Sequence[str]:
    """Command, machine and commit."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"- Command: `./dev nemesis {' '.join(sys.argv[1:])}`, {seconds / 60:.0f} minutes",
        f"- Commit: {commit}, {datetime.now(UTC):%Y-%m-%d}",
        f"- Machine: {os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}; load at the end {os.getloadavg()[0]:.1f}",
    )


def _sizes(given: str) -> dict[str, int]:
    """'4000,kill=50000' as {'': 4000, 'kill': 50000}."""
    found = {}
    for part in given.split(","):
        name, _, size = part.rpartition("=")
        if name and name not in {one.name for one in SCENARIOS}:
            raise argparse.ArgumentTypeError(f"there is no scenario {name!r}")
        found[name] = int(size)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev nemesis", description=__doc__)
    parser.add_argument(
        "--deliveries",
        type=_sizes,
        default={},
        metavar="N[,NAME=N...]",
        help=f"people told in each run ({DELIVERIES:,} unless named); other sizes for single scenarios",
    )
    parser.add_argument("--runs", type=int, default=1, help="of each scenario on each database")
    parser.add_argument("--only", action="append", choices=[one.name for one in SCENARIOS], help="may be repeated")
    parser.add_argument("--at-once", type=int, default=1, metavar="LINES", help="played beside one another: sooner done")
    parser.add_argument("--kills", type=int, default=3, help="in each run of `kill`")
    parser.add_argument("--frozen", type=float, default=90.0, metavar="SECONDS", help="how long a process stands still")
    parser.add_argument("--at-most", type=float, default=60.0, metavar="MINUTES", help="a run that takes longer has failed")
    parser.add_argument("--document", action="store_true", help="write docs/nemesis.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
