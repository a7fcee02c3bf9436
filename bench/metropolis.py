"""A town of a million people, made once and kept between runs: whoever measures gets a copy of its database."""

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import phonenumbers
from sqlalchemy import Connection, insert

from notify import keys, schema
from notify.db import Database, engine_for
from subscribers import store
from subscribers.sealing import Keyring
from tests.stories.town import CITY, Town

CHUNK: Final = 50_000
EACH_CODE: Final = 10_000  # numbers in exchange 555 of an area code
SPOKEN: Final = {  # language -> share; about Portland's
    "en": 0.80,
    "es": 0.08,
    "vi": 0.03,
    "zh-Hant": 0.02,
    "ru": 0.02,
    "uk": 0.01,
    "ro": 0.01,
    "so": 0.01,
    "ar": 0.01,
    "ja": 0.005,
    "lo": 0.0025,
    "ko": 0.0025,
}


def town(home: Path, people: int, database_url: str = "", *, rate: float, mailed: bool = False) -> Town:
    """A town of so many people in `home`, half of them with a mailbox and no telephone if `mailed`. On SQLite (no database_url)
    a copy of one made earlier, if there is one."""
    if database_url:
        made = Town.create(home, database_url, rate=rate)
        _settle(made, people, mailed)
        return made
    kept = _kept(f"{people}-mailed" if mailed else f"{people}")
    if not kept.exists():
        making = Path(tempfile.mkdtemp(dir=kept.parent)) / "town"
        made = Town.create(making, f"sqlite:///{making / 'tocsin.db'}")
        _settle(made, people, mailed)
        (making / "tokens.json").write_text(json.dumps(made.tokens))
        os.replace(making, kept)
    shutil.copytree(kept, home)
    engine = engine_for(f"sqlite:///{home / 'tocsin.db'}")
    schema.migrate(engine)
    engine.dispose()
    tokens = json.loads((home / "tokens.json").read_text())
    return Town(home, f"sqlite:///{home / 'tocsin.db'}", keys.load(home / "keys.toml"), tokens, rate=rate)


def _kept(name: str) -> Path:
    """Named for how it is made; a copy is brought to the newest schema."""
    made_from = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / "tocsin-bench"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}-{made_from}"


def area_codes() -> list[str]:
    """Those whose exchange 555 counts as a telephone number."""
    codes = (str(code) for code in range(201, 1_000))
    return [code for code in codes if phonenumbers.is_valid_number(phonenumbers.parse(f"+1{code}5550100"))]


def _settle(town: Town, people: int, mailed: bool) -> None:
    codes = area_codes()
    with closing(Database(town.database_url)) as db:
        for first in range(0, people, CHUNK):
            count = min(CHUNK, people - first)
            db.write_now(partial(_add, ring=town.ring, codes=codes, mailed=mailed, first=first, count=count))
        db.write_now(partial(store.note_change, subscriber_id=None))


def _add(conn: Connection, ring: Keyring, codes: list[str], mailed: bool, first: int, count: int) -> None:
    """People with one address and one home each, anywhere in the city."""
    rng = np.random.default_rng(first)
    made = insert(store.SUBSCRIBER).returning(store.SUBSCRIBER.c.subscriber_id, sort_by_parameter_order=True)
    ids = conn.scalars(made, [{"created_at": datetime.now(UTC), "source": "bench"}] * count).all()
    languages = rng.choice(list(SPOKEN), count, p=list(SPOKEN.values())).tolist()
    addresses = []
    for number, (subscriber_id, language) in enumerate(zip(ids, languages, strict=True), first):
        phone = f"+1{codes[number // EACH_CODE]}555{number % EACH_CODE:04d}"
        channel, address = ("email", f"resident{number}@example.gov") if mailed and number % 2 else ("sms", phone)
        addresses.append(_address(ring, subscriber_id, channel, address, language))
    conn.execute(insert(store.ADDRESS), addresses)
    west, south, east, north = CITY.bounds
    lon, lat = rng.uniform(west, east, count).tolist(), rng.uniform(south, north, count).tolist()
    places = [
        {"subscriber_id": one, "label": "HOME", "kind": "point", "lon": x, "lat": y}
        for one, x, y in zip(ids, lon, lat, strict=True)
    ]
    conn.execute(insert(store.PLACE), places)


def _address(ring: Keyring, subscriber_id: int, channel: str, address: str, language: str) -> dict[str, Any]:
    sealed = ring.seal(channel, address)
    return {
        "subscriber_id": subscriber_id,
        "channel": channel,
        "sealed": sealed.data,
        "key_id": sealed.key_id,
        "blind": ring.blind(channel, address),
        "language": language,
        "basis": "opt-in",
    }
