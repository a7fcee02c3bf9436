"""A city of 300,000 houses: how fast its file comes in, how long others' writes wait meanwhile, how long one lookup takes."""

import csv
import random
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import update

from bench.figures import Figure
from notify import schema
from notify.db import Database
from subscribers import store
from subscribers.gazetteer import importing
from subscribers.gazetteer.rows import COLUMNS
from subscribers.gazetteer.search import Gazetteer
from subscribers.place import Envelope

HOUSES: Final = 300_000
PER_STREET: Final = 50
LOOKUPS: Final = 400
SIDES: Final = ("N", "NE", "NW", "S", "SE", "SW")
KINDS: Final = ("Ave", "Ct", "Dr", "St")
SYLLABLES: Final = (
    "al ba car den el fair glen haw ing john ken lor mor nor oak quin ros stan tho ver wil york zel ash dale".split()
)
BOX: Final = Envelope(west=-123.3, south=45.2, east=-122.1, north=45.8)


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "houses.csv"
        rows = _made_up(path)
        with closing(Database(f"sqlite:///{folder}/bench.db")) as db:
            schema.migrate(db.writer)
            waits, ended = list[float](), threading.Event()
            other = threading.Thread(target=_write_beside, args=(db.url, waits, ended))
            other.start()
            began = time.perf_counter()
            importing.import_file(path, db.writer.begin, BOX, lambda done, total: None)
            rate = HOUSES / (time.perf_counter() - began)
            ended.set()
            other.join()
            return [
                Figure(name="gazetteer: import", unit="rows/s", ours=[rate]),
                Figure(name="gazetteer: another write during it", unit="ms", ours=waits, higher_is_better=False),
                *_lookups(db, rows),
            ]


def _made_up(path: Path) -> list[tuple[str, str]]:
    """Writes the file; returns each house's number and street."""
    rng = random.Random(7)
    names = sorted({"".join(rng.choices(SYLLABLES, k=rng.choice((2, 3)))).capitalize() for _ in range(2_000)})
    rows = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for street in range(HOUSES // PER_STREET):
            turn, side = divmod(street, len(SIDES))
            name = f"{SIDES[side]} {names[turn % len(names)]} {rng.choice(KINDS)}"
            lat, lon = 45.43 + rng.random() / 5, -122.8 + rng.random() / 4
            for house in range(PER_STREET):
                number = str(100 * (1 + house // 8) + 11 * (house % 8) + 1)
                writer.writerow((number, name, f"972{street % 60:02d}", f"{lat:.6f}", f"{lon + house * 1.3e-4:.6f}"))
                rows.append((number, name))
    return rows


def _write_beside(url: str, waits: list[float], ended: threading.Event) -> None:
    with closing(Database(url)) as db:
        while not ended.wait(0.05):
            began = time.perf_counter()
            db.write_now(lambda conn: conn.execute(update(store.AREA).values(source="bench")))
            waits.append(1_000 * (time.perf_counter() - began))


def _lookups(db: Database, rows: list[tuple[str, str]]) -> list[Figure]:
    rng, gazetteer = random.Random(3), Gazetteer()
    some = rng.sample(rows, LOOKUPS)
    asked = {
        "as written": [f"{number} {street}" for number, street in some],
        "without direction and kind": [f"{number} {street.split()[1]}" for number, street in some],
        "one letter missing": [f"{number} {street[:6]}{street[7:]}" for number, street in some],
        "a corner": [f"{street} and {rng.choice(rows)[1]}" for _, street in some],
        "no such street": [f"{number} SW Zzyzx Rd" for number, _ in some],
    }
    figures = []
    with db.reader.connect() as conn:
        gazetteer.named(conn, "the map is read")
        for name, texts in asked.items():
            took = []
            for text in texts:
                began = time.perf_counter()
                gazetteer.addresses(conn, text, ())
                took.append(1_000 * (time.perf_counter() - began))
            figures.append(Figure(name=f"gazetteer: {name}", unit="ms", ours=took, limit=5, higher_is_better=False))
    return figures
