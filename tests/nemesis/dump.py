"""The ledger's dump as files, for the judge."""

import csv
import json
from pathlib import Path

from notify.cli.ledger import COLUMNS, rows, texts_of
from notify.db import Database
from subscribers.sealing import Keyring


def dump(db: Database, ring: Keyring, folder: Path) -> tuple[Path, Path]:
    """Writes dump.csv and texts.json as `tocsin ledger dump` does."""
    dumped, approved = folder / "dump.csv", folder / "texts.json"
    with dumped.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows(db, ring))
    approved.write_text(json.dumps(texts_of(db)), "utf-8")
    return dumped, approved
