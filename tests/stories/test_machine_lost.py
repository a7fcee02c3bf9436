"""The machine of service and PostgreSQL is gone in the middle of an alert; a dump of a moment before is restored elsewhere, in
the words of docs/operations.md. Nobody is lost; whoever was told since the dump may hear it twice; two people decide that."""

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.nemesis.cluster import cluster
from tests.notify.cli.command_line import Shell
from tests.stories.town import BOIL_WATER, SENDER, Town, numbers

PEOPLE: Final = 120
RATE: Final = 30.0  # segments a second: it takes long enough to be dumped and killed in between
WINDOW: Final = 20
TEXTS: Final = BOIL_WATER | {"channels": ["sms", "feed"]}
pytestmark = pytest.mark.postgres


def moved(town: Town, home: Path, url: str) -> Town:
    """Another machine with what the city keeps apart from the database: its keys and settings."""
    home.mkdir()
    shutil.copy(town.home / "keys.toml", home / "keys.toml")
    (home / "carrier").symlink_to(town.logs)
    ports = {name: getattr(town, name) for name in ("public_port", "private_port", "sms_port", "smtp_port")}
    return Town(home, url, town.ring, town.tokens, rate=town.rate, settings=town.settings, **ports)


def copies(town: Town) -> Counter[str]:
    """How many texts each number has."""
    return Counter(line["to"] for line in town.sms())


def shell(town: Town) -> Shell:
    given: Mapping[str, str] = {f"TOCSIN_{name.upper()}": value for name, value in town.given.items()}
    return Shell(town.home, given)


async def test_a_dump_restored_on_another_machine_tells_the_rest_once_two_people_agree(tmp_path: Path) -> None:
    with ExitStack() as servers:
        async with AsyncExitStack() as stack:
            first = servers.enter_context(cluster())
            first.create("city")
            town = Town.create(tmp_path / "town", first.url_of("city"), rate=RATE)
            town.settings |= {"TOCSIN_SMS_SENDERS": f"{SENDER}={RATE:g}", "TOCSIN_SMS_WINDOW": str(WINDOW)}
            town.settle(numbers(PEOPLE))
            carrier = await town.carrier("--delivered-after", "1")
            stack.push_async_callback(carrier.end)
            service = await town.service()
            await town.send(TEXTS)
            await town.until_texts(PEOPLE // 4)
            begun, dumped = copies(town), first.dump("city")
            await town.until_texts(PEOPLE // 2)
            await service.kill()
            first.kill()
            since = copies(town) - begun

            clock = time.monotonic()
            second = servers.enter_context(cluster())
            second.create("city")
            second.restore("city", dumped)
            back = moved(town, tmp_path / "elsewhere", second.url_of("city"))
            say = shell(back)
            for words in (["migrate"], ["hold", "--why", "the dump of a moment before"], ["audit", "verify"]):
                said = say(*words)
                assert said.code == 0, (words, said)
            service = await back.service()
            stack.push_async_callback(service.end)
            print(f"restored, held, verified and started in {time.monotonic() - clock:.1f} s")

            told = copies(back)
            new = await back.send(TEXTS)  # about a new incident: it leaves as ever
            await back.settled(new)
            everybody = Counter(numbers(PEOPLE))
            assert copies(back) - told == everybody, "and of the old one nothing has left"
            held = await back.must("author", "GET", "/hold")
            assert held["held"] and [one["waiting"] > 0 for one in held["alerts"]] == [True]

            asked = (await back.must("approver", "POST", "/release", {"reason": "the carrier's list ends in the middle"}))[
                "asked"
            ]
            await back.must("admin", "POST", "/release/agree", {"digest": asked["digest"]})
            (old,) = (one["alert_id"] for one in held["alerts"])
            await back.settled(old)
            found = copies(back) - everybody
            assert set(found) == set(everybody), "nobody is lost"
            assert set(found - everybody) <= set(since), "and twice have it only some of those told since the dump"
            assert max(found.values()) <= 2
