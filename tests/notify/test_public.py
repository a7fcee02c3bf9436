"""The public listener over real sockets: validators, variants, and nothing outside the folder."""

import asyncio
import gzip
import os
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from notify.web import published
from notify.web.public import routes, takes_gzip
from notify.web.ready import Ready

Client = TestClient[web.Request, web.Application]
LONG = b"<p>Boil tap water.</p>" * 100
FILES = {
    "index.html": LONG,
    "es/index.html": b"<p>Hierva el agua.</p>",
    "a/K7Q2.html": LONG,
    "zh-Hant/a/K7Q2.html": b"<p>x</p>",
    "feeds/active.atom": LONG,
    "feeds/active.rss": b"<rss/>",
    "feeds/active.geojson": b"{}",
    "feeds/index.json": b"{}",
    "feeds/es/active.atom": b"<feed/>",
    "cap/00000000-0000-4000-8000-000000000001.xml": LONG,
    "page.0123abcd.css": b"body{}",
    "demo/index.html": b"demo",
    "demo/a/K7Q2.html": b"demo page",
    "demo/feeds/es/active.rss": b"<rss/>",
    "demo/cap/1.xml": b"<alert/>",
    "demo/page.0123abcd.css": b"body{}",
}
PATHS = {
    "/": "index.html",
    "/es/": "es/index.html",
    "/a/K7Q2": "a/K7Q2.html",
    "/zh-Hant/a/K7Q2": "zh-Hant/a/K7Q2.html",
    "/demo/": "demo/index.html",
    "/demo/a/K7Q2": "demo/a/K7Q2.html",
} | {f"/{name}": name for name in FILES if not name.endswith(".html")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "public"
    for name, content in FILES.items():
        put(path, name, content)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return path


@pytest.fixture
async def client(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setattr(published, "RECHECK_S", 0.0)
    application = web.Application()
    application.add_routes(routes(folder))
    async with TestClient(TestServer(application), auto_decompress=False) as client:
        yield client


def put(folder: Path, name: str, content: bytes, at: float | None = None) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.new").write_bytes(content)
    if at is not None:
        os.utime(folder / f"{name}.new", (at, at))
    (folder / f"{name}.new").replace(folder / name)


async def body(client: Client, path: str, **headers: str) -> tuple[int, bytes]:
    async with client.get(path, headers={"Accept-Encoding": "identity", **headers}) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_every_published_file_has_its_address(client: Client, path: str) -> None:
    assert await body(client, path) == (200, FILES[PATHS[path]])


@pytest.mark.parametrize(
    ("path", "content_type", "cache"),
    [
        ("/", "text/html; charset=utf-8", "public, max-age=15, stale-if-error=86400"),
        ("/a/K7Q2", "text/html; charset=utf-8", "public, max-age=15, stale-if-error=86400"),
        ("/feeds/active.atom", "application/atom+xml; charset=utf-8", "public, max-age=15, stale-if-error=86400"),
        ("/feeds/active.rss", "application/rss+xml; charset=utf-8", "public, max-age=15, stale-if-error=86400"),
        ("/feeds/active.geojson", "application/geo+json", "public, max-age=15, stale-if-error=86400"),
        ("/feeds/index.json", "application/json", "public, max-age=15, stale-if-error=86400"),
        ("/demo/cap/1.xml", "application/cap+xml; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/page.0123abcd.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
async def test_each_kind_has_its_type_and_its_freshness(client: Client, path: str, content_type: str, cache: str) -> None:
    async with client.get(path) as answer:
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (content_type, cache)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "tocsin"


async def test_a_page_may_load_its_sheet_and_nothing_else(client: Client) -> None:
    for path in ("/", "/a/K7Q2", "/demo/a/K7Q2"):
        async with client.get(path) as answer:
            policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
            assert policy.pop("style-src") == policy.pop("form-action") == "'self'"
            assert {"default-src", "base-uri", "frame-ancestors"} == set(policy)
            assert set(policy.values()) == {"'none'"}


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_an_unchanged_feed_is_304_without_a_body(client: Client, encoding: str) -> None:
    async with client.get("/feeds/active.atom", headers={"Accept-Encoding": encoding}) as answer:
        tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
    for condition in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"x", W/{tag}'},
        {"If-Modified-Since": date},
        {"If-None-Match": "*"},
    ):
        async with client.get("/feeds/active.atom", headers={"Accept-Encoding": encoding, **condition}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == tag
            assert "Content-Length" not in answer.headers or answer.headers["Content-Length"] == "0"


async def test_a_changed_feed_is_sent_at_once_whatever_validator_a_client_holds(client: Client, folder: Path) -> None:
    async with client.get("/feeds/active.rss") as answer:
        tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
    stamp = parsedate_to_datetime(date).timestamp()
    put(folder, "feeds/active.rss", b"<rss>new</rss>", at=stamp + 0.5)  # within the second of the last change
    assert await body(client, "/feeds/active.rss", **{"If-None-Match": tag}) == (200, b"<rss>new</rss>")
    assert await body(client, "/feeds/active.rss", **{"If-Modified-Since": date}) == (200, b"<rss>new</rss>")


async def test_tags_decide_before_dates_and_unreadable_dates_count_for_nothing(client: Client) -> None:
    later = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert (await body(client, "/feeds/active.rss", **later))[0] == 304
    assert (await body(client, "/feeds/active.rss", **later, **{"If-None-Match": '"another"'}))[0] == 200
    for nonsense in ("yesterday", "", "Fri, 99 Jan 2100 00:00:00 GMT", "Fri, 01 Jan 9999999 00:00:00 GMT"):
        assert (await body(client, "/feeds/active.rss", **{"If-Modified-Since": nonsense}))[0] == 200


async def test_the_packed_form_is_the_same_feed_under_another_tag(client: Client) -> None:
    async with client.get("/feeds/active.atom", headers={"Accept-Encoding": "gzip, br"}) as answer:
        packed = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        tag = answer.headers["ETag"]
    async with client.get("/feeds/active.atom", headers={"Accept-Encoding": "identity"}) as answer:
        assert gzip.decompress(packed) == await answer.read() == LONG
        assert answer.headers["ETag"] != tag
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(packed) < len(LONG) / 5


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("*;q=0", False),
        ("br;q=0, gzip", True),
        ("gzip;q=0.5", True),
    ],
)
def test_gzip_goes_to_those_who_take_it(accepted: str, packed: bool) -> None:
    assert takes_gzip(accepted) is packed


async def test_head_says_what_get_would_and_sends_nothing(client: Client) -> None:
    async with client.head("/a/K7Q2", headers={"Accept-Encoding": "identity"}) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(LONG)))
        assert await answer.read() == b""


async def test_scripts_of_other_sites_may_ask_with_validators(client: Client) -> None:
    async with client.options("/feeds/active.geojson", headers={"Origin": "https://partner.example.gov"}) as answer:
        assert answer.status == 204
        assert "If-None-Match" in answer.headers["Access-Control-Allow-Headers"]
    async with client.get("/feeds/active.geojson") as answer:
        assert answer.headers["Access-Control-Expose-Headers"] == "ETag"


async def test_nobody_writes_here(client: Client) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with client.request(method, "/a/K7Q2", data=b"x") as answer:
            assert answer.status == 405


OUTSIDE = [
    "/../secret.txt",
    "/a/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/feeds/%2e%2e/%2e%2e/secret.txt",
    "/feeds/..%2f..%2fsecret.txt",
    "/cap/..%5c..%5csecret.txt",
    "/feeds//etc/passwd",
    "/cap/%00.xml",
    "/feeds/.hidden",
    "/a/.K7Q2",
    "/feeds/link.rss",
    "/secret.txt",
    "/feeds/",
    "/cap/",
    "/feeds",
    "/a/NONE",
    "/xx/",
    "/xx",
]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_what_is_not_published_is_not_there(client: Client, folder: Path, path: str) -> None:
    put(folder, "feeds/.hidden", b"half a file")
    (folder / "feeds" / "link.rss").symlink_to(folder.parent / "secret.txt")
    answer = await raw(client, path)
    assert answer.split()[1] in (b"404", b"400")
    assert b"secret" not in answer and b"half" not in answer


async def raw(client: Client, path: str) -> bytes:
    """The answer to a path sent as it stands: clients tidy it up first."""
    assert client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_an_id_typed_in_small_letters_leads_to_its_page(client: Client) -> None:
    for typed, page in (("/a/k7q2", "/a/K7Q2"), ("/zh-Hant/a/k7Q2", "/zh-Hant/a/K7Q2"), ("/demo/a/k7q2", "/demo/a/K7Q2")):
        async with client.get(typed, headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.url.path == page and answer.history[0].status == 301


async def test_a_language_without_its_slash_leads_to_its_list(client: Client) -> None:
    async with client.get("/es", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, "es/")


async def test_new_and_removed_files_are_seen(client: Client, folder: Path) -> None:
    assert (await body(client, "/a/NEXT"))[0] == 404
    put(folder, "a/NEXT.html", b"new")
    assert await body(client, "/a/NEXT") == (200, b"new")
    (folder / "a/NEXT.html").unlink()
    assert (await body(client, "/a/NEXT"))[0] == 404


async def test_a_failing_disk_is_served_from_memory(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert await body(client, "/feeds/active.rss") == (200, b"<rss/>")

    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "stat", broken)
    assert await body(client, "/feeds/active.rss") == (200, b"<rss/>")
    assert "serving what was read before" in caplog.text


async def test_a_file_is_not_looked_at_for_every_request(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "RECHECK_S", 3600.0)
    assert await body(client, "/feeds/active.rss") == (200, b"<rss/>")
    put(folder, "feeds/active.rss", b"<rss>new</rss>")
    assert await body(client, "/feeds/active.rss") == (200, b"<rss/>")
    monkeypatch.setattr(published, "RECHECK_S", 0.0)
    assert await body(client, "/feeds/active.rss") == (200, b"<rss>new</rss>")


async def test_the_folder_may_come_later(tmp_path: Path) -> None:
    application = web.Application()
    application.add_routes(routes(tmp_path / "later"))
    async with TestClient(TestServer(application)) as client:
        assert (await body(client, "/"))[0] == 404
        put(tmp_path / "later", "index.html", b"here")
        assert await body(client, "/") == (200, b"here")


async def test_other_routes_of_the_listener_come_first(folder: Path) -> None:
    async def hook(_: web.Request) -> web.Response:
        return web.Response(text="hook")

    application = web.Application()
    application.add_routes([*routes(folder), web.get("/in", hook), web.get("/inbound/sms", hook), web.post("/a", hook)])
    async with TestClient(TestServer(application)) as client:
        assert await body(client, "/in") == await body(client, "/inbound/sms") == (200, b"hook")


async def test_two_instances_have_the_same_tags(folder: Path) -> None:
    tags = []
    for _ in range(2):
        application = web.Application()
        application.add_routes(routes(folder))
        async with TestClient(TestServer(application)) as client, client.get("/feeds/active.atom") as answer:
            tags.append((answer.headers["ETag"], answer.headers["Last-Modified"]))
    assert tags[0] == tags[1]


async def dialogue(client: Client, sent: str) -> bytes:
    """All that is answered to these bytes until the server closes the connection."""
    assert client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(sent.encode())
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_requests_on_one_connection_are_answered_in_order_until_it_is_closed(client: Client) -> None:
    paths = ("/feeds/active.rss", "/a/K7Q2", "/feeds/active.geojson", "/feeds/active.rss")
    asked = "".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
    answer = await dialogue(client, asked + "GET /es/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    bodies = [FILES[PATHS[path]] for path in paths] + [FILES["es/index.html"]]
    for body_ in bodies:
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Length: %d" % len(body_) in head
        assert rest.startswith(body_)
        answer = rest[len(body_) :]
    assert answer == b""


async def test_old_clients_get_the_same_page(client: Client) -> None:
    answer = await dialogue(client, "GET /a/K7Q2 HTTP/1.0\r\n\r\n")
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK") and content == LONG


async def test_every_answer_is_dated(client: Client) -> None:
    for headers in ({}, {"Connection": "close"}, {"If-None-Match": "*"}):
        async with client.get("/a/K7Q2", headers=headers) as answer:
            assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 60


async def test_kept_and_closed_connections_get_the_same_headers(client: Client) -> None:
    seen = []
    for headers in ({}, {"Connection": "close"}):
        async with client.get("/a/K7Q2", headers=headers) as answer:
            seen.append({name: value for name, value in answer.headers.items() if name not in ("Date", "Connection")})
    assert seen[0] == seen[1]


async def test_many_at_once_get_what_they_asked_for(client: Client) -> None:
    paths = [*PATHS, *PATHS, *PATHS]
    answers = await asyncio.gather(*(body(client, path) for path in paths))
    assert answers == [(200, FILES[PATHS[path]]) for path in paths]


def test_a_header_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"):
        Ready(HTTPStatus.OK, {"X": "a\r\nSet-Cookie: b"})


async def test_the_access_log_knows_the_length(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    application = web.Application()
    application.add_routes(routes(folder))
    with caplog.at_level("INFO", logger="aiohttp.access"):
        async with TestClient(TestServer(application)) as client:
            assert await body(client, "/feeds/active.rss") == (200, b"<rss/>")
    assert '"GET /feeds/active.rss HTTP/1.1" 200 6' in caplog.text
