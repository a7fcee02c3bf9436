"""`tocsin cap check`: a document of ours, somebody else's mistakes, a server's, and things that are no document."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notify.publishing import cap
from notify.publishing.cap_document import MOST_BYTES
from tests.notify.cli.command_line import Shell
from tests.notify.factories import an_event

GOOD = cap.build(an_event(), ZoneInfo("America/Los_Angeles"))
BAD = (
    GOOD.replace(b"<scope>Public</scope>", b"<scope>Everybody</scope>")
    .replace(b"<web>", b"<wob>")
    .replace(b"</web>", b"</wob>")
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {})


def kept(folder: Path, name: str, xml: bytes) -> Path:
    file = folder / name
    file.write_bytes(xml)
    return file


def test_our_own_document_has_nothing_wrong_by_any_profile_but_advice(shell: Shell, tmp_path: Path) -> None:
    file = kept(tmp_path, "alert.xml", GOOD)
    said = shell("cap", "check", file, "--profile", "cap", "--profile", "google")
    assert said.code == 0 and said.out.splitlines()[0].startswith(str(file))
    data = shell("cap", "check", file, "--json").data
    assert all(one["advice"] for one in data[str(file)])


def test_every_mistake_of_every_document_is_named_with_its_line(shell: Shell, tmp_path: Path) -> None:
    good, bad = kept(tmp_path, "good.xml", GOOD), kept(tmp_path, "bad.xml", BAD)
    said = shell("cap", "check", good, bad)
    assert said.code == 1
    line = next(number for number, text in enumerate(BAD.splitlines(), 1) if b"Everybody" in text)
    assert f"{bad}:{line}: " in said.out and "Everybody" in said.out and "web" in said.out


def test_a_profile_that_there_is_not_is_named(shell: Shell, tmp_path: Path) -> None:
    said = shell("cap", "check", kept(tmp_path, "a.xml", GOOD), "--profile", "gogle")
    assert said.code == 2 and "no profile 'gogle'; there are cap, google, ipaws" in said.errors


@pytest.mark.parametrize(
    "xml", [b"", b"hello", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a>" * 100, b"x" * (MOST_BYTES + 9)]
)
def test_what_is_no_document_to_look_into_is_one_problem(shell: Shell, tmp_path: Path, xml: bytes) -> None:
    data = shell("cap", "check", kept(tmp_path, "a.xml", xml), "--json").data
    assert [len(found) for found in data.values()] == [1]


def test_a_file_that_is_not_there_is_said(shell: Shell, tmp_path: Path) -> None:
    said = shell("cap", "check", tmp_path / "none.xml")
    assert said.code == 1 and "cannot be read" in said.errors


async def test_a_document_on_a_server_is_read_no_further_than_it_may_be_long(shell: Shell) -> None:
    async def alert(_: web.Request) -> web.Response:
        return web.Response(body=GOOD)

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with pytest.raises(ConnectionError):  # the reader goes away
            while True:
                await answer.write(b"x" * 65_536)
        return answer

    application = web.Application()
    application.add_routes([web.get("/alert.xml", alert), web.get("/endless.xml", endless)])
    async with TestServer(application) as server:
        good = await asyncio.to_thread(shell, "cap", "check", server.make_url("/alert.xml"))
        long = await asyncio.to_thread(shell, "cap", "check", server.make_url("/endless.xml"))
        address = server.make_url("/alert.xml")
        gone = await asyncio.to_thread(shell, "cap", "check", server.make_url("/none.xml"))
    assert good.code == 0
    assert long.code == 1 and "TOO_LARGE" in long.out
    assert gone.code == 1 and "answers with 404" in gone.errors
    away = await asyncio.to_thread(shell, "cap", "check", address)
    assert away.code == 3 and "cannot be fetched" in away.errors
