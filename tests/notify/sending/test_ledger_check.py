import csv
import json
from pathlib import Path
from typing import Any

import pytest

from notify.sending.ledger_check import Verdict, check

FIELDS = ["delivery_id", "event_id", "channel", "address", "language", "state", "provider_id", "code", "attempts", "ambiguous"]
TO = "+15035550123"


def a_row(**given: str) -> dict[str, str]:
    row = dict.fromkeys(FIELDS, "")
    row |= {"delivery_id": "1", "event_id": "K7Q2-1", "channel": "sms", "address": TO, "language": "en"}
    return row | {"state": "handed", "provider_id": "SM1", "ambiguous": "false"} | given


def a_line(seq: int, **given: Any) -> dict[str, Any]:
    return {"seq": seq, "event": "accepted", "sid": f"SM{seq}", "to": TO, "body": "Boil your water."} | given


def judge(folder: Path, rows: list[dict[str, str]], lines: list[dict[str, Any]], texts: Any = None) -> Verdict:
    with (folder / "dump.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "sms.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if texts is not None:
        (folder / "texts.json").write_text(json.dumps(texts))
    return check(folder / "dump.csv", folder, folder / "texts.json" if texts is not None else None)


def test_a_ledger_that_tells_the_carriers_story_is_sound(tmp_path: Path) -> None:
    rows = [a_row(), a_row(delivery_id="2", address="+15035550124", state="withdrawn", provider_id="")]
    verdict = judge(tmp_path, rows, [a_line(1)], {"K7Q2-1": {"sms": ["Boil your water."]}})
    assert verdict.problems == []
    assert (verdict.rows, verdict.accepted, verdict.lost, verdict.doubles) == (2, 1, 0, 0)


@pytest.mark.parametrize(
    ("rows", "lines", "said"),
    [
        ([a_row(state="claimed", provider_id="")], [], "still claimed"),
        ([a_row(state="sent")], [a_line(1)], "nobody knows"),
        ([a_row()], [], "never accepted SM1"),
        ([a_row(), a_row(delivery_id="2", state="withdrawn", provider_id="")], [a_line(1)], "a second row"),
        ([a_row()], [a_line(1, to="+15035550199")], "another address"),
        ([a_row()], [a_line(1), a_line(2)], "1 messages that no row of the ledger explains"),
        ([a_row()], [a_line(1), a_line(3, event="report")], "line 2 is missing"),
        ([a_row(state="refused")], [a_line(1)], "is refused, yet the carrier accepted it"),
        ([a_row(state="withdrawn")], [a_line(1)], "is withdrawn, yet the carrier accepted it"),
    ],
)
def test_every_contradiction_is_named(
    tmp_path: Path, rows: list[dict[str, str]], lines: list[dict[str, Any]], said: str
) -> None:
    verdict = judge(tmp_path, rows, lines)
    assert any(said in problem for problem in verdict.problems), verdict.problems
    assert not verdict.sound


def test_a_second_copy_is_a_double_and_forgiven_only_to_a_row_that_is_flagged(tmp_path: Path) -> None:
    verdict = judge(tmp_path, [a_row(ambiguous="true")], [a_line(1), a_line(2)])
    assert verdict.problems == []
    assert (verdict.doubles, verdict.flagged) == (1, 1)


def test_a_text_that_nobody_approved_is_named(tmp_path: Path) -> None:
    verdict = judge(tmp_path, [a_row()], [a_line(1, body="Drink up.")], {"K7Q2-1": {"sms": ["Boil your water."]}})
    assert verdict.problems == ["Delivery 1 was sent with a text nobody approved."]


def test_a_line_cut_off_by_a_kill_counts_for_nothing(tmp_path: Path) -> None:
    judge(tmp_path, [a_row()], [a_line(1)])
    with (tmp_path / "sms.jsonl").open("a") as file:
        file.write('{"seq": 2, "event": "acc')
    assert check(tmp_path / "dump.csv", tmp_path).problems == []
