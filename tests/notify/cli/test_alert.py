"""`tocsin alert ...` against a running service: the whole way of an alert, and each refusal as sentences."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from notify.cli.alert import _read, print_read_back
from tests.notify.cli.command_line import Said, Shell
from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.service_factory import Served, serving
from tests.ports import free_port


class Desk:
    """Commands of any member of staff; each runs in a thread, as the service shares the loop with the test."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.folder = served, folder

    async def __call__(self, who: str, *arguments: object) -> Said:
        token = self.served.tokens.get(who, who)
        shell = Shell(self.served.home, {"TOCSIN_URL": self.served.url, "TOCSIN_TOKEN": token})
        return await asyncio.to_thread(shell, "alert", *arguments)

    def file(self, name: str = "alert.yaml", **changes: Any) -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump(changes, allow_unicode=True), "utf-8")
        return path


@pytest.fixture
async def desk(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with serving(tmp_path / "home", migrated_sqlite) as served:
        yield Desk(served, tmp_path)


async def test_the_whole_way_of_an_alert_and_its_all_clear(desk: Desk) -> None:
    made = (await desk("author", "draft", desk.file(**BOIL_WATER), "--json")).data
    alert_id = made["alert_id"]
    edited = await desk("author", "edit", alert_id, desk.file(**BOIL_WATER, note="Why."))
    assert edited.code == 0 and "must be submitted again" in edited.out
    preview = await desk("author", "preview", alert_id)
    assert preview.code == 0 and "PROBLEM" not in preview.out
    assert (await desk("author", "preview", alert_id, "--read-back")).code == 0, "there is nobody to read anything to yet"
    assert (await desk("author", "submit", alert_id)).code == 0
    assert (await desk("approver", "return", alert_id, "--reason", "Which street?")).code == 0
    digest = (await desk("author", "submit", alert_id, "--json")).data["digest"]
    refused = await desk("author", "approve", alert_id, "--digest", digest)
    assert refused.code == 1 and "author wrote this alert" in refused.errors
    assert (await desk("approver", "approve", alert_id, "--digest", digest)).code == 0
    sent = await desk("approver", "send", alert_id, "--wait", "--json")
    assert sent.code == 0 and sent.data["status"] == "active", sent.errors
    shown = await desk("viewer", "show", alert_id)
    assert "active" in shown.out and "open promise: to say when it is over" in shown.out
    stopped = await desk("approver", "stop", alert_id, "--reason", "Too late.")
    assert stopped.code == 1 and "only an alert that is leaving can be stopped" in stopped.errors
    over = await desk("author", "clear", alert_id, desk.file("clear.yaml", slots={"flush_minutes": 2}), "--json")
    assert over.code == 0 and over.data["stage"] == "all_clear"
    listed = await desk("viewer", "list")
    assert alert_id in listed.out and over.data["alert_id"] in listed.out
    for command in (("list",), ("show", alert_id), ("preview", alert_id)):
        assert (await desk("viewer", *command, "--json")).data


async def test_every_problem_of_a_file_is_a_line(desk: Desk) -> None:
    said = await desk("author", "draft", desk.file(hazard=5, stage="panic", colour="red"))
    assert said.code == 1 and len(said.errors.strip().splitlines()) == 3
    said = await desk("stranger", "draft", desk.file(**BOIL_WATER))
    assert said.code == 1 and "may have been replaced" in said.errors
    said = await desk("author", "submit", "K7Q2X-9")
    assert said.code == 1 and "There is no alert K7Q2X-9." in said.errors


async def test_reject_and_usage(desk: Desk) -> None:
    alert_id = (await desk("author", "draft", desk.file(**BOIL_WATER), "--json")).data["alert_id"]
    await desk("author", "submit", alert_id)
    assert (await desk("approver", "reject", alert_id)).code == 2
    assert "rejected" in (await desk("approver", "reject", alert_id, "--reason", "No.")).out


def test_a_service_that_does_not_run_is_three(shell: Shell) -> None:
    for url in (f"http://127.0.0.1:{free_port()}", "nonsense"):
        said = Shell(shell.home, {"TOCSIN_URL": url})("alert", "list")
        assert said.code == 3 and f"No service answers at {url}" in said.errors


@pytest.mark.parametrize("content", ["a: [", "- a\n- list\n", "just words", "\x00"])
def test_a_file_that_holds_no_fields_is_refused(shell: Shell, tmp_path: Path, content: str) -> None:
    file = tmp_path / "alert.yaml"
    file.write_text(content)
    said = shell("alert", "draft", file)
    assert said.code == 1 and "alert.yaml" in said.errors


@pytest.mark.parametrize("geojson", ["not json", None])
def test_an_area_file_that_cannot_be_read_is_refused(shell: Shell, tmp_path: Path, geojson: str | None) -> None:
    if geojson is not None:
        (tmp_path / "area.geojson").write_text(geojson)
    file = tmp_path / "alert.yaml"
    file.write_text("hazard: flood\narea: {geojson: area.geojson, words: here}\n")
    said = shell("alert", "draft", file)
    assert said.code == (1 if geojson else 2) and "area.geojson" in said.errors


def test_a_missing_file_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    said = shell("alert", "draft", tmp_path / "gone.yaml")
    assert said.code == 2 and "gone.yaml is not there" in said.errors


def test_a_time_without_a_zone_stays_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "alert.yaml"
    file.write_text("learned_at: 2014-05-23T08:15\nexpires: 2014-05-23 20:00-07:00\n")
    assert _read(file) == {"learned_at": "2014-05-23T08:15", "expires": "2014-05-23 20:00-07:00"}


def test_each_text_stands_over_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    print_read_back({"bodies": {"sms/first/es": "HIERVA EL AGUA"}, "read_back": {"sms/first/es": "BOIL THE WATER"}})
    assert capsys.readouterr().out == "\nsms/first/es\nHIERVA EL AGUA\n-> BOIL THE WATER\n"
