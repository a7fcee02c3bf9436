"""A link to a video in American Sign Language beside an alert: what is accepted, and what CAP says it leads to. Pure."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

MOST_LETTERS: Final = 300
FILES: Final = {".mp4": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".m3u8": "application/vnd.apple.mpegurl"}
PAGE: Final = "text/html"  # a page that plays it


def problems(url: str, hosts: Sequence[str]) -> Iterator[str]:
    """What is wrong with the address as sentences; nothing is with "", which is none. hosts: where the city keeps its videos: a
    resident who is told to look there must find the city and nobody else."""
    if not url:
        return
    if not hosts:
        yield "asl_video: the city pack names no hosts for videos; add them under [asl] in city.toml."
        return
    if len(url) > MOST_LETTERS:
        yield f"asl_video: the address has more than {MOST_LETTERS} letters."
    if not url.isascii() or not url.isprintable() or any(letter in url for letter in ' "<>\\^`{|}'):
        yield "asl_video: the address has a letter that stands in none: a space, a quotation mark or one with an accent."
        return
    try:
        parts = urlsplit(url)
        host, port, named = parts.hostname or "", parts.port, "@" in parts.netloc
    except ValueError:
        yield "asl_video: this is not an address like https://video.example.gov/boil-water."
        return
    if parts.scheme != "https":
        yield "asl_video: the address must begin with https://."
    if named or port not in (None, 443):
        yield "asl_video: the address must have no name, password or port in it."
    if host not in hosts:
        yield f"asl_video: the host must be one of {', '.join(hosts)}, not '{host}'."
    if parts.path in ("", "/"):
        yield "asl_video: the address leads to the host's front page; give the one of the video."


def media_type(url: str) -> str:
    """What CAP's <resource> must say that the address leads to."""
    return FILES.get(PurePosixPath(urlsplit(url).path).suffix.lower(), PAGE)
