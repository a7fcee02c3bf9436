"""Where mirrors lie: another folder, or a bucket; and the mirrors of a service, built from its settings."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from channels.bucket import Bucket, Place
from channels.feed_folder import FeedFolder
from notify.clock import Clock
from notify.mirror.copying import Mirror
from notify.settings import Settings
from notify.web.published import CACHE_CONTROL, CONTENT_TYPES, LIVE

PAGE: Final = ".html"
AS_NAMED: Final = ("index.html", "banner.html")  # visited, or fetched, under their own names


class FolderTarget:
    """A folder, on this machine or mounted; files are replaced whole. It is never made: a drive that is not mounted is a
    failure, not an empty folder."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path, self._folder = path, FeedFolder(path)
        # Of its own: a network drive that died hangs whoever touches it, and must not hang publishing.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mirror")

    async def put(self, name: str, content: bytes) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, name, content)

    async def delete(self, name: str) -> None:
        gone = partial((self._path / name).unlink, missing_ok=True)
        await asyncio.get_running_loop().run_in_executor(self._thread, gone)

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _write(self, name: str, content: bytes) -> None:
        if not self._path.is_dir():
            raise NotADirectoryError(f"The folder {self._path} is not there: is it mounted?")
        self._folder.write({name: content}, whole=False)


class BucketTarget:
    """A bucket. A page lies under the address that people visit, without ".html"; each object has its type and how long it
    may be kept, as our own listener says them."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self.name = urlsplit(place.url).netloc + urlsplit(place.url).path
        self._bucket, self._clock = Bucket(place), clock

    async def put(self, name: str, content: bytes) -> None:
        ending = os.path.splitext(name)[1]
        headers = {
            "Content-Type": CONTENT_TYPES.get(ending, "application/octet-stream"),
            "Cache-Control": CACHE_CONTROL.get(ending, LIVE),
        }
        await self._bucket.put(key(name), content, headers, self._clock.now())

    async def delete(self, name: str) -> None:
        await self._bucket.delete(key(name), self._clock.now())

    async def close(self) -> None:
        await self._bucket.close()


def key(name: str) -> str:
    """The address below which people find a published file: "a/K7Q2.html" is visited as "a/K7Q2"."""
    return name.removesuffix(PAGE) if os.path.basename(name) not in AS_NAMED else name


def build(settings: Settings, clock: Clock, page: Callable[[str], None]) -> list[Mirror]:
    """The mirrors that the settings ask for."""
    targets: dict[str, FolderTarget | BucketTarget] = {}
    if settings.mirror_folder is not None:
        targets["folder"] = FolderTarget(settings.mirror_folder.absolute())
    if settings.mirror_s3_url:
        place = Place(
            url=settings.mirror_s3_url,
            region=settings.mirror_s3_region,
            key_id=settings.mirror_s3_key_id,
            secret=settings.mirror_s3_secret.get_secret_value(),
        )
        targets["bucket"] = BucketTarget(place, clock)
    return [
        Mirror(folder=settings.published, target=target, kept=settings.data_dir / f"mirror-{kind}.json", clock=clock, page=page)
        for kind, target in targets.items()
    ]
