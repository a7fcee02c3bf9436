"""Certificates of drills: a file that the training instance signs and the live one believes. Ed25519 over canonical JSON. Pure
but for the key's file."""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pydantic import TypeAdapter, ValidationError

from notify.keys import KeysError
from notify.staff.training import Part

KIND: Final = "tocsin certificate of drills, version 1"
MOST_BYTES: Final = 4 * 1024 * 1024
AHEAD: Final = timedelta(minutes=5)  # how far the other machine's clock may be ahead of ours
PARTS: Final = TypeAdapter(list[Part])


class BadCertificate(ValueError):
    """It does not count; `problems` says why, and nothing of it was taken."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def own_key(path: Path) -> Ed25519PrivateKey:
    """The training instance's key, made with mode 600 when there is none. Raises KeysError."""
    if not path.exists():
        fresh = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(fresh)
    if path.stat().st_mode & 0o077:
        raise KeysError(f"{path} can be read by others. Run: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise KeysError(f"{path} cannot be read: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysError(f"{path} holds a key of another kind than Ed25519.")
    return key


def public(key: Ed25519PrivateKey) -> str:
    """The key's public half, as it stands in TOCSIN_DRILL_KEY: 44 letters of base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def issue(parts: Sequence[Part], city: str, key: Ed25519PrivateKey, now: datetime) -> str:
    """The certificate's text."""
    said: dict[str, Any] = {
        "kind": KIND,
        "city": city,
        "issued_at": now.isoformat(),
        "key": public(key),
        "parts": json.loads(PARTS.dump_json(list(parts))),
    }
    signature = base64.b64encode(key.sign(_canonical(said))).decode()
    return json.dumps(said | {"signature": signature}, ensure_ascii=False, indent=1) + "\n"


def read(text: str, city: str, trusted: str, now: datetime) -> list[Part]:
    """What a certificate says. trusted: the public key believed here, "" for none. Raises BadCertificate."""
    if not trusted:
        raise BadCertificate(["TOCSIN_DRILL_KEY is empty: say whose certificates count ('tocsin drill key' on training)."])
    said = _opened(text)
    signature = said.pop("signature", "")
    if said.get("kind") != KIND:
        raise BadCertificate(["This is no certificate of drills of this version."])
    if said.get("key") != trusted:
        raise BadCertificate(["It is signed with another key than TOCSIN_DRILL_KEY names."])
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(trusted, validate=True)).verify(
            base64.b64decode(signature, validate=True), _canonical(said)
        )
    except (InvalidSignature, ValueError, TypeError):
        raise BadCertificate(["Its signature does not hold: it was changed, or is no certificate of that key."]) from None
    try:
        parts = PARTS.validate_python(said.get("parts"))
        issued_at = datetime.fromisoformat(str(said.get("issued_at")))
    except (ValidationError, ValueError) as error:
        raise BadCertificate([f"It cannot be read: {str(error).splitlines()[0]}."]) from None
    if problems := _unfit(said.get("city"), city, parts, [issued_at, *(part.ended for part in parts)], now):
        raise BadCertificate(problems)
    return parts


def _opened(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text) if len(text) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadCertificate(["This is no certificate: it is not a JSON object of at most 4 MB."])
    return said


def _unfit(of: Any, city: str, parts: Sequence[Part], times: Sequence[datetime], now: datetime) -> list[str]:
    problems = [] if of == city else [f"It is of {of}, and this is {city}."]
    if any(at.tzinfo is None or at > now + AHEAD for at in times):
        problems.append("It speaks of times that have not come yet: one of the two clocks is wrong.")
    if any(part.ended < part.began for part in parts):
        problems.append("It has a drill that ends before it begins.")
    return problems


def _canonical(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def as_detail(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts as the log keeps them."""
    return [asdict(part) | {"began": part.began.isoformat(), "ended": part.ended.isoformat()} for part in parts]
