"""The ledger's dump as files, for the judge."""

from pathlib import Path

from notify.cli.ledger import write_dump
from notify.db import Database
from subscribers.sealing import Keyring


def dump(db: Database, ring: Keyring, folder: Path) -> tuple[Path, Path]:
    """Writes dump.csv and texts.json as `tocsin ledger dump` does."""
    dumped, texts = folder / "dump.csv", folder / "texts.json"
    write_dump(db, ring, dumped, texts)
    return dumped, texts
