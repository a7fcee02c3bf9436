"""The database is gone. From the sealed file alone the people of an area are told, through kills, and STOP is honoured."""

import asyncio
import json
import os
import signal
import sys
import tracemalloc
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from channels.simulator import SimulatedSender, running
from channels.simulator.faults import SmsFaults
from notify.snapshot.journal import BadJournal, Journal
from tests.channels.simulator_factories import a_config, lines
from tests.notify.cli.command_line import Shell
from tests.notify.snapshot.conftest import PEOPLE, Safe, phone
from tests.stories.town import SENDER

TOLD = PEOPLE - 3  # one has stopped, one is unreachable, one may be somebody else
RATE = 100
MANY = 20_000
# The command by itself: all the others need not be loaded three times.
COMMAND = "import typer; from notify.cli.snapshot import send_from_snapshot as it; typer.run(it)"


def an_order(folder: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "area": {"names": ["West"]},
        "expires": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "texts": {"sms": {"en": "Boil tap water for one minute.", "es": "Hierva el agua por un minuto."}},
    }
    file = folder / "order.yaml"
    file.write_text(yaml.safe_dump(given | changes, allow_unicode=True), "utf-8")
    return file


def arguments(safe: Safe, order: Path, journal: Path, *more: str) -> list[str]:
    first = ["send-from-snapshot", str(safe.snapshot), "--key", str(safe.key), "--alert", str(order), "--journal", str(journal)]
    return [*first, *more, "--json"]


def digest(safe: Safe, order: Path, journal: Path, *more: str) -> str:
    said = safe.shell(*arguments(safe, order, journal, *more))
    assert said.code == 0, said.errors
    return str(said.data["digest"])


def both(digest: str) -> list[str]:
    return ["--approve", digest, "--author", "duty-author", "--approver", "duty-approver"]


def accepted(folder: Path) -> list[dict[str, Any]]:
    return [line for line in lines(folder) if line["event"] == "accepted"]


def test_a_snapshot_is_checked_with_its_key_alone(safe: Safe, tmp_path: Path) -> None:
    said = safe.shell("snapshot", "check", safe.snapshot, "--key", safe.key, "--json")
    assert said.code == 0
    assert said.data["people"] == {
        "sms open": PEOPLE + 50 - 3,
        "sms stopped": 1,
        "sms unreachable": 1,
        "sms suspect": 1,
        "email open": 20,
    }
    safe.shell("snapshot", "key", tmp_path / "other.pem")
    wrong = safe.shell("snapshot", "check", safe.snapshot, "--key", tmp_path / "other.pem")
    assert wrong.code == 1 and "another key" in wrong.errors
    assert not [1 for number in (1000, 3000) if phone(number).encode() in safe.snapshot.read_bytes()]


def test_what_is_shown_first_sends_nothing_and_is_what_is_approved(safe: Safe, tmp_path: Path) -> None:
    order, journal = an_order(tmp_path), tmp_path / "journal"
    said = safe.shell(*arguments(safe, order, journal))
    assert said.data["people"] == TOLD and said.data["by"] == {"sms in en": TOLD - PEOPLE // 2, "sms in es": PEOPLE // 2}
    assert said.data["left"] == {
        "stopped": 1,
        "unreachable": 1,
        "outside": 50,
        "may have a new owner": 1,
        "channel not used": 20,
    }
    good = said.data["digest"]
    for wrong, told in [
        (["--approve", "0" * 64, "--author", "a", "--approver", "b"], "not the one approved"),
        (["--approve", good], "two people"),
        (["--approve", good, "--author", "Somebody", "--approver", "somebody"], "two people"),
    ]:
        refused = safe.shell(*arguments(safe, order, journal, *wrong))
        assert refused.code == 1 and told in refused.errors
    assert digest(safe, an_order(tmp_path, area={"names": ["East"]}), journal) != good
    assert not journal.exists()


@pytest.mark.parametrize(
    "changes,told",
    [
        ({"area": {"names": ["Nowhere"]}}, "no area 'Nowhere'"),
        ({"area": {}}, "name at least one area"),
        ({"expires": "2020-01-01T00:00:00+00:00"}, "has passed"),
        ({"texts": {"sms": {"es": "Hola"}}}, "English (en) must be there"),
        ({"texts": {}}, "there is none"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_order_that_cannot_be_used_says_why(safe: Safe, tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    said = safe.shell(*arguments(safe, an_order(tmp_path, **changes), tmp_path / "journal"))
    assert said.code == 1 and told in said.errors


async def test_killed_in_the_middle_and_started_again_nobody_is_lost_and_stops_hold(safe: Safe, tmp_path: Path) -> None:
    order, journal, stops = an_order(tmp_path), tmp_path / "journal", tmp_path / "stops.txt"
    stops.write_text(f"{phone(2000)}\n\n({phone(2001)[2:5]}) 555-2001\n")
    config = a_config(tmp_path, senders=(SimulatedSender(number=SENDER, rate=100_000),))
    async with running(config) as gateway:
        environment = os.environ | safe.shell.variables | {"TOCSIN_MODE": "demo", "TOCSIN_TWILIO_URL": gateway.sms_url}
        more = ["--stops", str(stops)]
        good = await asyncio.to_thread(digest, safe, order, journal, *more)
        command = [sys.executable, "-c", COMMAND, *arguments(safe, order, journal, *more, *both(good))[1:]]

        async def start() -> asyncio.subprocess.Process:
            pipe = asyncio.subprocess.PIPE
            return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)

        kills = 0
        for share in (0.2, 0.6):
            child = await start()
            while gateway.exchange.tally["accepted"] < share * TOLD and child.returncode is None:
                await asyncio.sleep(0.005)
            child.send_signal(signal.SIGKILL)
            await child.wait()
            kills += 1
        assert len(accepted(tmp_path)) < TOLD - 2
        child = await start()
        out, errors = await child.communicate()
        assert child.returncode == 0, errors.decode()
    said = json.loads(out)
    times = Counter(line["to"] for line in accepted(tmp_path))
    wanted = {phone(number) for number in (*range(1003, 1000 + PEOPLE // 2), *range(2002, 2000 + PEOPLE // 2))}
    assert set(times) == wanted  # nobody lost, nobody who said STOP, nobody from elsewhere
    twice = {number for number, count in times.items() if count > 1}
    assert len(twice) <= len(said["twice"]) <= kills * RATE and max(times.values()) <= 2
    assert (said["handed"], said["refused"], said["unknown"], said["expired"]) == (len(wanted), 0, 0, 0)
    bodies = Counter(line["body"] for line in accepted(tmp_path))
    assert set(bodies) == {"Boil tap water for one minute.", "Hierva el agua por un minuto."}


async def test_calls_whose_answer_is_lost_are_asked_about_and_not_sent_twice(safe: Safe, tmp_path: Path) -> None:
    order, journal = an_order(tmp_path), tmp_path / "journal"
    config = a_config(tmp_path, senders=(SimulatedSender(number=SENDER, rate=100_000),))
    config = replace(config, sms_faults=SmsFaults(cut_after=0.05, cut_before=0.05))
    good = digest(safe, order, journal)
    async with running(config) as gateway:
        shell = Shell(safe.shell.home, {**safe.shell.variables, "TOCSIN_TWILIO_URL": gateway.sms_url})
        for _ in range(5):  # a second answer may be lost as well
            said = await asyncio.to_thread(shell, *arguments(safe, order, journal, *both(good)))
            if said.code == 0:
                break
    assert said.code == 0, said.errors
    times = Counter(line["to"] for line in accepted(tmp_path))
    assert len(times) == TOLD and max(times.values()) == 1
    assert said.data["handed"] == TOLD


def test_a_journal_is_of_one_digest_one_process_and_survives_a_torn_line(tmp_path: Path) -> None:
    path, begin = tmp_path / "journal", {"begin": "d1", "at": "now"}
    journal = Journal.open(path, begin)
    with pytest.raises(BadJournal, match="Another process"):
        Journal.open(path, begin)
    journal.claim([1, 2, 3], datetime.now(UTC))
    journal.out(1, "handed", "SM1")
    journal.out(2, "unknown")
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"out": 3, "sta')
    again = Journal.open(path, begin)
    assert sorted(again.known.claimed) == [2, 3] and again.known.states == {1: "handed", 2: "unknown"}
    again.out(3, "refused", code="21610")
    again.close()
    last = Journal.open(path, begin)
    assert sorted(last.known.claimed) == [2]
    last.close()
    with pytest.raises(BadJournal, match="another alert"):
        Journal.open(path, {"begin": "d2"})


def test_a_journal_of_twenty_thousand_is_gone_on_with_line_by_line(tmp_path: Path) -> None:
    path, begin = tmp_path / "journal", {"begin": "d1", "at": "now"}
    with closing(Journal.open(path, begin)) as journal:
        journal.claim(range(MANY), datetime.now(UTC))
        for one in range(MANY):
            journal.out(one, "handed", f"SM{one:032}")
    tracemalloc.start()
    try:
        with closing(Journal.open(path, begin)) as again:
            _, most = tracemalloc.get_traced_memory()
            assert len(again.known.states) == MANY and not again.known.claimed
    finally:
        tracemalloc.stop()
    assert most / MANY < 400, f"{most / MANY:.0f} bytes for each of them"
