"""Bounces and complaints against the running service: what the mail server got is returned as mail servers do."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from channels.bounces import return_path
from notify.db import Database
from subscribers import store
from subscribers.store import KnownAddress
from tests.stories.town import BOIL_WATER, Process, Town

Open = Callable[..., Awaitable[None]]

GONE, ANGRY, FULL, FINE = "gone@example.gov", "angry@example.gov", "full@example.gov", "fine@example.gov"
RETURN_PATH = re.compile(rb"Return-Path: <([^>]+)>\r\n")


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Starts a town's carrier, with options, and its service; ends them after the story."""
    processes: list[Process] = []

    async def open_(town: Town, *options: str) -> None:
        processes.append(await town.carrier(*options))
        processes.append(await town.service())

    yield open_
    for process in reversed(processes):
        await process.end()


def a_bounce(mail: bytes, status: str, *, to: str = "") -> bytes:
    """A delivery report as RFC 3464 has it, with the whole mail."""
    path = to or returns_to(mail)
    head = f"To: {path}\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    parts = "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.gov\r\n\r\n"
    parts += f"Action: failed\r\nStatus: {status}\r\n\r\n"
    return (head + parts + "--b\r\nContent-Type: message/rfc822\r\n\r\n").encode() + mail + b"\r\n--b--\r\n"


def a_complaint(mail: bytes) -> bytes:
    """A complaint as RFC 5965 has it, sent to the city's address for complaints."""
    head = "To: complaints@example.gov\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
    parts = "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: x\r\n\r\n"
    return (head + parts + "--b\r\nContent-Type: message/rfc822\r\n\r\n").encode() + mail + b"\r\n--b--\r\n"


def returns_to(mail: bytes) -> str:
    found = RETURN_PATH.match(mail)
    assert found is not None
    return found[1].decode()


def kept(folder: Path) -> dict[str, bytes]:
    """The latest mail that each mailbox holds."""
    mails = [path.read_bytes() for path in sorted(folder.glob("*.eml"))]
    return {str(re.search(rb"\r\nTo: ([^\r]+)", mail)[1], "ascii"): mail for mail in mails}  # type: ignore[index]


def known(town: Town, mail: str) -> KnownAddress:
    with closing(Database(town.database_url)) as db:
        found = db.read_now(lambda conn: store.find_address(conn, "email", town.ring.blind("email", mail)))
    assert found is not None
    return found


async def post(town: Town, message: bytes) -> int:
    async with aiohttp.ClientSession() as session, session.post(f"{town.url}/reports/email", data=message) as answer:
        return answer.status


async def test_who_bounces_or_complains_gets_no_more_mail_and_a_forger_changes_nothing(town: Town, opened: Open) -> None:
    folder = town.home / "mailboxes"
    town.settle([GONE, ANGRY, FULL, FINE], channel="email")
    await opened(town, "--keep-mail", str(folder))
    first = await town.send(BOIL_WATER)
    await town.until(first, "active")
    mails = kept(folder)
    assert set(mails) == {GONE, ANGRY, FULL, FINE}
    forged = return_path(b"a key that anybody may guess", 1, "example.gov")
    assert await post(town, a_bounce(mails[FINE], "5.1.1", to=forged)) == 403
    assert await post(town, a_bounce(mails[FINE], "5.1.1", to="alerts@example.gov")) == 403
    assert await post(town, a_complaint(RETURN_PATH.sub(f"Return-Path: <{forged}>\r\n".encode(), mails[FINE]))) == 403
    assert await post(town, a_bounce(mails[GONE], "5.1.1")) == 204
    assert await post(town, a_complaint(mails[ANGRY])) == 204
    assert await post(town, a_bounce(mails[FULL], "5.2.2")) == 204
    assert known(town, GONE).unreachable_at is not None and known(town, GONE).stopped_at is None
    assert known(town, ANGRY).stopped_at is not None and known(town, ANGRY).unreachable_at is None
    for one in (FULL, FINE):
        assert (known(town, one).unreachable_at, known(town, one).stopped_at) == (None, None)
    counts = (await town.must("author", "GET", f"/alerts/{first}"))["progress"]["total"]
    assert (counts["undelivered"], counts["delivered"], counts["handed"]) == (2, 1, 1)
    sent_before = len(town.mails())
    by = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    update = await town.follow_up("update", first, {"slots": {"news": "A second sample held E. coli."}, "next_update_by": by})
    await town.until(update, "active")
    assert sorted(line["rcpt"] for line in town.mails()[sent_before:]) == sorted([FULL, FINE])


async def test_a_message_that_is_no_report_is_refused(town: Town, opened: Open) -> None:
    await opened(town)
    for message in (b"", b"To: \xff\r\n\r\n", b"\r\n" * 10_000, b"Content-Type: multipart/report\r\n\r\n"):
        assert await post(town, message) == 403
