"""A gazetteer as a test needs it: the sample city, or a few streets of one's own."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from subscribers import atlas
from subscribers.areas import read_areas
from subscribers.dialog.turn import Sight
from subscribers.gazetteer import importing
from subscribers.gazetteer.rows import COLUMNS
from subscribers.place import Envelope, Point

PACK = Path(__file__).parents[3] / "city" / "portland"
BOX = Envelope(west=-123.3, south=45.2, east=-122.1, north=45.8)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SURE, APART = 0.8, 0.1  # of the dialog: above it a find is taken, unless another is as near as that


def sample_city(conn: Connection) -> None:
    for file in sorted((PACK / "areas").glob("*.geojson")):
        atlas.keep(conn, read_areas(file.read_bytes(), BOX).areas, file.stem, NOON)
    assert importing.keep(conn, PACK / "gazetteer.csv", BOX).notes == []


def a_row(
    number: object = 1120, street: str = "SW 5th Ave", code: str = "97204", lat: float = 45.515, lon: float = -122.677
) -> str:
    return f"{number},{street},{code},{lat},{lon}"


def a_file(folder: Path, rows: Iterable[str], header: str = ",".join(COLUMNS)) -> Path:
    path = folder / "addresses.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def streets(conn: Connection, folder: Path, *rows: str) -> None:
    """Only these houses, and no areas."""
    assert importing.keep(conn, a_file(folder, rows), BOX).notes == []


def words(sights: Iterable[Sight]) -> list[str]:
    return [sight.words for sight in sights]


def spot(sight: Sight) -> Point:
    assert isinstance(sight.spot, Point)
    return sight.spot


def houses() -> list[dict[str, str]]:
    """The rows of the pack's file."""
    with (PACK / "gazetteer.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
