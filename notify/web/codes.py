"""Where a token is not enough: the code of now, from the phone of whoever the token belongs to."""

import math
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from notify.alerts.life import Staff
from notify.db import Database
from notify.staff import accounts
from notify.staff.staff_tables import Login
from notify.web.answers import Problem
from subscribers.sealing import Keyring

POLICY: Final = f'"codes";q={accounts.FREE_TRIES}'  # the limit on wrong codes, as programs read it


async def prove(db: Database, ring: Keyring, staff: Staff, code: str, now: datetime) -> None:
    """Counts one try. Raises Problem: 403 when it is not the code of now, 429 while a wait is running."""

    def attempt(conn: Connection) -> tuple[bool, Login | None]:
        before = accounts.login(conn, staff.person_id)
        if before is not None and before.wait_until is not None and now < before.wait_until:
            raise _too_often(before.wait_until - now)
        proved = accounts.attempt(conn, staff.person_id, True, code, ring, now)
        return proved, accounts.login(conn, staff.person_id)

    proved, row = await db.write(attempt)
    if not proved:
        problem = Problem(403, "You may not do this.", ["code: this is not the code of now, or it was used already."])
        left = max(0, accounts.FREE_TRIES - row.failures) if row is not None else 0
        problem.headers |= {"RateLimit-Policy": POLICY, "RateLimit": f'"codes";r={left}'}
        raise problem


def _too_often(wait: timedelta) -> Problem:
    """After five wrong codes in a row each further one makes its person wait; the code of now is not looked at meanwhile."""
    seconds = math.ceil(wait.total_seconds())
    problem = Problem(429, "Too many wrong codes.", [f"Wait {seconds} s, then type the code that your phone shows."])
    problem.headers |= {"Retry-After": str(seconds), "RateLimit-Policy": POLICY, "RateLimit": f'"codes";r=0;t={seconds}'}
    return problem
