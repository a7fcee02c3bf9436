"""Which numbers the simulator serves, and which addresses it may post to."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

FICTIONAL: Final = re.compile(r"\+1[2-9]\d\d555\d{4}")  # exchange 555: no live gateway puts such a call or text through
SHORT_CODE: Final = re.compile(r"[2-9]\d{4,5}")


def may_call(url: str, hosts: Collection[str]) -> bool:
    """Whether a callback may go to this URL: http or https, one of these hosts, nothing that could end a header line."""
    if not (url.isascii() and url.isprintable()) or " " in url or "@" in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and parts.hostname in hosts and parts.port != 0
    except ValueError:  # a port that is no number, a bracket left open
        return False
