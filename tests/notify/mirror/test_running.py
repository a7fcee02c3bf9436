"""A running service keeps its mirror in step by itself, says how it is, and its feeds name the hub that answers beside them."""

import asyncio
from pathlib import Path

import aiohttp

from tests.notify.service_factory import serving
from tests.notify.websub.subscribers import form


async def test_a_service_mirrors_what_it_publishes_and_its_feeds_lead_to_its_hub(tmp_path: Path, migrated_sqlite: Path) -> None:
    (tmp_path / "second").mkdir()
    async with serving(tmp_path / "home", migrated_sqlite, mirror_folder=tmp_path / "second") as served:
        async with asyncio.timeout(60):
            while (told := (await served.call("admin", "GET", "/status"))[1]["mirrors"][0])["fresh_at"] is None:
                await asyncio.sleep(0.05)
        assert told["name"] == str(tmp_path / "second") and told["trouble"] == ""
        public = f"http://127.0.0.1:{served.running.public_port}"
        async with aiohttp.ClientSession() as session, session.get(f"{public}/demo/feeds/active.atom") as answer:
            assert (tmp_path / "second/demo/feeds/active.atom").read_bytes() == await answer.read()
            topic = str(answer.links["self"]["url"])
            assert str(answer.links["hub"]["url"]).endswith("/demo/hub")
            for callback, status in (("http://127.0.0.1:9/here", 202), ("http://10.0.0.1/", 400)):
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                async with session.post(f"{public}/demo/hub", data=form(topic, callback), headers=headers) as asked:
                    assert asked.status == status, await asked.text()
