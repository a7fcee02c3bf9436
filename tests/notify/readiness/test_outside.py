"""The public page is looked at as the world sees it; a certificate, a clock and a backup that are not in order are said."""

import json
import os
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlmodel import insert

from channels.simulator.certificate import server_context
from notify.db import Database
from notify.readiness import house, outside
from notify.readiness.findings import Verdict
from notify.settings import load
from notify.staff import people
from notify.staff.paging_tables import StaffContact
from notify.tables import Report
from notify.wording.reviews import Standing
from tests.notify.cli.command_line import Shell
from tests.notify.service_factory import serving

NOW = datetime.now(UTC)
PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


async def test_a_running_service_is_seen_fresh_and_its_feeds_are_read(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with serving(tmp_path / "var", migrated_sqlite) as served:
        ours = load(mode="demo", public_url=f"http://127.0.0.1:{served.running.public_port}")
        await served.running.ticks[[tick.name for tick in served.running.ticks].index("page and feeds")].run()
        found = {one.check: one.verdict for one in await outside.public(ours, datetime.now(UTC))}
    assert found == {outside.REACHED: FAIL, outside.FRESH: PASS, outside.FEEDS: PASS}  # a loopback address is no public one
    gone = {one.check: one.verdict for one in await outside.public(ours, NOW)}
    assert gone == {outside.REACHED: FAIL, outside.FEEDS: FAIL}


@pytest.mark.parametrize(
    "body,verdict",
    [
        (b"", FAIL),
        (b"{}", FAIL),
        (b"[]", FAIL),
        (json.dumps({"log": {"at": NOW.isoformat()}}).encode(), PASS),
        (json.dumps({"log": {"at": (NOW - timedelta(hours=3)).isoformat()}}).encode(), FAIL),
        (json.dumps({"log": {"at": (NOW + timedelta(hours=3)).isoformat()}}).encode(), FAIL),
    ],
    ids=["nothing", "no head", "a list", "now", "three hours old", "three hours ahead"],
)
def test_a_page_that_stands_still_is_not_fresh(body: bytes, verdict: Verdict) -> None:
    assert outside.fresh(body, NOW).verdict is verdict


def test_an_address_of_this_network_is_not_taken_for_a_public_one() -> None:
    assert all(map(outside.private, ["localhost", "127.0.0.1", "10.0.0.9", "::1", "tocsin", "tocsin.local"]))
    assert not any(map(outside.private, ["alerts.example.gov", "8.8.8.8"]))


async def test_a_certificate_is_trusted_named_and_has_a_month_left(tmp_path: Path) -> None:
    context = server_context("127.0.0.1", tmp_path / "ca.pem")  # holds for a day
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    try:
        stranger = await outside.certificate(load(public_url=url), NOW)
        short = await outside.certificate(load(public_url=url), NOW, trusted)
        long = await outside.certificate(load(public_url=url), NOW - timedelta(days=60), trusted)
    finally:
        await runner.cleanup()
    assert stranger.verdict is FAIL and "not accepted" in stranger.says
    assert short.verdict is FAIL and "ends in" in short.says
    assert long.verdict is PASS
    assert (await outside.certificate(load(public_url=url), NOW, trusted)).verdict is FAIL
    assert (await outside.certificate(load(public_url="http://alerts.example.gov"), NOW)).verdict is FAIL


@pytest.mark.parametrize("skew,verdict", [(None, UNKNOWN), (0.4, PASS), (-4.0, PASS), (6.0, FAIL), (-90.0, FAIL)])
def test_a_clock_is_compared_with_somebody_elses(skew: float | None, verdict: Verdict) -> None:
    assert outside.clock(skew).verdict is verdict


def approver(db: Database, name: str, *channels: str) -> None:
    db.write_now(lambda conn: people.add(conn, name, ["approver"], {}, NOW))
    for channel in channels:
        row = StaffContact(person_id=name, channel=channel, sealed=b"x", key_id="k1", confirmed_at=NOW)
        db.write_now(lambda conn, row=row: conn.execute(insert(StaffContact).values(**row.model_dump())))  # type: ignore[misc]


def test_two_approvers_must_be_there_and_be_reached(store: Database) -> None:
    def verdicts() -> list[Verdict]:
        return [one.verdict for one in store.read_now(house.staff)]

    assert verdicts() == [FAIL, FAIL]
    approver(store, "first", "sms", "email")
    assert verdicts() == [FAIL, FAIL]
    approver(store, "second", "sms")
    assert verdicts() == [PASS, FAIL]
    (_, paged) = store.read_now(house.staff)
    assert "second is reached by sms only" in paged.says
    approver(store, "third", "sms", "email")
    store.write_now(lambda conn: people.disable(conn, "second", NOW))
    assert verdicts() == [PASS, PASS]


def test_a_signed_report_of_late_shows_that_webhooks_are_reached(store: Database) -> None:
    assert store.read_now(lambda conn: house.reports(conn, NOW)).verdict is UNKNOWN
    row = {"delivery_id": 1, "provider_id": "SM1", "outcome": "delivered", "at": round((NOW.timestamp() - 3600) * 1e6)}
    store.write_now(lambda conn: conn.execute(insert(Report).values(**row, code="")))
    assert store.read_now(lambda conn: house.reports(conn, NOW)).verdict is PASS
    assert store.read_now(lambda conn: house.reports(conn, NOW + timedelta(days=8))).verdict is UNKNOWN


def test_a_language_with_one_draft_is_not_ready() -> None:
    good = Standing(language="en", approved=9, draft=0, stale=0, missing=0)
    bad = Standing(language="es", approved=8, draft=0, stale=1, missing=0)
    empty = Standing(language="vi", approved=0, draft=0, stale=0, missing=0)
    found = house.languages([good, bad, empty], ["en", "es", "vi"])
    assert [one.verdict for one in found] == [PASS, FAIL, FAIL]


def test_a_backup_must_be_there_of_last_night_sound_and_elsewhere(installed: Shell, tmp_path: Path) -> None:
    folder, home = tmp_path / "backups", installed.home

    def look(**changes: Any) -> tuple[Verdict, str]:
        found = house.backups(load(mode="demo", data_dir=home, **({"backup_dir": folder} | changes)), datetime.now(UTC))
        return found.verdict, found.says

    assert look(backup_dir=None)[0] is FAIL
    assert "no backup" in look()[1]
    folder.mkdir()
    assert installed("backup", folder / "one.db").code == 0
    assert "same disk" in look()[1]
    elsewhere = {"database_url": "postgresql+psycopg://tocsin@db.example.gov/tocsin"}  # whose disk is not looked at
    assert look(**elsewhere)[0] is PASS
    long_ago = time.time() - 27 * 3600
    os.utime(folder / "one.db", (long_ago, long_ago))
    assert "27 hours old" in look(**elsewhere)[1]
    (folder / "two.db").write_bytes((folder / "one.db").read_bytes()[:5000])
    assert look(**elsewhere)[0] is FAIL
    (folder / "three.dump").write_bytes(b"PGDMP and more")
    assert look(**elsewhere)[0] is PASS
    (folder / "four.txt").write_text("nightly backup: ok")
    assert "neither" in look(**elsewhere)[1]


def test_keys_and_a_database_that_others_may_read_fail(installed: Shell) -> None:
    ours = load(mode="demo", data_dir=installed.home)
    assert ours.embedded is not None
    assert [one.verdict for one in house.keys(ours)] == [PASS, UNKNOWN]
    for file in (ours.keys_file, ours.embedded):
        file.chmod(0o640)
        assert house.keys(ours)[0].verdict is FAIL
        file.chmod(0o600)
        assert house.keys(ours)[0].verdict is PASS
    ours.keys_file.unlink()
    assert house.keys(ours)[0].verdict is FAIL


def test_the_doctor_never_says_ready_of_a_fresh_instance(installed: Shell) -> None:
    quick = Shell(installed.home, {"TOCSIN_DNS_SERVER": "127.0.0.1:1"})
    said = quick("doctor", "--live", "--json")
    assert said.code == 1 and said.data["ready"] is False
    assert all(one["says"] and one["verdict"] in ("pass", "fail", "cannot know") for one in said.data["checks"])
    assert all(one["do"] for one in said.data["checks"] if one["verdict"] != "pass")
    shown = quick("doctor", "--live")
    assert shown.code == 1 and "NOT READY." in shown.out
    assert quick("doctor").code == 2


def test_every_check_stands_in_the_page_about_going_live(installed: Shell) -> None:
    page = (Path(__file__).parents[3] / "docs" / "go-live.md").read_text("utf-8")
    for module in (house, outside):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str) and ": " in value:
                assert f"`{value}`" in page, value


def test_a_closed_database_is_read_no_more(store: Database) -> None:
    with closing(store):
        assert store.read_now(house.staff)
