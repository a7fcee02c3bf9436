"""The doors of a fresh installation: no password, nothing open to the world, and no flood that shuts the console."""

import asyncio
import gzip
import inspect
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from notify import duties
from notify.settings import Settings, load
from tests.notify.service_factory import serving
from tests.own_time import OwnTime

HANGING = 300  # connections that never finish their request
PATIENT_S = 5.0
LIMIT_S = 1.0


def test_nothing_is_open_to_the_world_unless_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load()
    assert (settings.public_host, settings.private_host) == ("127.0.0.1", "127.0.0.1")
    secrets = [name for name, field in Settings.model_fields.items() if "token" in name or "password" in name]
    assert secrets and all(not getattr(settings, name).get_secret_value() for name in secrets), "no secret has a default"


async def test_a_fresh_installation_lets_nobody_in(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with serving(tmp_path / "home", migrated_sqlite) as served, aiohttp.ClientSession() as session:
        logins = await served.running.service.db.read(lambda conn: conn.execute(text("SELECT COUNT(*) FROM login")).scalar())
        assert logins == 0
        headers = {"Sec-Fetch-Site": "same-origin"}
        for name, password in [("admin", "admin"), ("admin", ""), ("admin", "password"), ("root", "root"), ("", "")]:
            form = {"name": name, "password": password, "code": "000000"}
            async with session.post(f"{served.url}/sign-in", data=form, headers=headers) as answer:
                assert answer.status in (401, 403, 422) and "tocsin" not in answer.cookies


async def test_a_small_body_that_unpacks_to_a_flood_is_refused(tmp_path: Path, migrated_sqlite: Path) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    async with serving(tmp_path / "home", migrated_sqlite) as served, aiohttp.ClientSession() as session:
        public = f"http://127.0.0.1:{served.running.public_port}"
        for url in (f"{served.url}/api/v1/alerts", f"{served.url}/sign-in", f"{public}/reports/sms/1", f"{public}/subscribe"):
            headers = {
                "Content-Encoding": "gzip",
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"Bearer {served.tokens['author']}",
                "Idempotency-Key": "bomb",
                "Sec-Fetch-Site": "same-origin",
            }
            async with session.post(url, data=bomb, headers=headers) as answer:
                assert 400 <= answer.status < 500, (url, answer.status)


async def test_connections_that_never_finish_do_not_shut_the_console(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with serving(tmp_path / "home", migrated_sqlite) as served, aiohttp.ClientSession() as session:
        hanging = []
        try:
            for port in (served.running.public_port, served.running.private_port):
                for _ in range(HANGING // 2):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\na")
                    hanging.append(writer)
            times = []
            for _ in range(20):
                async with OwnTime() as had, session.get(f"{served.url}/sign-in") as answer:
                    assert answer.status == 200
                times.append(had.s)
            assert sorted(times)[len(times) // 2] < LIMIT_S and max(times) < PATIENT_S
        finally:
            for writer in hanging:
                writer.close()


async def test_too_long_headers_are_refused_and_the_next_request_is_answered(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with serving(tmp_path / "home", migrated_sqlite) as served, aiohttp.ClientSession() as session:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.running.private_port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.close()
        async with session.get(f"{served.url}/sign-in") as answer:
            assert answer.status == 200


async def test_the_head_of_the_log_is_written_elsewhere_every_hour(tmp_path: Path, migrated_sqlite: Path) -> None:
    """A log that was cut short or built anew does not hold the head of an hour ago."""
    async with serving(tmp_path / "home", migrated_sqlite) as served:
        (tick,) = [tick for tick in served.running.ticks if tick.name == "audit head"]
        assert tick.every_s <= 3600
        assert "audit head %s" in inspect.getsource(duties._publish_head)
