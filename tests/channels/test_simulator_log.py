"""The logs as the outside truth: on disk before anybody is told, whole after a crash, loud when they cannot be written."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import pytest

from channels.simulator import SimulatedSender
from channels.simulator.__main__ import main
from channels.simulator.journal import Journal, JournalBroken, entries
from tests.channels.simulator_factories import PHONE, SENDER, a_config, authorization, gateway, lines

KEYS = ["seq", "at", "event", "sid", "to", "from", "body", "num_segments", "status", "code", "cause"]


async def test_lines_of_many_writers_are_numbered_and_on_disk_when_they_are_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log" / "sms.jsonl")

    async def write(who: int) -> None:
        for number in range(20):
            journal.append({"who": who, "number": number})
            await journal.synced()
            assert {"who": who, "number": number}.items() <= found(tmp_path / "log" / "sms.jsonl", who, number).items()

    await asyncio.gather(*(write(who) for who in range(10)))
    await journal.close()
    told = list(entries(tmp_path / "log" / "sms.jsonl"))
    assert [line["seq"] for line in told] == list(range(1, 201))


def found(path: Path, who: int, number: int) -> dict[str, Any]:
    return next(line for line in entries(path) if (line["who"], line["number"]) == (who, number))


async def test_nothing_to_write_is_synced_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sms.jsonl")
    await journal.synced()
    journal.append({"event": "last"})
    await journal.close()
    assert [line["event"] for line in entries(tmp_path / "sms.jsonl")] == ["last"]


@pytest.mark.parametrize("torn", ["", '{"seq":4,"ev', "x" * 200_000])
async def test_a_line_torn_by_a_crash_goes_and_numbers_go_on(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "sms.jsonl"
    whole = "".join(json.dumps({"seq": seq, "event": "a" * 40_000}) + "\n" for seq in (1, 2, 3))
    path.write_text(whole + torn)
    assert [line["seq"] for line in entries(path)] == [1, 2, 3]
    journal = Journal(path)
    assert journal.append({"event": "next"}) == 4
    await journal.close()
    assert [line["seq"] for line in entries(path)] == [1, 2, 3, 4]
    assert path.read_text().startswith(whole)


@pytest.mark.parametrize("foreign", ["not ours\n", '{"event":"no number"}\n', "5\n"])
async def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, foreign: str) -> None:
    path = tmp_path / "sms.jsonl"
    path.write_text(foreign)
    with pytest.raises(JournalBroken, match=r"sms\.jsonl"):
        Journal(path)
    assert path.read_text() == foreign


async def test_a_log_in_use_is_not_opened_twice(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sms.jsonl")
    with pytest.raises(JournalBroken, match="in use by another simulator"):
        Journal(tmp_path / "sms.jsonl")
    await journal.close()
    await Journal(tmp_path / "sms.jsonl").close()


async def test_a_full_disk_breaks_the_journal_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "sms.jsonl"
    path.symlink_to("/dev/full")
    journal = Journal(path)
    journal.append({"event": "accepted"})
    with pytest.raises(JournalBroken, match="No space left"):
        await asyncio.gather(journal.synced(), journal.synced())
    with pytest.raises(JournalBroken):
        await journal.synced()
    assert journal.broken.done()
    await journal.close()


async def test_each_line_has_every_key_and_a_time_in_utc(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        await gate.created(Body="Đun sôi\nnước\u2028")
        await gate.create(To="absent")
        await gate.text("STOP")
        await gate.settled()
    told = lines(tmp_path)
    assert [line["seq"] for line in told] == list(range(1, len(told) + 1))
    for line in told:
        assert list(line) == KEYS
        at = datetime.fromisoformat(line["at"])
        assert at.utcoffset() is not None and at.microsecond is not None
        assert len(line["at"]) == len("2026-05-23T10:40:00.000000+00:00")
    accepted = told[0]
    assert (accepted["body"], accepted["to"], accepted["from"]) == ("Đun sôi\nnước\u2028", PHONE, SENDER)
    assert (accepted["num_segments"], accepted["status"], accepted["code"]) == (1, "queued", None)


async def test_a_restart_forgets_no_text_and_no_stop(tmp_path: Path) -> None:
    async with gateway(a_config(tmp_path)) as gate:
        sent = await gate.created()
        await gate.text("STOP", phone="+15035550124")
        await gate.settled()
    slow = a_config(tmp_path, senders=(SimulatedSender(number=SENDER, rate=0.001),))
    async with gateway(slow) as gate:
        assert (await gate.fetch(sent["sid"]))["status"] == "delivered"
        assert (await gate.fetch(sent["sid"]))["date_sent"] is not None
        assert (await gate.create(To="+15035550124"))[1]["code"] == 21610
        await gate.created()
        waiting = await gate.created(Body="Still queued")
    async with gateway(a_config(tmp_path)) as gate:
        await gate.settled()
        assert (await gate.fetch(waiting["sid"]))["status"] == "delivered"
        _, page = await gate.request("GET", f"{gate.base}/Messages.json?To=%2B15035550123")
        assert page["messages"][0]["body"] == "Still queued"
    assert [line["seq"] for line in lines(tmp_path)] == list(range(1, len(lines(tmp_path)) + 1))


class Process:
    """The simulator as its own process."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self.process = process
        self.url = str(ready["sms_url"])
        self.smtp_port = int(ready["smtp_port"])

    async def ended(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def process(folder: Path, *before: str) -> AsyncIterator[Process]:
    started = await asyncio.create_subprocess_exec(
        *(*before, sys.executable, "-m", "channels.simulator", "--log", str(folder / "log"), "--sender", f"{SENDER}=1000"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert started.stdout is not None
        async with asyncio.timeout(60):
            yield Process(started, json.loads(await started.stdout.readline()))
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


ACCOUNT = "AC" + "5" * 32
CREATE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
LOGIN = authorization(ACCOUNT, "simulated-token")


async def test_a_killed_simulator_has_logged_all_it_acknowledged(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    mailed: set[str] = set()
    async with process(tmp_path) as simulator, aiohttp.ClientSession(headers=LOGIN) as session:

        async def text(first: int) -> None:
            for number in range(first, 10_000, 8):
                form = {"To": f"+1971555{number:04}", "From": SENDER, "Body": "Boil tap water."}
                async with session.post(simulator.url + CREATE, data=form) as reply:
                    acknowledged.add((await reply.json())["sid"])
                if len(acknowledged) == 300:
                    simulator.process.kill()

        async def mail() -> None:
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=simulator.smtp_port, timeout=30)
            async with client:
                for number in range(10_000):
                    rcpt = f"resident{number}@example.gov"
                    await client.sendmail("alerts@example.gov", rcpt, b"Subject: Boil tap water\r\n\r\n")
                    mailed.add(rcpt)

        ends = await asyncio.gather(*map(text, range(8)), mail(), return_exceptions=True)
        assert await simulator.ended() == -signal.SIGKILL
    for end in ends:
        assert isinstance(end, aiohttp.ClientError | aiosmtplib.SMTPException | OSError), repr(end)
    logged = {line["sid"] for line in entries(tmp_path / "log" / "sms.jsonl") if line["event"] == "accepted"}
    assert len(acknowledged) >= 300
    assert acknowledged <= logged
    assert len(logged - acknowledged) <= 8
    assert mailed <= {line["rcpt"] for line in entries(tmp_path / "log" / "smtp.jsonl")}


async def test_the_simulator_ends_cleanly_when_asked(tmp_path: Path) -> None:
    async with process(tmp_path) as simulator, aiohttp.ClientSession(headers=LOGIN) as session:
        form = {"To": PHONE, "From": SENDER, "Body": "Boil tap water."}
        async with session.post(simulator.url + CREATE, data=form) as reply:
            assert reply.status == 201
        simulator.process.terminate()
        assert await simulator.ended() == 0
        _, complaints = await simulator.process.communicate()
        assert complaints == b""
    assert lines(tmp_path)[0]["event"] == "accepted"


async def test_a_log_that_cannot_be_written_stops_the_simulator_loudly(tmp_path: Path) -> None:
    small_files = ("sh", "-c", 'ulimit -f 8; exec "$@"', "sh")
    acknowledged = []
    async with process(tmp_path, *small_files) as simulator, aiohttp.ClientSession(headers=LOGIN) as session:
        form = {"To": PHONE, "From": SENDER, "Body": "Boil tap water."}
        with pytest.raises(aiohttp.ClientError):
            for _ in range(1000):
                async with session.post(simulator.url + CREATE, data=form) as reply:
                    reply.raise_for_status()
                    acknowledged.append((await reply.json())["sid"])
        assert await simulator.ended() == 1
        _, complaints = await simulator.process.communicate()
        assert b"The simulator stopped: The log" in complaints
    logged = [line["sid"] for line in entries(tmp_path / "log" / "sms.jsonl") if line["event"] == "accepted"]
    assert acknowledged == logged[: len(acknowledged)]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--sender", "+15039980100"], "neither a number in exchange 555 nor a short code"),
        (["--sender", "+15035550100=fast"], "NUMBER or NUMBER=SEGMENTS_PER_SECOND"),
        (["--sms-faults", '{"cut": 1}'], "There is no fault 'cut'"),
        (["--require-starttls", "--landline-share", "2"], "add up to at most 1"),
    ],
)
def test_a_wrong_command_line_is_told_and_ends_with_2(
    tmp_path: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--log", str(tmp_path / "log"), *options])
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "log").exists()
