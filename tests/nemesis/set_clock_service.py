"""A service on a machine whose clock is set while it runs: `python -m tests.nemesis.set_clock_service ROLE`.

The file FILE in its folder holds by how many seconds the clock is ahead. On SQLite that is the clock of the machine, on
PostgreSQL the one of the database's machine, which all processes go by.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notify import clock
from notify.__main__ import main
from notify.processes import joining, session

FILE = "clock-ahead"


def ahead() -> timedelta:
    try:
        said = (Path(os.environ["TOCSIN_DATA_DIR"]) / FILE).read_text()
    except FileNotFoundError:
        return timedelta(0)
    return timedelta(seconds=float(said))


class Set(clock.SystemClock):
    def now(self) -> datetime:
        return datetime.now(UTC) + ahead()


def _set_time(connection: Any) -> tuple[datetime, float]:
    at, monotonic = _true_time(connection)
    return at + ahead(), monotonic


_true_time = session.database_time

if __name__ == "__main__":
    joining.SystemClock = Set  # type: ignore[attr-defined,misc]
    session.database_time = _set_time
    main()
