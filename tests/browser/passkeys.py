"""The console under the name that passkeys are bound to, with an alert that waits for approval, for browsers: prints where it
is and who may sign in with what. "later" on its input makes every code typed so far an old one; it ends when its input ends."""

import asyncio
import json
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from notify.db import Database
from notify.staff.staff_tables import Session
from tests.browser.console import PASSWORD, enrolled
from tests.stories.town import BOIL_WATER, Town, numbers


def later(town: Town) -> None:
    """As if ten minutes had passed since anybody showed that it is them."""
    with closing(Database(town.database_url)) as db:
        db.write_now(lambda conn: conn.execute(update(Session).values(proved_at=datetime.now(UTC) - timedelta(minutes=10))))


async def serve(town: Town) -> None:
    carrier = await town.carrier()
    service = await town.service()
    alert = await town.must("author", "POST", "/alerts", BOIL_WATER)
    await town.must("author", "POST", f"/alerts/{alert['alert_id']}/submit")
    told = {
        "url": town.settings["TOCSIN_PRIVATE_URL"],
        "password": PASSWORD,
        "seeds": enrolled(town),
        "alert": alert["alert_id"],
    }
    print(json.dumps(told), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        await asyncio.to_thread(later, town)
        print("later", flush=True)
    await service.end()
    await carrier.end()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
        town.settings["TOCSIN_PRIVATE_URL"] = f"http://localhost:{town.private_port}"
        town.settings["TOCSIN_COUNTDOWN_S"] = "10"
        town.settle(numbers(20))
        asyncio.run(serve(town))


if __name__ == "__main__":
    main()
