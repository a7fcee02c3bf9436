"""The mirror served by nginx alone, by the configuration of docs/mirror.md: the addresses people and programs use."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from channels.feed_folder import FeedFolder
from notify.clock import ManualClock
from notify.mirror.copying import Mirror
from notify.mirror.targets import FolderTarget
from notify.publishing.pages import Pages
from notify.publishing.publish import Publisher
from tests.notify.feed_factory import NOON, a_bulletin, a_site
from tests.ports import free_port, listens

ROOT = Path(__file__).parents[3]
CONFIGURATION = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/mirror.md").read_text("utf-8"), re.DOTALL)
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"  # where it is missing, these fail


def configured() -> str:
    assert CONFIGURATION, "docs/mirror.md has no configuration"
    return CONFIGURATION[1]


@asynccontextmanager
async def nginx(program: str, folder: Path, home: Path) -> AsyncIterator[str]:
    port = free_port()
    server = configured().replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/srv/mirror/public", str(folder))
    paths = "".join(f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    whole = f"daemon off;{user}pid {home}/pid;error_log stderr;events {{}}http {{access_log off;{paths}\n{server}}}"
    (home / "nginx.conf").write_text(whole)
    process = await asyncio.create_subprocess_exec(program, "-e", "stderr", "-p", str(home), "-c", str(home / "nginx.conf"))
    try:
        async with asyncio.timeout(60):
            while not await listens(port):
                assert process.returncode is None, "nginx refuses the configuration"
                await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
async def mirror_url(tmp_path: Path) -> AsyncIterator[str]:
    """Where a mirror of one alert is served."""
    public, second, home = (tmp_path / name for name in ("public", "second", "home"))
    second.mkdir()
    home.mkdir()

    async def bulletins():  # type: ignore[no-untyped-def]
        return [a_bulletin(1)]

    clock = ManualClock(NOON)
    await Publisher(FeedFolder(public), a_site(languages=("en", "es")), Pages.load(), bulletins).publish(NOON)
    mirror = Mirror(folder=public, target=FolderTarget(second), kept=home / "m.json", clock=clock, page=print)
    await mirror.copy()
    await mirror.close()
    (second / "feeds" / ".half.tmp").write_text("half")
    async with nginx(NGINX, second, home) as url:
        yield url


async def test_a_mirror_behind_a_web_server_has_every_address_of_the_origin(mirror_url: str) -> None:
    document = f"/cap/{a_bulletin(1).event.identifier}.xml"
    expected = {
        "/": ("text/html", "max-age=15"),
        "/es/": ("text/html", "max-age=15"),
        "/a/K7Q2": ("text/html", "max-age=15"),
        "/es/a/K7Q2": ("text/html", "max-age=15"),
        "/archive": ("text/html", "max-age=15"),
        "/banner.html": ("text/html", "max-age=15"),
        "/feeds/active.atom": ("application/atom+xml", "max-age=15"),
        "/feeds/es/active.rss": ("application/rss+xml", "max-age=15"),
        "/feeds/active.geojson": ("application/geo+json", "max-age=15"),
        "/feeds/index.json": ("application/json", "max-age=15"),
        "/archive/alerts.csv": ("text/csv", "max-age=15"),
        document: ("application/cap+xml", "immutable"),
    }
    async with aiohttp.ClientSession() as session:
        for path, (kind, kept) in expected.items():
            async with session.get(mirror_url + path) as answer:
                assert (answer.status, answer.content_type) == (200, kind), path
                assert kept in answer.headers["Cache-Control"], path
                assert answer.headers["Access-Control-Allow-Origin"] == "*", path


async def test_files_on_their_way_and_addresses_that_are_none_are_not_there(mirror_url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/feeds/.half.tmp", "/a/NONE", "/cap/none.xml"):
            async with session.get(mirror_url + path) as answer:
                assert answer.status == 404, path
