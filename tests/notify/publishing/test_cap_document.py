"""Bytes from anybody: bombs, traps and other encodings are refused with a sentence, quickly and in little memory."""

import gzip
import resource
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from notify.publishing.cap import build
from notify.publishing.cap_check import MOST_PROBLEMS, problems
from notify.publishing.cap_document import MOST_BYTES, as_point, as_ring, as_time, shortened
from tests.notify.factories import PORTLAND, an_event

GOOD = build(an_event(), PORTLAND)
ROOT = b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))


def rule(xml: bytes) -> str:
    """The one reason why these bytes are not looked into."""
    (one,) = problems(xml, "google")
    assert one.sentence.endswith(".")
    assert not one.advice
    return one.rule


@pytest.fixture
def visits() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that nobody should call: its address and what was asked of it."""
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


BOMBS = {
    "billion laughs": b'<!DOCTYPE a [<!ENTITY l0 "ha">' + LAUGHS + b"]>" + ROOT + b"&l9;</alert>",
    "quadratic": b'<!DOCTYPE a [<!ENTITY x "' + b"a" * 50_000 + b'">]>' + ROOT + b"&x;" * 10_000 + b"</alert>",
    "only a doctype": b'<?xml version="1.0"?>\n<!DOCTYPE alert>\n' + GOOD.partition(b"\n")[2],
    "entity in the open": b'<!ENTITY x "y">' + ROOT + b"</alert>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_document_type_is_never_read(name: str) -> None:
    assert rule(BOMBS[name]) == "DOCTYPE"


def test_nothing_is_fetched_and_no_file_is_opened(visits: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = visits
    secret = tmp_path / "secret"
    secret.write_text("do not tell", "utf-8")
    for outside in (address, secret.as_uri()):
        for declared in (
            f'SYSTEM "{outside}/x.dtd"',
            f'[<!ENTITY e SYSTEM "{outside}">]',
            f'[<!ENTITY % e SYSTEM "{outside}"> %e;]',
        ):
            bomb = f"<!DOCTYPE alert {declared}>".encode() + ROOT + b"<identifier>&e;</identifier></alert>"
            assert rule(bomb) == "DOCTYPE"
    told = problems(
        GOOD.replace(b"<alert ", b'<?xml-stylesheet href="%s/x.xsl"?><alert ' % address.encode())
        .replace(b"<info>", b'<info xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="%s"/>' % address.encode(), 1)
        .replace(b'cap:1.2">', b'cap:1.2" xmlns:s="urn:s" s:schemaLocation="%s x.xsd">' % address.encode()),
        "google",
    )
    assert [one.rule for one in told] == ["UNSUPPORTED_ELEMENT"]
    assert asked == []


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (b"", "NOT_XML"),
        (b"boil your water", "NOT_XML"),
        (GOOD[:-10], "NOT_XML"),
        (GOOD + b"<more/>", "NOT_XML"),
        (ROOT + b"<a></b></alert>", "NOT_XML"),
        (ROOT + b"&nbsp;</alert>", "NOT_XML"),
        (ROOT + b"\x00</alert>", "NOT_XML"),
        (ROOT + b"&#0;</alert>", "NOT_XML"),
        (ROOT.replace(b">", b' a="1" a="2">') + b"</alert>", "NOT_XML"),
        (b"<html><body/></html>", "NOT_CAP"),
        (b"<alert/>", "NOT_CAP"),
        (ROOT.replace(b"1.2", b"1.1") + b"</alert>", "NOT_CAP"),
        (b'<rss version="2.0"><channel/></rss>', "NOT_CAP"),
        (gzip.compress(GOOD), "NOT_UTF_8"),
        (GOOD.decode().encode("utf-16"), "NOT_UTF_8"),
        (GOOD.decode().encode("utf-16-le"), "NOT_XML"),
        (GOOD.decode().encode("utf-16-be"), "NOT_XML"),
        (GOOD.decode().encode("utf-32"), "NOT_UTF_8"),
        (GOOD.replace(b"UTF-8", b"UTF-7"), "NOT_UTF_8"),
        (GOOD.replace(b"UTF-8", b"ISO-8859-1"), "NOT_UTF_8"),
        (GOOD.replace(b"UTF-8", b"x' y='"), "NOT_UTF_8"),
        (GOOD.replace(b"germs", b"g\xe9rmes"), "NOT_UTF_8"),
        (GOOD.replace(b"germs", b"\xed\xa0\x80"), "NOT_UTF_8"),
        (GOOD + b" " * MOST_BYTES, "TOO_LARGE"),
        (ROOT + b"<a>" * 64 + b"</a>" * 64 + b"</alert>", "TOO_DEEP"),
        (ROOT + b"<a>" * 100_000, "TOO_DEEP"),
        (ROOT + b"<a/>" * 5_000 + b"</alert>", "TOO_MANY_ELEMENTS"),
        (ROOT + b"<a/>" * 240_000 + b"</alert>", "TOO_MANY_ELEMENTS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_readable_alert_is_refused(xml: bytes, expected: str) -> None:
    assert rule(xml) == expected


def test_a_utf_8_mark_and_comments_do_no_harm() -> None:
    marked = b"\xef\xbb\xbf" + GOOD.replace(b"<info>", b"<!-- a comment --><?do it?><info>").replace(
        b">Actual<", b"><![CDATA[Actual]]><"
    )
    assert problems(marked, "google") == []


def test_a_comment_cannot_split_a_word() -> None:
    (one,) = problems(GOOD.replace(b">Actual<", b">Act<!-- -->ual <"), "cap")
    assert one.sentence == '<status> is "Actual"; CAP knows Actual, Exercise, System, Test, Draft.'
    assert problems(GOOD.replace(b">Actual<", b">Act<!-- -->ual<"), "cap") == []


@pytest.mark.parametrize(
    "xml",
    [
        *BOMBS.values(),
        ROOT + b"<a>" * 300_000,
        ROOT + b"<a/>" * 240_000 + b"</alert>",
        ROOT[:-1] + b"".join(b' a%d="1"' % n for n in range(90_000)) + b"/>",
        GOOD.replace(b"45.46000,-122.56000 ", b"45.46000,-122.56000 " + b"1,1 2,2 " * 115_000, 1),
        GOOD.replace(b"<code>IPAWSv1.0</code>", b"<references>" + b"a,b,c " * 150_000 + b"</references>"),
        GOOD.replace(b">Actual<", b">" + b"&amp;" * 190_000 + b"<", 1),
    ],
    ids=range(10),
)
def test_the_worst_documents_take_little_time_and_memory(xml: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    assert problems(xml, "google")
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_a_flood_of_problems_is_cut_off_and_says_so() -> None:
    told = problems(GOOD.replace(b"<code>IPAWSv1.0</code>", b"<references>" + b"a,b,c " * 600 + b"</references>"), "cap")
    assert len(told) == MOST_PROBLEMS + 1
    assert {one.rule for one in told[:-1]} == {"INVALID_REFERENCES"}
    assert told[-1].rule == "TOO_MANY_PROBLEMS"


def test_words_are_quoted_short_and_on_one_line() -> None:
    assert shortened("a\n  b") == "a b"
    assert len(shortened("x" * 1_000)) == 60


@pytest.mark.parametrize("words", ["", "1", "1,", ",1", "1,2,3", "1;2", "91,0", "0,181", "1e1,0", "inf,0", "０,0", "1 ,2"])
def test_what_is_no_point_is_none(words: str) -> None:
    assert as_point(words) is None
    assert as_ring(f"1,1 {words or 'x'} 2,2") is None


def test_a_point_is_turned_round_to_longitude_first() -> None:
    assert as_point("45.5,-122.6") == (-122.6, 45.5)
    assert as_ring(" 1,2\n+3.,-.5 ") == ((2.0, 1.0), (-0.5, 3.0))


def test_a_time_is_read_as_the_instant_it_is() -> None:
    assert as_time("2014-05-23T08:40:12-07:00") == as_time("2014-05-23T15:40:12-00:00") is not None
    assert as_time("2014-05-23T08:40:12+14:00") is not None
    assert as_time("2014-05-23T08:40:12+14:01") is None
    assert as_time("2014-13-23T08:40:12+00:00") is None
    assert as_time("0000-01-01T08:40:12+00:00") is None
