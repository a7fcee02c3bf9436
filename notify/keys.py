"""The keys file: made once by `tocsin init`, readable by its owner alone, never in the database or a backup of it."""

import base64
import os
import secrets
import tomllib
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from subscribers.sealing import KEY_BYTES, Keyring


class KeysError(Exception):
    """The keys cannot be used; the message says what is wrong and what to do."""


def create(path: Path) -> Keyring:
    """Makes a new keys file with mode 600. Raises KeysError when there is one: losing keys loses every address."""
    text = _text("k1", {"k1": secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise KeysError(f"{path} exists already and is kept: without it no address could ever be read again.") from None
    return load(path)


def load(path: Path) -> Keyring:
    """Raises KeysError."""
    try:
        given = tomllib.loads(path.read_text("ascii"))
    except FileNotFoundError:
        raise KeysError(
            f"{path} is missing. 'tocsin init' makes it; if there was one, restore it from where it is kept."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read: {error}") from None
    if path.stat().st_mode & 0o077:
        raise KeysError(f"{path} can be read by others. Run: chmod 600 {path}")
    try:
        keys = {name: base64.b64decode(value, validate=True) for name, value in given["keys"].items()}
        return Keyring(current=given["current"], keys=keys, blind_key=base64.b64decode(given["blind"], validate=True))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise KeysError(f"{path} does not hold what it should: {error}") from None


def add_key(path: Path) -> Keyring:
    """Adds a new current key beside the old ones, which go on opening what they sealed. Written atomically."""
    ring = load(path)
    name = next(name for number in count(1) if (name := f"k{number}") not in ring.keys)
    text = _text(name, {**ring.keys, name: secrets.token_bytes(KEY_BYTES)}, ring.blind_key)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    return load(path)


def _text(current: str, keys: Mapping[str, bytes], blind: bytes) -> str:
    lines = [f'current = "{current}"', f'blind = "{base64.b64encode(blind).decode()}"', "", "[keys]"]
    lines += [f'{name} = "{base64.b64encode(key).decode()}"' for name, key in keys.items()]
    return "\n".join(lines) + "\n"
