"""What the doctor says of the city's identity provider, asked over real sockets."""

from pathlib import Path

import pytest

from notify.clock import ManualClock
from notify.db import Database
from notify.readiness import house, sign_in
from notify.readiness.findings import Verdict
from notify.settings import Settings, load
from notify.staff import accounts, passwords, people
from subscribers.sealing import Keyring
from tests.notify.identity.provider_server import IdentityServer, identity_server

RING = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)


def settings(server: IdentityServer) -> Settings:
    return load(mode="demo", oidc_issuer=server.url, oidc_client_id="c")


async def test_a_provider_that_answers_passes_and_one_that_lies_fails_with_the_reason() -> None:
    async with identity_server() as server:
        (found,) = await sign_in.provider(settings(server))
        assert found.verdict is Verdict.PASS and "1 keys" in found.says and "/sign-in/identity/return" in found.says
        server.discovery["issuer"] = f"{server.url}/"
        (found,) = await sign_in.provider(settings(server))
        assert found.verdict is Verdict.FAIL and "letter for letter" in found.says and found.do
        server.discovery.clear()
        server.shown_keys = []
        (found,) = await sign_in.provider(settings(server))
        assert found.verdict is Verdict.FAIL and "no key" in found.says
    (found,) = await sign_in.provider(settings(server))
    assert found.verdict is Verdict.FAIL and "no connection" in found.says
    assert await sign_in.provider(load()) == []


@pytest.fixture
def staffed(db: Database, clock: ManualClock) -> Database:
    for person, role in (("a1", "admin"), ("a2", "admin"), ("p1", "approver"), ("p2", "approver")):
        db.write_now(lambda conn, who=person, what=role: people.add(conn, who, [what], {}, clock.now()))  # type: ignore[misc]
    return db


def test_the_night_without_it_takes_two_administrators_and_two_approvers(staffed: Database, clock: ManualClock) -> None:
    now, seed = clock.now(), passwords.new_seed()
    for person in ("a1", "a2", "p1", "p2"):
        found = staffed.read_now(house.identity)
        assert found.verdict is Verdict.FAIL and found.do
        token = staffed.write_now(lambda conn, who=person: accounts.invite(conn, who, "test", now))  # type: ignore[misc]
        staffed.write_now(lambda conn, its=token: accounts.enrol(conn, its, "a hash", seed, RING, 0, now))  # type: ignore[misc]
    assert staffed.read_now(house.identity).verdict is Verdict.PASS
    staffed.write_now(lambda conn: accounts.disable(conn, "p2", "test", clock.now()))
    assert "1 approvers" in staffed.read_now(house.identity).says


def test_its_checks_stand_in_the_page_about_going_live() -> None:
    page = (Path(__file__).parents[3] / "docs" / "go-live.md").read_text("utf-8")
    assert f"`{sign_in.PROVIDER}`" in page and f"`{house.WITHOUT}`" in page
