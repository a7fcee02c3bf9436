"""`tocsin ledger ...`: the dump, and the judge that reads it together with the carriers' logs."""

import csv
import json as json_module
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from sqlalchemy import text

from notify import keys
from notify.alerts.alert import from_json
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, errors, refuse, screen, sentences, show
from notify.clock import from_micros
from notify.db import Database
from notify.sending import ledger_check
from subscribers.formulas import defused
from subscribers.sealing import Keyring, Unopenable

app = typer.Typer(help="Every message and what became of it.", no_args_is_help=True)

COLUMNS: Final = (
    "delivery_id,event_id,channel,address,language,state,provider_id,code,attempts,ambiguous,planned_at,claimed_at,"
    "handed_at,final_at,word"
).split(",")
FOREIGN: Final = {"address", "language", "provider_id", "code"}  # the words of residents and providers; the rest are ours
MOST_SHOWN: Final = 20
BATCH: Final = 5_000


@app.command()
def dump(
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
    csv_format: Annotated[bool, typer.Option("--csv", help="As CSV, the only format.")] = True,
    texts: Annotated[Path | None, typer.Option(help="Also write every approved text, for 'ledger check --texts'.")] = None,
) -> None:
    """Writes every row with its address in clear: for administrators at the machine. What a spreadsheet would run is quoted."""
    with sentences():
        settings, db = opened()
        with closing(db):
            write_dump(db, keys.load(settings.keys_file), out, texts)


def write_dump(db: Database, ring: Keyring, out: Path | None, texts: Path | None) -> None:
    """Writes the dump to a file or standard output, and every approved text beside it."""
    with out.open("w", newline="", encoding="utf-8") if out else nullcontext(sys.stdout) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(db, ring))
    if texts:
        texts.write_text(json_module.dumps(texts_of(db), ensure_ascii=False), "utf-8")


def rows(db: Database, ring: Keyring) -> Iterator[list[Any]]:
    query = text("""
        SELECT d.*, a.sealed, a.key_id FROM delivery d LEFT JOIN address a ON a.address_id = d.address_id
        WHERE d.delivery_id > :after ORDER BY d.delivery_id LIMIT :most""")
    after = 0
    while True:
        found = db.read_now(
            lambda conn, after=after: conn.execute(query, {"after": after, "most": BATCH}).mappings().all()  # type: ignore[misc]
        )
        if not found:
            return
        for row in found:
            yield [defused(_cell(row, name, ring)) if name in FOREIGN else _cell(row, name, ring) for name in COLUMNS]
        after = found[-1]["delivery_id"]


def _cell(row: Any, name: str, ring: Keyring) -> Any:
    if name == "address":
        try:
            return ring.open(row["channel"], row["key_id"], row["sealed"]) if row["sealed"] else ""
        except Unopenable as error:
            errors.print(str(error), markup=False)
            return ""
    if name.endswith("_at"):
        return from_micros(row[name]).isoformat(timespec="microseconds") if row[name] is not None else ""
    if name == "ambiguous":
        return "true" if row[name] else "false"
    return row[name] if row[name] is not None else ""


def texts_of(db: Database) -> dict[str, dict[str, list[str]]]:
    """Every approved text by event and channel."""
    found: dict[str, dict[str, list[str]]] = {}
    for (content,) in db.read_now(lambda conn: conn.execute(text("SELECT content FROM event")).all()):
        event = from_json(content)
        for key, one in event.contents.items():
            found.setdefault(event.event_id, {}).setdefault(key.split("/")[0], []).append(one.body)
    return found


@app.command()
def check(
    log: Annotated[list[Path], typer.Option(help="Folder with a provider's sms.jsonl and smtp.jsonl; once for each provider.")],
    dumped: Annotated[Path, typer.Option("--dump", help="A file written by 'tocsin ledger dump'.")],
    texts: Annotated[Path | None, typer.Option(help="The approved texts, to judge the words too.")] = None,
    json: Json = False,
) -> None:
    """Proves from the dump and the carriers' logs alone that both tell one story, message by message."""
    for path in (*log, dumped):
        if not path.exists():
            refuse([f"{path} is not there."], Exit.USAGE)
    verdict = ledger_check.check(dumped, log, texts)
    data = {
        "sound": verdict.sound,
        "rows": verdict.rows,
        "states": dict(verdict.counts),
        "accepted": verdict.accepted,
        "lost": verdict.lost,
        "duplicates": verdict.doubles,
        "flagged": verdict.flagged,
        "problems": verdict.problems,
    }
    lines = [
        f"{verdict.rows:,} rows, {verdict.accepted:,} messages accepted by carriers",
        "states: " + ", ".join(f"{state} {count:,}" for state, count in sorted(verdict.counts.items())),
        f"lost {verdict.lost}, duplicates {verdict.doubles}, flagged ambiguous {verdict.flagged}",
        *verdict.problems[:MOST_SHOWN],
    ]
    if len(verdict.problems) > MOST_SHOWN:
        lines.append(f"... and {len(verdict.problems) - MOST_SHOWN} more problems")
    lines.append("SOUND: ledger and carriers tell one story." if verdict.sound else f"{len(verdict.problems)} PROBLEMS.")
    show(data, json, lines)
    if not verdict.sound:
        screen.file.flush()
        raise typer.Exit(Exit.REFUSED)
