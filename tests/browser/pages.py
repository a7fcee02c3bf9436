"""The public pages of a boil-water notice and its update in all languages, for a browser: prints where they are, ends with its
input. Words, areas and ZIPs are the city pack's; the gazetteer knows one address."""

import asyncio
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from aiohttp import web

from channels.feed_folder import FeedFolder
from notify import schema
from notify.alerts.alert import Mode, Stage
from notify.clock import ManualClock
from notify.db import Database, engine_for
from notify.publishing.pages import Pages
from notify.publishing.publish import Publisher
from notify.publishing.shelf import Shelf
from notify.publishing.standing import Figures
from notify.web import public
from notify.web.check import Gazetteer
from subscribers.dialog.turn import Sight
from subscribers.place import Point
from tests.notify.newsroom_factory import Room, a_draft, an_assembly, follow_up, keep_areas

MORNING = datetime(2014, 5, 23, 17, 40, tzinfo=UTC)
HALL = Sight(spot=Point(45.5152, -122.6784), words="1100 block SW 5th Ave", exact="1120 SW 5th Ave (97204)", score=1.0)
NUMBERS = ("+15035550100", "+19715550100")


async def find_place(typed: str) -> Sequence[Sight]:
    return [HALL] if typed == "1120 SW 5th Ave" else []


def tell(db: Database, clock: ManualClock) -> list[str]:
    """Sends the notice for a part of the city and, an hour later, its update; returns the incident."""
    room = Room.on(db, clock, mode=Mode.LIVE, languages=())
    db.write_now(keep_areas)
    promised = (MORNING + timedelta(hours=9)).isoformat()
    first = room.left(a_draft(area={"names": ["Lents", "Hazelwood"]}, next_update_by=promised))
    clock.forward(timedelta(hours=1))
    room.left(follow_up(first, Stage.UPDATE, area={"names": ["Lents"]}, next_update_by=promised))
    return [first.partition("-")[0]]


async def serve(db: Database, folder: Path, told: Callable[[Database, ManualClock], list[str]], base: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    incidents = told(db, ManualClock(MORNING))
    now = MORNING + timedelta(hours=2)
    site = replace(an_assembly(mode=Mode.LIVE, languages=()).site, base=base or address, numbers=NUMBERS)

    async def figures() -> Figures:
        return Figures(at=now, people={"en": 41_306, "es": 3_127, "ar": 7}, gateways={"sms": True, "email": True})

    publisher = Publisher(FeedFolder(folder), site, Pages.load(), partial(db.read, Shelf()), figures)
    await publisher.publish(now)
    app = web.Application()
    app.add_routes(public.routes(folder, Gazetteer(find_place)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(" ".join([address, *incidents]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main(told: Callable[[Database, ManualClock], list[str]] = tell, base: str = "") -> None:
    """told: sends what there is to see, and returns its incidents. base: what the pages call their own address."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'pages.db'}"
        engine = engine_for(url)
        schema.migrate(engine)
        engine.dispose()
        with closing(Database(url)) as db:
            asyncio.run(serve(db, Path(folder) / "public", told, base))


if __name__ == "__main__":
    main()
