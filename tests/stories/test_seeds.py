"""Phones and mailboxes of the city's own get every alert, wherever it is about; the one that is silent is paged, once."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from channels.simulator import Handsets, SimulatedSender, running
from channels.simulator.config import MailConfig
from notify import app
from notify.db import Database
from notify.sending import seeds
from notify.settings import load
from tests.channels.simulator_factories import a_config, lines
from tests.stories.stage import AheadClock
from tests.stories.town import BOIL_WATER, SENDER, Town

GOOD, SILENT, MAILBOX = "+15035557001", "+15035557002", "seed@example.gov"
IN_THE_WEST: dict[str, Any] = BOIL_WATER | {"area": {"names": ["West"]}}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town.create(tmp_path / "var", f"sqlite:///{tmp_path / 'var' / 'tocsin.db'}")
    town.settle(["+15035557100"])
    now = datetime.now(UTC) - timedelta(minutes=1)
    with closing(Database(town.database_url)) as db:
        for name, new in [
            ("radio room", ("sms", GOOD, "es")),
            ("front desk", ("sms", SILENT, "en")),
            ("duty mailbox", ("email", MAILBOX, "en")),
        ]:
            db.write_now(lambda conn, name=name, new=new: seeds.enroll(conn, name, new, town.ring, now))  # type: ignore[misc]
    return town


async def test_every_seed_gets_the_alert_and_the_silent_one_is_paged_once(town: Town, tmp_path: Path) -> None:
    handsets = Handsets(delivered_after_s=0.0, listed={SILENT: "filtered"})
    config = a_config(
        tmp_path,
        sms_port=town.sms_port,
        smtp_port=town.smtp_port,
        senders=(SimulatedSender(number=SENDER, rate=1000.0),),
        handsets=handsets,
        mail=MailConfig(keep=tmp_path / "mails"),
    )
    clock = AheadClock()
    async with running(config) as gateway, app.running(load(**town.given), clock) as service:
        hear = {tick.name: tick for tick in service.ticks}["silent seeds"]
        pages = service.service.pager.recent
        alert_id = await town.send(IN_THE_WEST)
        await town.until(alert_id, "active", "sending")
        await gateway_has(gateway, 3)
        texts = {line["to"]: line["body"] for line in accepted(tmp_path)}
        assert set(texts) == {"+15035557100", GOOD, SILENT}
        assert texts[GOOD] != texts[SILENT]  # each in its language
        await hear.run()
        assert not [page for page in pages if "seed" in page]  # its time has not come
        (mail,) = (tmp_path / "mails").iterdir()
        async with aiohttp.ClientSession() as robot:
            async with robot.post(f"{town.url}/reports/seed", data=mail.read_bytes()) as answer:
                assert answer.status == 204
            forged = mail.read_bytes().replace(b"bounce+", b"bounce+9")
            async with robot.post(f"{town.url}/reports/seed", data=forged) as answer:
                assert answer.status == 403
        await reported(service.service.db, GOOD, town, "delivered")
        await reported(service.service.db, SILENT, town, "undelivered")
        clock.forward(timedelta(minutes=11))
        async with asyncio.timeout(60):
            while not [page for page in pages if "seed" in page]:  # the service looks by itself as well
                await hear.run()
                await asyncio.sleep(0.02)
        await hear.run()
        (said,) = [page for page in pages if "seed" in page]
        assert "'front desk' (sms) is silent after 10 minutes: its copy stands as undelivered" in said
        async with aiohttp.ClientSession() as session, session.get(f"{town.console_url}/metrics") as answer:
            found = (await answer.text()).splitlines()
        assert "tocsin_seeds 3.0" in found and "tocsin_seeds_silent 1.0" in found


def accepted(folder: Path) -> list[dict[str, Any]]:
    return [line for line in lines(folder) if line["event"] == "accepted"]


async def gateway_has(gateway: Any, texts: int) -> None:
    while gateway.exchange.tally["accepted"] < texts or gateway.mail.tally["accepted"] < 1:
        await asyncio.sleep(0.02)


async def reported(db: Database, phone: str, town: Town, state: str) -> None:
    """Waits until the carrier's report of a phone is in the ledger."""
    blind = town.ring.blind("sms", phone)
    query = "SELECT d.state FROM delivery d JOIN address a ON a.address_id = d.address_id WHERE a.blind = :blind"
    while (await db.read(lambda conn: conn.scalars(text(query), {"blind": blind}).first())) != state:
        await asyncio.sleep(0.02)
