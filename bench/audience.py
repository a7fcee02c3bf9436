"""P1: who is inside a polygon, of a million places, by our index and by PostGIS: the same people, boundary included.

Two hundred shapes from a block to the city: 40 of a block or two, 90 of a neighbourhood, 60 of a district, 10 of the city, a
fifth of each rectangles, circles, ragged outlines, rings around an island, and scattered parts. Both get a shape as WKB. Ours
gives the addresses to tell with how, where and in which language; PostGIS gives bare ids as one binary array, so
that none of its time goes into Python objects. They take turns, shape by shape.
"""

import contextlib
import dataclasses
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from bench.figures import Figure
from bench.geography import NORTH_EAST, SOUTH_WEST, Floats, points_of, shapes_of
from notify import schema
from notify.db import engine_for
from subscribers import store
from subscribers.index import Index
from subscribers.loading import caught_up, load
from subscribers.place import HOME, Point

PLACES = 1_000_000
ROUNDS = 3
LOADS = 3
MOVES = 20
SEED = 2014

BASES = ("opt-in",)

SETTINGS = ("shared_buffers=512MB", "work_mem=64MB", "maintenance_work_mem=256MB", "jit=off", "fsync=off")
WAIT = """
import json, os, sys
names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
with open(int(sys.argv[1]), "w") as pipe:
    print(json.dumps({word: os.environ[name] for word, name in names.items()}), file=pipe)
sys.stdin.read()
"""
INSIDE = "SELECT array_send(array_agg(place_id)) FROM place WHERE ST_Covers(ST_GeomFromWKB(%b, 4326), spot)"
ARRAY_HEADER = 20  # bytes of a one-dimensional array in binary form before its elements
ELEMENT = np.dtype([("length", ">i4"), ("id", ">i8")])

Ids = NDArray[np.int64]


def run() -> list[Figure]:
    """Measures. Ends the process with status 2 when PostGIS is missing."""
    version = postgis()
    rng = np.random.default_rng(SEED)
    shapes, sizes = shapes_of(rng)
    points = points_of(rng, shapes, PLACES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.db"
        keep(path, points)
        loads = [loaded_apart(path) for _ in range(LOADS)]
        with cluster(version) as server:
            fill(server, points)
            ours, peer = compare(path, server, [shapely.to_wkb(shape) for shape in shapes])
        steps = follow(path, shapes)
    return figures(ours, peer, np.array(sizes)) + side_figures(loads, steps)


def postgis() -> str:
    """The version of PostgreSQL that has PostGIS beside it."""
    versions = sorted(path.parent.parent.name for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    for version in reversed(versions):
        if Path(f"/usr/share/postgresql/{version}/extension/postgis.control").exists():
            return version
    package = f"postgresql-{versions[-1] if versions else 15}-postgis-3"
    print(f"The audience benchmark needs PostGIS: apt-get install -y {package}", file=sys.stderr)
    raise SystemExit(2)


def keep(path: Path, points: Floats) -> None:
    """A database of the service in which person, address and place number n have the same id, n."""
    engine = engine_for(f"sqlite:///{path}")
    schema.migrate(engine)
    engine.dispose()
    numbers = range(1, len(points) + 1)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.executemany(
            "INSERT INTO subscriber (subscriber_id, created_at, source) VALUES (?, '2014-05-23 00:00:00', '')",
            ((number,) for number in numbers),
        )
        conn.executemany(
            "INSERT INTO address (address_id, subscriber_id, channel, sealed, key_id, blind, language, basis)"
            " VALUES (?, ?, 'sms', ?, 'k1', ?, 'en', 'opt-in')",
            ((number, number, bytes(40), number.to_bytes(16, "big")) for number in numbers),
        )
        conn.executemany(
            f"INSERT INTO place (place_id, subscriber_id, label, kind, lon, lat) VALUES (?, ?, '{HOME}', 'point', ?, ?)",
            ((number, number, lon, lat) for number, (lon, lat) in zip(numbers, points.tolist(), strict=True)),
        )


def loaded_apart(path: Path) -> dict[str, float]:
    """Seconds and memory of reading everybody, from a fresh process."""
    command = [sys.executable, "-m", "bench.audience", "load", str(path)]
    child = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    measured: dict[str, float] = json.loads(child.stdout)
    return measured


def measure_load(path: Path) -> dict[str, float]:
    with engine_for(f"sqlite:///{path}", read_only=True).connect() as conn:
        begun = time.perf_counter()
        index = load(conn).index
        seconds = time.perf_counter() - begun
    if len(index) != PLACES:
        raise RuntimeError(f"{len(index)} addresses were read, not {PLACES}")
    kept = {id(array): array.nbytes for array in arrays_of(index)}
    return {
        "seconds": seconds,
        "kept_mb": sum(kept.values()) / 2**20,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def arrays_of(value: Any) -> Iterator[NDArray[Any]]:
    """Every array a dataclass holds, at any depth; of a view the array it looks into."""
    if isinstance(value, np.ndarray):
        yield value if value.base is None or not isinstance(value.base, np.ndarray) else value.base
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name))


@contextlib.contextmanager
def cluster(version: str) -> Iterator[psycopg.Connection[Any]]:
    """A PostgreSQL of our own, gone on the way out: pg_virtualenv keeps it while its child waits for its input to end."""
    settings = [part for setting in SETTINGS for part in ("-o", setting)]
    heard, said = os.pipe()  # a pipe of its own for the login: pg_virtualenv has words of its own for standard output
    command = ["pg_virtualenv", "-t", "-v", version, *settings, sys.executable, "-c", WAIT, str(said)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[said]), open(heard) as login:
        os.close(said)
        line = login.readline()
        if not line:
            raise RuntimeError("pg_virtualenv made no cluster")
        with psycopg.connect(**json.loads(line), autocommit=True) as server:
            yield server


def fill(server: psycopg.Connection[Any], points: Floats) -> None:
    """The same places as points in PostGIS, indexed and clustered along the index."""
    server.execute("CREATE EXTENSION postgis")
    server.execute("CREATE UNLOGGED TABLE raw (place_id bigint, lon float8, lat float8)")
    with server.cursor().copy("COPY raw FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int8", "float8", "float8"])
        for number, (lon, lat) in enumerate(points.tolist(), 1):
            copy.write_row((number, lon, lat))
    server.execute(
        "CREATE TABLE place AS"
        " SELECT place_id, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geometry(Point, 4326) AS spot FROM raw"
    )
    for statement in (
        "CREATE INDEX place_spot ON place USING gist (spot)",
        "CLUSTER place USING place_spot",
        "VACUUM ANALYZE place",
    ):
        server.execute(statement)


def compare(path: Path, server: psycopg.Connection[Any], shapes: Sequence[bytes]) -> tuple[Floats, Floats]:
    """Milliseconds of each, by round and shape. Raises RuntimeError when they do not name the same people."""
    with engine_for(f"sqlite:///{path}", read_only=True).connect() as conn:
        index = load(conn).index
    for wkb in shapes[-5:]:  # the largest warm what is read once
        inside(index, wkb), inside_by_postgis(server, wkb)
    times = np.empty((2, ROUNDS, len(shapes)))
    for turn in range(ROUNDS):
        for number, wkb in enumerate(shapes):
            start = time.perf_counter()
            ours = inside(index, wkb)
            between = time.perf_counter()
            theirs = inside_by_postgis(server, wkb)
            times[:, turn, number] = between - start, time.perf_counter() - between
            if not np.array_equal(np.sort(ours), np.sort(theirs)):
                differ = len(np.setxor1d(ours, theirs))
                raise RuntimeError(f"shape {number}: ours {len(ours)}, PostGIS {len(theirs)} people, {differ} differ")
    return times[0] * 1_000, times[1] * 1_000


def inside(index: Index, wkb: bytes) -> Ids:
    return index.match(shapely.from_wkb(wkb), citywide=False, bases=BASES).address_id


def inside_by_postgis(server: psycopg.Connection[Any], wkb: bytes) -> Ids:
    row = server.execute(INSIDE, [wkb], binary=True, prepare=False).fetchone()
    return np.frombuffer(row[0], ELEMENT, offset=ARRAY_HEADER)["id"] if row and row[0] else np.empty(0, np.int64)


def follow(path: Path, shapes: Sequence[Any]) -> list[float]:
    """Milliseconds from the commit of one person's move until the index knows it; then it must equal one read anew."""
    rng = np.random.default_rng(SEED)
    engine = engine_for(f"sqlite:///{path}")
    steps = []
    with engine.begin() as conn:
        audience = load(conn)
    for person in rng.integers(1, PLACES, MOVES).tolist():
        lon, lat = rng.uniform(SOUTH_WEST, NORTH_EAST).tolist()
        with engine.begin() as conn:
            store.move_place(conn, person, HOME, Point(lat, lon))
        start = time.perf_counter()
        with engine.connect() as conn:
            audience = caught_up(conn, audience)
        steps.append((time.perf_counter() - start) * 1_000)
    with engine.connect() as conn:
        fresh = load(conn)
    engine.dispose()
    for wkb in map(shapely.to_wkb, shapes[-20:]):
        if not np.array_equal(np.sort(inside(audience.index, wkb)), np.sort(inside(fresh.index, wkb))):
            raise RuntimeError("after the moves the index differs from one read anew")
    return steps


def figures(ours: Floats, peer: Floats, sizes: NDArray[np.str_]) -> list[Figure]:
    """From milliseconds by round and shape, and each shape's size."""

    def beside(name: str, unit: str, of: Callable[[Floats], Floats], **target: Any) -> Figure:
        return Figure(
            name=f"P1 {name}",
            unit=unit,
            ours=of(ours).tolist(),
            peer=of(peer).tolist(),
            peer_name="PostGIS ST_Covers",
            higher_is_better=False,
            **target,
        )

    return [
        beside(
            f"people in a polygon, {PLACES:,} places, median of {len(sizes)} polygons",
            "ms",
            median_where(np.ones(len(sizes), np.bool_)),
            target_ratio=0.1,
            note="identical people each time, boundary included",
        ),
        beside("people in a polygon, 95 % within", "ms", lambda times: np.percentile(times, 95, axis=1), limit=20),
        beside("people in a polygon, all", "s", lambda times: times.sum(axis=1) / 1_000),
        *(
            beside(f"people in a polygon of a {size}, median", "ms", median_where(sizes == size))
            for size in dict.fromkeys(sizes.tolist())
        ),
    ]


def median_where(chosen: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
    """The median of each round over some of the shapes."""
    return lambda times: np.median(times[:, chosen], axis=1)


def side_figures(loads: Sequence[dict[str, float]], steps: Sequence[float]) -> list[Figure]:
    """From what reading everybody took, and the milliseconds of following one person."""
    peak_mb = max(load["peak_mb"] for load in loads)
    return [
        Figure(
            name=f"P1 reading {PLACES:,} people from SQLite into the index",
            unit="s",
            ours=[load["seconds"] for load in loads],
            higher_is_better=False,
        ),
        Figure(
            name="P1 memory of the index",
            unit="MB",
            ours=[load["kept_mb"] for load in loads],
            higher_is_better=False,
            note=f"process at most {peak_mb:.0f} MB while reading",
        ),
        Figure(name="P1 one person's move followed", unit="ms", ours=steps, higher_is_better=False),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        print(json.dumps(measure_load(Path(sys.argv[2]))))
    else:
        for figure in run():
            print(figure.line())
