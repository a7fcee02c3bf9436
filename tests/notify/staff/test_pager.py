"""The duty officer is paged by the city's own command, and nothing that goes wrong there holds anything up."""

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from notify.staff.pager import KEPT, Pager

WAIT_S = 60


async def ended(pager: Pager) -> None:
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(*pager._running)


async def test_the_command_reads_the_sentence_on_its_standard_input(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.txt"
    pager = Pager(["sh", "-c", f"cat > {out}; echo noise"])
    pager("K7Q2X-1 still waits for approval.")
    await ended(pager)
    assert out.read_text() == "K7Q2X-1 still waits for approval."
    assert capfd.readouterr().out == "", "our standard output belongs to whoever started us"


async def test_without_a_command_the_log_and_the_screen_say_it(caplog: pytest.LogCaptureFixture) -> None:
    pager = Pager([])
    pager("Look here.")
    assert list(pager.recent) == ["Look here."]
    assert [record.levelno for record in caplog.records if "Look here." in record.getMessage()] == [logging.ERROR]


@pytest.mark.parametrize(
    ("command", "logged"),
    [
        (["/no/such/command"], "the paging command failed"),
        (["sh", "-c", "cat > /dev/null; exit 3"], "ended with 3"),
    ],
)
async def test_a_command_that_fails_is_logged(command: list[str], logged: str, caplog: pytest.LogCaptureFixture) -> None:
    pager = Pager(command)
    pager("Look here.")
    await ended(pager)
    assert logged in caplog.text


async def test_a_command_that_hangs_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    pager = Pager([sys.executable, "-c", "import time; time.sleep(600)"], patience_s=0.2)
    pager("Look here.")
    await ended(pager)
    assert "took longer than 0.2 s" in caplog.text


def test_the_screen_keeps_the_latest() -> None:
    pager = Pager([])
    for number in range(KEPT + 5):
        pager(f"page {number}")
    assert len(pager.recent) == KEPT and pager.recent[-1] == f"page {KEPT + 4}"
