"""Passwords and one-time codes: what is good enough, and what fits. Pure but for random seeds. Hashing takes 0.1 s."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SHORTEST: Final = 12  # characters; NIST SP 800-63B asks for 8 where a second factor stands beside
LONGEST: Final = 200
LEAST_DIFFERENT: Final = 5
STEP_S: Final = 30  # RFC 6238
DIGITS: Final = 6
STEPS_LATE: Final = (0, -1, 1)  # a clock half a minute off
SEED_BYTES: Final = 20  # RFC 4226 section 4

_HASHER: Final = PasswordHasher()  # Argon2id with the parameters of RFC 9106's second choice
# What is compared when there is no such person: the answer takes as long as for somebody there is. Made once, from 16 random
# bytes that nobody kept, with the parameters of _HASHER.
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$T8BOq9Mw9Th/MUMGE+PfKA$Ft10DfGBXtUNx1yn6Twl1nyjp/GCgiZppiqaCB1HCSc"


def problems(password: str, person_id: str) -> list[str]:
    """Why a password is not good enough, as sentences."""
    found = []
    if len(password) < SHORTEST:
        found.append(f"The password has {len(password)} characters; it needs {SHORTEST}. A short sentence is a good one.")
    if len(password) > LONGEST:
        found.append(f"The password has more than {LONGEST} characters.")
    if len(set(password)) < LEAST_DIFFERENT:
        found.append(f"The password has fewer than {LEAST_DIFFERENT} different characters.")
    if person_id.casefold() in password.casefold():
        found.append("The password must not hold your name.")
    return found


def hashed(password: str) -> str:
    return _HASHER.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether this is the password. kept: None when there is no such person, which takes as long."""
    try:
        return _HASHER.verify(kept or _NOBODY, password[:LONGEST]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def new_seed() -> bytes:
    return secrets.token_bytes(SEED_BYTES)


def typed_form(seed: bytes) -> str:
    """The seed as a person types it into an app: base32 in fours."""
    letters = base64.b32encode(seed).decode().rstrip("=")
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def link(seed: bytes, person_id: str, issuer: str) -> str:
    """The otpauth address that apps read from a QR code."""
    secret = base64.b32encode(seed).decode().rstrip("=")
    return f"otpauth://totp/{quote(issuer)}:{quote(person_id)}?secret={secret}&issuer={quote(issuer)}"


def code_at(seed: bytes, at: datetime) -> str:
    return TOTP(seed, DIGITS, SHA1(), STEP_S).generate(int(at.timestamp())).decode()


def step_of(seed: bytes, code: str, at: datetime, after: int) -> int | None:
    """The step a code belongs to, if it is one of now and later than step `after`; None otherwise."""
    given = code.replace(" ", "")
    now = int(at.timestamp()) // STEP_S
    fitting = [now + late for late in STEPS_LATE if hmac.compare_digest(_at_step(seed, now + late), given.encode())]
    return next((step for step in fitting if step > after), None)


def _at_step(seed: bytes, step: int) -> bytes:
    return TOTP(seed, DIGITS, SHA1(), STEP_S).generate(step * STEP_S)
