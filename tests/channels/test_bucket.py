"""Requests to a bucket: signed as the protocol's own examples are, taken by a store that reckons for itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestServer

from channels.bucket import Bucket, Place, Refused, signed
from tests.notify.mirror.store_server import Store

NOW = datetime(2014, 5, 23, 19, 0, tzinfo=UTC)


def test_the_signature_is_the_one_of_the_published_example() -> None:
    """The "PUT Object" example of the signature's description, with its example keys."""
    place = Place(
        url="https://examplebucket.s3.amazonaws.com",
        region="us-east-1",
        key_id="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    headers = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    path, at = place.path("test$file.text"), datetime(2013, 5, 24, tzinfo=UTC)
    sent = signed(place, "PUT", path, headers, b"Welcome to Amazon S3.", at)
    assert sent["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )


@pytest.fixture
async def store() -> AsyncIterator[tuple[Store, Bucket]]:
    store = Store(NOW)
    async with TestServer(store.application()) as server:
        bucket = Bucket(a_place(str(server.make_url("/alerts"))))
        yield store, bucket
        await bucket.close()


def a_place(url: str, secret: str = "not-a-real-secret/key+1") -> Place:
    return Place(url=url, region="eu-west-9", key_id="AKIDTOCSIN", secret=secret)


async def test_what_is_put_is_there_with_its_headers_and_what_is_deleted_is_not(store: tuple[Store, Bucket]) -> None:
    kept, bucket = store
    await bucket.put("feeds/active.atom", b"<feed/>", {"Content-Type": "application/atom+xml; charset=utf-8"}, NOW)
    await bucket.put("areas/a+b~c.json", b"{}", {}, NOW)
    assert kept.objects["alerts/feeds/active.atom"].body == b"<feed/>"
    assert kept.objects["alerts/feeds/active.atom"].headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert "alerts/areas/a+b~c.json" in kept.objects
    await bucket.delete("feeds/active.atom", NOW)
    assert "alerts/feeds/active.atom" not in kept.objects


async def test_a_refusal_is_said_with_its_code(store: tuple[Store, Bucket]) -> None:
    kept, bucket = store
    kept.failing = 503
    with pytest.raises(Refused, match=r"refuses a\.html: 503 SlowDown"):
        await bucket.put("a.html", b"x", {}, NOW)
    kept.failing = 0
    with pytest.raises(Refused, match="403 RequestTimeTooSkewed"):
        await bucket.put("a.html", b"x", {}, NOW - timedelta(hours=1))
    assert kept.objects == {}


async def test_another_secret_is_refused(store: tuple[Store, Bucket]) -> None:
    _, bucket = store
    forger = Bucket(a_place(bucket._place.url, secret="guessed"))
    with pytest.raises(Refused, match="403 SignatureDoesNotMatch"):
        await forger.put("a.html", b"x", {}, NOW)
    await forger.close()


async def test_a_store_that_is_not_there_is_a_sentence() -> None:
    bucket = Bucket(a_place("http://127.0.0.1:9/alerts"))
    with pytest.raises(Refused, match=r"127\.0\.0\.1:9 does not take a\.html"):
        await bucket.put("a.html", b"x", {}, NOW)
    await bucket.close()
