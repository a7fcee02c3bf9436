"""Which mirrors the settings ask for, and what is wrong with them. Pure."""

from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from notify.alerts.alert import Mode

HERE: Final = ("127.0.0.1", "::1", "localhost")


class Wanted(Protocol):
    """The settings that matter here."""

    @property
    def mode(self) -> Mode: ...
    @property
    def published(self) -> Path: ...
    @property
    def mirror_folder(self) -> Path | None: ...
    @property
    def mirror_s3_url(self) -> str: ...
    @property
    def mirror_s3_key_id(self) -> str: ...
    @property
    def mirror_s3_secret(self) -> SecretStr: ...


def problems(wanted: Wanted) -> list[str]:
    """Why these mirrors cannot be, as sentences."""
    found = []
    if wanted.mirror_folder is not None:
        mine, theirs = wanted.published.absolute(), wanted.mirror_folder.absolute()
        if mine == theirs or mine in theirs.parents or theirs in mine.parents:
            found.append(
                f"TOCSIN_MIRROR_FOLDER: {theirs} and the public folder {mine} lie one in the other; they must be apart"
            )
    if wanted.mirror_s3_url:
        found += _of_bucket(wanted)
    elif wanted.mirror_s3_key_id:
        found.append("TOCSIN_MIRROR_S3_KEY_ID is set, but TOCSIN_MIRROR_S3_URL is empty: there would be no mirror")
    return found


def _of_bucket(wanted: Wanted) -> list[str]:
    found = []
    parts = urlsplit(wanted.mirror_s3_url)
    here = parts.hostname in HERE
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        found.append("TOCSIN_MIRROR_S3_URL must be endpoint and bucket, as https://s3.example.gov/alerts, and nothing more")
    elif parts.scheme == "http" and not here:
        found.append("TOCSIN_MIRROR_S3_URL must begin with https://: without it, anybody on the way could change an alert")
    if wanted.mode is Mode.DEMO and not here:
        found.append("TOCSIN_MIRROR_S3_URL must be on this machine in mode demo")
    if not wanted.mirror_s3_key_id or not wanted.mirror_s3_secret.get_secret_value():
        found.append("TOCSIN_MIRROR_S3_URL needs TOCSIN_MIRROR_S3_KEY_ID and TOCSIN_MIRROR_S3_SECRET")
    return found
