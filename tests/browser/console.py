"""The console before a running service with a simulated carrier and mail sink, for browsers: prints where it is and who may
sign in with what, and ends when its input ends."""

import asyncio
import json
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from notify.db import Database
from notify.staff import accounts, passwords
from subscribers import atlas
from subscribers.areas import NamedShape
from tests.stories.town import CITY, EAST, WEST, Town, mapped, numbers

PASSWORD = "four winds over the river"
TONGUES = ("en", "es", "vi", "zh-Hant", "ru", "uk", "ro", "so", "ar", "ja", "lo", "ko")
PEOPLE_EACH = 250
RATE = 400  # segments a second: slow enough to look at, fast enough to wait for


def enrolled(town: Town) -> dict[str, str]:
    """Author, approver and administrator with a password and a seed; the seeds, in hexadecimal, by name."""
    hashed, now = passwords.hashed(PASSWORD), datetime.now(UTC)
    seeds = {}
    with closing(Database(town.database_url)) as db:
        for person in ("author", "approver", "admin"):
            seed = passwords.new_seed()
            token = db.write_now(partial(accounts.invite, person_id=person, made_by="test", now=now))
            db.write_now(partial(accounts.enrol, token=token, password=hashed, seed=seed, ring=town.ring, step=0, now=now))
            seeds[person] = seed.hex()
    return seeds


async def serve(town: Town) -> None:
    carrier = await town.carrier("--delivered-after", "0.5")
    service = await town.service()
    told = {"url": town.console_url, "public": town.url, "password": PASSWORD, "seeds": enrolled(town)}
    print(json.dumps(told), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await service.end()
    await carrier.end()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}", rate=RATE)
        town.settings["TOCSIN_COUNTDOWN_S"] = "10"
        mapped(town)
        with closing(Database(town.database_url)) as db:
            served = NamedShape(name="Water service area", kind="service-area", shape=CITY, citywide=True)
            db.write_now(lambda conn: atlas.keep(conn, [served], "test", datetime.now(UTC)))
        for place, tongue in enumerate(TONGUES):
            inside = EAST if place % 2 else WEST
            town.settle(numbers(PEOPLE_EACH, place * PEOPLE_EACH), language=tongue, inside=inside)
        asyncio.run(serve(town))


if __name__ == "__main__":
    main()
