#!/usr/bin/env python3
"""Plays the conformance kit to a feed client in real time, and says at each step what it must show. Needs Python 3.9 alone.

    python3 docs/conformance/play.py                         # look for yourself; 5 minutes
    python3 docs/conformance/play.py --asks http://127.0.0.1:9000/shown

Point the client at http://127.0.0.1:8099/feeds/active.atom (or .rss, .geojson) and let it poll every 5 seconds or oftener.
All times in the files are moved so that the day begins now. --asks is an address of the client that answers with a JSON list
of the CAP identifiers it shows: then each step is judged near its end, and the exit code is the number of wrong steps.
"""

import argparse
import hashlib
import json
import re
import sys
import threading
import time
import urllib.request
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KIT = Path(__file__).parent
TYPES = {".atom": "application/atom+xml", ".rss": "application/rss+xml", ".geojson": "application/geo+json"}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
MAIL = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


def moved(text: str, by: timedelta) -> str:
    """Every time in a file, moved."""
    text = ISO.sub(lambda found: (datetime.fromisoformat(found[0]) + by).isoformat(), text)
    return MAIL.sub(lambda found: format_datetime(parsedate_to_datetime(found[0]) + by), text)


class Day:
    """What is served now."""

    def __init__(self, expected: dict, port: int) -> None:
        self.step = expected["steps"][0]
        self.port, self.base = port, expected["base"]
        self.moved_by = datetime.now().astimezone().replace(microsecond=0) - datetime.fromisoformat(expected["begins"])

    def body(self, path: str) -> "bytes | None":
        name = path.lstrip("/").partition("?")[0]
        folder = KIT if name.startswith("cap/") else KIT / self.step["step"]
        file = (folder / name).resolve()
        if not self.step["answers"] or not file.is_file() or KIT.resolve() not in file.parents:
            return None
        text = moved(file.read_text("utf-8"), self.moved_by)
        return text.replace(self.base, f"http://127.0.0.1:{self.port}").encode()


def handler(day: Day) -> "type[BaseHTTPRequestHandler]":
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = day.body(self.path)
            if body is None:
                return self.say(404 if day.step["answers"] else 503, b"", "")
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            same = tag in self.headers.get("If-None-Match", "")
            self.say(304 if same else 200, b"" if same else body, tag)

        def say(self, status: int, body: bytes, tag: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", TYPES.get(Path(self.path).suffix, "application/cap+xml"))
            self.send_header("Access-Control-Allow-Origin", "*")
            if tag:
                self.send_header("ETag", tag)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def shown(url: str) -> "list[str] | None":
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return sorted(json.load(answer))
    except (OSError, ValueError) as error:
        print(f"    {url} cannot be asked: {error}")
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--asks", metavar="URL", help="where the client says what it shows")
    chosen = parser.parse_args()
    expected = json.loads((KIT / "expected.json").read_text("utf-8"))
    server = ThreadingHTTPServer(("127.0.0.1", chosen.port), lambda *given: None)
    day = Day(expected, server.server_port)
    server.RequestHandlerClass = handler(day)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/feeds/active.atom", flush=True)
    began, wrong = time.monotonic(), 0
    for step in expected["steps"]:
        time.sleep(max(0, began + step["second"] - time.monotonic()))  # the day is played in real time: clients poll
        day.step = step
        print(f"{step['step']}: {step['why']} Shown: {', '.join(step['shown']) or 'nothing'}", flush=True)
        if chosen.asks:
            # Asked near the step's end, so that a client has had its polls.
            time.sleep(max(0, began + step["second"] + expected["step_s"] - 3 - time.monotonic()))
            said = shown(chosen.asks)
            wrong += said != step["shown"]
            print("    right" if said == step["shown"] else f"    WRONG: the client shows {said}", flush=True)
    server.shutdown()
    return wrong


if __name__ == "__main__":
    sys.exit(main())
