"""`tocsin drill`: the report, and a certificate from the training instance to the live one."""

from contextlib import closing
from pathlib import Path
from typing import Any

from notify import audit
from notify.db import Database
from notify.staff import certificate
from notify.staff.drill_log import ENDED
from tests.notify.cli.command_line import Shell
from tests.notify.staff.test_training import NOW, a_part


def drilled(shell: Shell, *parts: Any) -> None:
    act = audit.Act(actor="admin", action=ENDED, subject="drill-1", detail={"parts": certificate.as_detail(parts)})
    with closing(Database(f"sqlite:///{shell.home / 'tocsin.db'}")) as db:
        db.write_now(lambda conn: audit.append(conn, act, NOW))


def installed(home: Path, **variables: str) -> Shell:
    shell = Shell(home, variables)
    assert shell("init").code == 0
    assert shell("user", "add", "approver", "--role", "approver").code == 0
    return shell


def test_a_drill_is_carried_from_the_training_instance_to_the_live_one(tmp_path: Path) -> None:
    training = installed(tmp_path / "training", TOCSIN_MODE="training")
    drilled(training, a_part("approver", alone=True), a_part("visitor"))
    key = training("drill", "key").out.strip()
    file = tmp_path / "drills.json"
    assert "2 parts in drills, signed." in training("drill", "certificate", file).out
    again = training("drill", "certificate", file)
    assert again.code == 1 and "never overwrites" in again.errors

    live = installed(tmp_path / "live")
    refused = live("drill", "import", file)
    assert refused.code == 1 and "TOCSIN_DRILL_KEY is empty" in refused.errors
    live = Shell(live.home, {"TOCSIN_DRILL_KEY": key})
    said = live("drill", "import", file)
    assert "1 parts in drills are new; 0 were known." in said.out and "nobody here is called visitor" in said.out
    assert live("drill", "import", file, "--json").data == {"new": 0, "known": 1, "strangers": ["visitor"]}
    assert live("audit", "verify").code == 0

    month = f"{NOW:%Y-%m}"
    report = live("drill", "report", "--month", month, "--json").data
    assert report["glass_this_month"] and [(one["person"], one["drills"], one["minutes"]) for one in report["people"]] == [
        ("approver", 1, 60)
    ]
    table = live("drill", "report", "--month", month, "--csv").out.splitlines()
    assert len(table) == 2 and table[1].startswith(f"{month},approver,approver,")
    assert "Break-glass drill: last one 2026-05-19; this month yes." in live("drill", "report", "--month", month).out
    assert live("drill", "report", "--month", "soon").code == 2


def test_only_the_training_instance_signs(tmp_path: Path) -> None:
    live = installed(tmp_path / "live")
    for command in (("drill", "key"), ("drill", "certificate", tmp_path / "x.json")):
        said = live(*command)
        assert said.code == 1 and "Drills run on the training instance only" in said.errors
    assert not (live.home / "drill-key.pem").exists()


def test_settings_of_drills_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    said = Shell(tmp_path, {"TOCSIN_DRILL_KEY": "abc", "TOCSIN_DRILL_REFUSE_DAYS": "20"})("drill", "report")
    assert said.code == 1
    assert "TOCSIN_DRILL_KEY is not what 'tocsin drill key' shows" in said.errors
    assert "TOCSIN_DRILL_REFUSE_DAYS is less than TOCSIN_DRILL_DUE_DAYS" in said.errors
