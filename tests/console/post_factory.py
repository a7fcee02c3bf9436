"""A house whose texts and mails leave for real: a simulated carrier and mail relay over sockets, read from their own logs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

from channels.simulator import server
from channels.simulator.config import MailConfig, SimulatedSender, SimulatorConfig
from notify.staff import people
from tests.console.staff_factory import House, opened
from tests.stories.town import read_log

SENDER = "+15035550100"
PATIENCE_S = 60


@dataclass(slots=True)
class Post:
    """What carrier and relay took, from their own logs."""

    house: House
    log: Path
    proven: set[tuple[str, str]] = field(default_factory=set)

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [line for line in read_log(self.log / f"{name}.jsonl") if line["event"] == "accepted"]

    def texts(self, number: str) -> list[dict[str, Any]]:
        return [line for line in self.lines("sms") if line["to"] == number]

    def mails(self, address: str) -> list[str]:
        """The text of each mail to an address."""
        kept = [line for line in self.lines("smtp") if line["rcpt"] == address]
        files = [self.log / "mails" / f"{line['seq']:08}.eml" for line in kept]
        raw = [one.read_bytes() for one in files if one.exists()]
        return [_plain(message_from_bytes(one)) for one in raw if one]  # the relay logs a mail before it is on disk

    async def until(self, what: Callable[[], Any], count: int = 1) -> Any:
        """Waits until something has happened so often; returns the last of it."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := what()) < count:
                await asyncio.sleep(0.02)
        return found[-1]


def _plain(message: Any) -> str:
    part = next(one for one in message.walk() if one.get_content_type() == "text/plain")
    return str(part.get_payload(decode=True).decode())


@asynccontextmanager
async def posted(folder: Path, migrated: Path) -> AsyncIterator[Post]:
    """folder: for the house and the logs."""
    log = folder / "carrier"
    (log / "mails").mkdir(parents=True)
    carrier = SimulatorConfig(
        log=log, senders=(SimulatedSender(number=SENDER, rate=50.0),), mail=MailConfig(keep=log / "mails")
    )
    async with server.running(carrier) as running:
        settings = {
            "twilio_account_sid": carrier.account_sid,
            "twilio_auth_token": carrier.auth_token,
            "twilio_url": running.sms_url,
            "sms_senders": f"{SENDER}=50",
            "smtp_host": "127.0.0.1",
            "smtp_port": running.smtp_port,
            "smtp_security": "none",
            "smtp_relay_signs_dkim": True,
            "private_url": "http://console.example.gov",
        }
        async with opened(folder / "home", migrated, **settings) as house:
            db, now = house.served.running.service.db, house.clock.now()
            db.write_now(lambda conn: people.add(conn, "deputy", ["approver"], {}, now))
            yield Post(house, log)
