"""The guide for receivers says what is so: its receiver runs here, and takes what a real poster sends."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from notify.clock import ManualClock
from notify.db import Database
from notify.partners import signature
from notify.partners.bodies import SCHEMA
from notify.partners.webhook import Kind
from tests.notify.newsroom_factory import Room
from tests.notify.webhook_factory import Agency, a_bureau, an_agency

GUIDE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")


@contextmanager
def as_written(secret: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The guide's receiver on a port of its own: its address, and what it has taken."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    names["SECRET"] = secret
    names["Receiver"].log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), names["Receiver"]) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", names["taken"]
        finally:
            server.shutdown()
            thread.join()


async def test_the_guides_receiver_takes_an_alert_once_and_nothing_that_is_not_signed(store: Database) -> None:
    clock = ManualClock(datetime.now(UTC))
    room = Room.on(store, clock)
    secret = signature.new_secret()
    with pytest.MonkeyPatch.context() as patched, as_written(secret) as (url, taken):
        patched.setattr(signature, "new_secret", lambda: secret)
        async with a_bureau(store, clock) as bureau:
            bureau.want("county-health", url)
            bureau.agree("county-health")
            await bureau.turn()
            alert = room.pressed()
            bureau.starts(alert)
            bureau.do("test", "county-health")
            await bureau.turn()
            bureau.do("replay", "county-health", 1)
            await bureau.turn()
            assert [message["type"] for message in taken] == ["alert", "test"]
            forged = await bureau.poster.egress.ask("POST", url, body=b"{}", headers={"webhook-timestamp": "1"})
            assert forged.status == 401


async def test_every_field_that_is_posted_stands_in_the_guide(store: Database, clock: ManualClock) -> None:
    room = Room.on(store, clock)
    async with a_bureau(store, clock) as bureau, an_agency(clock) as agency:
        await bureau.active("county-health", agency)
        bureau.starts(room.pressed())
        bureau.do("test", "county-health")
        await bureau.turn()
        named = fields(agency)
    for name in named | {SCHEMA, *(kind.value for kind in Kind), "webhook-id", "webhook-timestamp", "webhook-signature"}:
        assert f"`{name}`" in GUIDE, name


def fields(agency: Agency) -> set[str]:
    found = {name for body in agency.bodies for name in body}
    return found | {name for body in agency.bodies for name in body.get("cap", {})}


@pytest.mark.parametrize("spoilt", ["webhook-id", "webhook-timestamp", "webhook-signature", "body", "old"])
def test_whatever_is_changed_in_a_request_makes_it_no_longer_genuine(clock: ManualClock, spoilt: str) -> None:
    secret, now = signature.new_secret(), clock.now()
    headers, body = signature.headers(secret, "msg_1", b'{"a":1}', now), b'{"a":1}'
    assert signature.is_genuine(secret, headers, body, now)
    assert not signature.is_genuine(signature.new_secret(), headers, body, now)
    if spoilt == "body":
        body = b'{"a":2}'
    elif spoilt == "old":
        now += signature.MOST_APART * 1.01
    else:
        headers[spoilt] = f"{headers[spoilt][:-2]}1x"
    assert not signature.is_genuine(secret, headers, body, now)


def test_a_signature_is_the_one_of_the_standard() -> None:
    """The example of the standard's own libraries."""
    headers = signature.headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
