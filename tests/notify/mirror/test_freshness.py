"""`tocsin mirror check`: a mirror that stands still, lags or lies is told from one that is fresh, from outside alone."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from channels.feed_folder import FeedFolder
from notify.cli import mirror as command
from notify.mirror.freshness import Served, problems
from notify.publishing import feeds
from notify.web import published
from notify.web.public import routes
from tests.notify.feed_factory import NOON, a_bulletin, a_site

SITE = a_site(languages=("en",))


def served(minute: float, *bulletins: object) -> Served:
    files = feeds.files(bulletins, NOON + timedelta(minutes=minute), SITE)  # type: ignore[arg-type]
    return Served(
        index=files["feeds/index.json"],
        feeds={name: files[name] for name in ("feeds/active.atom", "feeds/active.rss", "feeds/active.geojson")},
    )


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def test_a_mirror_that_says_what_the_origin_says_is_fresh_for_three_heartbeats() -> None:
    one = served(2, a_bulletin(1))
    assert problems(one, one, at(2)) == problems(one, None, at(16)) == []
    assert problems(one, None, at(17)) == ["The mirror was last written 16 minutes ago: it is dead, and may show what is over."]


def test_a_mirror_behind_its_origin_is_named_with_what_it_lacks() -> None:
    said = problems(served(0), served(2, a_bulletin(1)), at(2))
    assert said[0] == "The mirror is behind the origin by 0:01:00."
    assert said[1] == "The mirror says that 0 alerts are in force, the origin 1."
    assert len([line for line in said if "differs from the origin's" in line]) == 3


def test_feeds_of_another_hand_under_a_fresh_heartbeat_are_seen() -> None:
    true = served(2, a_bulletin(1))
    forged = Served(index=true.index, feeds={**true.feeds, "feeds/active.rss": b"<rss/>"})
    assert problems(forged, true, at(2)) == ["The mirror's feeds/active.rss differs from the origin's."]


def test_a_dead_origin_and_a_wrong_clock_are_not_taken_for_freshness() -> None:
    one = served(2, a_bulletin(1))
    assert [line.split(" was ")[0] for line in problems(one, one, at(60))] == ["The mirror", "The origin"]
    assert "its clock, or the one here, is wrong" in problems(one, None, at(-5))[0]


@pytest.mark.parametrize(
    "index", [b"", b"[]", b"{}", b'{"generated": "now"}', b"<html>", b'{"generated": "2014-05-23T12:00:00"}']
)
def test_what_is_no_discovery_file_is_said_so(index: bytes) -> None:
    (said,) = problems(Served(index=index, feeds={}), None, NOON)
    assert said.startswith("The mirror's feeds/index.json ")


@pytest.fixture
async def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Path, Path, str, str]]:
    """Two folders and where each is served: the origin knows its own address."""
    monkeypatch.setattr(published, "RECHECK_S", 0.0)
    servers = []
    for name in ("origin", "mirror"):
        (tmp_path / name).mkdir()
        application = web.Application()
        application.add_routes(routes(tmp_path / name))
        servers.append(TestServer(application))
        await servers[-1].start_server()
    origin, mirror = (str(server.make_url("")).rstrip("/") for server in servers)
    yield tmp_path / "origin", tmp_path / "mirror", origin, mirror
    for server in servers:
        await server.close()


async def test_the_command_asks_both_places(places: tuple[Path, Path, str, str]) -> None:
    first, second, origin, mirror = places
    files = feeds.files([], datetime.now(UTC), a_site(base=origin, languages=("en",)))
    FeedFolder(first).write(files)
    FeedFolder(second).write(files)
    found, beat = await command._looked(mirror, "", 0)
    assert found == [] and beat.active == 0
    FeedFolder(first).write(feeds.files([a_bulletin(1)], datetime.now(UTC), a_site(base=origin, languages=("en",))))
    found, _ = await command._looked(mirror, "", 0)
    assert any("differs from the origin's" in line for line in found)


async def test_a_mirror_without_a_feed_is_not_reachable(places: tuple[Path, Path, str, str]) -> None:
    _, _, _, mirror = places
    with pytest.raises(command.NotServed, match=r"feeds/index.json answers with 404"):
        await command._looked(mirror, "", 0)


def test_the_command_ends_with_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = served(2, a_bulletin(1))

    def found(*lines: str):  # type: ignore[no-untyped-def]
        async def looked(*_: object) -> object:
            return list(lines), command.freshness.beat(fresh.index)

        return looked

    run = CliRunner().invoke
    monkeypatch.setattr(command, "_looked", found())
    right = run(command.app, ["check", "https://mirror.example.gov"])
    assert right.exit_code == 0 and "is fresh and says what the origin says" in right.output
    monkeypatch.setattr(command, "_looked", found("The mirror is behind the origin by 0:09:00."))
    assert run(command.app, ["check", "https://mirror.example.gov"]).exit_code == 1
    said = run(command.app, ["check", "https://mirror.example.gov", "--json"])
    assert said.exit_code == 1 and json.loads(said.stdout)["fresh"] is False
    monkeypatch.undo()
    assert run(command.app, ["check", "http://127.0.0.1:9"]).exit_code == 3
