"""Whether the time of a refused sign-in tells which names exist: names that are there and names that are not, turn about."""

import asyncio
import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import numpy as np
from sqlalchemy import Connection

from bench.figures import Figure
from notify.db import Database
from notify.staff import accounts, passwords, people
from tests.stories.town import Town

TRIES: Final = 500
PEOPLE: Final = 125  # each is tried four times: the fifth failure would make them wait
PASSWORD: Final = "four winds over the river"


def enrolled(town: Town) -> None:
    hashed, now = passwords.hashed(PASSWORD), datetime.now(UTC)

    def enrol(conn: Connection) -> None:
        for number in range(PEOPLE):
            person = f"known-{number:03d}"
            people.add(conn, person, ["viewer"], {}, now)
            token = accounts.invite(conn, person, "bench", now)
            accounts.enrol(conn, token, hashed, passwords.new_seed(), town.ring, 0, now)

    with closing(Database(town.database_url)) as db:
        db.write_now(enrol)


async def refused_in_ms(session: aiohttp.ClientSession, url: str, person: str, mark: str) -> float:
    data = {"person": person, "password": "not this one at all", "code": "123456", "mark": mark}
    begun = time.perf_counter()
    async with session.post(f"{url}/sign-in", data=data) as answer:
        await answer.read()
        assert answer.status == 422, answer.status
    return (time.perf_counter() - begun) * 1000


async def measured(town: Town) -> tuple[list[float], list[float]]:
    """Milliseconds to the refusal: of names that are there, of names that are not."""
    service = await town.service()
    known, unknown = [], []
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{town.console_url}/sign-in") as answer:
            mark = (await answer.text()).partition('name="mark" value="')[2].partition('"')[0]
        for number in range(TRIES):
            known.append(await refused_in_ms(session, town.console_url, f"known-{number % PEOPLE:03d}", mark))
            unknown.append(await refused_in_ms(session, town.console_url, f"nobody-{number % PEOPLE:03d}", mark))
    await service.end()
    return known, unknown


def welch(one: Sequence[float], other: Sequence[float]) -> float:
    """Welch's t: beyond 1.96 either way two means differ more than chance has it in 19 of 20 sittings."""
    spread = math.sqrt(float(np.var(one, ddof=1)) / len(one) + float(np.var(other, ddof=1)) / len(other))
    return float(np.mean(one) - np.mean(other)) / spread


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """Kolmogorov and Smirnov's distance of two distributions: 0 alike, 1 wholly apart."""
    at = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(each), at, side="right") / len(each) for each in (one, other)]
    return float(np.max(np.abs(shares[0] - shares[1])))


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
        enrolled(town)
        known, unknown = asyncio.run(measured(town))
    chance = 1.36 * math.sqrt(2 / len(known))  # of that distance, in 19 of 20 sittings
    note = (
        f"t {welch(known, unknown):.2f} (chance: below 1.96), distance {apart(known, unknown):.3f} (chance: below {chance:.3f})"
    )
    return [
        Figure(
            name=f"a refused sign-in, {TRIES} tries each",
            unit="ms",
            ours=known,
            peer=unknown,
            peer_name="a name that is not there",
            note=note,
        )
    ]
