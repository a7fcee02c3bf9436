"""The outside judge: reads a ledger dump and the carriers' own logs, and nothing else, and says whether they tell one story.

It knows no database, no alert and no code of the sender. What it proves, message by message:
1. every row is in a final state, and the sums agree;
2. every row that says it was handed over stands in the carrier's log once under its provider id, to that address;
3. nothing reached the carrier that the ledger does not know, and nothing twice unless its row is flagged ambiguous;
4. the text is one of those approved for its event (when the approved texts are given).
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from subscribers.formulas import restored

REACHED: Final = frozenset({"handed", "delivered", "undelivered"})
OPEN: Final = frozenset({"planned", "claimed"})
STATES: Final = frozenset(
    {"planned", "claimed", "handed", "delivered", "refused", "undelivered", "unknown", "withdrawn", "expired"}
)


@dataclass(slots=True)
class Verdict:
    """What was found. lost: rows that say reached, or must have been, and the carrier never saw. doubles: extra copies."""

    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    accepted: int = 0
    lost: int = 0
    doubles: int = 0
    flagged: int = 0

    @property
    def sound(self) -> bool:
        return not self.problems


def check(dump: Path, logs: Path | Sequence[Path], approved: Path | None = None) -> Verdict:
    """Judges `dump` (of `tocsin ledger dump --csv`) against sms.jsonl and smtp.jsonl in `logs`, a folder for each provider.

    approved: a JSON file {event_id: {channel: [texts]}}, if the words are to be judged too.
    """
    verdict = Verdict()
    rows = list(_rows(dump, verdict))
    texts = json.loads(approved.read_text("utf-8")) if approved else None
    _judge_states(rows, verdict)
    folders = [logs] if isinstance(logs, Path) else logs
    _judge_channel("sms", rows, [line for one in folders for line in _lines(one / "sms.jsonl", verdict)], verdict, texts)
    _judge_channel("email", rows, [line for one in folders for line in _lines(one / "smtp.jsonl", verdict)], verdict, None)
    return verdict


def _rows(dump: Path, verdict: Verdict) -> Iterable[Mapping[str, str]]:
    with dump.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, restkey="more", restval=""):
            verdict.rows += 1
            yield {name: restored(cell) for name, cell in row.items() if name != "more"}


def _lines(log: Path, verdict: Verdict) -> Iterable[Mapping[str, Any]]:
    """The log's lines in order; a gap in its numbering means that a line was lost."""
    if not log.exists():
        return
    expected = None
    with log.open(encoding="utf-8") as file:
        for text in file:
            if not text.endswith("\n"):
                break  # cut off by a kill before it was acknowledged
            line = json.loads(text)
            if expected is not None and line["seq"] != expected:
                verdict.problems.append(f"{log.name}: line {expected} is missing before {line['seq']}.")
            expected = line["seq"] + 1
            yield line


def _judge_states(rows: Sequence[Mapping[str, str]], verdict: Verdict) -> None:
    keys: set[tuple[str, str, str, str]] = set()
    for row in rows:
        verdict.counts[row["state"]] += 1
        if row["state"] not in STATES:
            verdict.problems.append(f"Delivery {row['delivery_id']} is in a state nobody knows: {row['state']}.")
        if row["state"] in OPEN:
            verdict.problems.append(f"Delivery {row['delivery_id']} is still {row['state']}.")
        key = (row["event_id"], row["channel"], row["address"], row.get("word", ""))
        if row["address"] and key in keys:
            verdict.problems.append(f"Delivery {row['delivery_id']}: a second row for the same event, address and word.")
        keys.add(key)
    if sum(verdict.counts.values()) != verdict.rows:
        verdict.problems.append("The states do not add up to the rows.")


def _judge_channel(
    channel: str,
    rows: Sequence[Mapping[str, str]],
    lines: Sequence[Mapping[str, Any]],
    verdict: Verdict,
    texts: Mapping[str, Mapping[str, list[str]]] | None,
) -> None:
    accepted = [line for line in lines if line["event"] == "accepted"]
    verdict.accepted += len(accepted)
    by_id: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in accepted:
        by_id[_provider_id(channel, line)].append(line)
    mine = [row for row in rows if row["channel"] == channel]
    copies = _copies(channel, mine, by_id, accepted)
    for row in mine:
        _judge_row(channel, row, by_id, copies[row["delivery_id"]], verdict)
        if texts is not None:
            _judge_words(row, copies[row["delivery_id"]], texts, verdict)
    strangers = len(accepted) - sum(len(found) for found in copies.values())
    if strangers:
        verdict.problems.append(f"{channel}: the carrier accepted {strangers} messages that no row of the ledger explains.")


def _provider_id(channel: str, line: Mapping[str, Any]) -> str:
    return str(line["sid"] if channel == "sms" else line["message_id"])


def _copies(
    channel: str,
    rows: Sequence[Mapping[str, str]],
    by_id: Mapping[str, Sequence[Mapping[str, Any]]],
    accepted: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    """Which accepted messages belong to which row: by provider id first; what is left, by address and text, to a row that
    says an attempt of it may have been accepted."""
    found: dict[str, list[Mapping[str, Any]]] = {row["delivery_id"]: [] for row in rows}
    taken: set[int] = set()
    words: dict[tuple[str, str], str] = {}
    for row in rows:
        for line in by_id.get(row["provider_id"], []) if row["provider_id"] else []:
            found[row["delivery_id"]].append(line)
            taken.add(id(line))
            words[row["event_id"], row["language"]] = _text(channel, line)
    waiting: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        if row["ambiguous"] == "true":
            waiting[row["address"]].append(row)
    for line in accepted:
        if id(line) in taken:
            continue
        rivals = waiting.get(str(line["to"] if channel == "sms" else line["rcpt"]), [])
        fitting = [row for row in rivals if words.get((row["event_id"], row["language"])) in (None, _text(channel, line))]
        if fitting:
            found[fitting[0]["delivery_id"]].append(line)
    return found


def _text(channel: str, line: Mapping[str, Any]) -> str:
    return str(line["body"] if channel == "sms" else line["subject"])


def _judge_row(
    channel: str,
    row: Mapping[str, str],
    by_id: Mapping[str, Sequence[Mapping[str, Any]]],
    copies: Sequence[Mapping[str, Any]],
    verdict: Verdict,
) -> None:
    name, state, ambiguous = f"Delivery {row['delivery_id']}", row["state"], row["ambiguous"] == "true"
    verdict.flagged += ambiguous
    if state in REACHED:
        lines = by_id.get(row["provider_id"], [])
        if not lines:
            verdict.lost += 1
            verdict.problems.append(f"{name} is {state}, but the carrier never accepted {row['provider_id'] or 'it'}.")
        elif any(str(line["to"] if channel == "sms" else line["rcpt"]) != row["address"] for line in lines):
            verdict.problems.append(f"{name} went to another address than its row names.")
    elif copies and not ambiguous:
        verdict.problems.append(f"{name} is {state}, yet the carrier accepted it.")
    if len(copies) > 1:
        verdict.doubles += len(copies) - 1
        if not ambiguous:
            verdict.problems.append(f"{name} reached the carrier {len(copies)} times and is not flagged.")


def _judge_words(
    row: Mapping[str, str],
    copies: Sequence[Mapping[str, Any]],
    texts: Mapping[str, Mapping[str, list[str]]],
    verdict: Verdict,
) -> None:
    allowed = texts.get(row["event_id"], {}).get(row["channel"], [])
    for line in copies:
        if line["body"] not in allowed:
            verdict.problems.append(f"Delivery {row['delivery_id']} was sent with a text nobody approved.")
